/* tools/depctl/cli/change.c - the daemon's answer to a change, printed as text or as one object. */
#include "tools/depctl/cli/change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/policy/policy.h"
#include "tools/depctl/client/client.h"
#include "tools/depctl/client/fields.h"
#include "tools/depctl/client/interrupt.h"
#include "tools/depctl/client/jobs.h"
#include "tools/depctl/output/json.h"
#include "tools/depctl/output/text.h"

void change_details(const char *lines)
{
	while (*lines) {
		size_t len = strcspn(lines, "\n");
		CLEANUP(free_mem_p) char *line = strndup(lines, len);

		if (line)
			out_line("%s", line);
		lines += len + (lines[len] == '\n');
	}
}

void change_warn(const char *answer)
{
	size_t len;

	for (; (answer = policy_warning_next(answer, &len)); answer += len) {
		const char *colon = memmem(answer, len, ": ", 2), *text = strchr(colon, ',') + 2;

		fprintf(stderr, "depctl: warning: %.*s: %.*s\n", (int)(colon - answer), answer,
			(int)(answer + len - text), text);
	}
}

json_t *change_details_json(const char *lines)
{
	CLEANUP(fields_fini) struct fields f = {0};
	char *copy = strdup(lines);

	if (!copy || fields_parse(copy, &f) < 0)
		return json_null();
	return fields_json(&f);
}

/* The number in front of one of the ends, or behind the beginnings, that answers about jobs have;
 * 0: none. Names stand in the middle of an answer, so that none can pretend to be one. */
static unsigned long long job_named(const char *answer)
{
	static const char *const ends[] = {" re-wraps what is there already",
					   " lists what became unreadable"};
	size_t len = strcspn(answer, "\n");

	if (strncmp(answer, "job ", 4) == 0)
		return strtoull(answer + 4, NULL, 10);
	for (size_t i = 0; i < 2; i++) {
		size_t at = len - strlen(ends[i]), digits;

		if (len < strlen(ends[i]) || strncmp(answer + at, ends[i], strlen(ends[i])) != 0)
			continue;
		digits = at;
		while (digits > 0 && answer[digits - 1] >= '0' && answer[digits - 1] <= '9')
			digits--;
		return strtoull(answer + digits, NULL, 10);
	}
	return 0;
}

static int job_wait(struct client *ctl, const char *no, struct err *err)
{
	static const char *const bad[] = {"failed", "cancelled", "superseded", "paused"};
	const struct timespec pause = {.tv_nsec = 200 * 1000000L};

	for (;;) {
		CLEANUP(fields_fini) struct fields f = {0};
		int r = job_status(ctl, no, &f, err);
		const char *state = fields_get(&f, "state") ?: "";

		if (r < 0)
			return err_prefix(err, r, "job %s", no);
		if (strcmp(state, "done") == 0)
			return 0;
		for (size_t i = 0; i < 4; i++)
			if (strcmp(state, bad[i]) == 0)
				return err_set(err, -ECANCELED,
					       "job %s is %s, %s of %s files failed (depctl job "
					       "show %s)",
					       no, state, fields_get(&f, "failed") ?: "?",
					       fields_get(&f, "total") ?: "?", no);
		(void)nanosleep(&pause, NULL); /* a signal may make it shorter */
	}
}

int change_wait(const struct cmd_env *env, const char *answer)
{
	CLEANUP(client_free_p) struct client *ctl = NULL;
	unsigned long long job = env->wait ? job_named(answer) : 0;
	struct err err = {0};
	char no[24];
	int r;

	if (!job)
		return CMD_OK;
	interrupt_release(); /* the job does not depend on this process */
	(void)fflush(stdout);
	(void)snprintf(no, sizeof(no), "%llu", job);
	r = client_open(env->mount, &ctl, &err);
	if (r == 0)
		r = job_wait(ctl, no, &err);
	return r < 0 ? cmd_refuse(r, &err) : CMD_OK;
}

int change_report(const struct cmd_env *env, const char *answer, const char *name, const char *id)
{
	size_t first_len = strcspn(answer, "\n");
	const char *rest = answer + first_len + (answer[first_len] == '\n');
	CLEANUP(free_mem_p) char *first = strndup(answer, first_len);
	json_t *object;

	if (!env->json) {
		change_details(answer);
		return change_wait(env, answer);
	}
	object = json_object();
	out_set(object, "done", out_text_json(first));
	if (name)
		out_set(object, "policy", out_text_json(name));
	if (id)
		out_set(object, "id", out_text_json(id));
	if (*rest)
		out_set(object, "details", change_details_json(rest));
	out_json(object);
	return change_wait(env, answer);
}
