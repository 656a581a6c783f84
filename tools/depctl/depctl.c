/* tools/depctl/depctl.c - main() of depctl: takes the common options out of the command line, and
 * runs the subcommand. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/version.h"
#include "kms/kms.h"
#include "tools/depctl/output/text.h"
#include "tools/depctl/subcommands.h"

/* A command line without the common options. */
struct words {
	struct cmd_env env;
	int argc; /* of the subcommand */
	char **argv;
};

/* The value of the option argv[*i]: behind "=" or the letter, else the next word. */
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
	if (strcmp(word, "--wait") == 0) {
		w->env.wait = true;
		return CMD_OK;
	}
	if (strncmp(word, "-m", 2) == 0 || is_option(word, "--mount"))
		return take_value("-m", argv, i, &w->env.mount);
	if (is_option(word, "--vaults"))
		return take_value("--vaults", argv, i, &w->env.vaults_dir);
	*ret_taken = false;
	return CMD_OK;
}

static bool is_cmdlet(const char *name)
{
	const struct cmd_row *row = cmd_find(name);

	return row && cmd_is_cmdlet(row);
}

/*
 * Common options may stand anywhere before "--", but not behind the name of a cmdlet: each word
 * there belongs to a parameter, and the cmdlet looks for --json itself
 * (tools/depctl/cmdlets/args.h).
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
			 (w->argc > 1 || !is_cmdlet(argv[i]));
	}
	w->argv[w->argc] = NULL;
	return CMD_OK;
}

static int run(struct words *w)
{
	const struct cmd_row *row;

	if (w->argc == 0)
		return cmd_usage_error(NULL, "a command is missing");
	if (is_version(w->argv[0])) {
		printf("depctl %s\n", version_text);
		return CMD_OK;
	}
	if (w->argv[0][0] == '-')
		return cmd_usage(NULL);
	row = cmd_find(w->argv[0]);
	if (!row)
		return cmd_unknown(NULL, w->argv[0]);
	return row->run(w->argc, w->argv, &w->env);
}

int main(int argc, char **argv)
{
	CLEANUP(free_mem_p) char **argv_left = calloc((size_t)argc + 1, sizeof(*argv_left));
	struct words w = {.argv = argv_left};
	int exit_code, r;

	if (!argv_left)
		return cmd_refuse(-ENOMEM, NULL);
	cmd_table_set(subcommands, n_subcommands);
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
