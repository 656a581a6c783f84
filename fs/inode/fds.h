/* fs/inode/fds.h - how many descriptors files may take, so that some are left to ask vaults
 * with. */
#ifndef DEPFS_INODE_FDS_H
#define DEPFS_INODE_FDS_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/base/cleanup.h"

/**
 * fds_keep_back() - the highest numbers below @limit (RLIMIT_NOFILE) are not for files
 * Any user can open files until no descriptor is left. If vaults could not be asked then, that
 * would look like an outage, and the availability key would open to users what was revoked.
 * Return: how many descriptors files may have. Call before the first thread.
 */
unsigned fds_keep_back(unsigned limit);
/* fd_kept_back() - whether files may not have the number of @fd: the caller closes it and fails
 * with -EMFILE. */
bool fd_kept_back(int fd);
/* fd_for_file() - from what open(2) returned: the descriptor, or a negative errno; -EMFILE, and @fd
 * closed, when its number is kept back. */
int fd_for_file(int fd) MUST_CHECK;

/* fds_depth_max() - how many nested folders a walk goes into: each takes a descriptor and some
 * stack, and any user can nest more folders than there are of either. */
unsigned fds_depth_max(void);

#endif
