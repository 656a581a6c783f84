/* tests/unit/test_audit_flood.c - fs/audit: the rate limit of events that can come without end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs/audit/flood_internal.h"

/* Events beyond a kind's burst and rate are counted; each kind has its own, and acts have none. */
static void audit_flood_counts_beyond_burst_and_rate(void **state)
{
	struct audit_flood f = {0};
	uint64_t now_ms = 1000000, count = 0;
	const char *event = NULL;
	unsigned admitted = 0;

	(void)state;
	for (unsigned i = 0; i < 5000; i++)
		admitted += audit_flood_admit(&f, "block-damaged", now_ms);
	assert_int_equal(admitted, 1000);
	assert_true(audit_flood_admit(&f, "key-open", now_ms));
	for (unsigned i = 0; i < 5000; i++)
		assert_true(audit_flood_admit(&f, "assign-mailbox", now_ms));
	assert_true(audit_flood_due_ms(&f) == now_ms + AUDIT_FLOOD_REPORT_MS);
	assert_false(audit_flood_take(&f, now_ms, &event, &count));
	assert_true(audit_flood_take(&f, now_ms + AUDIT_FLOOD_REPORT_MS, &event, &count));
	assert_string_equal(event, "block-damaged");
	assert_true(count == 4000);
	assert_true(audit_flood_due_ms(&f) == 0);
	for (admitted = 0, now_ms += 60000; admitted < 100; admitted++) /* 60 a minute */
		if (!audit_flood_admit(&f, "block-damaged", now_ms))
			break;
	assert_int_equal(admitted, 60);
	assert_true(audit_flood_take(&f, UINT64_MAX, &event, &count) && count == 1);
}

/* A count that could not be queued for lack of memory is reported later, with what came since. */
static void audit_flood_put_back_keeps_the_count(void **state)
{
	struct audit_flood f = {0};
	const uint64_t now_ms = 1000000;
	const char *event = NULL;
	uint64_t count = 0;

	(void)state;
	for (unsigned i = 0; i < 10 + 3; i++)
		(void)audit_flood_admit(&f, "events-rotated", now_ms);
	assert_true(audit_flood_take(&f, UINT64_MAX, &event, &count) && count == 3);
	assert_false(audit_flood_admit(&f, "events-rotated", now_ms));
	audit_flood_put_back(&f, event, count, now_ms + 7);
	assert_true(audit_flood_due_ms(&f) == now_ms + 7 + AUDIT_FLOOD_REPORT_MS);
	assert_true(audit_flood_take(&f, UINT64_MAX, &event, &count) && count == 4);
	assert_false(audit_flood_take(&f, UINT64_MAX, &event, &count));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(audit_flood_counts_beyond_burst_and_rate),
		cmocka_unit_test(audit_flood_put_back_keeps_the_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
