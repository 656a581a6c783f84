/* fs/walk/rewrap.c - a job that re-wraps: puts each file's data key under the policy that the job
 * wants for it. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/fdpath.h"
#include "fs/content/rewrap.h"
#include "fs/policy/target.h"
#include "fs/walk/walk_internal.h"

/* What the header says: enum finding, or a negative errno. */
static int look(struct walk *w, struct job *j, int fd, const struct scope *scope,
		struct stat *ret_st, struct wrap_ref *ret_target)
{
	struct header hdr;
	int r = walk_read_header(fd, ret_st, &hdr);

	if (r != FOUND_FINE)
		return r;
	return job_wants(w->v->policies, j, &hdr.ref, scope, ret_target) ? FOUND_DUE : FOUND_FINE;
}

static int rewrap_inode(struct walk *w, struct inode *i, const struct wrap_ref *target,
			const struct request *rq)
{
	struct file *f;
	int r = file_get(w->v, i, O_RDWR, rq, &f), put;

	if (r < 0)
		return r;
	r = file_rewrap_now(w->v, f, target, rq);
	put = file_put(w->v, f);
	return r < 0 ? r : put;
}

/* @fd is consumed. Where @rq may not wait for the key, the file is queued: the job comes back to
 * it, wherever it lies then. */
static int rewrap(struct walk *w, int fd, const char *name, const struct stat *st,
		  const struct scope *scope, const struct wrap_ref *target,
		  const struct request *rq)
{
	struct inode *i;
	int r = inode_ref(w->v->inodes, fd, st, NULL, name, scope, &i);

	if (r < 0)
		return r;
	r = rewrap_inode(w, i, target, rq);
	if (r == -EINPROGRESS) {
		inode_hold(w->v->inodes, i);
		r = walk_enqueue(w, i, false) ? FOUND_DUE : -EOVERFLOW;
	}
	inode_forget(w->v->inodes, i, 1);
	return r;
}

int walk_rewrap_file(struct walk *w, struct job *j, int dir_fd, const char *name, int fd,
		     const struct scope *scope, const struct request *rq, struct err *err)
{
	CLEANUP(close_fd_p) int own_fd = fd < 0 ? -1 : fd;
	struct wrap_ref target;
	struct stat st;
	int r = fd < 0 ? fd : look(w, j, fd, scope, &st, &target);

	if (r == FOUND_NONE)
		return 0;
	if (r == FOUND_FINE) {
		job_file(j, JOB_FILE_SKIPPED);
		return 1;
	}
	if (r == FOUND_DUE) {
		r = walk_target_key(w, &target, rq, err);
		if (r < 0)
			return r;
		r = rewrap(w, STEAL_FD(own_fd), name, &st, scope, &target, rq);
		if (r == 0)
			job_file(j, JOB_FILE_DONE);
	}
	if (r < 0)
		walk_file_failed(w, j, dir_fd, name, r);
	return 1;
}

/* As a system request, for the job: the program that moves the file may have no access to its
 * policy. */
int walk_rewrap_early(struct walk *w, struct job *j, int dir_fd, const char *name, int fd,
		      const struct scope *scope, const struct request *rq)
{
	const struct request own = {
		.blocking = NO_VAULT, .class = REQUEST_SYSTEM, .wait = rq->wait};
	CLEANUP(close_fd_p) int own_fd = fd;
	struct wrap_ref target;
	struct stat st;
	int r = look(w, j, fd, scope, &st, &target);

	if (r == FOUND_DUE && rq->blocking == NEVER_BLOCK)
		return -EINPROGRESS;
	if (r == FOUND_DUE) {
		r = rewrap(w, STEAL_FD(own_fd), name, &st, scope, &target, &own);
		if (r == 0)
			job_file_early(j);
	}
	if (r < 0)
		walk_file_failed(w, j, dir_fd, name, r);
	return 0;
}

int walk_rewrap_moved(struct walk *w, struct job *j, struct inode *i, struct err *err)
{
	const struct request rq = {.blocking = MAY_BLOCK, .class = REQUEST_SYSTEM};
	struct wrap_ref target;
	char link[FD_PATH_LEN];
	struct stat st;
	int path_fd, fd, r = inode_fd(w->v->inodes, i, &path_fd);

	if (r < 0)
		return r;
	fd = open(fd_path(path_fd, link), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	r = fd < 0 ? -errno : look(w, j, fd, i->scope, &st, &target);
	if (fd >= 0)
		(void)close(fd); /* only read from */
	if (r == FOUND_DUE) {
		r = walk_target_key(w, &target, &rq, err);
		if (r < 0) {
			inode_fd_done(w->v->inodes, i);
			return r;
		}
		r = rewrap_inode(w, i, &target, &rq);
		if (r == 0)
			job_file_early(j);
	}
	if (r < 0 && r != -ESTALE)
		walk_file_failed(w, j, path_fd, "", r);
	inode_fd_done(w->v->inodes, i);
	return 0;
}
