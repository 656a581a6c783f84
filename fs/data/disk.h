/* fs/data/disk.h - whole reads and writes of a ciphertext file. */
#ifndef DEPFS_DATA_DISK_H
#define DEPFS_DATA_DISK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "crypto/cleanup.h"

/* pread/pwrite of everything or an errno; a short read is -ENODATA. */
int disk_read(int fd, void *buf, size_t len, off_t off) MUST_CHECK;
int disk_write(int fd, const void *buf, size_t len, off_t off) MUST_CHECK;
/* disk_cut() - the length on disk of a file that becomes @size plaintext bytes and was longer. */
int disk_cut(int fd, uint64_t size) MUST_CHECK;

#endif
