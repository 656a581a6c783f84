/* tools/depctl/commands/job.c - depctl job: the jobs that re-wrap or count existing files, their
 * progress, and the commands to one. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/depctl/cli/change.h"
#include "tools/depctl/cli/verbs.h"
#include "tools/depctl/client/jobs.h"
#include "tools/depctl/commands/commands.h"
#include "tools/depctl/output/json.h"
#include "tools/depctl/output/text.h"

#define BAR_WIDTH 40
#define POLL_MS	  500u
#define N_COLUMNS 10 /* of the list */

static int job_check(struct verb_call *c)
{
	const char *no = c->operands[0];

	if (!*no || strspn(no, "0123456789") != strlen(no))
		return err_set(&c->err, -EINVAL, "'%s' is not the number of a job", no);
	return 0;
}

/* @r: of reading or writing any file of a job; -ENOENT gets the sentence that there is no such
 * job. */
static int job_absent(struct verb_call *c, int r)
{
	return r == -ENOENT ? err_set(&c->err, r, "there is no job %s", c->operands[0]) : r;
}

static int job_read(struct verb_call *c, struct fields *ret_fields)
{
	int r = job_check(c);

	return r < 0 ? r : job_absent(c, job_status(c->ctl, c->operands[0], ret_fields, &c->err));
}

/* Counts as numbers, the rest as text; null for what is not known yet, or no longer applies. */
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

static int run_show(struct verb_call *c)
{
	CLEANUP(fields_fini) struct fields f = {0};
	int r = job_read(c, &f);

	if (r < 0)
		return verb_refuse(c, r);
	if (c->env->json) {
		out_json(job_json(&f));
		return CMD_OK;
	}
	fields_print(&f);
	return CMD_OK;
}

static int run_list(struct verb_call *c)
{
	static const char *const headings[] = {"JOB",  "KIND",	  "POLICY", "MAILBOX", "STATE",
					       "DONE", "SKIPPED", "FAILED", "TOTAL",   "PATH"};
	static const char *const names[] = {"job",  "kind",    "policy", "mailbox", "state",
					    "done", "skipped", "failed", "total",   "path"};
	CLEANUP(out_table_free_p) struct out_table *table = out_table_new(N_COLUMNS, headings);
	CLEANUP(json_decref_p) json_t *array = json_array();
	CLEANUP(client_names_fini) struct client_names jobs = {0};
	int r = jobs_list(c->ctl, JOBS_OLDEST_FIRST, &jobs, &c->err);

	for (size_t i = 0; r == 0 && i < jobs.count; i++) {
		CLEANUP(fields_fini) struct fields f = {0};
		const char *cells[N_COLUMNS];

		r = job_status(c->ctl, jobs.names[i], &f, &c->err);
		if (r == -ENOENT) {
			r = 0; /* deleted after the listing */
			continue;
		}
		for (size_t k = 0; r == 0 && k < N_COLUMNS; k++)
			cells[k] = fields_get(&f, names[k]) ?: "-";
		if (r == 0 && c->env->json)
			out_append(array, job_json(&f));
		else if (r == 0)
			out_table_row(table, cells);
	}
	return r < 0 ? verb_refuse(c, r) : verb_list(c, table, array);
}

static int run_failed(struct verb_call *c)
{
	CLEANUP(free_mem_p) char *path = client_join(JOBS, c->operands[0], "failed");
	CLEANUP(free_mem_p) char *text = NULL;
	int r = job_check(c);

	if (r == 0)
		r = path ? job_absent(c, client_read(c->ctl, path, &text, &c->err)) : -ENOMEM;
	if (r < 0)
		return verb_refuse(c, r);
	(void)fputs(text, stdout);
	return CMD_OK;
}

static int write_control(struct verb_call *c, const char *command)
{
	CLEANUP(free_mem_p) char *path = client_join(JOBS, c->operands[0], "control");
	CLEANUP(free_mem_p) char *answer = NULL;
	CLEANUP(fields_fini) struct fields f = {0};
	int r = job_check(c);

	if (r == 0)
		r = path ? job_absent(c, client_write(c->ctl, path, command, &answer, &c->err))
			 : -ENOMEM;
	if (r < 0)
		return verb_refuse(c, r);
	if (!c->env->json)
		return change_report(c->env, answer, NULL, NULL);
	r = job_read(c, &f);
	if (r < 0)
		return verb_refuse(c, r);
	out_json(job_json(&f));
	return CMD_OK;
}

static int run_command(struct verb_call *c)
{
	return write_control(c, c->verb->name);
}

static int run_rate(struct verb_call *c)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rate=%.40s", c->operands[1]);
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
	uint64_t handled = number(f, "done") + number(f, "skipped") + number(f, "failed");
	uint64_t part = total ? (handled < total ? handled : total) * 100 / total
			      : is_state(f, "done") * 100;
	char bar[BAR_WIDTH + 1];

	for (uint64_t i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < part * BAR_WIDTH / 100 ? '#' : '-';
	bar[BAR_WIDTH] = '\0';
	if (terminal)
		printf("\r[%s] ", bar);
	printf("%3llu%% %s: %llu of %s files, %s failed", (unsigned long long)part,
	       fields_get(f, "state"), (unsigned long long)handled, fields_get(f, "total"),
	       fields_get(f, "failed"));
	if (!ended)
		printf(", %s, eta %s", fields_get(f, "rate"), fields_get(f, "eta"));
	fputs(terminal ? "\033[K" : "\n", stdout);
	(void)fflush(stdout);
}

/* Prints a line each time a count or the state changes; on a terminal, in place of the line
 * before. */
static int run_watch(struct verb_call *c)
{
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
	bool terminal = isatty(STDOUT_FILENO);
	char before[400] = "", now[400];

	for (;;) {
		CLEANUP(fields_fini) struct fields f = {0};
		int r = job_read(c, &f);
		bool ended;

		if (r < 0)
			return verb_refuse(c, r);
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
		(void)nanosleep(&pause, NULL); /* a signal may make it shorter */
	}
}

static const struct verb verbs[] = {
	{"list", run_list, 0, NULL, NULL},	{"show", run_show, 1, NULL, NULL},
	{"watch", run_watch, 1, NULL, NULL},	{"failed", run_failed, 1, NULL, NULL},
	{"pause", run_command, 1, NULL, NULL},	{"resume", run_command, 1, NULL, NULL},
	{"cancel", run_command, 1, NULL, NULL}, {"retry", run_command, 1, NULL, NULL},
	{"rate", run_rate, 2, NULL, NULL},
};

int cmd_job(int argc, char **argv, const struct cmd_env *env)
{
	static const struct verb_group group = {
		.name = "job",
		.verbs = verbs,
		.n = sizeof(verbs) / sizeof(verbs[0]),
		.options_lead = true,
	};

	return verbs_run(&group, argc, argv, env);
}
