#include "fs/syscall_filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv)
#define OWN_ARCH AUDIT_ARCH_RISCV64
#endif

#if defined(__SANITIZE_ADDRESS__)
#define HAS_LEAK_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_LEAK_SANITIZER 1
#endif
#endif

/* A list of what is refused, not of what is allowed: libc and OpenSSL may take up new calls with
 * any update, and a file that cannot be read back because of it would be worse than the attack. */
static const int refused[] = {
	SYS_execve,
	SYS_execveat,
#ifndef HAS_LEAK_SANITIZER /* which looks for leaks by tracing itself */
	SYS_ptrace,
#endif
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_pidfd_getfd,
	SYS_kcmp,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_io_uring_setup,
	SYS_add_key,
	SYS_request_key,
	SYS_keyctl,
	SYS_mount,
	SYS_move_mount,
	SYS_open_tree,
	SYS_fsopen,
	SYS_fsconfig,
	SYS_fsmount,
	SYS_fspick,
	SYS_mount_setattr,
	SYS_pivot_root,
	SYS_chroot,
	SYS_setns,
	SYS_swapon,
	SYS_swapoff,
	SYS_reboot,
	SYS_acct,
	SYS_quotactl,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_adjtimex,
	SYS_clock_adjtime,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_syslog,
	SYS_fanotify_init,
	SYS_bind,
	SYS_listen,
	SYS_accept,
	SYS_accept4,
};

/* Its low half: no flag and no family is greater. */
#define FIRST_ARGUMENT \
	(offsetof(struct seccomp_data, args[0]) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0))

#define SECOND_ARGUMENT \
	(offsetof(struct seccomp_data, args[1]) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0))

#define SOCKET_TYPE_MASK 0xf /* above it are SOCK_CLOEXEC and SOCK_NONBLOCK */

#define N_REFUSED (sizeof(refused) / sizeof(refused[0]))

struct program {
	struct sock_filter code[2 * N_REFUSED + 40];
	unsigned short len;
};

static void add(struct program *p, struct sock_filter step)
{
	p->code[p->len++] = step;
}

static void add_load(struct program *p, size_t offset)
{
	add(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void add_return(struct program *p, uint32_t action)
{
	add(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* The next step is left out unless the loaded value compares so with @k. */
static void add_if(struct program *p, uint16_t comparison, uint32_t k)
{
	add(p, (struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | comparison | BPF_K), k, 0, 1));
}

static void add_unless_equal(struct program *p, uint32_t k)
{
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 1, 0));
}

/*
 * socket(): the family is in the first argument, the type in the low bits of the second. Raw
 * sockets and the kernel's own (netlink, packet, vsock, ...) are for nobody; getaddrinfo() does
 * without.
 */
static void add_sockets(struct program *p, enum syscall_network network, uint32_t no)
{
	add_load(p, FIRST_ARGUMENT);
	add_if(p, BPF_JEQ, AF_UNIX);
	add_return(p, SECCOMP_RET_ALLOW);
	if (network == SYSCALL_NETWORK_NONE) {
		add_return(p, no);
		return;
	}
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 2, 0));
	add_unless_equal(p, AF_INET6);
	add_return(p, no);
	add_load(p, SECOND_ARGUMENT);
	add(p, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SOCKET_TYPE_MASK));
	add_if(p, BPF_JEQ, SOCK_STREAM);
	add_return(p, SECCOMP_RET_ALLOW);
	add_if(p, BPF_JEQ, SOCK_DGRAM);
	add_return(p, SECCOMP_RET_ALLOW);
	add_return(p, no);
}

static void compose(struct program *p, enum syscall_network network)
{
	const uint32_t no = SECCOMP_RET_ERRNO | EPERM;

#ifdef OWN_ARCH
	/* A number means another call under another architecture's table. */
	add_load(p, offsetof(struct seccomp_data, arch));
	add_unless_equal(p, OWN_ARCH);
	add_return(p, no);
#endif
	add_load(p, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
	add_if(p, BPF_JGE, 0x40000000); /* __X32_SYSCALL_BIT: a second table under the same name */
	add_return(p, no);
#endif
	for (size_t i = 0; i < N_REFUSED; i++) {
		add_if(p, BPF_JEQ, (uint32_t)refused[i]);
		add_return(p, no);
	}
	/* A serving thread takes a umask of its own (fs/fuse/cred.c), and nothing else. */
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 0, 4));
	add_load(p, FIRST_ARGUMENT);
	add_if(p, BPF_JEQ, CLONE_FS);
	add_return(p, SECCOMP_RET_ALLOW);
	add_return(p, no);
	add_unless_equal(p, SYS_socket);
	add_return(p, SECCOMP_RET_ALLOW);
	add_sockets(p, network, no);
}

int syscall_filter_install(enum syscall_network network)
{
	struct program p = {.len = 0};
	struct sock_fprog prog = {.filter = p.code};

	compose(&p, network);
	prog.len = p.len;
	/* SPEC_ALLOW: without it kernels before 5.16 slow down every load of the process. */
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		       SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &prog) < 0
		       ? -errno
		       : 0;
}
