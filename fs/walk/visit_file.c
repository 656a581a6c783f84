/* A job at one file: what its header says, and whether that is to change. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "crypto/base/cleanup.h"
#include "fs/inode/disk.h"
#include "fs/walk/visit_internal.h"

int visit_open(int dir_fd, const char *name)
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

int visit_rewrap(struct session *s, int fd, const char *name, const struct stat *st,
		 const struct scope *scope, const struct wrap_ref *target, const struct request *rq)
{
	struct inode *i;
	struct file *f;
	int r = inode_ref(s->inodes, fd, st, NULL, name, scope, &i), put;

	if (r < 0)
		return r;
	r = file_get(s, i, O_RDWR, rq, &f);
	if (r == 0) {
		r = file_rewrap_now(s, f, target, rq);
		put = file_put(s, f);
		r = r < 0 ? r : put;
	}
	inode_forget(s->inodes, i, 1);
	return r;
}

int visit_header(int fd, struct stat *ret_st, struct header *ret_hdr)
{
	uint8_t bytes[HEADER_LEN];
	int r;

	if (fstat(fd, ret_st) < 0)
		return -errno;
	if (!S_ISREG(ret_st->st_mode) || ret_st->st_size == 0)
		return LOOK_NONE;
	r = disk_read(fd, bytes, HEADER_LEN, 0);
	if (r == 0)
		r = header_decode(bytes, ret_hdr, NULL);
	if (r < 0)
		return r == -ENODATA || r == -ENOTSUP ? -EBADMSG : r;
	return LOOK_FINE;
}

int visit_look(struct session *s, struct job *j, int fd, const struct scope *scope,
	       struct stat *ret_st, struct wrap_ref *ret_target)
{
	struct header hdr;
	int r = visit_header(fd, ret_st, &hdr);

	if (r != LOOK_FINE)
		return r;
	return job_wants(s->engine, j, &hdr.ref, scope, ret_target) ? LOOK_WANTED : LOOK_FINE;
}

void visit_path(struct session *s, int dir_fd, const char *name, char out[static VISIT_PATH_LEN])
{
	char dir[4096];
	size_t store_len = strlen(s->store);
	const char *at = dir;

	if (fd_name(dir_fd, dir, sizeof(dir)) < 0)
		dir[0] = '\0';
	if (strncmp(dir, s->store, store_len) == 0)
		at = dir[store_len] == '/' ? dir + store_len + 1 : dir + store_len;
	(void)snprintf(out, VISIT_PATH_LEN, "%s%s%s", at, *at && *name ? "/" : "", name);
}

void visit_failed(struct session *s, struct job *j, int dir_fd, const char *name, int r)
{
	char path[VISIT_PATH_LEN];

	visit_path(s, dir_fd, name, path);
	atomic_store(&s->renew.unseen, true); /* or it was, and that does not matter */
	job_file_failed(j, path, reason(r));
}

int visit_target_key(struct session *s, const struct wrap_ref *target, const struct request *rq,
		     struct err *err)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	int r = request_kek(s, target, rq, &kek);

	if (r < 0 && r != -EINPROGRESS)
		return err_set(err, r, "the key to re-wrap under cannot be had: %s", reason(r));
	return r;
}

int visit_file(struct session *s, struct job *j, int dir_fd, const char *name,
	       const struct scope *scope, const struct request *rq, struct err *err)
{
	struct wrap_ref target;
	struct stat st;
	int fd = visit_open(dir_fd, name), r;

	if (fd == -ENOENT || fd == -ELOOP || fd == -ENXIO) /* gone, a link, a socket */
		return 0;
	if (visit_renews(j))
		return visit_renewed(s, j, dir_fd, name, fd, scope, rq, err);
	if (!job_rewraps(j))
		return visit_count(s, j, dir_fd, name, fd, scope);
	r = fd < 0 ? fd : visit_look(s, j, fd, scope, &st, &target);
	if (r == LOOK_WANTED) {
		r = visit_target_key(s, &target, rq, err);
		if (r < 0) {
			(void)close(fd); /* only read from */
			return r;
		}
		r = visit_rewrap(s, fd, name, &st, scope, &target, rq);
		if (r == 0)
			job_file(j, JOB_FILE_DONE);
	} else {
		if (fd >= 0)
			(void)close(fd); /* the same */
		if (r == LOOK_NONE)
			return 0;
		if (r == LOOK_FINE)
			job_file(j, JOB_FILE_SKIPPED);
	}
	if (r < 0)
		visit_failed(s, j, dir_fd, name, r);
	return 1;
}
