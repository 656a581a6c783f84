/* fs/fuse/data.c - content: bytes read and written, space allocated and freed, data and holes
 * found. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "fs/content/access.h"
#include "fs/content/blocks.h"
#include "fs/content/drain.h"
#include "fs/content/rewrap.h"
#include "fs/content/worker.h"
#include "fs/fuse/cred.h"
#include "fs/fuse/ops.h"
#include "fs/fuse/protocol.h"

/* ---- read and write ---- */

static int do_read(struct session *s, struct op *op, const struct request *rq)
{
	struct request opener = *rq; /* read-ahead comes from the kernel, not from a caller */
	struct file *f = handle_of(&op->fi)->file;
	struct worker *w = worker_self();
	bool borrowed = false;
	ssize_t n;

	if (!w)
		return -ENOMEM;
	opener.class = handle_of(&op->fi)->class;
	/* A read that bypasses the page cache names its lock owner. */
	opener.in_page = !op->fi.lock_owner;
	opener.wait.background = true;
	n = file_enter(&s->v, f, &opener, &borrowed);
	if (n == 0)
		n = blocks_read(&s->v, f, w, op->off, op->len);
	file_leave(f, borrowed);
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

/* The space is taken for the caller; for a write out of the page cache a program that has the file
 * open for writing. */
static int write_blocks(struct session *s, struct file *f, struct worker *w, const struct op *op)
{
	const struct handle *h = handle_of(&op->fi);
	uid_t uid = op->fi.writepage ? h->uid : fuse_req_ctx(op->req)->uid;
	bool own_space;
	int r;

	own_space = cred_space_enter(s, uid);
	r = blocks_write(&s->v, f, w, op->off, op->data, op->len);
	cred_space_leave(own_space);
	return r;
}

/* A page that became dirty before the denial is written under the key that the file has now. */
static int write_drained(struct session *s, struct file *f, struct worker *w, const struct op *op)
{
	int r;

	if (!drain_accepts(f, op->len))
		return -EIO; /* which fsync(2) and close(2) report */
	r = write_blocks(s, f, w, op);
	drain_account(f, op->len, r);
	return r;
}

static int write_entered(struct session *s, struct file *f, struct worker *w, const struct op *op,
			 const struct request *rq)
{
	bool borrowed;
	int r = file_enter(&s->v, f, rq, &borrowed);

	if (r < 0)
		return r;
	r = file_rewrap_if_due(&s->v, f, rq);
	/* Too many pages wait for the target's key: this one goes under the key that the file has,
	 * and the next write compares again. write(2) took it, so refusing it would lose it. */
	if (r == -EAGAIN && rq->in_page)
		r = 0;
	if (r == 0)
		r = write_blocks(s, f, w, op);
	file_leave(f, borrowed);
	return r;
}

static int write_content(struct session *s, struct worker *w, const struct op *op,
			 const struct request *rq)
{
	struct file *f = handle_of(&op->fi)->file;
	struct drain_wait wait;
	struct request opener = drain_interrupts(s->v.inodes, f->inode, rq, &wait);
	int r;

	/* A write out of the page cache comes from the kernel, not from a caller. */
	opener.class = handle_of(&op->fi)->class;
	opener.in_page = op->fi.writepage;
	opener.wait.background = true;
	r = drain_errno(s->v.inodes, f->inode, write_entered(s, f, w, op, &opener));
	if (r == -EKEYREVOKED && op->fi.writepage && atomic_load(&f->state) == CONTENT_DRAINING)
		return write_drained(s, f, w, op);
	return r;
}

static int do_write(struct session *s, struct op *op, const struct request *rq)
{
	struct worker *w = worker_self();
	int r;

	if (!w)
		return -ENOMEM;
	/* Before the content: nothing of it is ever executed with the bits. */
	r = op->kills_setid ? op_kill_setid(s, handle_of(&op->fi)->inode, op, rq) : 0;
	if (r == 0)
		r = write_content(s, w, op, rq);
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
			.kills_setid = protocol_kills_setid()};

	if (node_is_virtual(ino)) {
		virtual_write(req, in, len, off, fi);
		return;
	}
	op_run(&op, do_write);
	/* The buffer is libfuse's until this returns: no plaintext stays in it. */
	explicit_bzero((char *)(uintptr_t)in, len);
}

/* ---- space ---- */

static int change_space(struct session *s, struct file *f, struct worker *w, const struct op *op)
{
	uid_t uid = fuse_req_ctx(op->req)->uid;
	bool keep_size = op->flags & FALLOC_FL_KEEP_SIZE, own_space;
	int r = 0;

	own_space = cred_space_enter(s, uid);
	if (op->flags & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		r = blocks_punch(&s->v, f, w, op->off, op->len);
	if (r == 0 && !(op->flags & FALLOC_FL_PUNCH_HOLE))
		r = blocks_allocate(&s->v, f, w, op->off, op->len, keep_size);
	cred_space_leave(own_space);
	return r;
}

static int do_fallocate(struct session *s, struct op *op, const struct request *rq)
{
	struct file *f = handle_of(&op->fi)->file;
	struct worker *w = worker_self();
	bool borrowed;
	int r;

	if (!w)
		return -ENOMEM;
	if (op->flags & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if (op->flags & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE) &&
	    rq->blocking == NEVER_BLOCK)
		return -EINPROGRESS; /* the header is synced to disk */
	r = op_kill_setid_unasked(s, f->inode, op, rq);
	if (r < 0)
		return r;
	r = file_enter(&s->v, f, rq, &borrowed);
	if (r == 0)
		r = file_rewrap_if_due(&s->v, f, rq);
	if (r == 0)
		r = change_space(s, f, w, op);
	file_leave(f, borrowed);
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
	bool borrowed;
	off_t at;
	int r;

	/* Where a file has holes tells something about its content. */
	r = file_enter(&s->v, f, rq, &borrowed);
	if (r < 0)
		return r;
	file_leave(f, borrowed);
	/*
	 * Under write-back the kernel may hold dirty pages where the backing file has a hole: if
	 * that were reported as a hole, a copy would lose them. So they are written back first, on
	 * the blocking pool, while the serving threads answer the writes that this causes.
	 */
	if (s->writeback && atomic_load(&f->writers)) {
		if (rq->blocking == NEVER_BLOCK)
			return -EINPROGRESS;
		/* Fails when there are no pages. */
		(void)fuse_lowlevel_notify_inval_inode(s->fuse, op->ino, 0, 0);
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
