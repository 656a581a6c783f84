/* fs/walk/file.c - one file that a job comes to: its header read, a failure reported. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/fdpath.h"
#include "fs/inode/disk.h"
#include "fs/inode/fds.h"
#include "fs/walk/walk_internal.h"

int walk_open_file(int dir_fd, const char *name)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = openat(dir_fd, name, flags | O_NOATIME);

	if (fd < 0 && errno == EPERM) /* O_NOATIME is the owner's */
		fd = openat(dir_fd, name, flags);
	return fd < 0 ? -errno : fd;
}

static const char *reason(int r)
{
	switch (r) {
	case -EIO:
	case -EBADMSG:
		return "damaged; events say where";
	case -EKEYREVOKED:
		return "its policy's key is denied";
	case -ENAMETOOLONG:
		return "lies in too many folders, and what it holds is not looked at";
	case -EOVERFLOW:
		return "moved away, and too much else moved to follow it";
	case -ETIMEDOUT:
	case -EAGAIN:
		return "its policy's key was not to be had in time";
	default:
		return strerror(-r);
	}
}

int walk_read_header(int fd, struct stat *ret_st, struct header *ret_hdr)
{
	uint8_t bytes[HEADER_LEN];
	int r;

	if (fstat(fd, ret_st) < 0)
		return -errno;
	if (!S_ISREG(ret_st->st_mode) || ret_st->st_size == 0)
		return FOUND_NONE;
	r = disk_read(fd, bytes, HEADER_LEN, 0);
	if (r == 0)
		r = header_decode(bytes, ret_hdr, NULL);
	if (r < 0)
		return r == -ENODATA || r == -ENOTSUP ? -EBADMSG : r;
	return FOUND_FINE;
}

void walk_path(const struct walk *w, int dir_fd, const char *name, char out[static WALK_PATH_LEN])
{
	char space[4096];
	const char *dir = fd_path_in(dir_fd, w->v->path, space, sizeof(space));

	dir = dir ? dir : "";
	(void)snprintf(out, WALK_PATH_LEN, "%s%s%s", dir, *dir && *name ? "/" : "", name);
}

void walk_file_failed(struct walk *w, struct job *j, int dir_fd, const char *name, int r)
{
	char path[WALK_PATH_LEN];

	walk_path(w, dir_fd, name, path);
	atomic_store(&w->unseen, true); /* it may have been read before it failed: no harm */
	job_file_failed(j, path, reason(r));
}

int walk_target_key(struct walk *w, const struct wrap_ref *target, const struct request *rq,
		    struct err *err)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	int r = request_kek(w->v, target, rq, &kek);

	if (r < 0 && r != -EINPROGRESS)
		return err_set(err, r, "the key to re-wrap under cannot be had: %s", reason(r));
	return r;
}
