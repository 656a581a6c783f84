/* fs/syscall_filter: what is refused is refused in every thread, and what serving needs still
 * works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
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
	RAW_WORKS,
	SERVER_WORKS,
	MOUNT_WORKS,
	CHROOT_WORKS,
	SERVING_FAILS
};

static enum syscall_network network; /* of the child */

/* Whether a socket can be had that leads out of the machine. */
static bool tcp_works(int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd >= 0 ? close(fd) == 0 : errno != EPERM && errno != EAFNOSUPPORT;
}

static int socket_refused(void)
{
	bool client = network == SYSCALL_NETWORK_CLIENT;
	struct sockaddr_in any = {.sin_family = AF_INET};

	if (tcp_works(AF_INET, SOCK_STREAM) != client || tcp_works(AF_INET, SOCK_DGRAM) != client)
		return TCP_WORKS;
	if (!client && (tcp_works(AF_INET6, SOCK_STREAM) || tcp_works(AF_INET6, SOCK_DGRAM)))
		return TCP_WORKS;
	if (tcp_works(AF_INET, SOCK_RAW) || tcp_works(AF_INET6, SOCK_RAW) ||
	    tcp_works(AF_NETLINK, SOCK_RAW) || tcp_works(AF_PACKET, SOCK_RAW) ||
	    tcp_works(AF_NETLINK, SOCK_DGRAM))
		return RAW_WORKS;
	if (bind(0, (struct sockaddr *)&any, sizeof(any)) != -1 || errno != EPERM)
		return SERVER_WORKS;
	if (listen(0, 1) != -1 || errno != EPERM || accept(0, NULL, NULL) != -1 || errno != EPERM)
		return SERVER_WORKS;
	return FINE;
}

static int call_refused(void)
{
	char *const argv[] = {(char *)"/bin/true", NULL};

	if (execve(argv[0], argv, NULL) != -1 || errno != EPERM)
		return EXEC_WORKS;
	if (mount("none", "/nowhere", "tmpfs", 0, NULL) != -1 || errno != EPERM)
		return MOUNT_WORKS;
	if (chroot("/") != -1 || errno != EPERM)
		return CHROOT_WORKS;
	return socket_refused();
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
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall_filter_install(network) < 0)
		return NOT_INSTALLED;
	if (write(gate[1], "x", 1) != 1 || pthread_join(thread, &result) != 0)
		return SERVING_FAILS;
	r = call_refused();
	return r ? r : result ? (int)(intptr_t)result : call_needed();
}

static void filter_in_child(enum syscall_network mode)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	network = mode;
	if (pid == 0)
		_exit(child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), FINE);
}

/* With local vaults alone, no way leads out of the machine. */
static void filter_without_network_refuses_every_inet_socket(void **state)
{
	(void)state;
	filter_in_child(SYSCALL_NETWORK_NONE);
}

/* Key vaults are asked by TCP, names by UDP; nobody can come in. */
static void filter_of_a_client_refuses_raw_sockets_and_servers(void **state)
{
	(void)state;
	filter_in_child(SYSCALL_NETWORK_CLIENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filter_without_network_refuses_every_inet_socket),
		cmocka_unit_test(filter_of_a_client_refuses_raw_sockets_and_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
