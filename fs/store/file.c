/* fs/store/file.c - paths, copies and removal of a store's plain files. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "crypto/base/file.h"
#include "fs/store/files_internal.h"

#define COPY_CHUNK_LEN (1u << 20)

int dir_path(const char *dir, const char *name, char out[static PATH_MAX], struct err *err)
{
	if (snprintf(out, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
		return err_set(err, -ENAMETOOLONG, "the store's path is too long");
	return 0;
}

int fsync_dir(int dir_fd, const char *name)
{
	CLEANUP(close_fd_p) int fd = -1;

	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

static int fd_copy(int from, int to)
{
	CLEANUP(free_mem_p) uint8_t *buf = malloc(COPY_CHUNK_LEN);
	ssize_t n;
	int r;

	if (!buf)
		return -ENOMEM;
	while ((n = read(from, buf, COPY_CHUNK_LEN)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		r = write_all(to, buf, (size_t)n);
		if (r < 0)
			return r;
	}
	return fsync(to) < 0 ? -errno : 0;
}

int file_copy(int from_dir, const char *from, int to_dir, const char *to)
{
	CLEANUP(close_fd_p) int in = -1, out = -1;
	int r;

	in = openat(from_dir, from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (in < 0)
		return -errno;
	out = openat(to_dir, to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		return -errno;
	r = fd_copy(in, out);
	if (r < 0)
		(void)unlinkat(to_dir, to, 0); /* r is the error to report */
	return r;
}

int state_folder_remove(int dir_fd, const char *name)
{
	CLEANUP(close_fd_p) int fd = -1;

	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if ((unlinkat(fd, "data.mdb", 0) < 0 && errno != ENOENT) ||
	    (unlinkat(fd, "lock.mdb", 0) < 0 && errno != ENOENT))
		return -errno;
	return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}
