/* tests/unit/test_fdpath.c - the path of a descriptor, for events and for calls by path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/fdpath.h"

/* An event names a damaged file by its descriptor, after its folder was renamed too. */
static void path_follows_a_rename(void **state)
{
	char top[] = "/tmp/test-fdpath.XXXXXX", from[64], to[64], file[80], want[80], got[128];
	CLEANUP(close_fd_p) int fd = -1;

	(void)state;
	assert_non_null(mkdtemp(top));
	(void)snprintf(from, sizeof(from), "%s/a", top);
	(void)snprintf(to, sizeof(to), "%s/b c", top);
	(void)snprintf(file, sizeof(file), "%s/x", from);
	(void)snprintf(want, sizeof(want), "%s/x", to);
	assert_int_equal(mkdir(from, 0700), 0);
	fd = open(file, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(rename(from, to), 0);

	assert_string_equal(fd_path_in(fd, top, got, sizeof(got)), "b c/x");
	assert_string_equal(fd_path_in(fd, from, got, sizeof(got)), want); /* it lies elsewhere */
	assert_string_equal(fd_path_in(fd, want, got, sizeof(got)), "");

	assert_int_equal(unlink(want), 0);
	assert_string_equal(fd_path_in(fd, top, got, sizeof(got)), "b c/x (deleted)");
	assert_int_equal(rmdir(to), 0);
	assert_int_equal(rmdir(top), 0);
}

/* readlink(2) cuts a path that does not fit and reports nothing: half a path is another file's. */
static void path_is_never_cut(void **state)
{
	CLEANUP(close_fd_p) int fd = open("/tmp", O_PATH | O_CLOEXEC);
	char path[5];

	(void)state;
	assert_true(fd >= 0);
	assert_null(fd_path_in(fd, "/", path, 4));
	assert_string_equal(fd_path_in(fd, "/none", path, 5), "/tmp");
}

static void a_closed_descriptor_has_no_path(void **state)
{
	char path[64];

	(void)state;
	assert_null(fd_path_in(-1, "/", path, sizeof(path)));
}

/* An O_PATH descriptor cannot be read; by its path it is opened again. */
static void fd_path_opens_again(void **state)
{
	CLEANUP(close_fd_p) int fd = open("/dev/zero", O_PATH | O_CLOEXEC);
	CLEANUP(close_fd_p) int again = -1;
	char path[FD_PATH_LEN], byte = 1;

	(void)state;
	assert_int_equal(read(fd, &byte, 1), -1);
	again = open(fd_path(fd, path), O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(again, &byte, 1), 1);
	assert_int_equal(byte, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_follows_a_rename),
		cmocka_unit_test(path_is_never_cut),
		cmocka_unit_test(a_closed_descriptor_has_no_path),
		cmocka_unit_test(fd_path_opens_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
