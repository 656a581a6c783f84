#include "fs/syscall_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/ioprio.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * A list of what is allowed, found by strace(1) over the mount tests and completed by the calls
 * that libc makes in place of a listed one on another architecture or kernel.
 *
 * A call that is not on it fails with ENOSYS and does not kill the process: a call that a future
 * libc or OpenSSL tries first is then answered as by an older kernel, and the library falls back to
 * one on the list; a daemon that was killed would lose what the kernel has not written back yet.
 * ENOSYS, not EPERM, since libraries fall back on ENOSYS alone.
 */
static const int allowed[] = {
	/* content of files, of the state (LMDB), of the FUSE device, of sockets */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),
	SCMP_SYS(preadv),
	SCMP_SYS(pwritev),
	SCMP_SYS(preadv2),
	SCMP_SYS(pwritev2),
	SCMP_SYS(lseek),
	SCMP_SYS(copy_file_range),
	SCMP_SYS(fallocate),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(syncfs),
	SCMP_SYS(fadvise64),
	SCMP_SYS(splice), /* libfuse */
	SCMP_SYS(vmsplice),
	SCMP_SYS(pipe2),
	/* descriptors */
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(name_to_handle_at),
	SCMP_SYS(close),
	SCMP_SYS(flock),
	SCMP_SYS(dup),
	SCMP_SYS(dup2),
	SCMP_SYS(dup3),
	/* names and attributes */
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(statx),
	SCMP_SYS(statfs),
	SCMP_SYS(fstatfs),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(getdents64),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(mknodat),
	SCMP_SYS(linkat),
	SCMP_SYS(symlinkat),
	SCMP_SYS(unlink),
	SCMP_SYS(rmdir),
	SCMP_SYS(unlinkat),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(chmod), /* of /proc/self/fd/N: fchmod(2) takes no O_PATH descriptor */
	SCMP_SYS(fchmod),
	SCMP_SYS(fchmodat),
	SCMP_SYS(fchown),
	SCMP_SYS(fchownat),
	SCMP_SYS(utimensat),
	SCMP_SYS(getxattr),
	SCMP_SYS(setxattr),
	SCMP_SYS(listxattr),
	SCMP_SYS(removexattr),
	SCMP_SYS(fgetxattr),
	SCMP_SYS(fsetxattr),
	SCMP_SYS(getcwd),
	SCMP_SYS(umount2), /* libfuse, when a signal ends the daemon */
	/* the caller of a creation, see fs/fuse/cred.c */
	SCMP_SYS(setfsuid),
	SCMP_SYS(setfsgid),
	SCMP_SYS(umask),
	/* memory; mmap(2) and mprotect(2) by their arguments, below */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(msync),
	SCMP_SYS(mlock),
	SCMP_SYS(mlock2),
	SCMP_SYS(munlock),
	/* threads; clone(2) by its arguments, below */
	SCMP_SYS(clone3), /* answered by the other filter, see refuse_clone3() */
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(futex),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(get_robust_list),
	SCMP_SYS(set_tid_address),
	SCMP_SYS(rseq),
	SCMP_SYS(membarrier),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(getcpu),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall), /* the kernel's own, after a signal */
	/* waiting and time */
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(select),
	SCMP_SYS(pselect6),
	SCMP_SYS(pause),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	/* about the process and the system */
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(getrusage),
	SCMP_SYS(getrlimit),
	SCMP_SYS(getpriority),
	SCMP_SYS(ioprio_get),
	SCMP_SYS(sysinfo),
	SCMP_SYS(uname),
	SCMP_SYS(getrandom),
	/* sockets: which can be opened is in the tables below */
	SCMP_SYS(connect),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(recvmmsg),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(epoll_create1), /* libcurl of some distributions */
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(eventfd2),
#ifdef SYSCALL_FILTER_FOR_SANITIZER
	/* LeakSanitizer stops the threads and reads their memory as a debugger does, from a process
	 * of its own; other sanitizers ask about the system. */
	SCMP_SYS(ptrace),
	SCMP_SYS(wait4),
	SCMP_SYS(prctl),
	SCMP_SYS(personality),
	SCMP_SYS(getdents),
	SCMP_SYS(mincore),
	SCMP_SYS(getppid),
	SCMP_SYS(kill),
	SCMP_SYS(tgkill),
	SCMP_SYS(prlimit64),
#endif
};

#define NAMESPACES                                                                     \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET)
#define THREAD (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)

#define ARGS_MAX 3
#define INT_MASK 0xffffffff /* int arguments: the kernel does not look at the upper half */

#define ARG(no, mask, value)                                                        \
	{                                                                           \
		no, SCMP_CMP_MASKED_EQ, (scmp_datum_t)(mask), (scmp_datum_t)(value) \
	}
#define ARG_INT(no, value) ARG(no, INT_MASK, (uint32_t)(value))

/* A call that is allowed with these arguments; with several rows for one call, by any of them. */
struct judged {
	int call;
	unsigned n;
	struct scmp_arg_cmp args[ARGS_MAX];
};

static const struct judged judged[] = {
#ifdef SYSCALL_FILTER_FOR_SANITIZER
	{SCMP_SYS(clone), 1, {ARG(0, NAMESPACES, 0)}}, /* a new process too, see above */
#else
	{SCMP_SYS(clone),
	 1,
	 {ARG(0, THREAD | NAMESPACES | CLONE_VFORK | CLONE_PTRACE | CLONE_UNTRACED, THREAD)}},
	/* only to read a limit of this process, as sysconf(3) does */
	{SCMP_SYS(prlimit64), 2, {ARG_INT(0, 0), ARG(2, UINT64_MAX, 0)}},
#endif
	/* a serving thread takes a umask of its own, see fs/fuse/cred.c */
	{SCMP_SYS(unshare), 1, {ARG(0, UINT64_MAX, CLONE_FS)}},
	/* memory is written or executed, not both; code comes from files: libgcc_s for
	 * pthread_cancel(3), modules of nsswitch.conf(5) */
	{SCMP_SYS(mmap), 1, {ARG(2, PROT_EXEC, 0)}},
	{SCMP_SYS(mmap), 2, {ARG(2, PROT_EXEC | PROT_WRITE, PROT_EXEC), ARG(3, MAP_ANONYMOUS, 0)}},
	{SCMP_SYS(mprotect), 1, {ARG(2, PROT_EXEC, 0)}},
	{SCMP_SYS(ioctl), 1, {ARG_INT(1, FUSE_DEV_IOC_CLONE)}},
	/* not F_SETOWN, F_SETOWN_EX and F_SETSIG: they send any signal to any process */
	{SCMP_SYS(fcntl), 1, {ARG_INT(1, F_DUPFD)}},
	{SCMP_SYS(fcntl), 1, {ARG_INT(1, F_DUPFD_CLOEXEC)}},
	{SCMP_SYS(fcntl), 1, {ARG_INT(1, F_GETFD)}},
	{SCMP_SYS(fcntl), 1, {ARG_INT(1, F_SETFD)}},
	{SCMP_SYS(fcntl), 1, {ARG_INT(1, F_GETFL)}},
	{SCMP_SYS(fcntl), 1, {ARG_INT(1, F_SETFL)}},
	{SCMP_SYS(fcntl), 1, {ARG_INT(1, F_GETLK)}}, /* LMDB */
	{SCMP_SYS(fcntl), 1, {ARG_INT(1, F_SETLK)}},
	{SCMP_SYS(fcntl), 1, {ARG_INT(1, F_SETLKW)}},
	{SCMP_SYS(fcntl), 1, {ARG_INT(1, F_OFD_GETLK)}}, /* the store's lock, local vaults */
	{SCMP_SYS(fcntl), 1, {ARG_INT(1, F_OFD_SETLK)}},
	{SCMP_SYS(fcntl), 1, {ARG_INT(1, F_OFD_SETLKW)}},
	{SCMP_SYS(fcntl), 1, {ARG_INT(1, F_SETPIPE_SZ)}}, /* libfuse */
	{SCMP_SYS(fcntl), 1, {ARG_INT(1, F_GETPIPE_SZ)}},
	{SCMP_SYS(ioctl), 1, {ARG_INT(1, FIONREAD)}}, /* glibc's resolver */
	/* a job runs at a lower priority */
	{SCMP_SYS(setpriority), 1, {ARG_INT(0, PRIO_PROCESS)}},
	{SCMP_SYS(ioprio_set), 1, {ARG_INT(0, IOPRIO_WHO_PROCESS)}},
	/* syslog(3), nscd, nss modules; libcurl's wake-up */
	{SCMP_SYS(socket), 2, {ARG_INT(0, AF_UNIX), ARG_INT(2, 0)}},
	{SCMP_SYS(socketpair), 2, {ARG_INT(0, AF_UNIX), ARG_INT(2, 0)}},
};

#define SOCKET_TYPE_MASK 0xf /* above it are SOCK_CLOEXEC and SOCK_NONBLOCK */

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void filter_free(void *ctx)
{
	seccomp_release(ctx);
}
DEFINE_CLEANUP(scmp_filter_ctx, filter_free)

static int allow(scmp_filter_ctx ctx)
{
	int r = 0;

	for (size_t i = 0; i < COUNT(allowed) && r == 0; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	return r;
}

static int judge(scmp_filter_ctx ctx, const struct judged *rows, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, rows[i].call, rows[i].n,
					   rows[i].args);
	return r;
}

/* A link-local name server in resolv.conf(5), "fe80::1%eth0": the number of its interface. */
static const struct judged interface_number = {SCMP_SYS(ioctl), 1, {ARG_INT(1, SIOCGIFINDEX)}};

/* TCP and UDP alone: no raw sockets, and none of the kernel's own families (netlink, packet, vsock,
 * ...), which getaddrinfo(3) does not need. */
static int judge_network(scmp_filter_ctx ctx)
{
	static const int families[] = {AF_INET, AF_INET6};
	static const struct {
		int type, protocol; /* protocol 0 means the same, see ip(7) */
	} kinds[] = {{SOCK_STREAM, 0},
		     {SOCK_STREAM, IPPROTO_TCP},
		     {SOCK_DGRAM, 0},
		     {SOCK_DGRAM, IPPROTO_UDP}};
	int r = judge(ctx, &interface_number, 1);

	for (size_t i = 0; i < COUNT(families) * COUNT(kinds) && r == 0; i++) {
		const struct judged row = {
			SCMP_SYS(socket),
			3,
			{ARG_INT(0, families[i % COUNT(families)]),
			 ARG(1, SOCKET_TYPE_MASK, kinds[i / COUNT(families)].type),
			 ARG_INT(2, kinds[i / COUNT(families)].protocol)}};

		r = judge(ctx, &row, 1);
	}
	return r;
}

/* Signals to threads of this process alone, as pthread_cancel(3) and abort(3) send them. */
static int judge_signals(scmp_filter_ctx ctx)
{
#ifdef SYSCALL_FILTER_FOR_SANITIZER
	(void)ctx; /* tgkill(2) is in allowed[] */
	return 0;
#else
	const struct judged row = {SCMP_SYS(tgkill), 1, {ARG_INT(0, getpid())}};

	return judge(ctx, &row, 1);
#endif
}

static int filter_new(uint32_t action, scmp_filter_ctx *ret_ctx)
{
	CLEANUP(filter_free_p) scmp_filter_ctx ctx = seccomp_init(action);
	int r;

	if (!ctx)
		return -ENOMEM;
	/* Calls by the numbers of another architecture or of x32: without this they kill the
	 * process. */
	r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1); /* all threads */
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_API_SYSRAWRC, 1); /* seccomp(2)'s errno */
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree */
	if (r < 0)
		return r;
	/* Since Linux 4.17; without this, kernels before 5.16 slow down every load of the
	 * process. */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_SSB, 1);
	*ret_ctx = STEAL(ctx);
	return 0;
}

/*
 * A filter sees no memory, so it cannot check the flags of clone3(2), which glibc tries first for
 * every thread; after ENOSYS glibc calls clone(2). In a filter of its own, which logs nothing.
 */
static int refuse_clone3(void)
{
	CLEANUP(filter_free_p) scmp_filter_ctx ctx = NULL;
	int r = filter_new(SCMP_ACT_ALLOW, &ctx);

	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return r < 0 ? r : seccomp_load(ctx);
}

int syscall_filter_install(enum syscall_network network)
{
	CLEANUP(filter_free_p) scmp_filter_ctx ctx = NULL;
	int r = filter_new(SCMP_ACT_ERRNO(ENOSYS), &ctx);

	if (r == 0)
		r = allow(ctx);
	if (r == 0)
		r = judge(ctx, judged, COUNT(judged));
	if (r == 0 && network == SYSCALL_NETWORK_CLIENT)
		r = judge_network(ctx);
	if (r == 0)
		r = judge_signals(ctx);
	if (r < 0)
		return r;
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1); /* since Linux 4.14 */
	r = refuse_clone3(); /* first: the filter below refuses seccomp(2) */
	return r < 0 ? r : seccomp_load(ctx);
}
