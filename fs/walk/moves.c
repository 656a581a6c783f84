/* fs/walk/moves.c - what is renamed, linked or created while a job walks. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "crypto/base/fdpath.h"
#include "fs/inode/fds.h"
#include "fs/walk/walk_internal.h"

void walk_names_begin(struct walk *w)
{
	pthread_rwlock_rdlock(&w->lock);
}

bool walk_is_on(const struct walk *w)
{
	return w->job;
}

void walk_names_end(struct walk *w)
{
	pthread_rwlock_unlock(&w->lock);
}

/* Processes a file before it moves. @fd: read-only, consumed; @dir_fd, @name: for reports. */
static int process_early(struct walk *w, int dir_fd, const char *name, int fd,
			 const struct scope *scope, const struct request *rq)
{
	if (job_rewraps(w->job))
		return walk_rewrap_early(w, w->job, dir_fd, name, fd, scope, rq);
	(void)walk_scan_file(w, w->job, dir_fd, name, fd, scope);
	return 0;
}

int walk_before_move(struct walk *w, int dir_fd, const char *name, const struct stat *st,
		     const struct scope *scope, const struct request *rq)
{
	int fd;

	if (w->job && walk_renews(w->job)) {
		walk_renew_before_move(w, w->job, dir_fd, name, st);
		return 0;
	}
	if (!w->job || !S_ISREG(st->st_mode))
		return 0;
	fd = walk_open_file(dir_fd, name);
	if (fd >= 0)
		return process_early(w, dir_fd, name, fd, scope, rq);
	if (fd != -ENOENT)
		walk_file_failed(w, w->job, dir_fd, name, fd);
	return 0;
}

int walk_before_link(struct walk *w, int fd, const struct scope *scope, const struct request *rq)
{
	char link[FD_PATH_LEN];
	struct stat st;
	int content_fd;

	if (!w->job || fstatat(fd, "", &st, AT_EMPTY_PATH) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (walk_renews(w->job)) {
		walk_renew_before_move(w, w->job, fd, "", &st);
		return 0;
	}
	content_fd = open(fd_path(fd, link), O_RDONLY | O_CLOEXEC);
	if (content_fd >= 0)
		return process_early(w, fd, "", content_fd, scope, rq);
	walk_file_failed(w, w->job, fd, "", -errno);
	return 0;
}

void walk_after_move(struct walk *w, int dir_fd, const char *name)
{
	struct stat st;

	if (!w->job || walk_renews(w->job) || fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISDIR(st.st_mode))
		return;
	walk_enqueue_folder(w, inode_find(w->v->inodes, st.st_dev, st.st_ino));
}
