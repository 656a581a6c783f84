/* tests/unit/test_store_create.c - fs/store: a store is made whole or not at all, never over
 * another. */
#include "tests/unit/store_fixture.h"

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
	assert_int_equal(f->id[6] >> 4, 4); /* RFC 9562: version 4, random */
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
	};

	return cmocka_run_group_tests(tests, fix_group, NULL);
}
