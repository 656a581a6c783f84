/* fs/walk/rewrap.c - a job that re-wraps: puts each file's data key under the policy that the job
 * wants for it. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "crypto/base/cleanup.h"
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

/* @fd is consumed. */
static int rewrap(struct walk *w, int fd, const char *name, const struct stat *st,
		  const struct scope *scope, const struct wrap_ref *target,
		  const struct request *rq)
{
	struct inode *i;
	struct file *f;
	int r = inode_ref(w->v->inodes, fd, st, NULL, name, scope, &i), put;

	if (r < 0)
		return r;
	r = file_get(w->v, i, O_RDWR, rq, &f);
	if (r == 0) {
		r = file_rewrap_now(w->v, f, target, rq);
		put = file_put(w->v, f);
		r = r < 0 ? r : put;
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
		.blocking = rq->blocking, .class = REQUEST_SYSTEM, .wait = rq->wait};
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
