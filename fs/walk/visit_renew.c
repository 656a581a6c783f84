/* What a job that renews does differently: which files it wants, and what it does about those that
 * move. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "crypto/base/cleanup.h"
#include "fs/content/renew.h"
#include "fs/inode/disk.h"
#include "fs/jobs/renewal.h"
#include "fs/walk/visit_internal.h"

static const struct request rq_job = {.blocking = MAY_BLOCK, .class = REQUEST_SYSTEM};

/* ---- where ---- */

static int no_such(const char *path, int r, struct err *err)
{
	if (r == -ELOOP)
		return err_set(err, -EINVAL, "renew: '%s' leads through a symbolic link", path);
	return err_set(err, r, "renew: '%s' in the mount: %s", path, strerror(-r));
}

/* One name more of a path; @dir_fd is consumed. */
static int step_into(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), r = fd < 0 ? -errno : fd;
	struct stat st;

	(void)close(dir_fd); /* O_PATH */
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode)) {
		(void)close(fd); /* the same */
		return -ELOOP;
	}
	return r;
}

int visit_find(void *arg, const char *path, struct err *err)
{
	const struct session *s = arg;
	int fd = openat(s->top_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC), r = fd < 0 ? -errno : 0;
	const char *rest = path;
	char name[NAME_MAX + 1];
	struct stat st;

	while (fd >= 0 && *rest) {
		size_t len = strcspn(rest, "/");

		if (len > NAME_MAX || len == 0 || strncmp(rest, "..", len) == 0 ||
		    (rest == path && len == strlen(STORE_DIR) &&
		     memcmp(rest, STORE_DIR, len) == 0)) {
			(void)close(fd); /* O_PATH */
			return err_set(err, -EINVAL, "renew: '%s' is no path of a file or folder",
				       path);
		}
		(void)snprintf(name, sizeof(name), "%.*s", (int)len, rest);
		rest += len + (rest[len] == '/');
		fd = step_into(fd, name);
		r = fd < 0 ? fd : 0;
	}
	if (r == 0 && fstat(fd, &st) < 0)
		r = -errno;
	if (fd >= 0)
		(void)close(fd); /* O_PATH */
	if (r < 0)
		return no_such(path, r, err);
	return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)
		       ? 0
		       : err_set(err, -EINVAL, "renew: '%s' is neither a file nor a folder", path);
}

/* Whether @name in the folder @dir_fd, or with an empty name @dir_fd itself, lies where @j renews.
 */
static bool is_below(struct session *s, const struct job *j, int dir_fd, const char *name)
{
	const char *root = job_of(j)->path;
	size_t root_len = strlen(root), store_len = strlen(s->store);
	char path[2 * PATH_MAX];
	const char *at = path + store_len;
	size_t n;

	if (fd_name(dir_fd, path, PATH_MAX) < 0)
		return true; /* too much is renewed rather than too little */
	n = strlen(path);
	if (*name)
		(void)snprintf(path + n, sizeof(path) - n, "/%s", name);
	if (strncmp(path, s->store, store_len) != 0)
		return true; /* the same */
	at += *at == '/';
	return !root_len ||
	       (strncmp(at, root, root_len) == 0 && (at[root_len] == '/' || at[root_len] == '\0'));
}

void renewed_before_move(struct session *s, struct job *j, int dir_fd, const char *name,
			 const struct stat *st)
{
	bool due = is_below(s, j, dir_fd, name);
	struct inode *i;

	if ((!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode)) || (!due && !s->renew.searching))
		return;
	i = inode_find(s->inodes, st->st_dev, st->st_ino);
	if (!i || !visit_remember(s, i, due))
		visit_failed(s, j, dir_fd, name, -EOVERFLOW);
}

/* ---- one file ---- */

static int look(struct session *s, const struct job *j, int fd, struct stat *ret_st)
{
	struct header hdr;
	int r = visit_header(fd, ret_st, &hdr);

	if (r != LOOK_FINE)
		return r; /* an empty one is just being made, with a fresh key */
	if (hdr.flags & HEADER_FLAG_RENEWING) {
		renewal_seen(s->engine, hdr.file_id);
		return LOOK_WANTED;
	}
	if (s->renew.only_ends)
		return LOOK_NONE;
	return job_file_id_is_of(j, hdr.file_id) ? LOOK_FINE : LOOK_WANTED;
}

static int renew_file(struct session *s, struct job *j, struct inode *i, const struct request *rq,
		      struct err *err)
{
	struct file *f;
	int r = file_get(s, i, O_RDWR, rq, &f), put;

	if (r < 0)
		return r;
	r = file_renew(s, f, j, s->renew.only_ends ? RENEW_END : RENEW_ALL, rq, err);
	put = file_put(s, f);
	return r < 0 ? r : put;
}

static int target_key(struct session *s, const struct scope *scope, const struct request *rq,
		      struct err *err)
{
	struct wrap_ref target;

	engine_target(s->engine, scope, &target);
	return visit_target_key(s, &target, rq, err);
}

int visit_renewed(struct session *s, struct job *j, int dir_fd, const char *name, int fd,
		  const struct scope *scope, const struct request *rq, struct err *err)
{
	CLEANUP(close_fd_p) int own_fd = fd < 0 ? -1 : fd;
	struct inode *i;
	struct stat st;
	int r = fd < 0 ? fd : look(s, j, fd, &st);

	if (r == LOOK_NONE)
		return 0;
	if (r == LOOK_FINE) {
		job_file(j, JOB_FILE_SKIPPED);
		return 1;
	}
	if (r == LOOK_WANTED) {
		r = target_key(s, scope, rq, err);
		if (r < 0)
			return r;
		r = inode_ref(s->inodes, STEAL_FD(own_fd), &st, NULL, name, scope, &i);
		if (r == 0) {
			r = renew_file(s, j, i, rq, err);
			inode_forget(s->inodes, i, 1);
		}
		if (r == -EINTR)
			return r;
	}
	if (r < 0)
		atomic_store(&s->renew.unseen, true);
	if (r == 0)
		job_file(j, JOB_FILE_DONE);
	else if (s->renew.only_ends && is_below(s, j, dir_fd, name))
		return 0; /* it was told before the search */
	else
		visit_failed(s, j, dir_fd, name, r);
	return 1;
}

/* Its name may be gone, and those who have it open may still write to it. */
int visit_renewed_inode(struct session *s, struct job *j, struct inode *i, struct err *err)
{
	char link[FD_PATH_LEN];
	struct stat st;
	int path_fd, fd, r = inode_fd(s->inodes, i, &path_fd);

	if (r < 0)
		return r;
	fd = open(fd_path(path_fd, link), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	r = fd < 0 ? -errno : look(s, j, fd, &st);
	if (fd >= 0)
		(void)close(fd); /* only read from */
	if (r == LOOK_WANTED) {
		r = target_key(s, i->scope, &rq_job, err);
		if (r == 0)
			r = renew_file(s, j, i, &rq_job, err);
		if (r == 0)
			job_file_early(j);
	} else if (r > 0) {
		r = 0;
	}
	if (r < 0 && r != -EINTR && r != -ESTALE)
		visit_failed(s, j, path_fd, "", r);
	inode_fd_done(s->inodes, i);
	return r == -EINTR ? r : 0;
}
