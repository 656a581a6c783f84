/* tests/unit/test_store_scrub.c - fs/store: no byte of a removed record stays in the store. */
#include "tests/unit/store_fixture.h"

#include "fs/store/scrub.h"

#define SECRET "these bytes are to leave the disk"

static const char *searched_for;
static unsigned files_with_it;

static int search_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	static uint8_t content[4u << 20];

	(void)st;
	(void)ftw;
	if (type == FTW_F && memmem(content, fix_read(path, content, sizeof(content)), searched_for,
				    strlen(searched_for)))
		files_with_it++;
	return 0;
}

/* In how many of the store's files a text is. */
static unsigned files_with(const struct fix *f, const char *text)
{
	searched_for = text;
	files_with_it = 0;
	assert_int_equal(nftw(f->store, search_one, 16, FTW_PHYS), 0);
	return files_with_it;
}

static void del(struct store *s, enum store_table table, const char *key)
{
	struct store_txn *t = fix_begin(s, STORE_WRITE);

	assert_int_equal(store_del(t, table, key, strlen(key), NULL), 0);
	assert_int_equal(store_commit(t, STORE_COMMIT_SNAPSHOT, NULL), 0);
}

static void scrub(struct store *s)
{
	struct err err = {0};

	assert_int_equal(fix_judged(store_scrub(s, &err), &err), 0);
}

/* LMDB keeps what was removed or replaced in its pages; after a scrub it is in no file. */
static void scrub_erases_removed_and_replaced_records(void **state)
{
	struct store *s = fix_open(*state, STORE_SERVE);

	fix_put(s, TABLE_KEYS, "removed", SECRET, STORE_COMMIT_SNAPSHOT);
	fix_put(s, TABLE_KEYS, "replaced", SECRET, STORE_COMMIT_SNAPSHOT);
	fix_put(s, TABLE_KEYS, "replaced", "harmless", STORE_COMMIT_SNAPSHOT);
	del(s, TABLE_KEYS, "removed");
	assert_int_equal(files_with(*state, SECRET), 1); /* state/data.mdb */
	scrub(s);
	assert_int_equal(files_with(*state, SECRET), 0);
	store_close(s, true);
}

/* All live records are in the new state, also those of the log that a snapshot leaves out. */
static void scrub_keeps_every_record(void **state)
{
	struct store *s = fix_open(*state, STORE_SERVE);
	struct store_txn *t = fix_begin(s, STORE_WRITE);
	char key[16];

	for (unsigned i = 0; i < 2000; i++) {
		(void)snprintf(key, sizeof(key), "%07u", i); /* and a NUL: 8 bytes */
		assert_int_equal(store_put(t, TABLE_EVENTS, key, 8, key, 7, NULL), 0);
	}
	assert_int_equal(store_commit(t, STORE_COMMIT, NULL), 0);
	fix_put(s, TABLE_POLICIES, "p", "policy", STORE_COMMIT_SNAPSHOT);
	scrub(s);
	scrub(s); /* may be repeated */
	t = fix_begin(s, STORE_READ);
	for (unsigned i = 0; i < 2000; i++) {
		const uint8_t *value;
		size_t len;

		(void)snprintf(key, sizeof(key), "%07u", i);
		assert_int_equal(store_get(t, TABLE_EVENTS, key, 8, &value, &len, NULL), 0);
		assert_memory_equal(value, key, 7);
	}
	store_abort(t);
	fix_put(s, TABLE_JOBS, "later", "written behind it", STORE_COMMIT);
	store_close(s, true);
	s = fix_open(*state, STORE_SERVE);
	assert_string_equal(fix_get(s, TABLE_POLICIES, "p"), "policy");
	assert_string_equal(fix_get(s, TABLE_JOBS, "later"), "written behind it");
	store_close(s, true);
}

/* The new file has another inode, which after a crash must not look like a copied store. */
static void scrub_then_a_crash_does_not_look_like_a_copy(void **state)
{
	struct store *s = fix_open(*state, STORE_SERVE);

	fix_put(s, TABLE_JOBS, "k", "not in the snapshot", STORE_COMMIT);
	scrub(s);
	store_close(s, false);
	s = fix_open(*state, STORE_SERVE);
	assert_false(store_is_rebuilt(s));
	assert_string_equal(fix_get(s, TABLE_JOBS, "k"), "not in the snapshot");
	store_close(s, true);
}

/* States that were set aside have the records too; links under such names are not followed. */
static void scrub_removes_states_that_were_set_aside(void **state)
{
	struct fix *f = *state;
	struct store *s = fix_open(f, STORE_SERVE);
	char elsewhere[96];

	assert_int_equal(mkdir(fix_path(f, "state.copied-1"), 0700), 0);
	fix_write(fix_path(f, "state.copied-1/data.mdb"), SECRET, strlen(SECRET));
	(void)snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", f->top);
	assert_int_equal(mkdir(elsewhere, 0700), 0);
	assert_int_equal(symlink(elsewhere, fix_path(f, "state.copied-2")), 0);
	assert_int_equal(symlink(f->key, fix_path(f, "state.copied-3")), 0);
	scrub(s);
	assert_false(fix_exists(fix_path(f, "state.copied-1")));
	assert_true(fix_exists(fix_path(f, "state.copied-2")) && fix_exists(elsewhere));
	store_close(s, true);
	store_close(fix_open(f, STORE_SERVE), true); /* the service key is whole */
}

/* What is not a plain file in a state that was set aside was not made by depfs. */
static void scrub_refuses_what_is_no_plain_file(void **state)
{
	struct fix *f = *state;
	struct store *s = fix_open(f, STORE_SERVE);
	struct err err = {0};

	assert_int_equal(mkdir(fix_path(f, "state.copied-1"), 0700), 0);
	assert_int_equal(symlink(f->key, fix_path(f, "state.copied-1/data.mdb")), 0);
	assert_int_equal(fix_judged(store_scrub(s, &err), &err), -ELOOP);
	assert_non_null(strstr(err.text, "state.copied-1"));
	store_close(s, true);
	store_close(fix_open(f, STORE_SERVE), true);
}

/* The snapshot that a commit replaces can still be overwritten through its descriptor. */
static void store_shred_overwrites_the_snapshot_that_was_held(void **state)
{
	struct store *s = fix_open(*state, STORE_SERVE);
	const char *kept = fix_path(*state, "kept");
	struct stat before, after;
	int fd;

	fix_put(s, TABLE_KEYS, "k", SECRET, STORE_COMMIT_SNAPSHOT);
	assert_int_equal(link(fix_path(*state, "state.snapshot"), kept), 0);
	assert_int_equal(store_snapshot_hold(s, &fd, NULL), 0);
	del(s, TABLE_KEYS, "k");
	assert_int_equal(stat(kept, &before), 0);
	assert_int_equal(store_shred(fd, NULL), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(stat(kept, &after), 0);
	assert_true(before.st_size == after.st_size);
	scrub(s);
	assert_int_equal(files_with(*state, SECRET), 0);
	store_close(s, true);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(scrub_erases_removed_and_replaced_records),
		STORE(scrub_keeps_every_record),
		STORE(scrub_then_a_crash_does_not_look_like_a_copy),
		STORE(scrub_removes_states_that_were_set_aside),
		STORE(scrub_refuses_what_is_no_plain_file),
		STORE(store_shred_overwrites_the_snapshot_that_was_held),
	};

	return cmocka_run_group_tests(tests, fix_group, NULL);
}
