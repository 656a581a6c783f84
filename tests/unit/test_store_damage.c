/* tests/unit/test_store_damage.c - fs/store: a state that is missing, cut, changed or copied. */
#include "tests/unit/store_look.h"

#include <lmdb.h>

/* LMDB maps its file and dies of SIGBUS behind the end: a cut file must be refused before. */
static void store_open_survives_a_state_cut_at_any_length(void **state)
{
	static uint8_t whole[1u << 20];
	struct fix *f = *state;
	const char *data = fix_path(f, "state/data.mdb");
	size_t len = fix_read(data, whole, sizeof(whole)), refused = 0;

	fix_rm(fix_path(f, "state.snapshot"));
	for (size_t cut = 0; cut < len; cut += cut % PAGE == 0 ? 1 : PAGE - 1) {
		int seen;

		fix_write(data, whole, cut);
		seen = in_child(f, look);
		if (seen != LOOK_REFUSED && seen != LOOK_WHOLE) /* the last pages may be free */
			fail_msg("cut at %zu: look %d", cut, seen);
		refused += seen == LOOK_REFUSED;
	}
	assert_true(refused > 10);
}

/* Pages of zeros, of noise and of other pages, as a torn copy or a bad disk leaves them. */
static void store_open_survives_any_damaged_page(void **state)
{
	static uint8_t whole[1u << 20], bad[1u << 20];
	struct fix *f = *state;
	const char *data = fix_path(f, "state/data.mdb");
	size_t len = fix_read(data, whole, sizeof(whole)), refused = 0;

	fix_rm(fix_path(f, "state.snapshot"));
	for (size_t page = 0; page < len / PAGE; page++)
		for (int kind = 0; kind < 4; kind++) {
			uint8_t *at = bad + page * PAGE;
			int seen;

			memcpy(bad, whole, len);
			if (kind == 0)
				memset(at, 0, PAGE);
			else if (kind == 1)
				memset(at, 0xff, PAGE);
			else if (kind == 2)
				memcpy(at, whole + (page + 1) * PAGE % len, PAGE);
			else
				for (size_t i = 12; i < PAGE; i++) /* a right number, then noise */
					at[i] = (uint8_t)(i * 131 + page * 7 + i / 256);
			fix_write(data, bad, len);
			seen = in_child(f, look);
			if (seen != LOOK_REFUSED && seen != LOOK_WHOLE)
				fail_msg("page %zu kind %d: look %d", page, kind, seen);
			refused += seen == LOOK_REFUSED;
		}
	assert_true(refused > 20);
}

/* Many children of one byte each: whatever is changed, no record is ever read wrong. */
static int look_at_flips(const struct fix *f)
{
	static uint8_t whole[1u << 20];
	const char *data = fix_path(f, "state/data.mdb");
	size_t len = fix_read(data, whole, sizeof(whole));
	int fd = open(data, O_WRONLY);

	for (size_t at = 0; at < len; at += at % PAGE < 192 ? 1 : 67) {
		uint8_t flipped = whole[at] ^ (uint8_t)(1u << at % 8);
		int seen;

		if (pwrite(fd, &flipped, 1, (off_t)at) != 1)
			return LOOK_SILENT;
		seen = look(f);
		if (seen != LOOK_REFUSED && seen != LOOK_WHOLE) {
			print_error("flip at %zu: look %d\n", at, seen);
			return seen;
		}
		if (pwrite(fd, whole + at, 1, (off_t)at) != 1)
			return LOOK_SILENT;
	}
	close(fd);
	return LOOK_WHOLE;
}

static void store_open_survives_flipped_bits(void **state)
{
	struct fix *f = *state;

	fix_rm(fix_path(f, "state.snapshot"));
	assert_int_equal(in_child(f, look_at_flips), LOOK_WHOLE);
}

/* The sentence names the file and what to do; doing that opens the store. */
static void store_open_reports_how_to_fall_back(void **state)
{
	uint8_t before[SHA256_LEN], after[SHA256_LEN];
	struct fix *f = *state;
	struct store *s;
	char aside[160];
	struct err err;

	fix_rm(fix_path(f, "lock"));
	assert_int_equal(truncate(fix_path(f, "state/data.mdb"), 3 * PAGE), 0);
	fix_tree_sum(f, before);
	assert_int_equal(fix_open_err(f, STORE_SERVE, &s, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "state/data.mdb is damaged or cut short"));
	assert_non_null(strstr(err.text, "move .depfs/state out"));
	fix_tree_sum(f, after);
	assert_memory_equal(before, after, SHA256_LEN);
	(void)snprintf(aside, sizeof(aside), "%s/aside", f->top);
	assert_int_equal(rename(fix_path(f, "state"), aside), 0);
	s = fix_open(f, STORE_SERVE);
	assert_true(store_is_rebuilt(s));
	store_close(s, true);
	assert_int_equal(look(f), LOOK_WHOLE);
}

/* Where both files are damaged, the sentence does not point to the other one. */
static void store_open_reports_when_both_are_damaged(void **state)
{
	struct fix *f = *state;
	struct store *s;
	struct err err;

	fix_write(fix_path(f, "state/data.mdb"), "torn", 4);
	fix_write(fix_path(f, "state.snapshot"), "torn", 4);
	assert_int_equal(fix_open_err(f, STORE_SERVE, &s, &err), -EBADMSG);
	assert_null(strstr(err.text, "move .depfs/state out"));
	assert_non_null(strstr(err.text, "state.snapshot, which could take its place, is damaged"));
}

static void store_open_refuses_when_state_and_snapshot_are_missing(void **state)
{
	struct fix *f = *state;
	struct store *s;
	struct err err;

	fix_rm(fix_path(f, "state"));
	fix_rm(fix_path(f, "state.snapshot"));
	assert_int_equal(fix_open_err(f, STORE_SERVE, &s, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "both missing"));
	assert_false(fix_exists(fix_path(f, "state")));
	assert_int_equal(fix_open_err(f, STORE_READ_ONLY, &s, &err), -EBADMSG);
}

/* A folder without its file is damage, not a store without policies. */
static void store_open_refuses_an_empty_state_folder(void **state)
{
	struct fix *f = *state;
	struct store *s;
	struct err err;

	fix_rm(fix_path(f, "state/data.mdb"));
	assert_int_equal(fix_open_err(f, STORE_SERVE, &s, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "data.mdb"));
	assert_false(fix_exists(fix_path(f, "state/data.mdb")));
}

/* With a sound state/ a damaged snapshot is only replaced. */
static void store_open_replaces_a_damaged_snapshot(void **state)
{
	struct fix *f = *state;

	fix_write(fix_path(f, "state.snapshot"), "torn", 4);
	store_close(fix_open(f, STORE_SERVE), true);
	fix_rm(fix_path(f, "state"));
	store_close(fix_open(f, STORE_SERVE), true);
	assert_int_equal(look(f), LOOK_WHOLE);
}

/* A snapshot of another key is not copied into place before that is known. */
static void store_open_refuses_a_damaged_snapshot_alone(void **state)
{
	struct fix *f = *state;
	struct store *s;

	fix_rm(fix_path(f, "state"));
	assert_int_equal(truncate(fix_path(f, "state.snapshot"), 5 * PAGE), 0);
	assert_int_equal(fix_try_open(f, STORE_SERVE, &s), -EBADMSG);
	assert_false(fix_exists(fix_path(f, "state")));
	assert_false(fix_exists(fix_path(f, "state.tmp")));
}

/* Changes records without depfs, as an attacker with the folder but without the key could. */
static void forge(const struct fix *f, const char *table, const char *from, const char *to,
		  int flip_at)
{
	MDB_val key = {strlen(from), (void *)from}, data;
	uint8_t copy[8192];
	MDB_env *env;
	MDB_txn *t;
	MDB_dbi dbi;

	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
	assert_int_equal(mdb_env_open(env, fix_path(f, "state"), 0, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &t), 0);
	assert_int_equal(mdb_dbi_open(t, table, 0, &dbi), 0);
	assert_int_equal(mdb_get(t, dbi, &key, &data), 0);
	memcpy(copy, data.mv_data, data.mv_size);
	if (flip_at >= 0)
		copy[flip_at] ^= 1;
	data.mv_data = copy;
	key = (MDB_val){strlen(to), (void *)to};
	assert_int_equal(mdb_put(t, dbi, &key, &data, 0), 0);
	assert_int_equal(mdb_txn_commit(t), 0);
	mdb_env_close(env);
}

/* Each byte of a record and of its MAC counts. */
static void store_open_refuses_a_forged_record(void **state)
{
	struct fix *f = *state;
	struct store *s;
	struct err err;

	for (int at = 0; at < 100 + 16; at += 5) {
		forge(f, "policies", "policy-01", "policy-01", at);
		assert_int_equal(fix_open_err(f, STORE_SERVE, &s, &err), -EBADMSG);
		assert_non_null(strstr(err.text, "policy-01 of table policies"));
		forge(f, "policies", "policy-01", "policy-01", at);
	}
	assert_int_equal(look(f), LOOK_WHOLE);
}

/* One policy's record under another's id: true in itself, and in the wrong place. */
static void store_open_refuses_a_record_under_another_key(void **state)
{
	struct fix *f = *state;
	struct store *s;
	struct err err;

	forge(f, "policies", "policy-01", "policy-02", -1);
	assert_int_equal(fix_open_err(f, STORE_SERVE, &s, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "policy-02"));
}

static void shell(const char *fmt, const char *from, const char *to)
{
	char command[400];

	(void)snprintf(command, sizeof(command), fmt, from, to);
	assert_int_equal(system(command), 0);
}

static void copy_store(const struct fix *f, struct fix *ret_copy)
{
	*ret_copy = *f;
	(void)snprintf(ret_copy->store, sizeof(ret_copy->store), "%s/copy", f->top);
	shell("cp -a %s %s", f->store, ret_copy->store);
}

/* A file-by-file copy of a live store: its state/ may be torn, its snapshot is not. */
static void store_open_trusts_the_snapshot_of_a_live_copy(void **state)
{
	struct fix *f = *state, copy;
	struct store *s = fix_open(f, STORE_SERVE), *c;

	fix_put(s, TABLE_KEYS, "k", "acknowledged", STORE_COMMIT_SNAPSHOT);
	copy_store(f, &copy);
	fix_put(s, TABLE_KEYS, "k", "later", STORE_COMMIT_SNAPSHOT);
	c = fix_open(&copy, STORE_SERVE);
	assert_true(store_is_rebuilt(c));
	assert_true(store_unclean_since(c) > 0); /* its files may lag as after a crash */
	assert_string_equal(fix_get(c, TABLE_KEYS, "k"), "acknowledged");
	store_close(c, true);
	c = fix_open(&copy, STORE_SERVE);
	assert_false(store_is_rebuilt(c));
	store_close(c, true);
	store_close(s, true);
}

/* The same for a tool that must not write: it reads the copy's snapshot. */
static void store_open_read_only_reads_the_snapshot_of_a_live_copy(void **state)
{
	struct fix *f = *state, copy;
	struct store *s = fix_open(f, STORE_SERVE), *c;

	copy_store(f, &copy);
	assert_int_equal(truncate(fix_path(&copy, "state/data.mdb"), 2 * PAGE), 0);
	c = fix_open(&copy, STORE_READ_ONLY);
	assert_true(store_is_rebuilt(c));
	store_close(c, true);
	store_close(s, true);
}

/* A copy made while nothing runs is whole, state/ and all its events. */
static void store_open_uses_the_state_of_a_copy_at_rest(void **state)
{
	struct fix *f = *state, copy;
	struct store *c;

	store_close(fix_open(f, STORE_SERVE), true);
	copy_store(f, &copy);
	c = fix_open(&copy, STORE_SERVE);
	assert_false(store_is_rebuilt(c));
	store_close(c, true);
}

/* After a crash the state is the newest there is, and is used. */
static void store_open_uses_the_state_after_a_crash(void **state)
{
	struct fix *f = *state;
	struct store *s = fix_open(f, STORE_SERVE);

	fix_put(s, TABLE_JOBS, "j", "newest", STORE_COMMIT);
	store_close(s, false);
	s = fix_open(f, STORE_SERVE);
	assert_false(store_is_rebuilt(s));
	assert_string_equal(fix_get(s, TABLE_JOBS, "j"), "newest");
	store_close(s, true);
}

/* A state/ older than its snapshot was brought back from somewhere: key records would lack. */
static void store_open_refuses_to_go_back_behind_the_snapshot(void **state)
{
	struct fix *f = *state;
	struct store *s;
	char old[160];

	(void)snprintf(old, sizeof(old), "%s/old", f->top);
	shell("cp -a %s %s", fix_path(f, "state"), old);
	s = fix_open(f, STORE_SERVE);
	fix_put(s, TABLE_KEYS, "k", "needed by a header", STORE_COMMIT_SNAPSHOT);
	store_close(s, true);
	fix_rm(fix_path(f, "state"));
	shell("cp -a %s %s", old, fix_path(f, "state"));
	s = fix_open(f, STORE_READ_ONLY);
	assert_string_equal(fix_get(s, TABLE_KEYS, "k"), "needed by a header");
	store_close(s, true);
	s = fix_open(f, STORE_SERVE);
	assert_true(store_is_rebuilt(s));
	assert_string_equal(fix_get(s, TABLE_KEYS, "k"), "needed by a header");
	store_close(s, true);
}

/* Nothing but the newest events is left out, and what is says so. */
static void snapshot_keeps_the_newest_events_only(void **state)
{
	struct fix *f = *state;
	struct store *s = fix_open(f, STORE_SERVE);
	struct store_txn *t = fix_begin(s, STORE_WRITE);
	uint8_t key[8] = {0};

	for (unsigned i = 1; i <= 1000; i++) {
		key[6] = (uint8_t)(i >> 8);
		key[7] = (uint8_t)i;
		assert_int_equal(store_put(t, TABLE_EVENTS, key, 8, &i, sizeof(i), NULL), 0);
	}
	assert_int_equal(store_commit(t, STORE_COMMIT_SNAPSHOT, NULL), 0);
	store_close(s, true);
	fix_rm(fix_path(f, "state"));
	s = fix_open(f, STORE_SERVE);
	t = fix_begin(s, STORE_READ);
	for (unsigned i = 1; i <= 1000; i++) {
		const uint8_t *value;
		size_t len;

		key[6] = (uint8_t)(i >> 8);
		key[7] = (uint8_t)i;
		assert_int_equal(store_get(t, TABLE_EVENTS, key, 8, &value, &len, NULL),
				 i <= 1000 - 512 ? -ENOENT : 0);
	}
	store_abort(t);
	assert_memory_equal(fix_get(s, TABLE_META, STORE_META_EVENTS_FROM), "\xe9\x01\0\0\0\0\0\0",
			    8); /* 489 */
	store_close(s, true);
}

#define FILLED(test) cmocka_unit_test_setup_teardown(test, setup_filled, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILLED(store_open_survives_a_state_cut_at_any_length),
		FILLED(store_open_survives_any_damaged_page),
		FILLED(store_open_survives_flipped_bits),
		FILLED(store_open_reports_how_to_fall_back),
		FILLED(store_open_reports_when_both_are_damaged),
		FILLED(store_open_refuses_when_state_and_snapshot_are_missing),
		FILLED(store_open_refuses_an_empty_state_folder),
		FILLED(store_open_replaces_a_damaged_snapshot),
		FILLED(store_open_refuses_a_damaged_snapshot_alone),
		FILLED(store_open_refuses_a_forged_record),
		FILLED(store_open_refuses_a_record_under_another_key),
		FILLED(store_open_trusts_the_snapshot_of_a_live_copy),
		FILLED(store_open_read_only_reads_the_snapshot_of_a_live_copy),
		FILLED(store_open_uses_the_state_of_a_copy_at_rest),
		FILLED(store_open_uses_the_state_after_a_crash),
		FILLED(store_open_refuses_to_go_back_behind_the_snapshot),
		FILLED(snapshot_keeps_the_newest_events_only),
	};

	return cmocka_run_group_tests(tests, fix_group, NULL);
}
