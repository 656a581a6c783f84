/* tests/unit/test_store_intent.c - fs/store: records of renames across scopes that have begun. */
#include "tests/unit/store_fixture.h"

#include "fs/store/intent.h"

static const uint8_t file_1[FILE_ID_LEN] = {1}, file_2[FILE_ID_LEN] = {2};
static const uint8_t scope_a[SCOPE_ID_LEN] = {0xa}, scope_b[SCOPE_ID_LEN] = {0xb};
static const uint8_t scope_c[SCOPE_ID_LEN] = {0xc};

/* A crash may keep the old header under the new name, or the other way round. */
static void intent_allows_both_scopes_in_either_order(void **state)
{
	struct store *s = fix_open(*state, STORE_SERVE);

	assert_false(intent_allows(s, file_1, scope_a, scope_b));
	assert_int_equal(intent_add(s, file_1, scope_a, scope_b, NULL), 0);
	assert_true(intent_allows(s, file_1, scope_a, scope_b));
	assert_true(intent_allows(s, file_1, scope_b, scope_a));
	assert_false(intent_allows(s, file_1, scope_a, scope_c));
	assert_false(intent_allows(s, file_1, scope_a, scope_a));
	assert_false(intent_allows(s, file_2, scope_a, scope_b));
	store_close(s, true);
}

/* The record is read after a crash, so it has to outlast one. */
static void intent_add_outlasts_a_crash(void **state)
{
	struct store *s = fix_open(*state, STORE_SERVE);

	assert_int_equal(intent_add(s, file_1, scope_a, scope_b, NULL), 0);
	store_close(s, false);
	s = fix_open(*state, STORE_SERVE);
	assert_true(intent_allows(s, file_1, scope_a, scope_b));
	store_close(s, true);
}

/* A second rename of the same file, which can only begin where the first one ended. */
static void intent_add_replaces_the_record_of_the_file(void **state)
{
	struct store *s = fix_open(*state, STORE_SERVE);

	assert_int_equal(intent_add(s, file_1, scope_a, scope_b, NULL), 0);
	assert_int_equal(intent_add(s, file_1, scope_b, scope_c, NULL), 0);
	assert_false(intent_allows(s, file_1, scope_a, scope_b));
	assert_true(intent_allows(s, file_1, scope_b, scope_c));
	store_close(s, true);
}

/* A file that is renewed gets a new id, and recovery meets it under either. */
static void intent_follow_copies_the_record_if_there_is_one(void **state)
{
	struct store *s = fix_open(*state, STORE_SERVE);

	assert_int_equal(intent_follow(s, file_1, file_2, NULL), 0);
	assert_false(intent_allows(s, file_2, scope_a, scope_b));
	assert_int_equal(intent_add(s, file_1, scope_a, scope_b, NULL), 0);
	assert_int_equal(intent_follow(s, file_1, file_2, NULL), 0);
	assert_true(intent_allows(s, file_1, scope_a, scope_b));
	assert_true(intent_allows(s, file_2, scope_b, scope_a));
	store_close(s, true);
}

/* The records share a table with others, which stay. */
static void intent_clear_removes_all_records_and_no_others(void **state)
{
	struct store *s = fix_open(*state, STORE_SERVE);
	uint8_t file[FILE_ID_LEN] = {0};

	fix_put(s, TABLE_META, "renam", "before", STORE_COMMIT);
	fix_put(s, TABLE_META, "rename0", "behind", STORE_COMMIT);
	assert_int_equal(intent_clear(s, NULL), 0); /* none */
	for (unsigned i = 0; i < 200; i++) {
		file[0] = (uint8_t)i;
		assert_int_equal(intent_add(s, file, scope_a, scope_b, NULL), 0);
	}
	assert_int_equal(intent_clear(s, NULL), 0);
	for (unsigned i = 0; i < 200; i++) {
		file[0] = (uint8_t)i;
		assert_false(intent_allows(s, file, scope_a, scope_b));
	}
	assert_string_equal(fix_get(s, TABLE_META, "renam"), "before");
	assert_string_equal(fix_get(s, TABLE_META, "rename0"), "behind");
	store_close(s, true);
}

/* A record of another length excuses no file, and is not copied. */
static void intent_refuses_a_record_of_another_length(void **state)
{
	struct store *s = fix_open(*state, STORE_SERVE);
	char name[64] = "rename/";
	struct err err = {0};

	hex_encode(file_1, FILE_ID_LEN, name + strlen(name));
	fix_put(s, TABLE_META, name, "not two scope ids", STORE_COMMIT);
	assert_false(intent_allows(s, file_1, scope_a, scope_b));
	assert_int_equal(fix_judged(intent_follow(s, file_1, file_2, &err), &err), -EBADMSG);
	store_close(s, true);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(intent_allows_both_scopes_in_either_order),
		STORE(intent_add_outlasts_a_crash),
		STORE(intent_add_replaces_the_record_of_the_file),
		STORE(intent_follow_copies_the_record_if_there_is_one),
		STORE(intent_clear_removes_all_records_and_no_others),
		STORE(intent_refuses_a_record_of_another_length),
	};

	return cmocka_run_group_tests(tests, fix_group, NULL);
}
