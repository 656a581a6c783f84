/* tests/unit/test_tools_progress.c - how far a policy's files are, in Customer Key's words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/depctl/cmdlets/progress.h"

#define JOBS_MAX 4

/* @policy: lines of a policy's status; @job: of each job's, the newest first. */
static void assert_progress(const char *policy, const char *const job[JOBS_MAX], const char *text)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	struct cmdlet_jobs jobs = {.list = calloc(JOBS_MAX, sizeof(*jobs.list))};
	char progress[CMDLET_PROGRESS_LEN];

	assert_non_null(jobs.list);
	assert_int_equal(fields_parse(strdup(policy), &v.status), 0);
	for (; jobs.count < JOBS_MAX && job[jobs.count]; jobs.count++)
		assert_int_equal(fields_parse(strdup(job[jobs.count]), &jobs.list[jobs.count]), 0);
	cmdlet_progress(&jobs, &v, progress);
	cmdlet_jobs_fini(&jobs);
	assert_string_equal(progress, text);
}

#define POLICY(assigned, mailboxes) \
	"id: P\nstate: ready\nassigned: " assigned "\nmailboxes: " mailboxes "\n"
#define JOB(kind, state, done, failed)                                                           \
	"policy id: P\nmailbox: none\nkind: " kind "\nstate: " state "\ntotal: 200\ndone: " done \
	"\nskipped: 0\nfailed: " failed "\n"

static void progress_without_jobs_goes_by_the_assignment(void **state)
{
	(void)state;
	assert_progress(POLICY("yes", "0"), (const char *[JOBS_MAX]){NULL}, "Registered");
	assert_progress(POLICY("no", "3"), (const char *[JOBS_MAX]){NULL}, "Registered");
	assert_progress(POLICY("no", "0"), (const char *[JOBS_MAX]){NULL}, "Unregistered");
	assert_progress("id: P\nstate: draft\n", (const char *[JOBS_MAX]){NULL}, "Unregistered");
	assert_progress(POLICY("yes", "0"),
			(const char *[JOBS_MAX]){JOB("assign", "done", "200", "0")}, "Registered");
}

static void progress_has_a_word_for_each_kind(void **state)
{
	(void)state;
	assert_progress(POLICY("yes", "0"),
			(const char *[JOBS_MAX]){JOB("assign", "running", "84", "0")},
			"Registering (42%)");
	assert_progress(POLICY("no", "0"),
			(const char *[JOBS_MAX]){JOB("offboard", "paused", "199", "0")},
			"Unregistering (99%), paused");
	assert_progress(POLICY("yes", "0"),
			(const char *[JOBS_MAX]){JOB("rotate", "running", "0", "2")},
			"Rolling (0%), 2 failed");
	assert_progress(POLICY("yes", "0"),
			(const char *[JOBS_MAX]){JOB("renew", "running", "0", "0")}, "Registered");
}

/* While files are still counted nothing is known of the total: 0%, and no division by it. */
static void progress_of_a_job_that_counts_is_zero(void **state)
{
	(void)state;
	assert_progress(POLICY("yes", "0"),
			(const char *[JOBS_MAX]){"policy id: P\nkind: assign\nstate: running\n"
						 "total: counting\ndone: 0\n"},
			"Registering (0%)");
}

/* A job that failed is shown until a newer one covers the same files. */
static void progress_shows_what_was_left_until_it_is_covered(void **state)
{
	(void)state;
	assert_progress(POLICY("yes", "0"),
			(const char *[JOBS_MAX]){JOB("assign", "failed", "190", "10")},
			"Registering (95%), 10 failed");
	assert_progress(POLICY("yes", "0"),
			(const char *[JOBS_MAX]){JOB("assign", "done", "200", "0"),
						 JOB("assign", "failed", "190", "10")},
			"Registered");
	assert_progress(POLICY("yes", "0"),
			(const char *[JOBS_MAX]){JOB("rotate", "done", "200", "0"),
						 JOB("assign", "failed", "190", "10")},
			"Registering (95%), 10 failed");
	assert_progress(POLICY("yes", "0"),
			(const char *[JOBS_MAX]){JOB("assign", "running", "20", "0"),
						 JOB("rotate", "cancelled", "1", "0")},
			"Registering (10%)");
}

/* Jobs of several mailboxes are one number; those of another policy are not in it. */
static void progress_adds_jobs_up(void **state)
{
	(void)state;
	assert_progress(POLICY("no", "2"),
			(const char *[JOBS_MAX]){JOB("assign", "running", "0", "0"),
						 JOB("assign", "running", "100", "0"),
						 "policy id: Q\nkind: assign\nstate: running\n"
						 "total: 9\ndone: 9\n"},
			"Registering (25%)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(progress_without_jobs_goes_by_the_assignment),
		cmocka_unit_test(progress_has_a_word_for_each_kind),
		cmocka_unit_test(progress_of_a_job_that_counts_is_zero),
		cmocka_unit_test(progress_shows_what_was_left_until_it_is_covered),
		cmocka_unit_test(progress_adds_jobs_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
