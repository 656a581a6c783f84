/* What is renamed, linked or made while a job goes through the files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/base/cleanup.h"
#include "fs/walk/walk_internal.h"

#define MOVED_MAX 65536u /* folders remembered; more of them cost a pass over everything */

void visits_enter(struct session *s)
{
	pthread_rwlock_rdlock(&s->visits->lock);
}

bool visits_under_way(const struct session *s)
{
	return s->visits->job;
}

void visits_leave(struct session *s)
{
	pthread_rwlock_unlock(&s->visits->lock);
}

/*
 * @fd: read-only, consumed; @dir_fd, @name: to say where. On behalf of the job, so whatever the
 * program itself may do.
 */
static int visit_early(struct session *s, int dir_fd, const char *name, int fd,
		       const struct scope *scope, const struct request *rq)
{
	const struct request own = {
		.blocking = rq->blocking, .class = REQUEST_SYSTEM, .wait = rq->wait};
	struct job *j = s->visits->job;
	struct wrap_ref target;
	struct stat st;
	int r;

	if (!job_rewraps(j)) {
		(void)visit_count(s, j, dir_fd, name, fd, scope);
		return 0;
	}
	r = visit_look(s, j, fd, scope, &st, &target);
	if (r != LOOK_WANTED || rq->blocking == NEVER_BLOCK)
		(void)close(fd); /* only read from */
	if (r == LOOK_WANTED && rq->blocking == NEVER_BLOCK)
		return -EINPROGRESS;
	if (r == LOOK_WANTED) {
		r = visit_rewrap(s, fd, name, &st, scope, &target, &own);
		if (r == 0)
			job_file_early(j);
	}
	if (r < 0)
		visit_failed(s, j, dir_fd, name, r);
	return 0;
}

int visit_before_move(struct session *s, int dir_fd, const char *name, const struct stat *st,
		      const struct scope *scope, const struct request *rq)
{
	int fd;

	if (s->visits->job && visit_renews(s->visits->job)) {
		renewed_before_move(s, s->visits->job, dir_fd, name, st);
		return 0;
	}
	if (!s->visits->job || !S_ISREG(st->st_mode))
		return 0;
	fd = visit_open(dir_fd, name);
	if (fd >= 0)
		return visit_early(s, dir_fd, name, fd, scope, rq);
	if (fd != -ENOENT)
		visit_failed(s, s->visits->job, dir_fd, name, fd);
	return 0;
}

int visit_before_link(struct session *s, int fd, const struct scope *scope,
		      const struct request *rq)
{
	char link[FD_PATH_LEN];
	struct stat st;
	int content_fd;

	if (!s->visits->job || fstatat(fd, "", &st, AT_EMPTY_PATH) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (visit_renews(s->visits->job)) {
		renewed_before_move(s, s->visits->job, fd, "", &st);
		return 0;
	}
	content_fd = open(fd_path(fd, link), O_RDONLY | O_CLOEXEC);
	if (content_fd >= 0)
		return visit_early(s, fd, "", content_fd, scope, rq);
	visit_failed(s, s->visits->job, fd, "", -errno);
	return 0;
}

static bool moved_fits_locked(struct visits *v)
{
	unsigned room = v->room ? v->room * 2 : 64;
	struct inode **more;

	if (v->n_moved < v->room)
		return true;
	more = room <= MOVED_MAX ? reallocarray(v->moved, room, sizeof(*more)) : NULL;
	if (!more)
		return false;
	v->moved = more;
	v->room = room;
	return true;
}

void visit_after_move(struct session *s, int dir_fd, const char *name)
{
	struct visits *v = s->visits;
	struct inode *i = NULL;
	struct stat st;

	if (!v->job || visit_renews(v->job) ||
	    fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
		return;
	i = inode_find(s->inodes, st.st_dev, st.st_ino);
	pthread_mutex_lock(&v->moved_lock);
	if (i && (i->walked == v->pass || i->moved)) {
		; /* nothing in it is undone, or it will be walked */
	} else if (i && moved_fits_locked(v)) {
		i->moved = true;
		v->moved[v->n_moved++] = STEAL(i);
	} else {
		v->lost = true;
	}
	pthread_mutex_unlock(&v->moved_lock);
	if (i)
		inode_unhold(s->inodes, i);
}

bool visit_remember(struct session *s, struct inode *i, bool due)
{
	struct visits *v = s->visits;
	bool known, fits = true;

	pthread_mutex_lock(&v->moved_lock);
	known = i->moved || i->walked == v->pass; /* walked: nothing in it is undone */
	i->due |= due;
	if (!known) {
		fits = moved_fits_locked(v);
		i->moved = fits;
		if (fits)
			v->moved[v->n_moved++] = i;
	}
	pthread_mutex_unlock(&v->moved_lock);
	if (known || !fits)
		inode_unhold(s->inodes, i);
	return fits;
}

void visit_made(struct session *s, struct inode *folder)
{
	struct visits *v = s->visits;

	pthread_mutex_lock(&v->moved_lock);
	folder->walked = v->pass;
	pthread_mutex_unlock(&v->moved_lock);
}

/* Held; NULL: the kernel does not know it. */
static struct inode *folder_of(struct session *s, int dir_fd)
{
	struct stat st;

	return fstat(dir_fd, &st) < 0 ? NULL : inode_find(s->inodes, st.st_dev, st.st_ino);
}

bool visit_walked(struct session *s, int dir_fd)
{
	struct inode *i = folder_of(s, dir_fd);
	bool walked;

	if (!i)
		return false;
	pthread_mutex_lock(&s->visits->moved_lock);
	walked = i->walked == s->visits->pass;
	pthread_mutex_unlock(&s->visits->moved_lock);
	inode_unhold(s->inodes, i);
	return walked;
}

void visit_mark(struct session *s, int dir_fd)
{
	struct inode *i = folder_of(s, dir_fd);

	if (!i)
		return;
	visit_made(s, i);
	inode_unhold(s->inodes, i);
}
