/* tests/unit/test_store_crash.c - fs/store: a store killed, on a full disk, growing under readers.
 */
#include "tests/unit/store_fixture.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "fs/store/store_internal.h"

#define COMMITS 200

/* Puts the same number under two keys in one transaction. */
static int put_pair(struct store *s, unsigned n, enum store_durability how)
{
	char value[600] = "";
	struct store_txn *t;
	int r;

	(void)snprintf(value, sizeof(value), "%u", n);
	r = store_begin(s, STORE_WRITE, &t, NULL);
	if (r < 0)
		return r;
	r = store_put(t, TABLE_POLICIES, "pair-a", 6, value, strlen(value), NULL);
	if (r == 0)
		r = store_put(t, TABLE_KEYS, "pair-b", 6, value, strlen(value), NULL);
	if (r == 0)
		r = store_put(t, TABLE_JOBS, value, strlen(value), value, sizeof(value), NULL);
	if (r == 0)
		return store_commit(t, how, NULL);
	store_abort(t);
	return r;
}

/* Commits until it is killed; after each, the number goes into the pipe. */
static void commit_forever(const struct fix *f, int out)
{
	struct store *s = NULL;

	if (store_open(f->store, STORE_SERVE, f->spec, &s, NULL) < 0)
		_exit(1);
	for (unsigned n = 1; n <= COMMITS; n++) {
		/* every third without a snapshot, as audit events are */
		if (put_pair(s, n, n % 3 ? STORE_COMMIT_SNAPSHOT : STORE_COMMIT) < 0 ||
		    write(out, &n, sizeof(n)) != sizeof(n))
			_exit(1);
	}
	pause();
}

/* What was acknowledged is there, and each transaction whole or not at all. */
static void assert_pair(struct store *s, unsigned acknowledged)
{
	char a[16];

	(void)snprintf(a, sizeof(a), "%s", fix_get(s, TABLE_POLICIES, "pair-a"));
	assert_string_equal(fix_get(s, TABLE_KEYS, "pair-b"), a);
	assert_in_range((unsigned)atoi(a), acknowledged, acknowledged + 1);
}

static unsigned kill_after(const struct fix *f, unsigned count, useconds_t more_us)
{
	unsigned n = 0;
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0)
		commit_forever(f, ends[1]);
	close(ends[1]);
	while (n < count)
		assert_int_equal(read(ends[0], &n, sizeof(n)), sizeof(n));
	usleep(more_us);
	kill(pid, SIGKILL);
	while (read(ends[0], &n, sizeof(n)) == sizeof(n)) /* acknowledged before the end */
		;
	close(ends[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return n;
}

/* kill -9 amid commits, at ever other moments: nothing acknowledged is lost, nothing half done. */
static void store_survives_kill_amid_commits(void **state)
{
	static const unsigned counts[] = {1, 17, 60, 111, 150, 199};
	struct fix *f = *state;

	for (unsigned i = 0; i < 6; i++) {
		unsigned n = kill_after(f, counts[i], i * 371);
		struct store *s = fix_open(f, STORE_SERVE);

		assert_false(store_is_rebuilt(s));
		assert_true(store_unclean_since(s) > 0);
		assert_pair(s, n);
		store_close(s, true);
		store_close(fix_open(f, STORE_SERVE), true);
	}
}

/* The same kill, and then only the snapshot is left: no acknowledged key record may lack. */
static void snapshot_survives_kill_amid_commits(void **state)
{
	static const unsigned counts[] = {2, 32, 98};
	struct fix *f = *state;

	for (unsigned i = 0; i < 3; i++) {
		unsigned n = kill_after(f, counts[i], i * 619);
		struct store *s;

		fix_rm(fix_path(f, "state"));
		s = fix_open(f, STORE_SERVE);
		assert_true(store_is_rebuilt(s));
		/* number n may have been a commit without snapshot, n + 1 unacknowledged */
		assert_in_range((unsigned)atoi(fix_get(s, TABLE_KEYS, "pair-b")), n - (n % 3 == 0),
				n + 1);
		store_close(s, true);
	}
}

static void event_key(uint64_t n, uint8_t out[static 8])
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(n >> (56 - 8 * i));
}

#define EVENT_LEN 1500
#define EVENTS	  200000 /* times EVENT_LEN: 300 MB */
#define BATCH	  1000

struct crowd {
	struct store *s;
	atomic_bool stop;
	atomic_ulong reads;
};

/* Reads all the time while the map moves. */
static void *crowd_run(void *arg)
{
	struct crowd *c = arg;

	while (!c->stop) {
		assert_string_equal(fix_get(c->s, TABLE_META, "service-check"),
				    "depfs service check");
		c->reads++;
		usleep(200);
	}
	return NULL;
}

/* A log grows for years: no fixed length of the map would be enough. */
static void store_map_grows_by_itself(void **state)
{
	static uint8_t value[EVENT_LEN];
	struct fix *f = *state;
	struct crowd c = {0};
	const uint8_t *found;
	struct store_txn *t;
	pthread_t reader;
	uint8_t key[8];
	size_t len;

	store_map_min_len = 64 << 10;
	c.s = fix_open(f, STORE_SERVE);
	assert_int_equal(pthread_create(&reader, NULL, crowd_run, &c), 0);
	for (unsigned n = 0; n < EVENTS; n += BATCH) {
		t = fix_begin(c.s, STORE_WRITE);
		for (unsigned i = n; i < n + BATCH; i++) {
			event_key(i + 1, key);
			memcpy(value, key, 8);
			if (store_put(t, TABLE_EVENTS, key, 8, value, sizeof(value), NULL) < 0)
				fail_msg("event %u", i);
		}
		assert_int_equal(store_commit(t, STORE_COMMIT, NULL), 0);
	}
	c.stop = true;
	assert_int_equal(pthread_join(reader, NULL), 0);
	assert_true(c.reads > 10);
	store_close(c.s, true);
	c.s = fix_open(f, STORE_SERVE); /* with a map as large as it needs, at once */
	t = fix_begin(c.s, STORE_READ);
	for (unsigned i = 0; i < EVENTS; i += 997) {
		event_key(i + 1, key);
		assert_int_equal(store_get(t, TABLE_EVENTS, key, 8, &found, &len, NULL), 0);
		assert_int_equal(len, sizeof(value));
		assert_memory_equal(found, key, 8);
	}
	store_abort(t);
	store_close(c.s, true);
	store_map_min_len = 16 << 20;
}

/* One transaction larger than the map: replayed as a whole, deletions and overwrites included. */
static void store_txn_is_replayed_on_a_bigger_map(void **state)
{
	static uint8_t value[3000];
	struct fix *f = *state;
	struct store_txn *t;
	struct store *s;
	char key[16];

	store_map_min_len = 64 << 10;
	s = fix_open(f, STORE_SERVE);
	store_map_min_len = 16 << 20;
	fix_put(s, TABLE_JOBS, "before", "x", STORE_COMMIT);
	t = fix_begin(s, STORE_WRITE);
	assert_int_equal(store_del(t, TABLE_JOBS, "before", 6, NULL), 0);
	for (unsigned i = 0; i < 2000; i++) {
		(void)snprintf(key, sizeof(key), "%06u", i);
		assert_int_equal(store_put(t, TABLE_JOBS, key, 6, value, sizeof(value), NULL), 0);
		if (i % 2)
			assert_int_equal(store_del(t, TABLE_JOBS, key, 6, NULL), 0);
	}
	assert_int_equal(store_put(t, TABLE_JOBS, "000000", 6, "last", 4, NULL), 0);
	assert_int_equal(store_commit(t, STORE_COMMIT_SNAPSHOT, NULL), 0);
	assert_string_equal(fix_get(s, TABLE_JOBS, "before"), "");
	assert_string_equal(fix_get(s, TABLE_JOBS, "000000"), "last");
	assert_string_equal(fix_get(s, TABLE_JOBS, "001999"), "");
	t = fix_begin(s, STORE_READ);
	{
		const uint8_t *found;
		size_t len;

		assert_int_equal(store_get(t, TABLE_JOBS, "001998", 6, &found, &len, NULL), 0);
		assert_int_equal(len, sizeof(value));
	}
	store_abort(t);
	store_close(s, true);
}

struct pair {
	struct store *s;
	unsigned first;
};

#define PER_THREAD 60

static void *put_many(void *arg)
{
	struct pair *p = arg;
	char key[16];

	for (unsigned i = p->first; i < p->first + PER_THREAD; i++) {
		struct store_txn *t = fix_begin(p->s, STORE_WRITE);

		(void)snprintf(key, sizeof(key), "n%05u", i);
		assert_int_equal(store_put(t, TABLE_JOBS, key, 6, key, 6, NULL), 0);
		assert_int_equal(
			store_commit(t, i % 8 ? STORE_COMMIT : STORE_COMMIT_SNAPSHOT, NULL), 0);
	}
	return NULL;
}

/* Writers queue up, whatever the number of threads; none is lost. */
static void store_writers_queue_behind_one_another(void **state)
{
	struct fix *f = *state;
	struct store *s;
	struct pair pairs[4];
	pthread_t threads[4];
	char key[16];

	store_map_min_len = 64 << 10;
	s = fix_open(f, STORE_SERVE);
	store_map_min_len = 16 << 20;
	for (unsigned i = 0; i < 4; i++) {
		pairs[i] = (struct pair){s, i * PER_THREAD};
		assert_int_equal(pthread_create(&threads[i], NULL, put_many, &pairs[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (unsigned i = 0; i < 4 * PER_THREAD; i++) {
		(void)snprintf(key, sizeof(key), "n%05u", i);
		assert_string_equal(fix_get(s, TABLE_JOBS, key), key);
	}
	store_close(s, true);
}

/* A change whose snapshot cannot be written is refused, and nothing of it stays. */
static void store_commit_refuses_without_a_snapshot(void **state)
{
	struct fix *f = *state;
	struct store *s = fix_open(f, STORE_SERVE);
	struct err err;

	fix_put(s, TABLE_KEYS, "k", "old", STORE_COMMIT_SNAPSHOT);
	assert_int_equal(mkdir(fix_path(f, "state.snapshot.tmp"), 0700), 0);
	assert_int_equal(fix_try_put(s, TABLE_KEYS, "k", "new", STORE_COMMIT_SNAPSHOT, &err),
			 -EISDIR);
	assert_non_null(strstr(err.text, "snapshot"));
	assert_string_equal(fix_get(s, TABLE_KEYS, "k"), "old");
	fix_rm(fix_path(f, "state.snapshot.tmp"));
	fix_put(s, TABLE_KEYS, "k", "new", STORE_COMMIT_SNAPSHOT);
	store_close(s, true);
}

/* The rename alone is left after the commit; when that fails the change is taken back. */
static void store_commit_rolls_back_when_the_rename_fails(void **state)
{
	struct fix *f = *state;
	struct store *s = fix_open(f, STORE_SERVE);
	struct store_txn *t;
	struct err err = {0};
	char in_the_way[160];

	fix_put(s, TABLE_KEYS, "changed", "old", STORE_COMMIT_SNAPSHOT);
	fix_put(s, TABLE_KEYS, "deleted", "old", STORE_COMMIT_SNAPSHOT);
	fix_rm(fix_path(f, "state.snapshot"));
	(void)snprintf(in_the_way, sizeof(in_the_way), "%s/x", fix_path(f, "state.snapshot"));
	assert_int_equal(mkdir(fix_path(f, "state.snapshot"), 0700), 0);
	fix_write(in_the_way, "x", 1);
	t = fix_begin(s, STORE_WRITE);
	assert_int_equal(store_put(t, TABLE_KEYS, "changed", 7, "one", 3, NULL), 0);
	assert_int_equal(store_put(t, TABLE_KEYS, "changed", 7, "two", 3, NULL), 0);
	assert_int_equal(store_put(t, TABLE_KEYS, "new", 3, "new", 3, NULL), 0);
	assert_int_equal(store_del(t, TABLE_KEYS, "deleted", 7, NULL), 0);
	assert_int_equal(fix_judged(store_commit(t, STORE_COMMIT_SNAPSHOT, &err), &err), -EISDIR);
	assert_non_null(strstr(err.text, "taken back"));
	assert_string_equal(fix_get(s, TABLE_KEYS, "changed"), "old");
	assert_string_equal(fix_get(s, TABLE_KEYS, "deleted"), "old");
	assert_string_equal(fix_get(s, TABLE_KEYS, "new"), "");
	fix_rm(fix_path(f, "state.snapshot"));
	fix_put(s, TABLE_KEYS, "changed", "later", STORE_COMMIT_SNAPSHOT);
	store_close(s, true);
	fix_rm(fix_path(f, "state"));
	s = fix_open(f, STORE_SERVE);
	assert_string_equal(fix_get(s, TABLE_KEYS, "changed"), "later");
	assert_string_equal(fix_get(s, TABLE_KEYS, "deleted"), "old");
	store_close(s, true);
}

static void file_limit(rlim_t len)
{
	const struct rlimit limit = {len, RLIM_INFINITY};

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A file that may not grow stands for a full disk: at each limit all of a change or none of it. */
static void store_commit_on_a_full_disk_changes_nothing(void **state)
{
	struct fix *f = *state;
	struct store *s = fix_open(f, STORE_SERVE);
	unsigned failed = 0, n = 0;

	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(put_pair(s, n, STORE_COMMIT_SNAPSHOT), 0);
	for (rlim_t limit = 4096; limit < 120000; limit += 1024) {
		int r;

		file_limit(limit);
		r = put_pair(s, n + 1, STORE_COMMIT_SNAPSHOT);
		file_limit(RLIM_INFINITY);
		n += r == 0;
		failed += r != 0;
		assert_pair(s, n);
		assert_int_equal(atoi(fix_get(s, TABLE_KEYS, "pair-b")), (int)n);
	}
	assert_true(failed > 0 && n > 0);
	assert_int_equal(put_pair(s, n + 1, STORE_COMMIT_SNAPSHOT), 0);
	store_close(s, true);
	s = fix_open(f, STORE_SERVE);
	assert_int_equal(atoi(fix_get(s, TABLE_KEYS, "pair-b")), (int)n + 1);
	store_close(s, true);
}

/* mkfs on a full disk leaves neither half a store nor its key. */
static void store_create_on_a_full_disk_leaves_nothing(void **state)
{
	struct fix *f = *state;
	unsigned failed = 0;

	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	for (rlim_t limit = 0; limit < 40000; limit += 1000) {
		struct err err = {0};
		int r;

		file_limit(limit);
		r = store_create(f->store, f->spec, f->id, &err);
		file_limit(RLIM_INFINITY);
		if (fix_judged(r, &err) == 0)
			break;
		assert_false(fix_exists(f->store));
		assert_false(fix_exists(f->key));
		failed++;
	}
	assert_true(failed > 3);
	store_close(fix_open(f, STORE_SERVE), true);
}

/* Runs @fn in a process, and mount namespace, of its own. */
static void assert_child(const struct fix *f, int (*fn)(const struct fix *f))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fn(f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip(); /* mounts are not allowed here */
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* In a mount namespace of its own: a store on a tmpfs that is filled up step by step. */
static int fill_small_disk(const struct fix *f)
{
	unsigned n = 0, failed = 0;
	uint8_t id[UUID_LEN];
	struct store *s;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", f->top, "tmpfs", 0, "size=1m") < 0)
		return 77;
	if (store_create(f->store, f->spec, id, NULL) < 0)
		return 1;
	s = fix_open(f, STORE_SERVE);
	while (failed < 20 && n < 10000) {
		int r = put_pair(s, n + 1, STORE_COMMIT_SNAPSHOT);

		n += r == 0;
		failed += r != 0;
		if (r != 0 && r != -ENOSPC)
			return 2;
		if (atoi(fix_get(s, TABLE_KEYS, "pair-b")) != (int)n)
			return 3;
	}
	if (n < 10 || failed < 20)
		return 4;
	store_close(s, false);
	s = fix_open(f, STORE_READ_ONLY);
	if (atoi(fix_get(s, TABLE_KEYS, "pair-b")) != (int)n)
		return 5;
	store_close(s, false);
	return 0;
}

/* A full disk is reported as ENOSPC, not as a failing disk, and nothing acknowledged is lost. */
static void store_reports_a_full_disk(void **state)
{
	assert_child(*state, fill_small_disk);
}

static int open_on_read_only_mount(const struct fix *f)
{
	struct err err;
	struct store *s;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(f->store, f->store, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, f->store, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) < 0)
		return 77;
	if (fix_open_err(f, STORE_SERVE, &s, &err) != -EROFS || !strstr(err.text, "read-only"))
		return 1;
	if (fix_open_err(f, STORE_READ_ONLY, &s, &err) != 0)
		return 2;
	store_close(s, true);
	return 0;
}

/* A store on a read-only filesystem cannot be served, but can be looked at. */
static void store_open_reports_a_read_only_filesystem(void **state)
{
	assert_child(*state, open_on_read_only_mount);
}

#define NAMES(test) cmocka_unit_test_setup_teardown(test, fix_names, fix_teardown)
#define STORE(test) cmocka_unit_test_setup_teardown(test, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(store_survives_kill_amid_commits),
		STORE(snapshot_survives_kill_amid_commits),
		STORE(store_map_grows_by_itself),
		STORE(store_txn_is_replayed_on_a_bigger_map),
		STORE(store_writers_queue_behind_one_another),
		STORE(store_commit_refuses_without_a_snapshot),
		STORE(store_commit_rolls_back_when_the_rename_fails),
		STORE(store_commit_on_a_full_disk_changes_nothing),
		NAMES(store_create_on_a_full_disk_leaves_nothing),
		NAMES(store_reports_a_full_disk),
		STORE(store_open_reports_a_read_only_filesystem),
	};

	return cmocka_run_group_tests(tests, fix_group, NULL);
}
