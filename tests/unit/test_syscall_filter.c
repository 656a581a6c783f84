/* fs/syscall_filter: what is refused is refused in every thread, and what serving needs still
 * works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/syscall_filter.h"

enum {
	FINE,
	NOT_INSTALLED,
	EXEC_WORKS,
	TCP_WORKS,
	MOUNT_WORKS,
	CHROOT_WORKS,
	SERVING_FAILS
};

static int call_refused(void)
{
	char *const argv[] = {(char *)"/bin/true", NULL};

	if (execve(argv[0], argv, NULL) != -1 || errno != EPERM)
		return EXEC_WORKS;
	if (socket(AF_INET, SOCK_STREAM, 0) != -1 || errno != EPERM)
		return TCP_WORKS;
	if (socket(AF_INET6, SOCK_DGRAM, 0) != -1 || errno != EPERM)
		return TCP_WORKS;
	if (socket(AF_NETLINK, SOCK_RAW, 0) != -1 || errno != EPERM)
		return TCP_WORKS;
	if (mount("none", "/nowhere", "tmpfs", 0, NULL) != -1 || errno != EPERM)
		return MOUNT_WORKS;
	if (chroot("/") != -1 || errno != EPERM)
		return CHROOT_WORKS;
	return FINE;
}

static void *in_thread(void *arg)
{
	int *gate = arg;
	char c;

	return read(gate[0], &c, 1) == 1 ? (void *)(intptr_t)call_refused() : (void *)-1;
}

static int call_needed(void)
{
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	return fd < 0 || close(fd) < 0 || stat("/", &st) < 0 ? SERVING_FAILS : FINE;
}

/* Runs in a child, for a filter cannot be taken off again. */
static int child(void)
{
	pthread_t thread;
	void *result;
	int gate[2], r;

	if (pipe(gate) < 0 || pthread_create(&thread, NULL, in_thread, gate) != 0)
		return SERVING_FAILS;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall_filter_install() < 0)
		return NOT_INSTALLED;
	if (write(gate[1], "x", 1) != 1 || pthread_join(thread, &result) != 0)
		return SERVING_FAILS;
	r = call_refused();
	return r ? r : result ? (int)(intptr_t)result : call_needed();
}

static void test_filter(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), FINE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_filter)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
