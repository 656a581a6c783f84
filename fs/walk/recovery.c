/*
 * fs/walk/recovery.c - the files that changed since an unclean stop, each opened once.
 *
 * A walk of its own, not tree.c's: it runs before the first request and before any job, so it needs
 * no cursor, no passes and no queue of what moves, which are what tree.c is made of.
 */
#include "fs/walk/recovery.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/base/file.h"
#include "fs/content/file.h"
#include "fs/inode/fds.h"
#include "fs/keyring/keyring.h"
#include "fs/policy/scope.h"
#include "fs/store/store.h"

struct search {
	struct volume *v;
	uint64_t checked, left;
	unsigned depth; /* subfolders that are open */
};

static void recover_file(struct search *k, int dir_fd, const char *name, const struct stat *st,
			 const struct scope *scope)
{
	const struct request rq = {
		.blocking = MAY_BLOCK,
		.class = REQUEST_SYSTEM,
		.wait.timeout_ms = 10000,
	};
	struct volume *v = k->v;
	int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct inode *inode;
	struct stat now;
	struct file *f;
	int r;

	k->checked++;
	if (fd >= 0 &&
	    (fstat(fd, &now) < 0 || now.st_ino != st->st_ino || now.st_dev != st->st_dev)) {
		(void)close(fd); /* another file was put there meanwhile, maybe a FIFO */
		fd = -1;
	}
	if (fd < 0 || inode_ref(v->inodes, fd, st, NULL, name, scope, &inode) < 0) {
		k->left++;
		return;
	}
	/* Completes the tail, or an event says what is wrong. */
	r = file_get(v, inode, O_RDWR, &rq, &f);
	if (r == 0)
		r = file_put(v, f);
	if (r < 0 && r != -EIO)
		k->left++;
	inode_forget(v->inodes, inode, 1);
}

static int search_dir(struct search *k, int dir_fd, const struct scope *scope, bool top);

/* A folder that is damaged, or under a user's private mount, does not stop the search. */
static int entry_failed(struct search *k, int r)
{
	if (r == -ENOMEM || r == -EMFILE || r == -ENFILE)
		return r;
	k->left += r != -ENOENT;
	return 0;
}

static int search_inner(struct search *k, int dir_fd, const char *name, const struct scope *scope)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct scope *inner;
	int r;

	if (fd < 0)
		return entry_failed(k, -errno);
	r = scope_enter(k->v->scopes, scope, name, &inner);
	if (r < 0) {
		(void)close(fd); /* only read from */
		return r;
	}
	return search_dir(k, fd, inner, false);
}

/* Folders beyond the greatest depth are left: their files are completed when they are opened. */
static int search_subdir(struct search *k, int dir_fd, const char *name, const struct scope *scope)
{
	int r;

	if (k->depth == fds_depth_max()) {
		k->left++;
		return 0;
	}
	k->depth++;
	r = search_inner(k, dir_fd, name, scope);
	k->depth--;
	return r;
}

/* @dir_fd is consumed. */
static int search_dir(struct search *k, int dir_fd, const struct scope *scope, bool top)
{
	CLEANUP(closedir_p) DIR *dir = NULL;
	int r = dir_from_fd(dir_fd, &dir);

	if (r < 0)
		return r;
	for (struct dirent *d; r == 0 && (errno = 0, d = readdir(dir));) {
		struct stat st;

		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
		    (top && strcmp(d->d_name, STORE_DIR) == 0))
			continue;
		if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			r = entry_failed(k, -errno);
		else if (S_ISDIR(st.st_mode))
			r = search_subdir(k, dirfd(dir), d->d_name, scope);
		else if (S_ISREG(st.st_mode) && st.st_ctime >= k->v->unclean_since)
			recover_file(k, dirfd(dir), d->d_name, &st, scope);
	}
	if (r == 0 && errno)
		r = entry_failed(k, -errno);
	return r;
}

int recover_store(struct volume *v, uint64_t *ret_checked, uint64_t *ret_left, struct err *err)
{
	struct search k = {.v = v};
	int fd = openat(v->top_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return err_set(err, -errno, "%s: %s", v->path, strerror(errno));
	r = search_dir(&k, fd, scope_root(v->scopes), true);
	if (r < 0)
		return err_set(err, r, "%s: recovery after an unclean stop: %s", v->path,
			       strerror(-r));
	*ret_checked = k.checked;
	*ret_left = k.left;
	return 0;
}
