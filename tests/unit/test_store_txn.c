/* tests/unit/test_store_txn.c - fs/store: records put, read, walked and removed in transactions. */
#include "tests/unit/store_fixture.h"

/* What was committed is there after the next start, what was aborted is not. */
static void store_commit_lasts_and_abort_leaves_nothing(void **state)
{
	struct fix *f = *state;
	struct store *s = fix_open(f, STORE_SERVE);
	struct store_txn *t;

	fix_put(s, TABLE_JOBS, "kept", "one", STORE_COMMIT);
	t = fix_begin(s, STORE_WRITE);
	assert_int_equal(store_put(t, TABLE_JOBS, "dropped", 7, "x", 1, NULL), 0);
	assert_int_equal(store_del(t, TABLE_JOBS, "kept", 4, NULL), 0);
	store_abort(t);
	store_close(s, false);
	s = fix_open(f, STORE_SERVE);
	assert_string_equal(fix_get(s, TABLE_JOBS, "kept"), "one");
	assert_string_equal(fix_get(s, TABLE_JOBS, "dropped"), "");
	store_close(s, true);
}

static void store_del_takes_a_record_away_once(void **state)
{
	struct store *s = fix_open(*state, STORE_SERVE);
	struct err err = {0};
	struct store_txn *t;

	fix_put(s, TABLE_JOBS, "k", "v", STORE_COMMIT);
	t = fix_begin(s, STORE_WRITE);
	assert_int_equal(store_del(t, TABLE_JOBS, "k", 1, &err), 0);
	assert_int_equal(fix_judged(store_del(t, TABLE_JOBS, "k", 1, &err), &err), -ENOENT);
	assert_int_equal(store_commit(t, STORE_COMMIT, &err), 0);
	assert_string_equal(fix_get(s, TABLE_JOBS, "k"), "");
	store_close(s, true);
}

/* Tables are apart: the same key in each holds its own record. */
static void store_tables_are_apart(void **state)
{
	static const char *const values[TABLE_COUNT] = {"0", "1", "2", "3", "4", "5"};
	struct fix *f = *state;
	struct store *s = fix_open(f, STORE_SERVE);

	for (int i = 0; i < TABLE_COUNT; i++)
		fix_put(s, i, "same", values[i], STORE_COMMIT);
	for (int i = 0; i < TABLE_COUNT; i++)
		assert_string_equal(fix_get(s, i, "same"), values[i]);
	store_close(s, true);
}

static void store_put_refuses_impossible_keys_and_readers(void **state)
{
	struct fix *f = *state;
	struct store *s = fix_open(f, STORE_SERVE);
	struct store_txn *t = fix_begin(s, STORE_WRITE), *t2;
	static const char key[512] = {'k'};
	struct err err = {0};

	assert_int_equal(fix_judged(store_put(t, TABLE_JOBS, key, 0, "v", 1, &err), &err), -EINVAL);
	assert_int_equal(store_put(t, TABLE_JOBS, key, 512, "v", 1, &err), -EINVAL);
	assert_int_equal(store_put(t, TABLE_JOBS, key, 511, "v", 1, &err), 0);
	store_abort(t);
	t = fix_begin(s, STORE_READ);
	assert_int_equal(store_put(t, TABLE_JOBS, key, 1, "v", 1, &err), -EINVAL);
	assert_int_equal(store_begin(s, STORE_WRITE, &t2, &err), -EDEADLK);
	assert_int_equal(store_begin(s, STORE_READ, &t2, &err), 0); /* a second one is fine */
	store_abort(t2);
	store_abort(t);
	store_close(s, true);
}

struct seen {
	char text[256];
	int stop_at;
};

static int seen_add(void *arg, const void *key, size_t key_len, const uint8_t *value,
		    size_t value_len)
{
	struct seen *seen = arg;
	size_t at = strlen(seen->text);

	(void)snprintf(seen->text + at, sizeof(seen->text) - at, "%.*s=%.*s ", (int)key_len,
		       (const char *)key, (int)value_len, (const char *)value);
	return --seen->stop_at == 0 ? 42 : 0;
}

/* In key order, from the given key on, until the callback ends it. */
static void store_each_walks_in_order(void **state)
{
	struct fix *f = *state;
	struct store *s = fix_open(f, STORE_SERVE);
	struct seen all = {.text = ""}, some = {.stop_at = 2};
	const uint8_t *value;
	struct store_txn *t;
	const void *key;
	size_t key_len, len;
	struct err err = {0};

	t = fix_begin(s, STORE_READ);
	assert_int_equal(store_each(t, TABLE_JOBS, NULL, 0, seen_add, &all, &err), 0);
	assert_string_equal(all.text, "");
	assert_int_equal(
		fix_judged(store_last(t, TABLE_JOBS, &key, &key_len, &value, &len, &err), &err),
		-ENOENT);
	store_abort(t);
	fix_put(s, TABLE_JOBS, "c", "3", STORE_COMMIT);
	fix_put(s, TABLE_JOBS, "a", "1", STORE_COMMIT);
	fix_put(s, TABLE_JOBS, "bb", "2", STORE_COMMIT);
	t = fix_begin(s, STORE_READ);
	assert_int_equal(store_each(t, TABLE_JOBS, NULL, 0, seen_add, &all, &err), 0);
	assert_string_equal(all.text, "a=1 bb=2 c=3 ");
	assert_int_equal(store_each(t, TABLE_JOBS, "b", 1, seen_add, &some, &err), 42);
	assert_string_equal(some.text, "bb=2 c=3 ");
	assert_int_equal(store_last(t, TABLE_JOBS, &key, &key_len, &value, &len, &err), 0);
	assert_memory_equal(key, "c", 1);
	assert_int_equal(len, 1);
	store_abort(t);
	store_close(s, true);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(store_commit_lasts_and_abort_leaves_nothing),
		STORE(store_del_takes_a_record_away_once),
		STORE(store_tables_are_apart),
		STORE(store_put_refuses_impossible_keys_and_readers),
		STORE(store_each_walks_in_order),
	};

	return cmocka_run_group_tests(tests, fix_group, NULL);
}
