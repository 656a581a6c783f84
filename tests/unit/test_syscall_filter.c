/* fs/syscall_filter: what is refused is refused in every thread, and what serving needs still
 * works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/syscall_filter.h"

#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif

/* One call with arguments that would do no harm if it were carried out. */
struct row {
	const char *name;
	long no;
	long args[6];
};

#define ROW(name, ...)              \
	{                           \
#name, SYS_##name,  \
		{                   \
			__VA_ARGS__ \
		}                   \
	}
#define BAD ((long)-1) /* no descriptor, no address */

static const struct row refused[] = {
	/* run a program, make a process */
	ROW(execve, BAD, 0, 0),
	ROW(execveat, -1, BAD, 0, 0, 0),
	ROW(clone3, BAD, 0),
	ROW(clone, CLONE_NEWUSER | SIGCHLD),
	ROW(clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWUSER),
	ROW(clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWNET),
	/* namespaces */
	ROW(unshare, CLONE_NEWUSER),
	ROW(unshare, CLONE_FS | CLONE_NEWNS),
	ROW(unshare, CLONE_FILES),
	ROW(setns, -1, 0),
	/* other processes */
	ROW(process_vm_readv, 1, 0, 0, 0, 0, 0),
	ROW(process_vm_writev, 1, 0, 0, 0, 0, 0),
	ROW(pidfd_open, 1, 0),
	ROW(pidfd_getfd, -1, 0, 0),
	ROW(pidfd_send_signal, -1, 0, 0, 0),
	ROW(kcmp, 1, 1, 0, 0, 0),
	ROW(rt_tgsigqueueinfo, 1, 1, 0, 0),
#ifndef SYSCALL_FILTER_FOR_SANITIZER
	ROW(ptrace, 0xffff, 0, 0, 0),
	ROW(clone, SIGCHLD | CLONE_VFORK, BAD), /* a process, not a thread */
	ROW(kill, 1, 0),
	ROW(tgkill, 1, 1, 0),
	ROW(prctl, PR_GET_DUMPABLE),
	ROW(personality, 0xffffffff),
	ROW(prlimit64, 0, RLIMIT_NOFILE, BAD, 0),
	ROW(prlimit64, 1, RLIMIT_NOFILE, 0, BAD),
#endif
	/* what the process may do */
	ROW(setuid, 0),
	ROW(setgid, 0),
	ROW(setresuid, 0, 0, 0),
	ROW(setgroups, 0, 0),
	ROW(capset, 0, 0),
	ROW(setrlimit, RLIMIT_NOFILE, BAD),
	ROW(seccomp, 2 /* SECCOMP_GET_ACTION_AVAIL */, 0, BAD),
	/* the kernel */
	ROW(init_module, 0, 0, 0),
	ROW(finit_module, -1, 0, 0),
	ROW(delete_module, 0, 0),
	ROW(kexec_load, 0, 0, 0, 0),
	ROW(bpf, BAD, 0, 0),
	ROW(perf_event_open, 0, 0, 0, 0, 0),
	ROW(userfaultfd, BAD),
	ROW(io_uring_setup, 0, 0),
	ROW(io_uring_enter, -1, 0, 0, 0, 0, 0),
	ROW(add_key, 0, 0, 0, 0, 0),
	ROW(request_key, 0, 0, 0, 0),
	ROW(keyctl, BAD),
	ROW(syslog, 3, 0, 0),
	ROW(reboot, 0, 0, 0),
	ROW(acct, BAD),
	ROW(quotactl, BAD, 0, 0, 0),
	ROW(swapon, 0, 0),
	ROW(swapoff, 0),
	ROW(settimeofday, BAD, 0),
	ROW(clock_settime, 0, 0),
	ROW(adjtimex, 0),
	ROW(sethostname, BAD, 1),
	ROW(setdomainname, BAD, 1),
	ROW(fanotify_init, BAD, 0),
	/* mounts */
	ROW(mount, 0, 0, 0, 0, 0),
	ROW(move_mount, -1, BAD, -1, BAD, 0),
	ROW(open_tree, -1, BAD, 0),
	ROW(open_tree_attr, -1, BAD, 0, 0, 0),
	ROW(fsopen, 0, 0),
	ROW(fsconfig, -1, 0, 0, 0, 0),
	ROW(fsmount, -1, 0, 0),
	ROW(fspick, -1, BAD, 0),
	ROW(mount_setattr, -1, BAD, 0, 0, 0),
	ROW(pivot_root, 0, 0),
	ROW(chroot, 0),
	/* memory that is written, then executed */
	ROW(mprotect, 0, 0, PROT_EXEC),
	ROW(mprotect, 0, 0, PROT_READ | PROT_WRITE | PROT_EXEC),
	ROW(pkey_mprotect, 0, 0, PROT_EXEC, -1),
	ROW(mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	ROW(mmap, 0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, -1, 0),
	ROW(memfd_create, 0, 0),
	ROW(shmat, -1, 0, 0),
	/* devices, sockets */
	ROW(ioctl, 0, TIOCSTI, BAD),
	ROW(ioctl, 0, 0, 0),
	/* a descriptor that signals other processes */
	ROW(fcntl, 0, F_SETOWN, 1),
	ROW(fcntl, 0, F_SETOWN_EX, BAD),
	ROW(fcntl, 0, F_SETSIG, SIGKILL),
	ROW(fcntl, 0, F_NOTIFY, 0),
	ROW(ioctl, 0, FIOASYNC, BAD),
	ROW(ioctl, 0, FIOSETOWN, BAD),
	ROW(bind, -1, 0, 0),
	ROW(listen, -1, 1),
	ROW(accept, -1, 0, 0),
	ROW(accept4, -1, 0, 0, 0),
	ROW(socket, AF_NETLINK, SOCK_RAW, 0),
	ROW(socket, AF_NETLINK, SOCK_DGRAM, 0),
	ROW(socket, AF_PACKET, SOCK_RAW, 0),
	ROW(socket, AF_VSOCK, SOCK_STREAM, 0),
	ROW(socket, AF_ALG, SOCK_SEQPACKET, 0),
	ROW(socket, AF_INET, SOCK_RAW, IPPROTO_ICMP),
	ROW(socket, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6),
	ROW(socket, AF_INET, SOCK_DGRAM, IPPROTO_ICMP),
	ROW(socket, AF_INET, SOCK_STREAM, IPPROTO_SCTP),
	ROW(socketpair, AF_INET, SOCK_STREAM, 0, BAD),
	/* numbers that no kernel has given out, and those of another table */
	{"call 1000", 1000, {0}},
	{"call -2", -2, {0}},
#ifdef __x86_64__
	{"getpid of x32", 0x40000000 | SYS_getpid, {0}},
#endif
};

/* Errors are any but ENOSYS: so the call was made. */
static const struct row allowed[] = {
	ROW(read, -1, 0, 0),
	ROW(write, -1, 0, 0),
	ROW(readv, -1, 0, 0),
	ROW(writev, -1, 0, 0),
	ROW(pread64, -1, 0, 0, 0),
	ROW(pwrite64, -1, 0, 0, 0),
	ROW(lseek, -1, 0, 0),
	ROW(copy_file_range, -1, 0, -1, 0, 0, 0),
	ROW(fallocate, -1, 0, 0, 0),
	ROW(ftruncate, -1, 0),
	ROW(fsync, -1),
	ROW(fdatasync, -1),
	ROW(syncfs, -1),
	ROW(splice, -1, 0, -1, 0, 1, 0),
	ROW(vmsplice, -1, 0, 0, 0),
	ROW(openat, -1, BAD, 0, 0),
	ROW(open_by_handle_at, -1, BAD, 0),
	ROW(name_to_handle_at, -1, BAD, 0, 0, 0),
	ROW(close, -1),
	ROW(fcntl, -1, F_GETFL),
	ROW(fcntl, -1, F_SETFL, 0),
	ROW(fcntl, -1, F_DUPFD_CLOEXEC, 0),
	ROW(fcntl, -1, F_SETLK, BAD),
	ROW(fcntl, -1, F_OFD_SETLK, BAD),
	ROW(flock, -1, 0),
	ROW(statx, -1, BAD, 0, 0, 0),
	ROW(fstatfs, -1, 0),
	ROW(getdents64, -1, 0, 0),
	ROW(readlinkat, -1, BAD, 0, 0),
	ROW(mkdirat, -1, BAD, 0),
	ROW(mknodat, -1, BAD, 0, 0),
	ROW(linkat, -1, BAD, -1, BAD, 0),
	ROW(symlinkat, BAD, -1, BAD),
	ROW(unlinkat, -1, BAD, 0),
	ROW(renameat2, -1, BAD, -1, BAD, 0),
	ROW(fchmodat, -1, BAD, 0),
	ROW(fchownat, -1, BAD, 0, 0, 0),
	ROW(utimensat, -1, BAD, 0, 0),
	ROW(getxattr, BAD, BAD, 0, 0),
	ROW(setxattr, BAD, BAD, 0, 0, 0),
	ROW(listxattr, BAD, 0, 0),
	ROW(removexattr, BAD, BAD),
	ROW(umount2, BAD, 0),
	ROW(setfsuid, -1),
	ROW(setfsgid, -1),
	ROW(umask, 022),
	ROW(mmap, 0, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	ROW(mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, -1, 0), /* of a library */
	ROW(mprotect, 0, 0, PROT_READ),
	ROW(munmap, 0, 0),
	ROW(madvise, 0, 0, 0),
	ROW(msync, 0, 0, 0),
	ROW(mlock2, 0, 0, 0),
	ROW(clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS | CLONE_PARENT_SETTID |
			   0x1000 /* CLONE_PIDFD with CLONE_PARENT_SETTID: -EINVAL */),
	ROW(unshare, CLONE_FS),
	ROW(set_robust_list, 0, 0),
	ROW(sched_yield),
	ROW(setpriority, PRIO_PROCESS, -1, 0),
	ROW(ioprio_set, 1, -1, -1),
	ROW(prlimit64, 0, RLIMIT_NOFILE, 0, 0),
	ROW(getrandom, 0, 0, 0),
	ROW(ioctl, -1, FUSE_DEV_IOC_CLONE, 0),
	ROW(ioctl, -1, FIONREAD, 0),
	ROW(connect, -1, 0, 0),
	ROW(sendto, -1, 0, 0, 0, 0, 0),
	ROW(sendmsg, -1, 0, 0),
	ROW(sendmmsg, -1, 0, 0, 0),
	ROW(recvfrom, -1, 0, 0, 0, 0, 0),
	ROW(recvmsg, -1, 0, 0),
	ROW(setsockopt, -1, 0, 0, 0, 0),
	ROW(getsockopt, -1, 0, 0, 0, 0),
	ROW(socket, AF_UNIX, SOCK_DGRAM, 0),
	ROW(socketpair, AF_UNIX, SOCK_STREAM, 0, BAD),
	ROW(poll, 0, 0, 0),
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* In a child whose parent looks at the status alone: the sentence goes to the log. */
static bool __attribute__((format(printf, 1, 2))) wrong(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vfprintf(stderr, fmt, args);
	va_end(args);
	(void)fputc('\n', stderr);
	return false;
}

/* The call was made: it did anything but fail with ENOSYS. */
static bool is_made(const struct row *row)
{
	const long *a = row->args;

	errno = 0;
	return syscall(row->no, a[0], a[1], a[2], a[3], a[4], a[5]) != -1 || errno != ENOSYS;
}

static bool calls_are_refused(void)
{
	bool ok = true;

	for (size_t i = 0; i < COUNT(refused); i++)
		if (is_made(&refused[i]))
			ok = wrong("%s, row %zu: is made, %s", refused[i].name, i, strerror(errno));
	return ok;
}

static bool calls_are_left(void)
{
	bool ok = true;

	for (size_t i = 0; i < COUNT(allowed); i++)
		if (!is_made(&allowed[i]))
			ok = wrong("%s, row %zu: is refused", allowed[i].name, i);
	return ok;
}

static enum syscall_network network; /* of the child */

/* Sockets that lead out of the machine: exactly in the mode that needs them. */
static bool network_is_as_asked(void)
{
	static const struct row rows[] = {
		ROW(socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
		ROW(socket, AF_INET, SOCK_STREAM, IPPROTO_TCP),
		ROW(socket, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_UDP),
		ROW(socket, AF_INET, SOCK_DGRAM, 0),
		ROW(socket, AF_INET6, SOCK_STREAM, IPPROTO_TCP),
		ROW(socket, AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0),
		ROW(socket, AF_INET6, SOCK_DGRAM, IPPROTO_UDP),
		ROW(socket, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0),
	};
	bool client = network == SYSCALL_NETWORK_CLIENT, ok = true;

	for (size_t i = 0; i < COUNT(rows); i++)
		if (is_made(&rows[i]) != client)
			ok = wrong("socket, row %zu: %s", i, client ? "is refused" : "is made");
	return ok;
}

static bool check(void)
{
	bool ok = calls_are_refused();

	ok &= calls_are_left();
	return network_is_as_asked() && ok;
}

static void *in_thread(void *arg)
{
	int *gate = arg;
	char c;

	return (void *)(intptr_t)(read(gate[0], &c, 1) == 1 && check());
}

static void *waits(void *arg)
{
	for (;;)
		(void)pause(); /* until it is cancelled */
	return arg;
}

/* glibc has to fall back from clone3(2), and loads a library for pthread_cancel(3). */
static bool threads_work(void)
{
	pthread_t thread;
	void *result;

	if (pthread_create(&thread, NULL, waits, NULL) != 0)
		return wrong("no thread can be started");
	if (pthread_cancel(thread) != 0 || pthread_join(thread, &result) != 0 ||
	    result != PTHREAD_CANCELED)
		return wrong("a thread cannot be cancelled");
	return true;
}

/* Runs in a child, for a filter cannot be taken off again. */
static int child(void)
{
	pthread_t thread;
	void *result;
	int gate[2], r;

	if (pipe(gate) < 0 || pthread_create(&thread, NULL, in_thread, gate) != 0)
		return !wrong("no thread before the filter");
	r = syscall_filter_install(network);
	if (r < 0)
		return !wrong("not installed: %s", strerror(-r));
	if (write(gate[1], "x", 1) != 1 || pthread_join(thread, &result) != 0)
		return !wrong("the thread that was there is lost");
	return result && check() && threads_work() ? 0 : 1;
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
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* With local vaults alone, no way leads out of the machine. */
static void filter_without_network_refuses_every_inet_socket(void **state)
{
	(void)state;
	filter_in_child(SYSCALL_NETWORK_NONE);
}

/* Key vaults are asked by TCP, names by UDP; no connection can come in. */
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
