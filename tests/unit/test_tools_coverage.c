/* tests/unit/test_tools_coverage.c - the arithmetic of coverage, and the lines it is made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/capture.h"
#include "tools/depctl/coverage/coverage.h"
#include "tools/depctl/output/json.h"

#define ID1 "6f1c1d0e-7f3a-4c8e-9d43-2b1f5a6c7d01"
#define ID2 "6f1c1d0e-7f3a-4c8e-9d43-2b1f5a6c7d02"

static const char lines[] = "job: 7\n"
			    "started: 2026-01-02T03:04:05Z\n"
			    "ended: 2026-01-02T03:04:06Z\n"
			    "mailboxes: 2\n"
			    "unreadable: 0\n"
			    "row 1: mailbox " ID1 " 2 30 3072 EUR Policy\n"
			    "row 2: mailbox none 0 10 1536 service key\n"
			    "row 3: chat " ID2 " 1 1 100 \n";

static int parse(const char *text, const char *folder, struct coverage *ret_cov, struct err *err)
{
	return coverage_parse(strdup(text), folder, ret_cov, err);
}

static void coverage_parse_reads_each_row(void **state)
{
	CLEANUP(coverage_fini) struct coverage cov = {0};
	uint64_t files, bytes;
	char name[128];

	(void)state;
	assert_int_equal(parse(lines, NULL, &cov, NULL), 0);
	assert_int_equal(cov.n_rows, 3);
	assert_string_equal(coverage_field(&cov, "ended"), "2026-01-02T03:04:06Z");
	assert_string_equal(coverage_field(&cov, "none such"), "");

	coverage_name(&cov.rows[0], name, sizeof(name));
	assert_string_equal(name, "EUR Policy, generation 2");
	coverage_name(&cov.rows[1], name, sizeof(name));
	assert_string_equal(name, "service key");
	coverage_name(&cov.rows[2], name, sizeof(name));
	assert_string_equal(name, "removed policy " ID2 ", generation 1");

	coverage_sum(&cov, NULL, &files, &bytes);
	assert_int_equal(files, 41);
	assert_int_equal(bytes, 4708);
	coverage_sum(&cov, "mailbox", &files, &bytes);
	assert_int_equal(files, 40);
	coverage_sum(&cov, "edm", &files, &bytes);
	assert_int_equal(files, 0);
}

/* A line of a later daemon must not be left out of an auditor's page in silence. */
static void coverage_parse_refuses_what_it_cannot_read(void **state)
{
	static const char *const cases[] = {
		"job: 1\nrow 1: video none 0 1 1 service key\n",
		"job: 1\nrow 1: chat none 0 1\n",
		"job: 1\nrow 1: chat none x 1 1 service key\n",
		"job: 1\nrow 1: \n",
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct coverage cov = {0};

		err = (struct err){0};
		assert_int_equal(parse(cases[i], NULL, &cov, &err), -EPROTO);
		assert_non_null(strstr(err.text, "cannot read"));
		assert_null(cov.rows);
	}
}

/* "job: none" is no count where a job should have made it, and a count where a folder was walked.
 */
static void coverage_parse_tells_no_scan_from_no_files(void **state)
{
	CLEANUP(coverage_fini) struct coverage cov = {0};
	struct err err = {0};

	(void)state;
	assert_int_equal(parse("job: none\n", NULL, &cov, &err), -ENOENT);
	assert_int_equal(parse("job: none\n", "mailbox/a", &cov, &err), 0);
	assert_int_equal(cov.n_rows, 0);
	assert_string_equal(cov.folder, "mailbox/a");
}

static void coverage_size_changes_its_unit_at_1024(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{1536, "1.5 KiB"},
		{UINT64_C(1) << 20, "1.0 MiB"},
		{UINT64_C(5) << 40, "5.0 TiB"},
		{UINT64_MAX, "16.0 EiB"},
	};
	char text[COVERAGE_SIZE_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		coverage_size(cases[i].bytes, text);
		assert_string_equal(text, cases[i].text);
	}
}

/* One file of a million is visible, and no part is wider than the bar. */
static void coverage_bar_shows_the_smallest_part(void **state)
{
	(void)state;
	assert_int_equal(coverage_bar(0, 0), 0);
	assert_int_equal(coverage_bar(0, 10), 0);
	assert_int_equal(coverage_bar(1, 1000000), 1);
	assert_int_equal(coverage_bar(1, 2), COVERAGE_BAR_WIDTH / 2);
	assert_int_equal(coverage_bar(999999, 1000000), COVERAGE_BAR_WIDTH);
	assert_int_equal(coverage_bar(7, 7), COVERAGE_BAR_WIDTH);
	assert_true(coverage_percent(0, 0) == 0);
	assert_true(coverage_percent(1, 4) == 25);
}

static void coverage_print_shows_bars_and_shares(void **state)
{
	CLEANUP(coverage_fini) struct coverage cov = {0};
	struct capture c;
	char printed[1024];

	(void)state;
	assert_int_equal(parse(lines, NULL, &cov, NULL), 0);
	c = capture_begin(stdout);
	coverage_print(&cov);
	capture_end(&c, printed, sizeof(printed));
	assert_string_equal(
		printed,
		"counted 2026-01-02T03:04:06Z by job 7: 41 files, 4.6 KiB, in 2 mailboxes\n"
		"\nmailbox: 40 files, 4.5 KiB\n"
		"  ##############################..........  75.0%  EUR Policy, generation 2: "
		"30 files, 3.0 KiB\n"
		"  ##########..............................  25.0%  service key: 10 files, 1.5 "
		"KiB\n"
		"\nchat: 1 file, 100 B\n"
		"  ######################################## 100.0%  removed policy " ID2
		", generation 1: 1 file, 100 B\n");
}

/* null, not 0 or "": the service key has no policy and no generation, a removed policy no name. */
static void coverage_json_has_null_for_what_is_not(void **state)
{
	CLEANUP(coverage_fini) struct coverage cov = {0};
	CLEANUP(json_decref_p) json_t *object = NULL;
	json_t *mailbox, *chat, *service, *removed;

	(void)state;
	assert_int_equal(parse(lines, NULL, &cov, NULL), 0);
	object = coverage_json(&cov);
	assert_int_equal(json_integer_value(json_object_get(object, "job")), 7);
	assert_int_equal(json_integer_value(json_object_get(object, "files")), 41);
	assert_true(json_is_null(json_object_get(object, "folder")));
	mailbox = json_array_get(json_object_get(object, "workloads"), 0);
	service = json_array_get(json_object_get(mailbox, "keys"), 1);
	assert_true(json_is_null(json_object_get(service, "policy")));
	assert_true(json_is_null(json_object_get(service, "policy_id")));
	assert_true(json_is_null(json_object_get(service, "generation")));
	chat = json_array_get(json_object_get(object, "workloads"), 2);
	removed = json_array_get(json_object_get(chat, "keys"), 0);
	assert_true(json_is_null(json_object_get(removed, "policy")));
	assert_string_equal(json_string_value(json_object_get(removed, "policy_id")), ID2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(coverage_parse_reads_each_row),
		cmocka_unit_test(coverage_parse_refuses_what_it_cannot_read),
		cmocka_unit_test(coverage_parse_tells_no_scan_from_no_files),
		cmocka_unit_test(coverage_size_changes_its_unit_at_1024),
		cmocka_unit_test(coverage_bar_shows_the_smallest_part),
		cmocka_unit_test(coverage_print_shows_bars_and_shares),
		cmocka_unit_test(coverage_json_has_null_for_what_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
