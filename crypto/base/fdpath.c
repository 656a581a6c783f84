/* crypto/base/fdpath.c - paths of open descriptors by way of /proc/self/fd. */
#include "crypto/base/fdpath.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *fd_path(int fd, char out[static FD_PATH_LEN])
{
	(void)snprintf(out, FD_PATH_LEN, "/proc/self/fd/%d", fd); /* always fits */
	return out;
}

const char *fd_path_in(int fd, const char *top, char *out, size_t out_len)
{
	char link[FD_PATH_LEN];
	size_t top_len = strlen(top);
	ssize_t n = readlink(fd_path(fd, link), out, out_len);

	if (n <= 0 || (size_t)n == out_len) /* readlink(2) cuts without an error */
		return NULL;
	out[n] = '\0';
	if (strncmp(out, top, top_len) != 0 || (out[top_len] != '/' && out[top_len] != '\0'))
		return out;
	return out + top_len + (out[top_len] == '/');
}
