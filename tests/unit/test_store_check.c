/* tests/unit/test_store_check.c - fs/store: what must hold among the pages of an LMDB file. */
#include "tests/unit/store_look.h"

/* Where LMDB 0.9 keeps what, in a meta page: tests/unit knows it from the table in
 * fs/store/check.c. */
#define META_AT	       16
#define META_FREE_ROOT (META_AT + 24 + 40)
#define META_MAIN_ROOT (META_FREE_ROOT + 48)
#define META_TXN       (META_AT + 24 + 2 * 48 + 8)

static uint64_t word_at(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static void word_put(uint8_t *at, uint64_t v)
{
	memcpy(at, &v, sizeof(v));
}

/* LMDB relies on the parity of the two when it chooses one; another state than the one that was
 * looked at would be served. */
static void store_open_refuses_metas_that_disagree(void **state)
{
	static uint8_t whole[1u << 20];
	struct fix *f = *state;
	const char *data = fix_path(f, "state/data.mdb");
	size_t len = fix_read(data, whole, sizeof(whole));
	uint8_t *older = whole + META_TXN, *newer = whole + PAGE + META_TXN;

	fix_rm(fix_path(f, "state.snapshot"));
	if (word_at(older) > word_at(newer)) {
		older = newer;
		newer = whole + META_TXN;
	}
	assert_int_equal(word_at(newer), word_at(older) + 1);
	for (uint64_t off = 1; off <= 3; off++) {
		word_put(newer, word_at(newer) + 1);
		fix_write(data, whole, len);
		assert_int_equal(in_child(f, look), LOOK_REFUSED);
	}
}

/* A page in use that the free list names would be overwritten by the next commit. */
static void store_open_refuses_a_free_list_of_used_pages(void **state)
{
	static uint8_t whole[1u << 20];
	struct fix *f = *state;
	const char *data = fix_path(f, "state/data.mdb");
	size_t len = fix_read(data, whole, sizeof(whole));
	bool second = word_at(whole + PAGE + META_TXN) > word_at(whole + META_TXN);
	const uint8_t *meta = whole + second * PAGE;
	uint64_t root = word_at(meta + META_MAIN_ROOT), n;
	uint8_t *page = whole + word_at(meta + META_FREE_ROOT) * PAGE, *list;
	uint16_t node;

	fix_rm(fix_path(f, "state.snapshot"));
	memcpy(&node, page + 16, sizeof(node)); /* first node: head 8, key 8, then the list */
	list = page + node + 16;
	n = word_at(list);
	assert_in_range(n, 1, 400);
	for (uint64_t i = 1; i <= n; i++) {
		uint64_t was = word_at(list + 8 * i);

		word_put(list + 8 * i, root);
		fix_write(data, whole, len);
		assert_int_equal(in_child(f, look), LOOK_REFUSED);
		word_put(list + 8 * i, was);
	}
	fix_write(data, whole, len);
	assert_int_equal(in_child(f, look), LOOK_WHOLE);
}

/* A healthy state stays one through hundreds of commits, growth, emptying and reopening. */
static void store_open_takes_every_healthy_state(void **state)
{
	struct fix *f = *state;
	char key[32];
	struct store *s = fix_open(f, STORE_SERVE);

	for (int i = 0; i < 300; i++) {
		(void)snprintf(key, sizeof(key), "job-%d", i % 60);
		fix_put(s, TABLE_JOBS, key, "some value that is a little longer than nothing",
			STORE_COMMIT);
		if (i % 30 == 29) {
			assert_int_equal(in_child(f, look), LOOK_WHOLE);
			store_close(s, true);
			s = fix_open(f, STORE_SERVE);
		}
	}
	for (int i = 0; i < 60; i++) {
		struct store_txn *t = fix_begin(s, STORE_WRITE);

		(void)snprintf(key, sizeof(key), "job-%d", i);
		assert_int_equal(store_del(t, TABLE_JOBS, key, strlen(key), NULL), 0);
		assert_int_equal(
			store_commit(t, i % 2 ? STORE_COMMIT : STORE_COMMIT_SNAPSHOT, NULL), 0);
		assert_int_equal(in_child(f, look), LOOK_WHOLE);
	}
	store_close(s, true);
	fix_rm(fix_path(f, "state"));
	store_close(fix_open(f, STORE_SERVE), true); /* a compacted copy is one too */
	assert_int_equal(look(f), LOOK_WHOLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(store_open_refuses_metas_that_disagree,
						setup_filled, fix_teardown),
		cmocka_unit_test_setup_teardown(store_open_refuses_a_free_list_of_used_pages,
						setup_filled, fix_teardown),
		cmocka_unit_test_setup_teardown(store_open_takes_every_healthy_state, setup_filled,
						fix_teardown),
	};

	return cmocka_run_group_tests(tests, fix_group, NULL);
}
