/* tests/unit/test_file.c - crypto/base: whole writes to files, and reading folders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "crypto/base/file.h"

#define LEN (1u << 20) /* more than a pipe holds */

static uint8_t in[LEN], out[LEN];

static void *read_slowly(void *arg)
{
	size_t done = 0;

	while (done < LEN) {
		ssize_t n = read(*(int *)arg, out + done, 5000);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return NULL;
}

/* More than one write(2) may take at once: nothing is lost or repeated. */
static void write_all_writes_in_several_parts(void **state)
{
	pthread_t reader;
	int ends[2];

	(void)state;
	for (size_t i = 0; i < LEN; i++)
		in[i] = (uint8_t)(i * 31 >> 3);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&reader, NULL, read_slowly, &ends[0]), 0);
	assert_int_equal(write_all(ends[1], in, LEN), 0);
	assert_int_equal(pthread_join(reader, NULL), 0);
	assert_memory_equal(in, out, LEN);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void write_all_reports_the_errno(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, in, LEN), -ENOSPC);
	assert_int_equal(write_all(fd, in, 0), 0);
	(void)close(fd);
	assert_int_equal(write_all(-1, in, 1), -EBADF);
}

/* Whatever the outcome, the descriptor is closed in the end. */
static void dir_from_fd_consumes_the_descriptor(void **state)
{
	int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	DIR *dir = NULL;

	(void)state;
	assert_int_equal(dir_from_fd(file, &dir), -ENOTDIR);
	assert_null(dir);
	assert_int_equal(fcntl(file, F_GETFD), -1);
	assert_int_equal(dir_from_fd(folder, &dir), 0);
	assert_non_null(readdir(dir));
	closedir_p(&dir);
	assert_int_equal(fcntl(folder, F_GETFD), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(write_all_writes_in_several_parts),
		cmocka_unit_test(write_all_reports_the_errno),
		cmocka_unit_test(dir_from_fd_consumes_the_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
