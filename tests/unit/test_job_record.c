/* tests/unit/test_job_record.c - the record of a job: golden bytes, and all that is not one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/jobs/job_record.h"

/* Composed by hand from job_record.h's table, not by the code under test. */
#define JOB_HEX                                                            \
	"4445504a01000100030300001400000001020304050607080910111213141516" \
	"0100000000000000020000000000000003000000000000000400000000000000" \
	"0500000000000000060000000000000007000000000000000800000000000000" \
	"09000000020075310400612f622f020068 6d"

static size_t golden(uint8_t *out)
{
	const char *hex = JOB_HEX;
	size_t len = 0;

	for (; *hex; hex++) {
		unsigned v;

		if (*hex == ' ')
			continue;
		assert_int_equal(sscanf(hex, "%2x", &v), 1);
		out[len++] = (uint8_t)v;
		hex++;
	}
	return len;
}

/* What was written by one version must be what every later one reads. */
static void job_record_is_as_its_table_says(void **state)
{
	struct job_record *rec = calloc(1, sizeof(*rec));
	uint8_t bytes[JOB_RECORD_MAX], again[JOB_RECORD_MAX];
	size_t len = golden(bytes), again_len;

	(void)state;
	assert_int_equal(job_record_decode(bytes, len, rec), 0);
	assert_int_equal(rec->kind, JOB_ROTATE);
	assert_int_equal(rec->state, JOB_WAITING);
	assert_int_equal(rec->flags, JOB_FLAG_AGAIN);
	assert_int_equal(rec->rate, 20);
	assert_int_equal(rec->created, 1);
	assert_int_equal(rec->started, 2);
	assert_int_equal(rec->ended, 3);
	assert_int_equal(rec->total, 4);
	assert_int_equal(rec->done, 5);
	assert_int_equal(rec->failed, 6);
	assert_int_equal(rec->skipped, 7);
	assert_int_equal(rec->repeat, 8);
	assert_int_equal(rec->listed, 9);
	assert_string_equal(rec->mailbox, "u1");
	assert_string_equal(rec->cursor, "a/b/");
	assert_string_equal(rec->note, "hm");
	assert_int_equal(job_record_encode(rec, again, &again_len), 0);
	assert_int_equal(again_len, len);
	assert_memory_equal(again, bytes, len);
	free(rec);
}

static void job_record_refuses_every_cut(void **state)
{
	struct job_record *rec = calloc(1, sizeof(*rec));
	uint8_t bytes[JOB_RECORD_MAX];
	size_t len = golden(bytes);

	(void)state;
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(job_record_decode(bytes, cut, rec), -EBADMSG);
	assert_int_equal(job_record_decode(bytes, len + 1, rec), -EBADMSG);
	free(rec);
}

/* A later depfs may know kinds and states that this one must not guess at. */
static void job_record_refuses_what_it_does_not_know(void **state)
{
	static const struct {
		size_t off;
		uint8_t value;
		int r;
	} rows[] = {
		{0, 'X', -EBADMSG},
		{4, 2, -ENOTSUP},
		{6, 2, -ENOTSUP},
		{8, 0, -EBADMSG},
		{8, JOB_KIND_END, -ENOTSUP},
		{9, 0, -EBADMSG},
		{9, JOB_STATE_END, -ENOTSUP},
		{10, 1, -EBADMSG},
	};
	struct job_record *rec = calloc(1, sizeof(*rec));

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t bytes[JOB_RECORD_MAX];
		size_t len = golden(bytes);

		bytes[rows[i].off] = rows[i].value;
		assert_int_equal(job_record_decode(bytes, len, rec), rows[i].r);
	}
	free(rec);
}

/* The path stands at the end, and in no other kind. */
static void job_record_of_a_renewal_has_its_path(void **state)
{
	struct job_record *rec = calloc(1, sizeof(*rec)), *back = calloc(1, sizeof(*back));
	uint8_t bytes[JOB_RECORD_MAX];
	size_t len;

	(void)state;
	assert_true(rec && back);
	rec->kind = JOB_RENEW;
	rec->state = JOB_QUEUED;
	strcpy(rec->path, "mailbox/ann/1");
	assert_int_equal(job_record_encode(rec, bytes, &len), 0);
	assert_memory_equal(bytes + len - 13, "mailbox/ann/1", 13);
	assert_int_equal(job_record_decode(bytes, len, back), 0);
	assert_string_equal(back->path, rec->path);
	assert_int_equal(job_record_decode(bytes, len - 1, back), -EBADMSG);
	bytes[8] = JOB_ROTATE;
	assert_int_equal(job_record_decode(bytes, len, back), -EBADMSG);
	free(rec);
	free(back);
}

static void job_keys_sort_by_number(void **state)
{
	uint8_t a[JOB_KEY_LEN], b[JOB_KEY_LEN], f[JOB_FAILURE_KEY_LEN];

	(void)state;
	job_key(255, a);
	job_key(256, b);
	assert_true(memcmp(a, b, JOB_KEY_LEN) < 0);
	assert_int_equal(job_key_no(b), 256);
	job_failure_key(255, 7, f);
	assert_memory_equal(f, a, JOB_KEY_LEN);
	assert_int_equal(f[JOB_FAILURE_KEY_LEN - 1], 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(job_record_is_as_its_table_says),
		cmocka_unit_test(job_record_refuses_every_cut),
		cmocka_unit_test(job_record_refuses_what_it_does_not_know),
		cmocka_unit_test(job_record_of_a_renewal_has_its_path),
		cmocka_unit_test(job_keys_sort_by_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
