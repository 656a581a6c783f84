/* fs/inode/disk.h - whole reads and writes of a backing file. */
#ifndef DEPFS_INODE_DISK_H
#define DEPFS_INODE_DISK_H

#include <stddef.h>
#include <sys/types.h>

#include "crypto/base/cleanup.h"

/* disk_read(), disk_write() - all of @len bytes, or a negative errno; a short read is -ENODATA. */
int disk_read(int fd, void *buf, size_t len, off_t off) MUST_CHECK;
int disk_write(int fd, const void *buf, size_t len, off_t off) MUST_CHECK;

#endif
