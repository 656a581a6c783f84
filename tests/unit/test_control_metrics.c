/* tests/unit/test_control_metrics.c - the file `metrics`: its format, and that it stays bounded. */
#include "tests/unit/control_fixture.h"

#include <time.h>

#include "fs/control/metrics_internal.h"
#include "fs/policy/scan.h"

/* page_of() - all of it, however long; the caller frees it. */
static char *page_of(struct fix *f)
{
	struct vtree_file *file = handle(f, "metrics", O_RDONLY);
	size_t len = 0, capacity = 1 << 20;
	char *page = malloc(capacity);
	ssize_t n;

	assert_non_null(page);
	while ((n = ops->read(file, page + len, capacity - len - 1, (off_t)len)) > 0)
		len += (size_t)n;
	assert_int_equal(n, 0);
	assert_true(len < capacity - 1);
	page[len] = '\0';
	ops->release(file);
	return page;
}

static unsigned occurrences(const char *text, const char *part)
{
	unsigned n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

/* A name is free text: no quote in it may end a label. */
static void label_values_are_escaped(void **state)
{
	struct fix *f = *state;
	CLEANUP(free_mem_p) char *page = NULL;

	assert_int_equal(make(f, "a\"b\\c}d,e=\"f"), 0);
	page = page_of(f);
	assert_has(
		page,
		"depfs_policy_assigned{mount=\"/srv/mail\",policy=\"a\\\"b\\\\c}d,e=\\\"f\"} 0\n");
}

/* Prometheus refuses a page in which a family comes twice, or a sample outside of its family. */
static void samples_stand_under_their_family(void **state)
{
	struct fix *f = *state;
	CLEANUP(free_mem_p) char *page = NULL;
	char family[128] = "", *rest = NULL, type[160];
	unsigned families = 0;

	make_policy(f, "EUR", "multi-workload");
	page = page_of(f);
	for (char *line = strtok_r(page, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (sscanf(line, "# HELP %127s", family) == 1) {
			families++;
			assert_int_equal(strncmp(family, "depfs_", 6), 0);
			line = strtok_r(NULL, "\n", &rest);
			(void)snprintf(type, sizeof(type), "# TYPE %s ", family);
			assert_int_equal(strncmp(line, type, strlen(type)), 0);
		} else if (strncmp(line, family, strlen(family)) != 0 ||
			   !strstr(line, "{mount=\"/srv/mail\"")) {
			fail_msg("under %s: %s", family, line);
		}
	}
	assert_true(families > 30);
}

static void policies_and_the_data_path_are_shown(void **state)
{
	struct fix *f = *state;
	CLEANUP(free_mem_p) char *page = NULL;

	make_policy(f, "EUR", "multi-workload");
	assert_int_equal(make(f, "D"), 0);
	put_ok(f, "assignment", "EUR");
	put_ok(f, "policies/EUR/check", "1");
	page = page_of(f);
	assert_has(page, "depfs_policies{mount=\"/srv/mail\",state=\"draft\"} 1\n");
	assert_has(page, "depfs_policies{mount=\"/srv/mail\",state=\"ready\"} 1\n");
	assert_has(page, "depfs_policy_assigned{mount=\"/srv/mail\",policy=\"EUR\"} 1\n");
	assert_has(page,
		   "depfs_policy_state{mount=\"/srv/mail\",policy=\"D\",state=\"draft\"} 1\n");
	assert_has(page, "policy=\"EUR\",key=\"2\",vault=\"cold\"} 1\n");
	assert_has(page,
		   "depfs_policy_access_proof_age_seconds{mount=\"/srv/mail\",policy=\"EUR\"}");
	assert_lacks(page,
		     "depfs_policy_access_proof_age_seconds{mount=\"/srv/mail\",policy=\"D\"}");
	assert_has(page, "depfs_requests_waiting{mount=\"/srv/mail\"} 7\n");
	assert_has(page, "depfs_cached_inodes{mount=\"/srv/mail\"} 11\n");
	assert_has(page, "vault=\"hot\",operation=\"wrapKey\",outcome=\"ok\"}");
	assert_has(page, "depfs_jobs{mount=\"/srv/mail\",kind=\"assign\",state=\"queued\"} 1\n");
}

/* The page shows what was counted: histograms add up from bucket to bucket. */
static void histograms_are_cumulative(void **state)
{
	struct fix *f = *state;
	struct metrics *m = f->engine->metrics;
	CLEANUP(free_mem_p) char *page = NULL;

	metrics_op(m, METRIC_OP_READ, 5000, 0);
	metrics_op(m, METRIC_OP_READ, 2000000, -EIO);
	metrics_op(m, METRIC_OP_READ, 40000000000, 0);
	page = page_of(f);
	assert_has(page, "_bucket{mount=\"/srv/mail\",op=\"read\",le=\"1e-05\"} 1\n");
	assert_has(page, "_bucket{mount=\"/srv/mail\",op=\"read\",le=\"0.003\"} 2\n");
	assert_has(page, "_bucket{mount=\"/srv/mail\",op=\"read\",le=\"30\"} 2\n");
	assert_has(page, "_bucket{mount=\"/srv/mail\",op=\"read\",le=\"+Inf\"} 3\n");
	assert_has(page, "_sum{mount=\"/srv/mail\",op=\"read\"} 40.002005\n");
	assert_has(page, "_count{mount=\"/srv/mail\",op=\"read\"} 3\n");
	assert_has(page,
		   "depfs_fuse_errors_total{mount=\"/srv/mail\",op=\"read\",class=\"io\"} 1\n");
}

static void more_policies_than_are_shown_are_counted(void **state)
{
	struct fix *f = *state;
	CLEANUP(free_mem_p) char *page = NULL;
	char name[32];

	for (unsigned i = 0; i < METRICS_POLICIES_MAX + 5; i++) {
		(void)snprintf(name, sizeof(name), "draft %u", i);
		assert_int_equal(make(f, name), 0);
	}
	page = page_of(f);
	assert_has(page, "depfs_policies{mount=\"/srv/mail\",state=\"draft\"} 261\n");
	assert_int_equal(occurrences(page, "\ndepfs_policy_info{"), METRICS_POLICIES_MAX);
	assert_int_equal(occurrences(page, "\ndepfs_policy_generation{"), METRICS_POLICIES_MAX);
}

/* What a walk over a store with two rows more than are shown would count. */
static int count_many(void *arg, struct job *j, struct err *err)
{
	struct fix *f = arg;
	struct scan_result res = {0};

	scan_begins(f->engine->policies, j);
	for (uint32_t g = 1; g <= METRICS_SCAN_ROWS_MAX + 2; g++) {
		const struct wrap_ref ref = {.policy_id = {7}, .generation = g};

		assert_int_equal(scan_add(&res, WORKLOAD_CHAT, &ref, 1, 100), 0);
	}
	return scan_ends(f->engine->policies, j, &res, err);
}

static void more_rows_of_a_scan_than_are_shown_are_added_up(void **state)
{
	struct fix *f = *state;
	const struct job_runner runner = {.run = count_many, .arg = f};
	const char *before = "\ndepfs_scanned_files{mount=\"/srv/mail\",workload=\"chat\",";
	CLEANUP(scan_result_fini) struct scan_result res = {0};
	CLEANUP(free_mem_p) char *page = page_of(f);
	uint64_t job;

	assert_int_equal(occurrences(page, "\ndepfs_scan"), 0);
	assert_int_equal(jobs_serve(f->engine->jobs, &runner, NULL), 0);
	assert_int_equal(scan_start(f->engine->policies, &ROOT, &job, NULL), 0);
	for (int i = 0; i < 1000 && scan_last(f->engine->policies, &res) == -ENOENT; i++)
		(void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	free(page);
	page = page_of(f);
	assert_int_equal(occurrences(page, before), METRICS_SCAN_ROWS_MAX + 1);
	assert_has(page,
		   "policy=\"07000000-0000-0000-0000-000000000000\",generation=\"1024\"} 1\n");
	assert_has(page, "depfs_scanned_bytes{mount=\"/srv/mail\",workload=\"chat\","
			 "policy=\"other\",generation=\"other\"} 200\n");
	jobs_stop(f->engine->jobs);
}

static void absent_writes_metrics(void **state)
{
	struct fix *f = *state;

	assert_int_equal(put(f, "metrics", "0"), -EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIX_TEST(label_values_are_escaped),
		FIX_TEST(samples_stand_under_their_family),
		FIX_TEST(policies_and_the_data_path_are_shown),
		FIX_TEST(histograms_are_cumulative),
		FIX_TEST(more_policies_than_are_shown_are_counted),
		FIX_TEST(more_rows_of_a_scan_than_are_shown_are_added_up),
		FIX_TEST(absent_writes_metrics),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group);
}
