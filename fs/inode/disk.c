#include "fs/inode/disk.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "crypto/block.h"

#define FDS_KEPT_MIN 8u /* one policy's vaults, asked one after the other */
#define FDS_KEPT_MAX 256u
#define DEPTH_MAX    2048u /* no path names more of them: PATH_MAX holds so many names of a letter */

static int first_kept_back = INT_MAX;

unsigned fds_keep_back(unsigned limit)
{
	unsigned kept = limit / 8;

	kept = kept < FDS_KEPT_MIN ? FDS_KEPT_MIN : kept > FDS_KEPT_MAX ? FDS_KEPT_MAX : kept;
	kept = kept < limit ? kept : limit;
	first_kept_back = (int)(limit - kept);
	return limit - kept;
}

bool fd_kept_back(int fd)
{
	return fd >= first_kept_back; /* open(2) gives the lowest one that is free */
}

int fd_for_file(int fd)
{
	if (fd < 0)
		return -errno;
	if (!fd_kept_back(fd))
		return fd;
	(void)close(fd); /* nothing was done with it */
	return -EMFILE;
}

unsigned walk_depth_max(void)
{
	unsigned share = (unsigned)first_kept_back / 4;

	return share < DEPTH_MAX ? share : DEPTH_MAX;
}

int disk_read(int fd, void *buf, size_t len, off_t off)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, (char *)buf + done, len - done, off + (off_t)done);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -ENODATA;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int disk_write(int fd, const void *buf, size_t len, off_t off)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(fd, (const char *)buf + done, len - done, off + (off_t)done);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int disk_cut(int fd, uint64_t size)
{
	off_t blocks_end = (off_t)(block_count(size) * BLOCK_LEN);

	/* In two steps: the size hint is a hole, never the remains of a block that was there. */
	if (ftruncate(fd, blocks_end) < 0 || ftruncate(fd, (off_t)file_disk_len(size)) < 0)
		return -errno;
	return 0;
}
