/* fs/fuse/file.c - files created, opened, synced and closed. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/fdpath.h"
#include "fs/content/drain.h"
#include "fs/content/header.h"
#include "fs/content/new_file.h"
#include "fs/content/rewrap.h"
#include "fs/fuse/cred.h"
#include "fs/fuse/ops.h"
#include "fs/fuse/protocol.h"
#include "fs/fuse/revoke.h"
#include "fs/inode/fds.h"
#include "fs/keyring/keyring.h"
#include "fs/metrics/metrics.h"
#include "fs/policy/target.h"

static int handle_new(struct session *s, struct inode *i, struct file *f, const struct op *op,
		      enum request_class class, struct handle **ret_handle)
{
	struct handle *h = malloc(sizeof(*h));

	if (!h)
		return -ENOMEM;
	*h = (struct handle){
		.file = f, .inode = i, .class = class, .uid = fuse_req_ctx(op->req)->uid};
	h->writes = (op->fi.flags & O_ACCMODE) != O_RDONLY;
	atomic_fetch_add(&f->handles, 1);
	atomic_fetch_add(&f->writers, h->writes);
	pthread_mutex_lock(&s->opened.lock);
	LIST_INSERT_HEAD(&s->opened.files, h, others);
	pthread_mutex_unlock(&s->opened.lock);
	metrics_add(s->v.metrics, METRIC_FILES_OPENED, 1);
	*ret_handle = h;
	return 0;
}

static void handle_close(struct session *s, struct handle *h)
{
	metrics_add(s->v.metrics, METRIC_FILES_CLOSED, 1);
	pthread_mutex_lock(&s->opened.lock);
	LIST_REMOVE(h, others);
	pthread_mutex_unlock(&s->opened.lock);
	atomic_fetch_sub(&h->file->writers, h->writes);
	atomic_fetch_sub(&h->file->handles, 1);
	(void)file_put(&s->v, h->file); /* RELEASE has no result; fsync(2) reports failures */
	free(h);
}

void ops_close_files(struct session *s)
{
	struct handle *h;

	while ((h = LIST_FIRST(&s->opened.files)))
		handle_close(s, h);
}

/* ---- create ---- */

/* Creates the backing file with its first block; when that fails, nothing of it is left. */
static int make_backing(struct session *s, const struct op *op, struct inode *parent,
			struct new_file *n, int *ret_fd)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(op->req);
	bool unnamed = strcmp(op->name, "/") == 0; /* how the kernel names an O_TMPFILE */
	bool own_space;
	int dir_fd, fd, r = inode_fd(s->v.inodes, parent, &dir_fd);

	if (r < 0)
		return r;
	cred_enter(s, ctx->uid, ctx->gid, ctx->umask);
	fd = unnamed ? openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, op->mode)
		     : openat(dir_fd, op->name, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC,
			      op->mode);
	r = fd < 0 ? -errno : 0;
	cred_leave(s);
	if (r == 0) {
		own_space = cred_space_enter(s, ctx->uid);
		r = fd_kept_back(fd) ? -EMFILE : new_file_write(n, fd);
		cred_space_leave(own_space);
		if (r < 0) {
			(void)close(fd); /* what failed is reported */
			if (!unnamed)
				(void)unlinkat(dir_fd, op->name, 0);
		}
	}
	inode_fd_done(s->v.inodes, parent);
	if (r == 0)
		*ret_fd = fd;
	return r;
}

/* Node and open content of the file that make_backing() created; @fd is consumed. */
static int take_over_new(struct session *s, const struct op *op, const struct request *rq,
			 struct inode *parent, struct new_file *n, int fd,
			 struct fuse_entry_param *ret_e, struct file **ret_file)
{
	CLEANUP(close_fd_p) int content_fd = fd;
	char link[FD_PATH_LEN];
	struct inode *i;
	int path_fd = fd_for_file(open(fd_path(fd, link), O_PATH | O_CLOEXEC)), r;

	if (path_fd < 0)
		return path_fd;
	r = op_entry_of(s, parent, op->name, path_fd, ret_e);
	if (r < 0)
		return r;
	i = inode_of(s, ret_e->ino);
	if (ret_e->attr.st_nlink == 0)
		inode_keep_fd(s->v.inodes, i); /* without a name it could not be opened again */
	r = file_take_over(&s->v, i, n, content_fd, ret_file);
	if (r < 0) {
		inode_forget(s->v.inodes, i, 1);
		return r;
	}
	content_fd = -1;
	ret_e->attr.st_size = 0;
	if (rq->class == REQUEST_USER && atomic_load(&(*ret_file)->state) != CONTENT_OPEN) {
		/* The policy was denied after its key was looked up; the file is empty. */
		(void)file_put(&s->v, *ret_file);
		inode_forget(s->v.inodes, i, 1);
		return -EKEYREVOKED;
	}
	return 0;
}

/* Unlink on failure, or a retry would get EEXIST. */
static void unmake_backing(struct session *s, const struct op *op, struct inode *parent)
{
	int dir_fd;

	if (strcmp(op->name, "/") == 0 || inode_fd(s->v.inodes, parent, &dir_fd) < 0)
		return;
	(void)unlinkat(dir_fd, op->name, 0); /* what failed before is reported */
	inode_fd_done(s->v.inodes, parent);
}

static int make_file(struct session *s, const struct op *op, const struct request *rq,
		     struct fuse_entry_param *ret_e, struct file **ret_file)
{
	struct inode *parent = inode_of(s, op->ino);
	struct new_file n = {0};
	unsigned reader;
	int fd, r;

	if (name_is_control(parent, s, op->name))
		return -EPERM;
	reader = target_read_begin(s->v.policies); /* until a job can find the file */
	r = new_file_init(&s->v, parent->scope, NULL, rq, &n);
	if (r == 0) {
		r = make_backing(s, op, parent, &n, &fd);
		if (r == 0) {
			r = take_over_new(s, op, rq, parent, &n, fd, ret_e, ret_file);
			if (r < 0)
				unmake_backing(s, op, parent);
		}
		new_file_fini(&n);
	}
	target_read_end(s->v.policies, reader);
	return r;
}

static void set_cache_flags(struct fuse_file_info *fi, struct handle *h)
{
	/* Opened by a system request although revoked: nothing of it goes into the page cache. */
	h->direct = atomic_load(&h->file->state) != CONTENT_OPEN;
	fi->direct_io = h->direct;
	fi->keep_cache = 1; /* pages stay: the content changes through this mount alone */
}

static int do_create(struct session *s, struct op *op, const struct request *rq)
{
	uint64_t epoch = revoke_epoch(s);
	struct fuse_entry_param e;
	struct handle *h;
	struct file *f;
	int r;

	r = make_file(s, op, rq, &e, &f);
	/*
	 * A file that the kernel did not know of: it has checked the caller against the folder
	 * alone. After ESTALE the kernel looks the name up again and checks the file's own mode
	 * too.
	 */
	if (r == -EEXIST && !(op->fi.flags & O_EXCL))
		return -ESTALE;
	if (r < 0)
		return r;
	r = handle_new(s, inode_of(s, e.ino), f, op, rq->class, &h);
	if (r < 0) {
		(void)file_put(&s->v, f); /* -ENOMEM */
		inode_forget(s->v.inodes, inode_of(s, e.ino), 1);
		return r;
	}
	op->fi.fh = (uintptr_t)h;
	set_cache_flags(&op->fi, h);
	if (fuse_reply_create(op->req, &e, &op->fi) == -ENOENT) {
		handle_close(s, h);
		inode_forget(s->v.inodes, inode_of(s, e.ino), 1);
	} else {
		revoke_recheck(s, e.ino, epoch);
	}
	return 0;
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	       struct fuse_file_info *fi)
{
	struct op op = {.req = req, .ino = parent, .name = name, .mode = mode, .fi = *fi};

	if (node_is_virtual(parent))
		fuse_reply_err(req, EPERM);
	else
		op_run(&op, do_create);
}

int op_make_regular(struct session *s, struct op *op, const struct request *rq)
{
	struct fuse_entry_param e;
	struct file *f;
	int r = make_file(s, op, rq, &e, &f);

	if (r < 0)
		return r;
	(void)file_put(&s->v, f); /* its one block is written */
	op_reply_entry(op->req, s, &e);
	return 0;
}

/* ---- open ---- */

/* A file is opened for writing only if the key for its next write can be had: a refused open loses
 * no data, a refused write-back does. */
static int open_writable(struct session *s, struct op *op, const struct request *rq,
			 struct file **ret_file)
{
	struct inode *i = inode_of(s, op->ino);
	int r;

	if (i->type != S_IFREG)
		return -EINVAL;
	r = file_get(&s->v, i, op->fi.flags, rq, ret_file);
	if (r < 0 || (op->fi.flags & O_ACCMODE) == O_RDONLY)
		return r;
	r = (*ret_file)->writable ? file_rewrap_if_due(&s->v, *ret_file, rq) : -EROFS;
	if (r < 0)
		(void)file_put(&s->v, *ret_file); /* nothing was changed */
	return r;
}

/* O_TRUNC waits as a truncation does: see set_size(). */
static int open_checked(struct session *s, struct op *op, const struct request *rq,
			struct file **ret_file)
{
	struct inode *i = inode_of(s, op->ino);
	struct drain_wait wait;
	struct request until_drain;

	if (!(op->fi.flags & O_TRUNC))
		return open_writable(s, op, rq, ret_file);
	until_drain = drain_interrupts(s->v.inodes, i, rq, &wait);
	return drain_errno(s->v.inodes, i, open_writable(s, op, &until_drain, ret_file));
}

static int do_open(struct session *s, struct op *op, const struct request *rq)
{
	struct handle *h = NULL;
	struct file *f;
	int r;

	r = op->kills_setid ? op_kill_setid(s, inode_of(s, op->ino), op, rq) : 0;
	if (r == 0)
		r = open_checked(s, op, rq, &f);
	if (r < 0)
		return r;
	r = handle_new(s, inode_of(s, op->ino), f, op, rq->class, &h);
	if (r < 0) {
		(void)file_put(&s->v, f); /* what went wrong is reported */
		return r;
	}
	op->fi.fh = (uintptr_t)h;
	set_cache_flags(&op->fi, h);
	if (fuse_reply_open(op->req, &op->fi) == -ENOENT)
		handle_close(s, h);
	return 0;
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct op op = {.req = req, .ino = ino, .fi = *fi, .kills_setid = protocol_kills_setid()};

	if (node_is_virtual(ino))
		virtual_open(req, ino, fi);
	else
		op_run(&op, do_open);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (node_is_virtual(ino)) {
		virtual_release(req, fi);
		return;
	}
	handle_close(session_of(req), handle_of(fi));
	fuse_reply_err(req, 0);
}

static _Atomic unsigned syncing; /* threads between op_sync_begin() and op_sync_end() */

bool op_sync_begin(const struct session *s, const struct request *rq)
{
	return atomic_fetch_add(&syncing, 1) + 1 < s->threads || rq->blocking != NEVER_BLOCK;
}

void op_sync_end(void)
{
	atomic_fetch_sub(&syncing, 1);
}

static int do_fsync(struct session *s, struct op *op, const struct request *rq)
{
	int r = -EINPROGRESS;

	if (op_sync_begin(s, rq))
		r = file_sync(handle_of(&op->fi)->file, op->flags);
	op_sync_end();
	if (r == 0)
		fuse_reply_err(op->req, 0);
	return r;
}

void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct op op = {.req = req, .ino = ino, .flags = datasync, .fi = *fi};

	if (node_is_virtual(ino))
		fuse_reply_err(req, 0);
	else
		op_run(&op, do_fsync);
}

void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *ph)
{
	if (node_is_virtual(ino)) {
		virtual_poll(req, fi, ph);
		return;
	}
	if (ph)
		fuse_pollhandle_destroy(ph);
	/* A regular file is always ready. */
	fuse_reply_poll(req, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
}
