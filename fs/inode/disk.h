/* fs/inode/disk.h - whole reads and writes of a ciphertext file. */
#ifndef DEPFS_INODE_DISK_H
#define DEPFS_INODE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "crypto/base/cleanup.h"

/**
 * fds_keep_back() - the highest numbers below @limit (RLIMIT_NOFILE) are not for files
 * Anybody can open files until there is no descriptor left. If vaults could not be asked then, that
 * would look like an outage, and the availability key would open to users what was revoked.
 * Return: how many descriptors files may have. Call before the first thread.
 */
unsigned fds_keep_back(unsigned limit);
/* fd_kept_back() - @fd is one of those, and must be closed again: -EMFILE. */
bool fd_kept_back(int fd);
/* fd_for_file() - what open(2) returned: the descriptor, or a negative errno. */
int fd_for_file(int fd) MUST_CHECK;

/* walk_depth_max() - folders within folders that a walk goes into; each takes a descriptor and some
 * stack, and anybody can make more of them than there are of either. */
unsigned walk_depth_max(void);

/* pread/pwrite of everything or an errno; a short read is -ENODATA. */
int disk_read(int fd, void *buf, size_t len, off_t off) MUST_CHECK;
int disk_write(int fd, const void *buf, size_t len, off_t off) MUST_CHECK;
/* disk_cut() - the length on disk of a file that becomes @size plaintext bytes and was longer. */
int disk_cut(int fd, uint64_t size) MUST_CHECK;

#endif
