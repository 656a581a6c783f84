/* tools/depctl/depctl.c - the control directory for people: finds the subcommand and its common
 * options.
 */
#include "tools/depctl/depctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/kms.h"
#include "tools/depctl/out.h"

static int cmd_help(int argc, char **argv, const struct cmd_env *env);

static const struct command {
	const char *name;
	cmd_fn run;
} commands[] = {
	{"status", cmd_status},
	{"policy", cmd_policy},
	{"assign", cmd_assign},
	{"unassign", cmd_unassign},
	{"assignment", cmd_assignment},
	{"mailbox", cmd_mailbox},
	{"events", cmd_events},
	{"inspect", cmd_inspect},
	{"key", cmd_key},
	{"doctor", cmd_doctor},
	{"job", cmd_job},
	{"renew", cmd_renew},
	{"scan", cmd_scan},
	{"coverage", cmd_coverage},
	{"help", cmd_help},
};

static cmd_fn command_find(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].run;
	return cmdlet_find(name);
}

static int cmd_help(int argc, char **argv, const struct cmd_env *env)
{
	char command[128];

	(void)env;
	if (argc == 1 || cmd_wants_help(argc, argv))
		return cmd_usage(NULL);
	(void)snprintf(command, sizeof(command), "%s%s%s", argv[1], argc > 2 ? " " : "",
		       argc > 2 ? argv[2] : "");
	if (argc > 3 || !cmd_usage_known(command))
		return cmd_usage_error(NULL, "help: there is no command '%s'", command);
	return cmd_usage(command);
}

/* The words of a command line, sorted out. */
struct words {
	struct cmd_env env;
	int argc; /* of the subcommand */
	char **argv;
};

/* A value: what stands behind "=" in the word itself, else the next word. */
static int take_value(const char *name, char **argv, int *i, const char **ret_value)
{
	const char *word = argv[*i], *equals = strchr(word, '=');

	if (strncmp(word, "--", 2) == 0 && equals)
		*ret_value = equals + 1;
	else if (word[1] != '-' && word[2] != '\0')
		*ret_value = word + 2; /* -mMOUNT */
	else if (argv[*i + 1])
		*ret_value = argv[++*i];
	else
		return cmd_usage_error(NULL, "%s needs a value", name);
	return CMD_OK;
}

static bool is_option(const char *word, const char *name)
{
	size_t len = strlen(name);

	return strncmp(word, name, len) == 0 && (word[len] == '\0' || word[len] == '=');
}

static bool is_version(const char *word)
{
	return strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0;
}

/* @ret_taken: whether argv[*i] was one of the common options. */
static int take_common(struct words *w, char **argv, int *i, bool *ret_taken)
{
	const char *word = argv[*i];

	*ret_taken = true;
	if (strcmp(word, "--json") == 0) {
		w->env.json = true;
		return CMD_OK;
	}
	if (strncmp(word, "-m", 2) == 0 || is_option(word, "--mount"))
		return take_value("-m", argv, i, &w->env.mount);
	if (is_option(word, "--vaults"))
		return take_value("--vaults", argv, i, &w->env.vaults_dir);
	*ret_taken = false;
	return CMD_OK;
}

/*
 * Common options may stand anywhere before "--". Behind the name of a cmdlet they may not: there
 * every word is a parameter's, and the cmdlet itself looks for --json.
 */
static int sort_words(int argc, char **argv, struct words *w)
{
	bool common = true;

	for (int i = 1; i < argc; i++) {
		bool taken = false;
		int r = common ? take_common(w, argv, &i, &taken) : CMD_OK;

		if (r != CMD_OK)
			return r;
		if (taken)
			continue;
		if (w->argc == 0 && argv[i][0] == '-' && !cmd_wants_help(2, &argv[i - 1]) &&
		    !is_version(argv[i]))
			return cmd_usage_error(NULL, "%s: unknown option", argv[i]);
		w->argv[w->argc++] = argv[i];
		common = common && strcmp(argv[i], "--") != 0 &&
			 (w->argc > 1 || !cmdlet_find(argv[i]));
	}
	w->argv[w->argc] = NULL;
	return CMD_OK;
}

static int run(struct words *w)
{
	cmd_fn fn;

	if (w->argc == 0)
		return cmd_usage_error(NULL, "a command is missing");
	if (is_version(w->argv[0])) {
		printf("depctl %s\n", DEPFS_VERSION);
		return CMD_OK;
	}
	if (w->argv[0][0] == '-')
		return cmd_usage(NULL);
	fn = command_find(w->argv[0]);
	if (!fn)
		return cmd_usage_error(NULL, "there is no command '%s'", w->argv[0]);
	return fn(w->argc, w->argv, &w->env);
}

int main(int argc, char **argv)
{
	CLEANUP(free_mem_p) char **room = calloc((size_t)argc + 1, sizeof(*room));
	struct words w = {.argv = room};
	int exit_code, r;

	if (!room)
		return cmd_refuse(-ENOMEM, NULL);
	w.env.vaults_dir = getenv("DEPFS_VAULTS");
	if (!w.env.vaults_dir || !*w.env.vaults_dir)
		w.env.vaults_dir = KMS_LOCAL_VAULTS_DIR;

	exit_code = sort_words(argc, argv, &w);
	if (exit_code == CMD_OK)
		exit_code = run(&w);

	r = out_flush();
	if (r < 0 && exit_code == CMD_OK) {
		struct err err = {0};

		exit_code = cmd_refuse(err_set(&err, r, "standard output: %s", strerror(-r)), &err);
	}
	return exit_code;
}
