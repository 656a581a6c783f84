/* tests/unit/test_store_lock.c - fs/store: the lock file, and what it says about the state. */
#include "tests/unit/store_fixture.h"

#include "fs/store/files_internal.h"

static int dir_open(const struct fix *f)
{
	int fd = open(fix_path(f, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* The lock goes with the open file, whether the daemon closes it or is killed. */
static void lock_is_held_while_its_file_is_open(void **state)
{
	CLEANUP(close_fd_p) int dir_fd = dir_open(*state), fd = -1;
	struct lock_text text = {0}, id = {0};
	char host[65] = "";

	assert_false(lock_probe(dir_fd, &text)); /* no file yet */
	assert_int_equal(lock_take(dir_fd, &fd, &text, NULL), 0);
	assert_string_equal(text.holder, "");
	assert_true(lock_probe(dir_fd, &text));
	assert_int_equal(lock_write(dir_fd, fd, NULL), 0);
	assert_true(lock_probe(dir_fd, &text));
	assert_int_equal(state_identity(dir_fd, &id), 0);
	assert_true(text.ino == id.ino && text.birth_ns == id.birth_ns && id.ino != 0);
	assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
	assert_memory_equal(text.holder, host, strlen(host));
	assert_int_equal(atoi(strrchr(text.holder, ' ') + 1), getpid());
	close_fd_p(&fd);
	fd = -1;
	assert_false(lock_probe(dir_fd, &text));
	assert_true(text.ino == id.ino); /* as a crash leaves it */
	assert_int_equal(lock_take(dir_fd, &fd, &text, NULL), 0);
	assert_true(text.ino == id.ino);
	lock_clear(fd);
	assert_true(lock_probe(dir_fd, &text));
	assert_true(text.ino == 0 && !text.holder[0]);
}

/* Whatever is in the file, opening the store goes on; what is not understood counts as missing. */
static void lock_text_of_any_bytes_is_read(void **state)
{
	static const struct {
		const char *in, *holder;
		uint64_t ino, birth_ns;
	} rows[] = {
		{"", "", 0, 0},
		{"host 1", "", 0, 0}, /* cut before the line ends */
		{"host 1\n", "host 1", 0, 0},
		{"host 1\nstate 7 8\n", "host 1", 7, 8},
		{"host 1\nstate 7", "host 1", 0, 0},
		{"host 1\nstate x y\n", "host 1", 0, 0},
		{"host 1\nother 7 8\n", "host 1", 0, 0},
		{"\n\n\n", "", 0, 0},
	};
	CLEANUP(close_fd_p) int dir_fd = dir_open(*state);
	static char longer[300];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lock_text text = {.ino = 99};

		fix_write(fix_path(*state, "lock"), rows[i].in, strlen(rows[i].in));
		assert_false(lock_probe(dir_fd, &text));
		assert_string_equal(text.holder, rows[i].holder);
		assert_true(text.ino == rows[i].ino && text.birth_ns == rows[i].birth_ns);
	}
	memset(longer, 'x', sizeof(longer));
	longer[10] = '\n';
	for (unsigned nul = 0; nul < 2; nul++) {
		struct lock_text text = {.ino = 99};

		fix_write(fix_path(*state, "lock"), longer, nul ? 100 : sizeof(longer));
		assert_false(lock_probe(dir_fd, &text));
		assert_true(text.ino == 0 && !text.holder[0]);
		longer[5] = '\0';
	}
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(lock_is_held_while_its_file_is_open),
		STORE(lock_text_of_any_bytes_is_read),
	};

	return cmocka_run_group_tests(tests, fix_group, NULL);
}
