/* fs/syscall_filter.h - the system calls that the serving daemon may still make. */
#ifndef DEPFS_SYSCALL_FILTER_H
#define DEPFS_SYSCALL_FILTER_H

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"

/* A build with sanitizers has more calls left: LeakSanitizer is a debugger of its own process. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SYSCALL_FILTER_FOR_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SYSCALL_FILTER_FOR_SANITIZER 1
#endif
#endif

enum syscall_network {
	SYSCALL_NETWORK_NONE,	/* local sockets only: syslog, the service manager */
	SYSCALL_NETWORK_CLIENT, /* TCP and UDP of IPv4 and IPv6 too, to connect: key vaults, DNS */
};

/**
 * syscall_filter_install() - from here on the process has only the calls that serving takes
 * For every thread, and for good. Any other call fails with ENOSYS, as on a kernel that does not
 * have it, and leaves a line in the kernel's audit log. Not among those left are calls that run
 * programs, make processes or namespaces, look into other processes, load code into the kernel,
 * mount, change user ids, clocks or limits, use kernel keyrings or io_uring, signal other
 * processes, make written memory executable (a file mapped twice is not seen), or open a socket
 * that @network does not name; bind(2), listen(2) and accept(2) are not among those left. What is
 * left is the table in syscall_filter.c. It is no sandbox: files that root may write can still be
 * written. Sets no_new_privs. Return: 0; -ENOMEM; another negative errno of seccomp(2): this kernel
 * has no filters (-EINVAL, -ENOSYS), or a thread has one of its own (-ESRCH).
 */
int syscall_filter_install(enum syscall_network network) MUST_CHECK;

#endif
