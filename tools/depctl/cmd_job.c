/* tools/depctl/cmd_job.c - depctl job: how far the re-wrapping of existing files is, and steering
 * it. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/depctl/change.h"
#include "tools/depctl/depctl.h"
#include "tools/depctl/out.h"

#define JOBS	  "jobs"
#define BAR_WIDTH 40
#define LOOK_MS	  500u
#define N_COLUMNS 10 /* of the list */

struct job_call {
	const struct cmd_env *env;
	const char *no, *rate; /* operands; NULL: not given */
	const char *verb;
	struct client *ctl;
	struct err err;
};

static int refuse(struct job_call *c, int r)
{
	return cmd_refuse(r, &c->err);
}

static int job_file(struct job_call *c, const char *no, const char *file, char **ret_path)
{
	if (!*no || strspn(no, "0123456789") != strlen(no))
		return err_set(&c->err, -EINVAL, "'%s' is not the number of a job", no);
	*ret_path = client_join(JOBS, no, file);
	return *ret_path ? 0 : err_set(&c->err, -ENOMEM, "out of memory");
}

static int job_text(struct job_call *c, const char *no, const char *file, char **ret_text)
{
	CLEANUP(free_mem_p) char *path = NULL;
	int r = job_file(c, no, file, &path);

	if (r == 0)
		r = client_read(c->ctl, path, ret_text, &c->err);
	return r == -ENOENT ? err_set(&c->err, r, "there is no job %s", no) : r;
}

static int job_read(struct job_call *c, const char *no, struct fields *ret_fields)
{
	char *text = NULL;
	int r = job_text(c, no, "status", &text);

	return r < 0 ? r : fields_parse(text, ret_fields);
}

/* Counts as numbers, the rest as text; null where there is nothing to say yet, or any more. */
static json_t *job_json(const struct fields *f)
{
	json_t *object = json_object();

	for (size_t i = 0; i < f->count; i++) {
		const char *value = f->items[i].value;
		bool number = *value && strspn(value, "0123456789") == strlen(value);
		bool nothing = strcmp(value, "counting") == 0 || strcmp(value, "unknown") == 0 ||
			       strcmp(value, "never") == 0 ||
			       (strcmp(value, "none") == 0 && strcmp(f->items[i].name, "eta") == 0);

		out_set(object, f->items[i].name,
			nothing	 ? json_null()
			: number ? json_integer(strtoll(value, NULL, 10))
				 : out_text_json(value));
	}
	return object;
}

static int run_show(struct job_call *c)
{
	CLEANUP(fields_fini) struct fields f = {0};
	int r = job_read(c, c->no, &f);

	if (r < 0)
		return refuse(c, r);
	if (c->env->json) {
		out_json(job_json(&f));
		return CMD_OK;
	}
	for (size_t i = 0; i < f.count; i++)
		out_pair(f.items[i].name, f.items[i].value);
	return CMD_OK;
}

static int by_number(const void *a, const void *b)
{
	unsigned long long x = strtoull(*(char *const *)a, NULL, 10);
	unsigned long long y = strtoull(*(char *const *)b, NULL, 10);

	return x < y ? -1 : x > y;
}

static int run_list(struct job_call *c)
{
	static const char *const headings[] = {"JOB",  "KIND",	  "POLICY", "MAILBOX", "STATE",
					       "DONE", "SKIPPED", "FAILED", "TOTAL",   "PATH"};
	static const char *const names[] = {"job",  "kind",    "policy", "mailbox", "state",
					    "done", "skipped", "failed", "total",   "path"};
	CLEANUP(out_table_free_p) struct out_table *table = out_table_new(N_COLUMNS, headings);
	CLEANUP(json_decref_p) json_t *array = json_array();
	CLEANUP(client_names_fini) struct client_names jobs = {0};
	int r = client_list(c->ctl, JOBS, &jobs, &c->err);

	if (r == 0 && jobs.count)
		qsort(jobs.names, jobs.count, sizeof(*jobs.names), by_number);
	for (size_t i = 0; r == 0 && i < jobs.count; i++) {
		CLEANUP(fields_fini) struct fields f = {0};
		const char *cells[N_COLUMNS];

		r = job_read(c, jobs.names[i], &f);
		if (r == -ENOENT) {
			r = 0; /* forgotten since */
			continue;
		}
		for (size_t k = 0; r == 0 && k < N_COLUMNS; k++)
			cells[k] = fields_get(&f, names[k]) ?: "-";
		if (r == 0 && c->env->json)
			out_append(array, job_json(&f));
		else if (r == 0)
			out_table_row(table, cells);
	}
	if (r < 0)
		return refuse(c, r);
	if (c->env->json)
		out_json(STEAL(array));
	else
		out_table_print(table);
	return CMD_OK;
}

static int run_failed(struct job_call *c)
{
	CLEANUP(free_mem_p) char *text = NULL;
	int r = job_text(c, c->no, "failed", &text);

	if (r < 0)
		return refuse(c, r);
	(void)fputs(text, stdout);
	return CMD_OK;
}

static int write_control(struct job_call *c, const char *command)
{
	CLEANUP(free_mem_p) char *path = NULL;
	CLEANUP(free_mem_p) char *answer = NULL;
	CLEANUP(fields_fini) struct fields f = {0};
	int r = job_file(c, c->no, "control", &path);

	if (r == 0)
		r = client_write(c->ctl, path, command, &answer, &c->err);
	if (r == -ENOENT)
		r = err_set(&c->err, r, "there is no job %s", c->no);
	if (r < 0)
		return refuse(c, r);
	if (!c->env->json)
		return change_say(c->env, answer, NULL, NULL);
	r = job_read(c, c->no, &f);
	if (r < 0)
		return refuse(c, r);
	out_json(job_json(&f));
	return CMD_OK;
}

static int run_command(struct job_call *c)
{
	return write_control(c, c->verb);
}

static int run_rate(struct job_call *c)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rate=%.40s", c->rate);
	return write_control(c, command);
}

/* ---- watch ---- */

static uint64_t number(const struct fields *f, const char *name)
{
	return strtoull(fields_get(f, name) ?: "0", NULL, 10);
}

static bool is_state(const struct fields *f, const char *state)
{
	return strcmp(fields_get(f, "state") ?: "", state) == 0;
}

static bool has_ended(const struct fields *f)
{
	return is_state(f, "done") || is_state(f, "failed") || is_state(f, "cancelled") ||
	       is_state(f, "superseded");
}

static void line_print(const struct fields *f, bool terminal, bool ended)
{
	uint64_t total = number(f, "total");
	uint64_t seen = number(f, "done") + number(f, "skipped") + number(f, "failed");
	uint64_t part =
		total ? (seen < total ? seen : total) * 100 / total : is_state(f, "done") * 100;
	char bar[BAR_WIDTH + 1];

	for (uint64_t i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < part * BAR_WIDTH / 100 ? '#' : '-';
	bar[BAR_WIDTH] = '\0';
	if (terminal)
		printf("\r[%s] ", bar);
	printf("%3llu%% %s: %llu of %s files, %s failed", (unsigned long long)part,
	       fields_get(f, "state"), (unsigned long long)seen, fields_get(f, "total"),
	       fields_get(f, "failed"));
	if (!ended)
		printf(", %s, eta %s", fields_get(f, "rate"), fields_get(f, "eta"));
	fputs(terminal ? "\033[K" : "\n", stdout);
	(void)fflush(stdout);
}

/* A line each time something moved; on a terminal it is drawn over itself. */
static int run_watch(struct job_call *c)
{
	const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
	bool terminal = isatty(STDOUT_FILENO);
	char before[400] = "", now[400];

	for (;;) {
		CLEANUP(fields_fini) struct fields f = {0};
		int r = job_read(c, c->no, &f);
		bool ended;

		if (r < 0)
			return refuse(c, r);
		ended = has_ended(&f);
		(void)snprintf(now, sizeof(now), "%s %s %s %s %s", fields_get(&f, "state"),
			       fields_get(&f, "total"), fields_get(&f, "done"),
			       fields_get(&f, "skipped"), fields_get(&f, "failed"));
		if (strcmp(now, before) != 0)
			line_print(&f, terminal, ended);
		memcpy(before, now, sizeof(before));
		if (ended) {
			if (terminal)
				putchar('\n');
			return is_state(&f, "done") ? CMD_OK : CMD_REFUSED;
		}
		(void)nanosleep(&pause, NULL); /* shorter is fine */
	}
}

static const struct job_verb {
	const char *name;
	int (*run)(struct job_call *c);
	int n_operands;
} verbs[] = {
	{"list", run_list, 0},	    {"show", run_show, 1},     {"watch", run_watch, 1},
	{"failed", run_failed, 1},  {"pause", run_command, 1}, {"resume", run_command, 1},
	{"cancel", run_command, 1}, {"retry", run_command, 1}, {"rate", run_rate, 2},
};

static const struct job_verb *verb_find(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

int cmd_job(int argc, char **argv, const struct cmd_env *env)
{
	CLEANUP(client_free_p) struct client *ctl = NULL;
	struct job_call c = {.env = env};
	const struct job_verb *verb;
	char command[32];
	int r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage("job");
	if (argc < 2)
		return cmd_usage_error("job", "job: a command is missing");
	verb = verb_find(argv[1]);
	if (!verb)
		return cmd_usage_error("job", "job %s: there is no such command", argv[1]);
	(void)snprintf(command, sizeof(command), "job %s", verb->name);
	if (cmd_wants_help(argc - 1, argv + 1))
		return cmd_usage(command);
	if (argc > 2 && argv[2][0] == '-')
		return cmd_usage_option(command, '?', argv[2]);
	if (argc - 2 != verb->n_operands)
		return cmd_usage_count(command, argc - 2, verb->n_operands);
	c.verb = verb->name;
	c.no = argc > 2 ? argv[2] : NULL;
	c.rate = argc > 3 ? argv[3] : NULL;
	r = client_open(env->mount, &ctl, &c.err);
	if (r < 0)
		return refuse(&c, r);
	c.ctl = ctl;
	return verb->run(&c);
}
