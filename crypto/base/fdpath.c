#include "crypto/base/fdpath.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

const char *fd_path(int fd, char out[static FD_PATH_LEN])
{
	(void)snprintf(out, FD_PATH_LEN, "/proc/self/fd/%d", fd); /* always fits */
	return out;
}

int fd_name(int fd, char *ret_path, size_t path_len)
{
	char link[FD_PATH_LEN];
	ssize_t n = readlink(fd_path(fd, link), ret_path, path_len);

	if (n < 0)
		return -errno;
	if ((size_t)n == path_len) /* readlink(2) cuts without a word */
		return -ENAMETOOLONG;
	ret_path[n] = '\0';
	return 0;
}
