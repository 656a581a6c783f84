/* fs/walk/renewals.c - a job that renews data keys: which files are due, and which moving files are
 * queued. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/fdpath.h"
#include "fs/content/renew.h"
#include "fs/inode/fds.h"
#include "fs/jobs/job.h"
#include "fs/jobs/renewal.h"
#include "fs/keyring/keyring.h"
#include "fs/policy/target.h"
#include "fs/store/store.h"
#include "fs/walk/walk_internal.h"

static const struct request rq_job = {.blocking = MAY_BLOCK, .class = REQUEST_SYSTEM};

/* ---- the job's path ---- */

static int no_such(const char *path, int r, struct err *err)
{
	if (r == -ELOOP)
		return err_set(err, -EINVAL, "renew: '%s' leads through a symbolic link", path);
	return err_set(err, r, "renew: '%s' in the mount: %s", path, strerror(-r));
}

/* Opens the next name of a path; @dir_fd is consumed. */
static int step_into(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), r = fd < 0 ? -errno : fd;
	struct stat st;

	(void)close(dir_fd); /* O_PATH */
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode)) {
		(void)close(fd); /* O_PATH */
		return -ELOOP;
	}
	return r;
}

int walk_renew_find(void *arg, const char *path, struct err *err)
{
	const struct walk *w = arg;
	int fd = openat(w->v->top_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC),
	    r = fd < 0 ? -errno : 0;
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

/* Whether @name in the folder @dir_fd, or with an empty name @dir_fd itself, lies where @j
 * renews. */
static bool is_below(struct walk *w, const struct job *j, int dir_fd, const char *name)
{
	const char *root = job_of(j)->path;
	char space[PATH_MAX], path[2 * PATH_MAX];
	size_t root_len = strlen(root);
	const char *dir = fd_path_in(dir_fd, w->v->path, space, sizeof(space));

	if (!dir || dir[0] == '/')
		return true; /* path unknown: better one file too many than one too few */
	(void)snprintf(path, sizeof(path), "%s%s%s", dir, *dir && *name ? "/" : "", name);
	return !root_len || (strncmp(path, root, root_len) == 0 &&
			     (path[root_len] == '/' || path[root_len] == '\0'));
}

void walk_renew_before_move(struct walk *w, struct job *j, int dir_fd, const char *name,
			    const struct stat *st)
{
	bool due = is_below(w, j, dir_fd, name);
	struct inode *i;

	if ((!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode)) || (!due && !w->searching))
		return;
	i = inode_find(w->v->inodes, st->st_dev, st->st_ino);
	if (!i || !walk_enqueue(w, i, due))
		walk_file_failed(w, j, dir_fd, name, -EOVERFLOW);
}

/* ---- one file ---- */

static int look(struct walk *w, const struct job *j, int fd, struct stat *ret_st)
{
	struct header hdr;
	int r = walk_read_header(fd, ret_st, &hdr);

	if (r != FOUND_FINE)
		return r; /* an empty file is just being created, with a new key */
	if (hdr.flags & HEADER_FLAG_RENEWING) {
		renewal_found(w->v->renewals, hdr.file_id);
		return FOUND_DUE;
	}
	if (w->only_ends)
		return FOUND_NONE;
	return job_file_id_is_of(j, hdr.file_id) ? FOUND_FINE : FOUND_DUE;
}

static int renew_file(struct walk *w, struct job *j, struct inode *i, const struct request *rq,
		      struct err *err)
{
	struct file *f;
	int r = file_get(w->v, i, O_RDWR, rq, &f), put;

	if (r < 0)
		return r;
	r = file_renew(w->v, f, j, w->only_ends ? RENEW_END : RENEW_ALL, rq, err);
	put = file_put(w->v, f);
	return r < 0 ? r : put;
}

static int target_key(struct walk *w, const struct scope *scope, const struct request *rq,
		      struct err *err)
{
	struct wrap_ref target;

	target_resolve(w->v->policies, scope, &target);
	return walk_target_key(w, &target, rq, err);
}

int walk_renew_file(struct walk *w, struct job *j, int dir_fd, const char *name, int fd,
		    const struct scope *scope, const struct request *rq, struct err *err)
{
	CLEANUP(close_fd_p) int own_fd = fd < 0 ? -1 : fd;
	struct inode *i;
	struct stat st;
	int r = fd < 0 ? fd : look(w, j, fd, &st);

	if (r == FOUND_NONE)
		return 0;
	if (r == FOUND_FINE) {
		job_file(j, JOB_FILE_SKIPPED);
		return 1;
	}
	if (r == FOUND_DUE) {
		r = target_key(w, scope, rq, err);
		if (r < 0)
			return r;
		r = inode_ref(w->v->inodes, STEAL_FD(own_fd), &st, NULL, name, scope, &i);
		if (r == 0) {
			r = renew_file(w, j, i, rq, err);
			inode_forget(w->v->inodes, i, 1);
		}
		if (r == -EINTR)
			return r;
	}
	if (r < 0)
		atomic_store(&w->unseen, true);
	if (r == 0)
		job_file(j, JOB_FILE_DONE);
	else if (w->only_ends && is_below(w, j, dir_fd, name))
		return 0; /* the pass over the job's path, before the search, reported it */
	else
		walk_file_failed(w, j, dir_fd, name, r);
	return 1;
}

/* By the node, not by a name: the last name may be gone while programs still write to the file. */
int walk_renew_moved(struct walk *w, struct job *j, struct inode *i, struct err *err)
{
	char link[FD_PATH_LEN];
	struct stat st;
	int path_fd, fd, r = inode_fd(w->v->inodes, i, &path_fd);

	if (r < 0)
		return r;
	fd = open(fd_path(path_fd, link), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	r = fd < 0 ? -errno : look(w, j, fd, &st);
	if (fd >= 0)
		(void)close(fd); /* only read from */
	if (r == FOUND_DUE) {
		r = target_key(w, i->scope, &rq_job, err);
		if (r == 0)
			r = renew_file(w, j, i, &rq_job, err);
		if (r == 0)
			job_file_early(j);
	} else if (r > 0) {
		r = 0;
	}
	if (r < 0 && r != -EINTR && r != -ESTALE)
		walk_file_failed(w, j, path_fd, "", r);
	inode_fd_done(w->v->inodes, i);
	return r == -EINTR ? r : 0;
}
