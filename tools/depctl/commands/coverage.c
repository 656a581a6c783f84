/* tools/depctl/commands/coverage.c - depctl coverage: counts by key, as bars, JSON or a page. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/depctl/cli/cmd.h"
#include "tools/depctl/client/client.h"
#include "tools/depctl/client/interrupt.h"
#include "tools/depctl/client/jobs.h"
#include "tools/depctl/commands/commands.h"
#include "tools/depctl/coverage/coverage.h"
#include "tools/depctl/output/json.h"
#include "tools/depctl/output/text.h"

#define POLL_MS 100u

/* "job 12 counts all files" */
static int answer_job(const char *answer, char out[static 24], struct err *err)
{
	if (sscanf(answer, "job %23[0-9]", out) == 1)
		return 0;
	return err_set(err, -EPROTO, "scan: an answer that this depctl cannot read: %s", answer);
}

static int job_ended(struct client *ctl, const char *no, bool *ret_ended, struct err *err)
{
	CLEANUP(fields_fini) struct fields f = {0};
	const char *state;
	int r = job_status(ctl, no, &f, err);

	if (r < 0)
		return r;
	state = fields_get(&f, "state") ?: "";
	if (strcmp(state, "paused") == 0 || strcmp(state, "cancelled") == 0)
		return err_set(err, -ECANCELED, "job %s, which counts the files, is %s", no, state);
	/* a failed job has counted all files but those that it could not read */
	*ret_ended = strcmp(state, "done") == 0 || strcmp(state, "failed") == 0;
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\rcounting: %s of %s files%s", fields_get(&f, "done") ?: "0",
			fields_get(&f, "total") ?: "?", *ret_ended ? "\r\033[K" : "\033[K");
	return 0;
}

static int scan_and_wait(struct client *ctl, struct err *err)
{
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
	CLEANUP(free_mem_p) char *answer = NULL;
	bool ended = false;
	char no[24];
	int r = client_write(ctl, "scan", "1", &answer, err);

	if (r == 0)
		r = answer_job(answer, no, err);
	if (r == 0)
		interrupt_release(); /* the job does not depend on this process */
	while (r == 0 && !ended) {
		r = job_ended(ctl, no, &ended, err);
		if (r == 0 && !ended)
			(void)nanosleep(&pause, NULL); /* a signal may make it shorter */
	}
	return r;
}

struct coverage_call {
	const struct cmd_env *env;
	const char *html; /* NULL: not asked for */
	const char *path; /* NULL: everything */
	bool scan;
};

static int run(const struct coverage_call *c, struct err *err)
{
	CLEANUP(client_free_p) struct client *ctl = NULL;
	CLEANUP(coverage_fini) struct coverage cov = {0};
	int r = client_open(c->env->mount, &ctl, err);

	if (r == 0 && c->scan)
		r = scan_and_wait(ctl, err);
	if (r == 0)
		r = c->path ? coverage_walk(ctl, c->path, &cov, err)
			    : coverage_read(ctl, &cov, err);
	if (r == -ENOENT && !c->scan && !c->path) {
		r = scan_and_wait(ctl, err);
		if (r == 0)
			r = coverage_read(ctl, &cov, err);
	}
	if (r < 0)
		return r;
	if (c->html)
		r = coverage_html(ctl, &cov, c->html, err);
	if (r < 0)
		return r;
	if (c->env->json)
		out_json(coverage_json(&cov));
	else if (c->html)
		out_line("%s written", c->html);
	else
		coverage_print(&cov);
	return 0;
}

enum {
	OPTION_SCAN = 1,
	OPTION_HTML,
};

int cmd_coverage(int argc, char **argv, const struct cmd_env *env)
{
	static const struct option options[] = {
		{"scan", no_argument, NULL, OPTION_SCAN},
		{"html", required_argument, NULL, OPTION_HTML},
		{NULL, 0, NULL, 0},
	};
	struct coverage_call c = {.env = env};
	struct err err = {0};
	int option, r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage("coverage");
	optind = 0; /* makes glibc's getopt start again, with this vector */
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == OPTION_SCAN)
			c.scan = true;
		else if (option == OPTION_HTML && *optarg)
			c.html = optarg;
		else
			return cmd_usage_getopt("coverage", option == OPTION_HTML ? ':' : option,
						argv);
	}
	if (optind < argc)
		c.path = argv[optind++];
	if (optind < argc)
		return cmd_usage_error("coverage", "coverage: '%s' is too much", argv[optind]);
	if (c.path && c.scan)
		return cmd_usage_error("coverage",
				       "coverage: --scan counts everything, not a PATH");
	if (c.path && !*c.path)
		return cmd_usage_error("coverage", "coverage: PATH is empty");
	r = run(&c, &err);
	return r < 0 ? cmd_refuse(r, &err) : CMD_OK;
}
