#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "blocks.h"
#include "cred.h"
#include "crypto/cleanup.h"
#include "disk.h"
#include "fresh.h"
#include "lane.h"
#include "ops.h"
#include "proto.h"
#include "revoke.h"
#include "serve.h"
#include "worker.h"

static int handle_new(struct session *s, struct inode *i, struct file *f, const struct op *op,
		      enum request_class class, struct handle **ret_handle)
{
	struct handle *h = malloc(sizeof(*h));

	if (!h)
		return -ENOMEM;
	*h = (struct handle){.file = f, .inode = i, .class = class};
	h->writes = (op->fi.flags & O_ACCMODE) != O_RDONLY;
	atomic_fetch_add(&f->handles, 1);
	atomic_fetch_add(&f->writers, h->writes);
	metrics_add(engine_metrics(s->engine), METRIC_FILES_OPENED, 1);
	*ret_handle = h;
	return 0;
}

static void handle_close(struct session *s, struct handle *h)
{
	metrics_add(engine_metrics(s->engine), METRIC_FILES_CLOSED, 1);
	atomic_fetch_sub(&h->file->writers, h->writes);
	atomic_fetch_sub(&h->file->handles, 1);
	(void)file_put(s, h->file); /* release has nobody to tell; fsync and flush did */
	free(h);
}

/* ---- create ---- */

/* The backing file with its first block; nothing is left of it when that fails. */
static int make_backing(struct session *s, const struct op *op, struct inode *parent,
			struct fresh *n, int *ret_fd)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(op->req);
	bool unnamed = strcmp(op->name, "/") == 0; /* how the kernel names an O_TMPFILE */
	int dir_fd, fd, r = inode_fd(s->inodes, parent, &dir_fd);

	if (r < 0)
		return r;
	cred_enter(s, ctx->uid, ctx->gid, ctx->umask);
	fd = unnamed ? openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, op->mode)
		     : openat(dir_fd, op->name, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC,
			      op->mode);
	r = fd < 0 ? -errno : 0;
	cred_leave(s);
	if (r == 0) {
		r = fd_kept_back(fd) ? -EMFILE : fresh_write(n, fd);
		if (r < 0) {
			(void)close(fd); /* what failed is reported */
			if (!unnamed)
				(void)unlinkat(dir_fd, op->name, 0);
		}
	}
	inode_fd_done(s->inodes, parent);
	if (r == 0)
		*ret_fd = fd;
	return r;
}

/* Node and open content of what make_backing() made; @fd is consumed. */
static int adopt_new(struct session *s, const struct op *op, const struct request *rq,
		     struct inode *parent, struct fresh *n, int fd, struct fuse_entry_param *ret_e,
		     struct file **ret_file)
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
		inode_keep_fd(s->inodes, i); /* without a name it could not be opened again */
	r = file_adopt(s, i, n, content_fd, ret_file);
	if (r < 0) {
		inode_forget(s->inodes, i, 1);
		return r;
	}
	content_fd = -1;
	ret_e->attr.st_size = 0;
	if (rq->class == REQUEST_USER && atomic_load(&(*ret_file)->state) != CONTENT_OPEN) {
		(void)file_put(s, *ret_file); /* denied since its key was had; it is empty */
		inode_forget(s->inodes, i, 1);
		return -EKEYREVOKED;
	}
	return 0;
}

/* Who is told that the creation failed must not find the name taken when he tries again. */
static void unmake_backing(struct session *s, const struct op *op, struct inode *parent)
{
	int dir_fd;

	if (strcmp(op->name, "/") == 0 || inode_fd(s->inodes, parent, &dir_fd) < 0)
		return;
	(void)unlinkat(dir_fd, op->name, 0); /* what failed before is reported */
	inode_fd_done(s->inodes, parent);
}

static int make_file(struct session *s, const struct op *op, const struct request *rq,
		     struct fuse_entry_param *ret_e, struct file **ret_file)
{
	struct inode *parent = inode_of(s, op->ino);
	struct fresh n = {0};
	unsigned room;
	int fd, r;

	if (name_is_control(parent, s, op->name))
		return -EPERM;
	room = engine_target_enter(s->engine); /* until the file can be seen by a job */
	r = fresh_init(s, parent->scope, NULL, rq, &n);
	if (r == 0) {
		r = make_backing(s, op, parent, &n, &fd);
		if (r == 0) {
			r = adopt_new(s, op, rq, parent, &n, fd, ret_e, ret_file);
			if (r < 0)
				unmake_backing(s, op, parent);
		}
		fresh_fini(&n);
	}
	engine_target_leave(s->engine, room);
	return r;
}

static void set_cache_flags(struct fuse_file_info *fi, struct handle *h)
{
	/* revoked, and opened by a system request: nothing of it goes into the page cache */
	h->direct = atomic_load(&h->file->state) != CONTENT_OPEN;
	fi->direct_io = h->direct;
	fi->keep_cache =
		1; /* pages stay: nobody but the kernel's own writers changes the content */
}

static int do_create(struct session *s, struct op *op, const struct request *rq)
{
	uint64_t look = revoke_look(s);
	struct fuse_entry_param e;
	struct handle *h;
	struct file *f;
	int r;

	r = make_file(s, op, rq, &e, &f);
	/*
	 * It came into the store without the kernel's knowledge, which has judged the caller by the
	 * folder alone: told so, it looks again and asks for the file's own mode too.
	 */
	if (r == -EEXIST && !(op->fi.flags & O_EXCL))
		return -ESTALE;
	if (r < 0)
		return r;
	r = handle_new(s, inode_of(s, e.ino), f, op, rq->class, &h);
	if (r < 0) {
		(void)file_put(s, f); /* the want of memory is reported */
		inode_forget(s->inodes, inode_of(s, e.ino), 1);
		return r;
	}
	op->fi.fh = (uintptr_t)h;
	set_cache_flags(&op->fi, h);
	if (fuse_reply_create(op->req, &e, &op->fi) == -ENOENT) {
		handle_close(s, h);
		inode_forget(s->inodes, inode_of(s, e.ino), 1);
	} else {
		revoke_retold(s, e.ino, look);
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
	(void)file_put(s, f); /* its one block is written */
	op_reply_entry(op->req, s, &e);
	return 0;
}

/* ---- open ---- */

/* A file opened for writing must have the key it would be written under: better no open than a lost
 * page. */
static int open_checked(struct session *s, struct op *op, const struct request *rq,
			struct file **ret_file)
{
	struct inode *i = inode_of(s, op->ino);
	int r;

	if (i->type != S_IFREG)
		return -EINVAL;
	r = file_get(s, i, op->fi.flags, rq, ret_file);
	if (r < 0 || (op->fi.flags & O_ACCMODE) == O_RDONLY)
		return r;
	r = (*ret_file)->writable ? file_rewrap_if_due(s, *ret_file, rq) : -EROFS;
	if (r < 0)
		(void)file_put(s, *ret_file); /* nothing was changed */
	return r;
}

static int do_open(struct session *s, struct op *op, const struct request *rq)
{
	struct handle *h = NULL;
	struct file *f;
	int r;

	r = open_checked(s, op, rq, &f);
	if (r < 0)
		return r;
	r = op->kills_setid ? op_kill_setid(s, inode_of(s, op->ino)) : 0;
	if (r == 0)
		r = handle_new(s, inode_of(s, op->ino), f, op, rq->class, &h);
	if (r < 0) {
		(void)file_put(s, f); /* what went wrong is reported */
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
	struct op op = {.req = req, .ino = ino, .fi = *fi, .kills_setid = proto_kills_setid()};

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

static _Atomic unsigned syncing;

static int do_fsync(struct session *s, struct op *op, const struct request *rq)
{
	int r;

	(void)s;

	/* One thread always stays free to serve others while disks are slow. */
	if (atomic_fetch_add(&syncing, 1) + 1 >= serving_threads() && rq->blocking == NEVER_BLOCK)
		r = -EINPROGRESS;
	else
		r = file_sync(handle_of(&op->fi)->file, op->flags);
	atomic_fetch_sub(&syncing, 1);
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

/* ---- read and write ---- */

static int do_read(struct session *s, struct op *op, const struct request *rq)
{
	struct request opener = *rq; /* read-ahead comes from the kernel, not from a caller */
	struct file *f = handle_of(&op->fi)->file;
	struct worker *w = worker_self();
	bool lent = false;
	ssize_t n;

	if (!w)
		return -ENOMEM;
	opener.class = handle_of(&op->fi)->class;
	opener.in_page = !op->fi.lock_owner; /* what goes to a program at once names its owner */
	n = file_enter(s, f, &opener, &lent);
	if (n == 0)
		n = blocks_read(s, f, w, op->off, op->len);
	file_leave(f, lent);
	if (n < 0)
		return (int)n;
	fuse_reply_buf(op->req, (const char *)w->plain, (size_t)n);
	explicit_bzero(w->plain, (size_t)n);
	explicit_bzero(w->edge, 2 * BLOCK_LEN);
	return 0;
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t len, off_t off, struct fuse_file_info *fi)
{
	struct op op = {.req = req, .ino = ino, .len = len, .off = (uint64_t)off, .fi = *fi};

	if (node_is_virtual(ino))
		virtual_read(req, len, off, fi);
	else
		op_run(&op, do_read);
}

/* A page that became dirty before the denial: under the key that it has, whatever is in force. */
static int write_drained(struct session *s, struct file *f, struct worker *w, const struct op *op)
{
	int r;

	if (!revoke_takes(f, op->len))
		return -EIO; /* what fsync(2) and close(2) will say */
	r = blocks_write(s, f, w, op->off, op->data, op->len);
	revoke_took(f, op->len, r);
	return r;
}

static int write_entered(struct session *s, struct file *f, struct worker *w, const struct op *op,
			 const struct request *rq)
{
	bool lent;
	int r = file_enter(s, f, rq, &lent);

	if (r < 0)
		return r;
	r = file_rewrap_if_due(s, f, rq);
	if (r == 0)
		r = blocks_write(s, f, w, op->off, op->data, op->len);
	file_leave(f, lent);
	return r;
}

/* The wait of a write for the vaults of the policy to re-wrap under. */
struct write_wait {
	const struct key_wait *caller;
	struct file *f;
};

/* Its own policy's revocation does not wait for another policy's vault. */
static bool write_interrupted(void *arg)
{
	const struct write_wait *wait = arg;

	return atomic_load(&wait->f->state) == CONTENT_DRAINING ||
	       (wait->caller->interrupted && wait->caller->interrupted(wait->caller->arg));
}

static int write_content(struct session *s, struct worker *w, const struct op *op,
			 const struct request *rq)
{
	struct file *f = handle_of(&op->fi)->file;
	struct write_wait wait = {.caller = &rq->wait, .f = f};
	struct request opener =
		*rq; /* a write out of the page cache comes from the kernel, not from a caller */
	int r;

	opener.class = handle_of(&op->fi)->class;
	opener.in_page = op->fi.writepage;
	opener.wait.interrupted = write_interrupted;
	opener.wait.arg = &wait;
	r = write_entered(s, f, w, op, &opener);
	if ((r == -EINTR || r == -EKEYREVOKED) && op->fi.writepage &&
	    atomic_load(&f->state) == CONTENT_DRAINING)
		return write_drained(s, f, w, op);
	return r;
}

static int do_write(struct session *s, struct op *op, const struct request *rq)
{
	struct worker *w = worker_self();
	int r;

	if (!w)
		return -ENOMEM;
	r = write_content(s, w, op, rq);
	if (r == 0 && op->kills_setid)
		r = op_kill_setid(s, handle_of(&op->fi)->inode);
	if (r == 0)
		fuse_reply_write(op->req, op->len);
	return r;
}

void op_write(fuse_req_t req, fuse_ino_t ino, const char *in, size_t len, off_t off,
	      struct fuse_file_info *fi)
{
	struct op op = {.req = req,
			.ino = ino,
			.data = (const uint8_t *)in,
			.len = len,
			.off = (uint64_t)off,
			.fi = *fi,
			.kills_setid = proto_kills_setid()};

	if (node_is_virtual(ino)) {
		virtual_write(req, in, len, off, fi);
		return;
	}
	op_run(&op, do_write);
	explicit_bzero((char *)(uintptr_t)in,
		       len); /* libfuse's buffer, ours until we return: no plaintext stays in it */
}

/* ---- space ---- */

static int do_fallocate(struct session *s, struct op *op, const struct request *rq)
{
	struct file *f = handle_of(&op->fi)->file;
	bool keep_size = op->flags & FALLOC_FL_KEEP_SIZE;
	uint64_t off = op->off, len = op->len;
	struct worker *w = worker_self();
	bool lent;
	int r;

	if (!w)
		return -ENOMEM;
	if (op->flags & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	r = file_enter(s, f, rq, &lent);
	if (r == 0)
		r = file_rewrap_if_due(s, f, rq);
	if (r == 0 && (op->flags & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)))
		r = blocks_punch(s, f, w, off, len);
	if (r == 0 && !(op->flags & FALLOC_FL_PUNCH_HOLE))
		r = blocks_allocate(s, f, w, off, len, keep_size);
	file_leave(f, lent);
	if (r == 0)
		fuse_reply_err(op->req, 0);
	return r;
}

void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
		  struct fuse_file_info *fi)
{
	struct op op = {.req = req,
			.ino = ino,
			.flags = mode,
			.off = (uint64_t)off,
			.len = (size_t)len,
			.fi = *fi};

	if (node_is_virtual(ino))
		fuse_reply_err(req, EOPNOTSUPP);
	else
		op_run(&op, do_fallocate);
}

static int do_lseek(struct session *s, struct op *op, const struct request *rq)
{
	struct file *f = handle_of(&op->fi)->file;
	bool lent;
	off_t at;
	int r;

	r = file_enter(s, f, rq,
		       &lent); /* where a file has holes says something about its content */
	if (r < 0)
		return r;
	file_leave(f, lent);
	/*
	 * With write-back, data that we have not seen may lie in the kernel's pages: asked about it
	 * we would call it a hole, and a copy would lose it. So the pages are called in first, on
	 * the slow lane, while the serving threads take the writes that this sets off.
	 */
	if (s->writeback && atomic_load(&f->writers)) {
		if (rq->blocking == NEVER_BLOCK)
			return -EINPROGRESS;
		(void)fuse_lowlevel_notify_inval_inode(s->fuse, op->ino, 0,
						       0); /* no pages: nothing to do */
	}
	at = blocks_seek(f, op->off, op->flags);
	if (at >= 0)
		fuse_reply_lseek(op->req, at);
	return at < 0 ? (int)at : 0;
}

void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi)
{
	struct op op = {.req = req, .ino = ino, .off = (uint64_t)off, .flags = whence, .fi = *fi};

	if (node_is_virtual(ino))
		fuse_reply_err(req, EINVAL);
	else
		op_run(&op, do_lseek);
}

void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *ph)
{
	if (node_is_virtual(ino)) {
		virtual_poll(req, fi, ph);
		return;
	}
	if (ph)
		fuse_pollhandle_destroy(ph);
	fuse_reply_poll(req, POLLIN | POLLOUT | POLLRDNORM |
				     POLLWRNORM); /* a regular file is always ready */
}
