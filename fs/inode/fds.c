#include "fs/inode/fds.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FDS_KEPT_MIN 8u /* one policy's vaults, asked one after the other */
#define FDS_KEPT_MAX 256u
#define DEPTH_MAX    2048u /* PATH_MAX holds the names of this many folders, a letter each */

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
	(void)close(fd); /* only opened */
	return -EMFILE;
}

unsigned fds_depth_max(void)
{
	unsigned max = (unsigned)first_kept_back / 4;

	return max < DEPTH_MAX ? max : DEPTH_MAX;
}
