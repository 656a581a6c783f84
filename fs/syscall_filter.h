/* fs/syscall_filter.h - what a daemon that was taken over still cannot ask of the kernel. */
#ifndef DEPFS_SYSCALL_FILTER_H
#define DEPFS_SYSCALL_FILTER_H

#include "crypto/cleanup.h"
#include "crypto/err.h"

/**
 * syscall_filter_install() - every thread of the process, for good, gets EPERM from calls that
 * serving files never needs
 * Those are: running programs, looking into other processes, loading code into the kernel, mounts,
 * namespaces, clocks, keyrings, and every socket but a local one (syslog, the service manager).
 * No new privileges must have been set, or CAP_SYS_ADMIN be held. See seccomp(2).
 * Return: 0; -EINVAL, -ENOSYS: this kernel has no filters; -EACCES.
 */
int syscall_filter_install(void) MUST_CHECK;

#endif
