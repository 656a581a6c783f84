/* tests/unit/test_store.c - a store: made, opened, refused; records put, read, taken back. */
#include "store_fixture.h"

#include <dirent.h>
#include <sys/file.h>

static size_t entries(const char *path)
{
	DIR *d = opendir(path);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2; /* . and .. */
}

static void assert_mode(const char *path, mode_t mode)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	if ((st.st_mode & 07777) != mode)
		fail_msg("%s has mode %04o", path, st.st_mode & 07777);
}

/* A new store is complete, private, and closed again. */
static void store_create_makes_a_whole_store(void **state)
{
	struct store_format fmt;
	struct fix *f = *state;
	struct err err = {0};

	assert_mode(f->store, 0700);
	assert_mode(fix_path(f, "state/data.mdb"), 0600);
	assert_mode(fix_path(f, "state.snapshot"), 0600);
	assert_int_equal(entries(f->store), 1);
	assert_int_equal(fix_judged(store_read_format(f->store, &fmt, &err), &err), 0);
	assert_int_equal(fmt.version, 1);
	assert_memory_equal(fmt.store_id, f->id, UUID_LEN);
	assert_int_equal(f->id[6] >> 4, 4); /* RFC 9562: random, and said so */
	assert_int_equal(f->id[8] >> 6, 2);
}

/* What the operator made is taken as it is; what the system put there is not data. */
static void store_create_takes_an_empty_folder(void **state)
{
	struct fix *f = *state;
	char path[128];

	assert_int_equal(mkdir(f->store, 0750), 0);
	(void)snprintf(path, sizeof(path), "%s/lost+found", f->store);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(store_create(f->store, f->spec, f->id, NULL), 0);
	assert_mode(f->store, 0750);
	store_close(fix_open(f, STORE_SERVE), true);
}

/* A mkfs.depfs killed half-way must not need a hand to clean up after it. */
static void store_create_clears_what_a_killed_one_left(void **state)
{
	struct fix *f = *state;
	char path[160];

	assert_int_equal(mkdir(f->store, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/.depfs.tmp", f->store);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/.depfs.tmp/state", f->store);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/.depfs.tmp/state/data.mdb", f->store);
	fix_write(path, "half", 4);
	(void)snprintf(path, sizeof(path), "%s/.depfs.tmp/format", f->store);
	fix_write(path, "depfs", 5);
	assert_int_equal(store_create(f->store, f->spec, f->id, NULL), 0);
	assert_int_equal(entries(f->store), 1);
	store_close(fix_open(f, STORE_SERVE), true);
}

/* A refused store_create(): the errno, a sentence, and nothing changed. */
static void refuse_create(const struct fix *f, const char *store, const char *spec, int want)
{
	uint8_t before[SHA256_LEN], after[SHA256_LEN], id[UUID_LEN];
	struct err err = {0};
	int r;

	fix_tree_sum(f, before);
	r = fix_judged(store_create(store, spec, id, &err), &err);
	if (r != want)
		fail_msg("%s, %s: %s instead of %s (%s)", store, spec, strerrorname_np(-r),
			 strerrorname_np(-want), err.text);
	fix_tree_sum(f, after);
	assert_memory_equal(before, after, SHA256_LEN);
}

static void store_create_refuses_bad_places(void **state)
{
	struct fix *f = *state;
	char other[160], inside[160];

	(void)snprintf(other, sizeof(other), "%s/none/store", f->top);
	refuse_create(f, other, f->spec, -ENOENT);
	refuse_create(f, "", f->spec, -EINVAL);
	(void)snprintf(inside, sizeof(inside), "file:%s/key", f->store);
	refuse_create(f, f->store, inside, -EINVAL);
	(void)snprintf(inside, sizeof(inside), "file:%s/none/key", f->top);
	refuse_create(f, f->store, inside, -ENOENT);
	refuse_create(f, f->store, "key", -EINVAL);
	refuse_create(f, f->store, "file:key", -EINVAL);
	fix_write(f->store, "x", 1);
	refuse_create(f, f->store, f->spec, -ENOTDIR);
}

static void store_create_refuses_a_folder_with_something_in_it(void **state)
{
	struct fix *f = *state;
	char path[160];

	assert_int_equal(mkdir(f->store, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/mail", f->store);
	fix_write(path, "x", 1);
	refuse_create(f, f->store, f->spec, -ENOTEMPTY);
}

/* Neither a store nor a key file is ever made over another. */
static void store_create_refuses_an_existing_store_or_key(void **state)
{
	struct fix *f = *state;
	char spec[160], store[160];

	(void)snprintf(spec, sizeof(spec), "file:%s/key2", f->top);
	(void)snprintf(store, sizeof(store), "%s/store2", f->top);
	refuse_create(f, f->store, spec, -EEXIST);
	refuse_create(f, f->store, f->spec, -EEXIST);
	refuse_create(f, store, f->spec, -EEXIST);
}

/* A link must not smuggle the key into the store. */
static void store_create_sees_through_links_to_the_key(void **state)
{
	struct fix *f = *state;
	char link[160], spec[200];

	assert_int_equal(mkdir(f->store, 0700), 0);
	(void)snprintf(link, sizeof(link), "%s/link", f->top);
	assert_int_equal(symlink(f->store, link), 0);
	(void)snprintf(spec, sizeof(spec), "file:%s/key", link);
	refuse_create(f, f->store, spec, -EINVAL);
}

static void store_create_lets_one_at_a_time(void **state)
{
	struct fix *f = *state;
	int fd;

	assert_int_equal(mkdir(f->store, 0700), 0);
	fd = open(f->store, O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	refuse_create(f, f->store, f->spec, -EBUSY);
	close(fd);
}

/* A refused store_open(): the errno, a sentence with @word, and nothing changed. */
static void refuse_open(const struct fix *f, int want, const char *word)
{
	static const enum store_mode modes[] = {STORE_READ_ONLY, STORE_SERVE};

	for (size_t i = 0; i < 2; i++) {
		uint8_t before[SHA256_LEN], after[SHA256_LEN];
		struct store *s = NULL;
		struct err err;
		int r;

		fix_tree_sum(f, before);
		r = fix_open_err(f, modes[i], &s, &err);
		if (r != want)
			fail_msg("%d instead of %d (%s)", r, want, err.text);
		if (!strstr(err.text, word))
			fail_msg("'%s' is not in: %s", word, err.text);
		fix_tree_sum(f, after);
		assert_memory_equal(before, after, SHA256_LEN);
	}
}

static void format_set(const struct fix *f, const char *line, size_t len)
{
	fix_write(fix_path(f, "format"), line, len);
}

/* A format line cut short must never be taken for a shorter one. */
static void store_open_refuses_a_cut_format(void **state)
{
	struct fix *f = *state;
	char line[128];
	size_t len = fix_read(fix_path(f, "format"), line, sizeof(line));

	assert_int_equal(len, 53);
	for (size_t cut = 0; cut < len; cut++) {
		format_set(f, line, cut);
		refuse_open(f, -EBADMSG, "cut short");
	}
	line[len] = 'x';
	format_set(f, line, len + 1);
	refuse_open(f, -EBADMSG, "damaged");
	fix_rm(fix_path(f, "format"));
	refuse_open(f, -ENOENT, "not a store");
}

static void store_open_refuses_every_damaged_byte_of_the_format(void **state)
{
	struct fix *f = *state;
	struct store_format fmt;
	char line[128];
	size_t len = fix_read(fix_path(f, "format"), line, sizeof(line));

	for (size_t at = 0; at < len; at++) {
		struct err err = {0};

		line[at] = (char)(line[at] ^ 0x80);
		format_set(f, line, len);
		assert_int_equal(fix_judged(store_read_format(f->store, &fmt, &err), &err),
				 -EBADMSG);
		line[at] = (char)(line[at] ^ 0x80);
	}
}

/* What a later depfs made is told as that, not as damage. */
static void store_open_tells_a_later_format(void **state)
{
	struct fix *f = *state;
	char line[128] = {0}, longer[500] = "depfs 4 ";
	size_t len = fix_read(fix_path(f, "format"), line, sizeof(line));

	line[6] = '2';
	format_set(f, line, len);
	refuse_open(f, -ENOTSUP, "version 2");
	format_set(f, "depfs 3 something else\n", 23);
	refuse_open(f, -ENOTSUP, "version 3");
	format_set(f, "depfs 10\n", 9);
	refuse_open(f, -ENOTSUP, "version 10");
	memset(longer + 8, 'x', sizeof(longer) - 8);
	format_set(f, longer, sizeof(longer));
	refuse_open(f, -ENOTSUP, "version 4");
	line[6] = '1';
	line[51] = '4';
	format_set(f, line, len);
	refuse_open(f, -ENOTSUP, "flags=4");
}

static void store_open_refuses_what_is_no_store(void **state)
{
	struct fix *f = *state;
	struct store *s;
	struct err err = {0};

	assert_int_equal(fix_judged(store_open(f->top, STORE_READ_ONLY, f->spec, &s, &err), &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "not a store"));
	assert_int_equal(store_open("/nonexistent", STORE_SERVE, f->spec, &s, &err), -ENOENT);
	assert_int_equal(store_open(f->key, STORE_SERVE, f->spec, &s, &err), -ENOTDIR);
}

/* The right store's id with other key bytes: a restored key file of the wrong generation. */
static void store_open_tells_a_wrong_service_key(void **state)
{
	struct fix *f = *state;
	char line[128];
	size_t len = fix_read(f->key, line, sizeof(line));

	line[60] = line[60] == '0' ? '1' : '0';
	fix_write(f->key, line, len);
	refuse_open(f, -EKEYREJECTED, "not the one this store was made with");
}

static void store_open_refuses_a_missing_or_open_key(void **state)
{
	struct fix *f = *state;

	assert_int_equal(chmod(f->key, 0644), 0);
	refuse_open(f, -EPERM, f->key);
	fix_rm(f->key);
	refuse_open(f, -ENOENT, f->key);
}

/* Two daemons on one store would tear it apart; the operator hears who has it. */
static void store_open_names_who_has_the_store(void **state)
{
	struct fix *f = *state;
	struct store *s = fix_open(f, STORE_SERVE), *other;
	char pid[32], host[65] = "";
	struct err err;

	(void)snprintf(pid, sizeof(pid), "process %d", (int)getpid());
	assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
	assert_int_equal(fix_open_err(f, STORE_SERVE, &other, &err), -EBUSY);
	assert_non_null(strstr(err.text, pid));
	assert_non_null(strstr(err.text, host));
	store_close(s, true);
	store_close(fix_open(f, STORE_SERVE), true);
}

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

static int see(void *arg, const void *key, size_t key_len, const uint8_t *value, size_t value_len)
{
	struct seen *seen = arg;
	size_t at = strlen(seen->text);

	(void)snprintf(seen->text + at, sizeof(seen->text) - at, "%.*s=%.*s ", (int)key_len,
		       (const char *)key, (int)value_len, (const char *)value);
	return --seen->stop_at == 0 ? 42 : 0;
}

/* In key order, from where it is told, until it is told to stop. */
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
	assert_int_equal(store_each(t, TABLE_JOBS, NULL, 0, see, &all, &err), 0);
	assert_string_equal(all.text, "");
	assert_int_equal(
		fix_judged(store_last(t, TABLE_JOBS, &key, &key_len, &value, &len, &err), &err),
		-ENOENT);
	store_abort(t);
	fix_put(s, TABLE_JOBS, "c", "3", STORE_COMMIT);
	fix_put(s, TABLE_JOBS, "a", "1", STORE_COMMIT);
	fix_put(s, TABLE_JOBS, "bb", "2", STORE_COMMIT);
	t = fix_begin(s, STORE_READ);
	assert_int_equal(store_each(t, TABLE_JOBS, NULL, 0, see, &all, &err), 0);
	assert_string_equal(all.text, "a=1 bb=2 c=3 ");
	assert_int_equal(store_each(t, TABLE_JOBS, "b", 1, see, &some, &err), 42);
	assert_string_equal(some.text, "bb=2 c=3 ");
	assert_int_equal(store_last(t, TABLE_JOBS, &key, &key_len, &value, &len, &err), 0);
	assert_memory_equal(key, "c", 1);
	assert_int_equal(len, 1);
	store_abort(t);
	store_close(s, true);
}

/* A stop is clean or not, of several unclean ones the first counts, until recovery is done. */
static void store_unclean_since_keeps_the_first_crash(void **state)
{
	struct fix *f = *state;
	struct store *s = fix_open(f, STORE_SERVE);
	int64_t first;

	assert_true(store_unclean_since(s) == 0);
	store_close(s, false);
	s = fix_open(f, STORE_SERVE);
	first = store_unclean_since(s);
	assert_true(first > 0 && first <= time(NULL));
	store_close(s, false);
	sleep(1); /* so that a later time would be another number */
	s = fix_open(f, STORE_SERVE);
	assert_true(store_unclean_since(s) == first);
	assert_int_equal(store_recovered(s, NULL), 0);
	store_close(s, false);
	s = fix_open(f, STORE_SERVE);
	assert_true(store_unclean_since(s) > first);
	store_close(s, true);
	s = fix_open(f, STORE_SERVE);
	assert_true(store_unclean_since(s) == 0);
	store_close(s, true);
}

/* Tools look at a store, live or not, without leaving a trace in it. */
static void store_open_read_only_changes_nothing(void **state)
{
	uint8_t before[SHA256_LEN], after[SHA256_LEN];
	struct fix *f = *state;
	struct store *s = fix_open(f, STORE_SERVE), *tool;
	struct store_txn *t;

	fix_put(s, TABLE_POLICIES, "p", "live", STORE_COMMIT_SNAPSHOT);
	fix_tree_sum(f, before);
	tool = fix_open(f, STORE_READ_ONLY);
	assert_string_equal(fix_get(tool, TABLE_POLICIES, "p"), "live");
	store_close(tool, true);
	fix_tree_sum(f, after);
	assert_memory_equal(before, after, SHA256_LEN);
	store_close(s, true);
	fix_tree_sum(f, before);
	tool = fix_open(f, STORE_READ_ONLY);
	assert_string_equal(fix_get(tool, TABLE_POLICIES, "p"), "live");
	assert_int_equal(store_begin(tool, STORE_WRITE, &t, NULL), -EROFS);
	store_close(tool, true);
	fix_tree_sum(f, after);
	assert_memory_equal(before, after, SHA256_LEN);
}

#define NAMES(test) cmocka_unit_test_setup_teardown(test, fix_names, fix_teardown)
#define STORE(test) cmocka_unit_test_setup_teardown(test, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(store_create_makes_a_whole_store),
		NAMES(store_create_takes_an_empty_folder),
		NAMES(store_create_clears_what_a_killed_one_left),
		NAMES(store_create_refuses_bad_places),
		NAMES(store_create_refuses_a_folder_with_something_in_it),
		STORE(store_create_refuses_an_existing_store_or_key),
		NAMES(store_create_sees_through_links_to_the_key),
		NAMES(store_create_lets_one_at_a_time),
		STORE(store_open_refuses_a_cut_format),
		STORE(store_open_refuses_every_damaged_byte_of_the_format),
		STORE(store_open_tells_a_later_format),
		STORE(store_open_refuses_what_is_no_store),
		STORE(store_open_tells_a_wrong_service_key),
		STORE(store_open_refuses_a_missing_or_open_key),
		STORE(store_open_names_who_has_the_store),
		STORE(store_commit_lasts_and_abort_leaves_nothing),
		STORE(store_del_takes_a_record_away_once),
		STORE(store_tables_are_apart),
		STORE(store_put_refuses_impossible_keys_and_readers),
		STORE(store_each_walks_in_order),
		STORE(store_unclean_since_keeps_the_first_crash),
		STORE(store_open_read_only_changes_nothing),
	};

	return cmocka_run_group_tests(tests, fix_group, NULL);
}
