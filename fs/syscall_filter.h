/* fs/syscall_filter.h - what a daemon that was taken over still cannot ask of the kernel. */
#ifndef DEPFS_SYSCALL_FILTER_H
#define DEPFS_SYSCALL_FILTER_H

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"

enum syscall_network {
	SYSCALL_NETWORK_NONE,	/* local sockets only: syslog, the service manager */
	SYSCALL_NETWORK_CLIENT, /* TCP and UDP of IPv4 and IPv6 too, to connect: key vaults, DNS */
};

/**
 * syscall_filter_install() - every thread of the process, for good, gets EPERM from calls that
 * serving files never needs
 * Those are: running programs, looking into other processes, loading code into the kernel, mounts,
 * namespaces, clocks, keyrings, and every socket but what @network allows; none can be
 * bound, listened on or accepted from in any case.
 * No new privileges must have been set, or CAP_SYS_ADMIN be held. See seccomp(2).
 * Return: 0; -EINVAL, -ENOSYS: this kernel has no filters; -EACCES.
 */
int syscall_filter_install(enum syscall_network network) MUST_CHECK;

#endif
