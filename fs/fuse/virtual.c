/* fs/fuse/virtual.c - FUSE operations on the control directory, answered by its vtree_ops. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "crypto/base/cleanup.h"
#include "fs/fuse/ops.h"

/* Far from any backing inode number. */
#define VIRTUAL_INO(node) ((ino_t)((node) | (UINT64_C(1) << 62)))
#define VIRTUAL_READ_MAX  (64u << 10)

/* A FUSE node number, from bit 63 down: 22 bits of the epoch, 41 of the node number, 1, by which
 * node_is_virtual() knows it. */
#define NODE_BITS  41
#define EPOCH_BITS 22

static uint64_t node_of(fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? 0 : ino >> 1 & ((UINT64_C(1) << NODE_BITS) - 1);
}

static fuse_ino_t ino_of(const struct vtree_attr *a)
{
	uint64_t epoch = a->epoch & ((UINT64_C(1) << EPOCH_BITS) - 1);

	return (fuse_ino_t)(epoch << (NODE_BITS + 1) | a->node << 1 | 1);
}

static struct actor actor_of(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	return (struct actor){.uid = ctx->uid, .gid = ctx->gid, .pid = ctx->pid};
}

static struct stat stat_of(const struct vtree_attr *a)
{
	return (struct stat){
		.st_ino = VIRTUAL_INO(a->node),
		.st_mode = a->mode,
		.st_uid = a->uid,
		.st_gid = a->gid,
		.st_size = a->size,
		.st_nlink = a->nlink,
		.st_blksize = 4096,
		.st_mtim = a->mtime,
		.st_ctim = a->mtime,
		.st_atim = a->mtime,
	};
}

/* With timeouts of 0: the next lookup may find something else. */
static struct fuse_entry_param entry_of(const struct vtree_attr *a)
{
	return (struct fuse_entry_param){.ino = ino_of(a), .attr = stat_of(a)};
}

int virtual_entry(struct session *s, uint64_t parent, const char *name,
		  struct fuse_entry_param *ret_e)
{
	struct vtree_attr attr;
	int r = parent ? s->vops->lookup(s->vtree, parent, name, &attr)
		       : s->vops->getattr(s->vtree, VTREE_ROOT, &attr);

	if (r == 0)
		*ret_e = entry_of(&attr);
	return r;
}

void virtual_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e;
	int r = virtual_entry(session_of(req), node_of(parent), name, &e);

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_entry(req, &e);
}

void virtual_getattr(fuse_req_t req, fuse_ino_t ino)
{
	struct session *s = session_of(req);
	struct vtree_attr attr;
	struct stat st;
	int r = s->vops->getattr(s->vtree, node_of(ino), &attr);

	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	st = stat_of(&attr);
	fuse_reply_attr(req, &st, 0);
}

void virtual_setattr(fuse_req_t req, fuse_ino_t ino, const struct stat *attr, int to_set)
{
	if (to_set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		fuse_reply_err(req, EPERM);
	else if ((to_set & FUSE_SET_ATTR_SIZE) && attr->st_size != 0)
		fuse_reply_err(req, EINVAL);
	else
		virtual_getattr(req, ino); /* `echo >` truncates first; times are not kept */
}

/* ---- files: opening, reading and writing may ask a vault, so they run on the control pool ---- */

static struct vtree_file *file_of(const struct fuse_file_info *fi)
{
	return (struct vtree_file *)(uintptr_t)fi->fh;
}

static int do_open(struct session *s, struct op *op, const struct request *rq)
{
	struct actor who = actor_of(op->req);
	struct vtree_file *f;
	int r = s->vops->open(s->vtree, node_of(op->ino), op->fi.flags, &who, &f);

	(void)rq;
	if (r < 0)
		return r;
	op->fi.fh = (uintptr_t)f;
	op->fi.direct_io = 1; /* sizes are not known in advance */
	if (fuse_reply_open(op->req, &op->fi) == -ENOENT)
		s->vops->release(f);
	return 0;
}

void virtual_open(fuse_req_t req, fuse_ino_t ino, const struct fuse_file_info *fi)
{
	struct op op = {.req = req, .ino = ino, .fi = *fi};

	op_run_control(&op, do_open);
}

static int do_read(struct session *s, struct op *op, const struct request *rq)
{
	size_t len =
		op->attr.st_size < VIRTUAL_READ_MAX ? (size_t)op->attr.st_size : VIRTUAL_READ_MAX;
	CLEANUP(free_mem_p) char *buf = malloc(len ? len : 1);
	ssize_t n;

	(void)rq;
	if (!buf)
		return -ENOMEM;
	n = s->vops->read(file_of(&op->fi), buf, len, (off_t)op->off);
	if (n < 0)
		return (int)n;
	fuse_reply_buf(op->req, buf, (size_t)n);
	return 0;
}

void virtual_read(fuse_req_t req, size_t len, off_t off, const struct fuse_file_info *fi)
{
	struct op op = {.req = req, .attr.st_size = (off_t)len, .off = (uint64_t)off, .fi = *fi};

	op_run_control(&op, do_read);
}

static int do_write(struct session *s, struct op *op, const struct request *rq)
{
	struct actor who = actor_of(op->req);
	ssize_t n = s->vops->write(file_of(&op->fi), (const char *)op->data, op->len,
				   (off_t)op->off, &who);

	(void)rq;
	if (n < 0)
		return (int)n;
	fuse_reply_write(op->req, (size_t)n);
	return 0;
}

void virtual_write(fuse_req_t req, const char *in, size_t len, off_t off,
		   const struct fuse_file_info *fi)
{
	struct op op = {.req = req,
			.data = (const uint8_t *)in,
			.len = len,
			.off = (uint64_t)off,
			.fi = *fi};

	op_run_control(&op, do_write);
}

void virtual_release(fuse_req_t req, const struct fuse_file_info *fi)
{
	session_of(req)->vops->release(file_of(fi));
	fuse_reply_err(req, 0);
}

static void poll_notify(void *ph)
{
	(void)fuse_lowlevel_notify_poll(ph); /* a mount that is gone needs no wake-up */
}

static void poll_drop(void *ph)
{
	fuse_pollhandle_destroy(ph);
}

void virtual_poll(fuse_req_t req, const struct fuse_file_info *fi, struct fuse_pollhandle *ph)
{
	struct session *s = session_of(req);
	unsigned events = s->vops->poll(file_of(fi), ph ? poll_notify : NULL, poll_drop, ph);

	fuse_reply_poll(req, events);
}

/* ---- folders ---- */

struct filling {
	fuse_req_t req;
	char *out;
	size_t used, len;
	bool plus;
};

static int fill_one(void *arg, const char *name, const struct vtree_attr *attr, uint64_t next_off)
{
	struct filling *fill = arg;
	/* Node 0: the kernel looks the name up when it is used. */
	struct fuse_entry_param e = {.attr = stat_of(attr)};
	size_t space = fill->len - fill->used, n;

	n = fill->plus ? fuse_add_direntry_plus(fill->req, fill->out + fill->used, space, name, &e,
						(off_t)next_off)
		       : fuse_add_direntry(fill->req, fill->out + fill->used, space, name, &e.attr,
					   (off_t)next_off);
	if (n > space)
		return 1;
	fill->used += n;
	return 0;
}

static int do_readdir(struct session *s, struct op *op, const struct request *rq)
{
	size_t len = (size_t)op->attr.st_size;
	CLEANUP(free_mem_p) char *out = malloc(len);
	struct filling fill = {.req = op->req, .out = out, .len = len, .plus = op->flags};
	int r;

	(void)rq;
	if (!out)
		return -ENOMEM;
	r = s->vops->readdir(s->vtree, node_of(op->ino), op->off, fill_one, &fill);
	if (r < 0)
		return r;
	fuse_reply_buf(op->req, out, fill.used);
	return 0;
}

void virtual_readdir(fuse_req_t req, fuse_ino_t ino, size_t len, off_t off, bool plus)
{
	struct op op = {.req = req,
			.ino = ino,
			.attr.st_size = (off_t)len,
			.off = (uint64_t)off,
			.flags = plus};

	op_run_control(&op, do_readdir);
}

static int do_mkdir(struct session *s, struct op *op, const struct request *rq)
{
	struct actor who = actor_of(op->req);
	struct fuse_entry_param e;
	struct vtree_attr attr;
	int r = s->vops->mkdir(s->vtree, node_of(op->ino), op->name, &who, &attr);

	(void)rq;
	if (r < 0)
		return r;
	e = entry_of(&attr);
	fuse_reply_entry(op->req, &e);
	return 0;
}

void virtual_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct op op = {.req = req, .ino = parent, .name = name};

	op_run_control(&op, do_mkdir);
}

static int do_rmdir(struct session *s, struct op *op, const struct request *rq)
{
	struct actor who = actor_of(op->req);
	int r = s->vops->rmdir(s->vtree, node_of(op->ino), op->name, &who);

	(void)rq;
	if (r == 0)
		fuse_reply_err(op->req, 0);
	return r;
}

void virtual_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct op op = {.req = req, .ino = parent, .name = name};

	op_run_control(&op, do_rmdir);
}

static int do_rename(struct session *s, struct op *op, const struct request *rq)
{
	struct actor who = actor_of(op->req);
	int r = s->vops->rename(s->vtree, node_of(op->ino), op->name, node_of(op->ino2), op->name2,
				&who);

	(void)rq;
	if (r == 0)
		fuse_reply_err(op->req, 0);
	return r;
}

void virtual_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t parent2,
		    const char *name2)
{
	struct op op = {.req = req, .ino = parent, .name = name, .ino2 = parent2, .name2 = name2};

	op_run_control(&op, do_rename);
}
