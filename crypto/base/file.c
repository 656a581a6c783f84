/* crypto/base/file.c - write(2) repeated until all bytes are written. */
#include "crypto/base/file.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

int write_all(int fd, const void *in, size_t len)
{
	const uint8_t *at = in;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int dir_from_fd(int fd, DIR **ret_dir)
{
	DIR *dir = fdopendir(fd);
	int r = dir ? 0 : -errno;

	if (!dir)
		(void)close(fd); /* fdopendir() takes it only when it succeeds */
	else
		*ret_dir = dir;
	return r;
}

void closedir_p(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* only read from: nothing can get lost */
}
