/* fs/fuse/attr.c - attributes: read, completed by the plaintext size, and set. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "crypto/base/fdpath.h"
#include "fs/content/access.h"
#include "fs/content/blocks.h"
#include "fs/content/drain.h"
#include "fs/content/rewrap.h"
#include "fs/content/worker.h"
#include "fs/fuse/cred.h"
#include "fs/fuse/ops.h"
#include "fs/fuse/protocol.h"
#include "fs/fuse/revoke.h"
#include "fs/inode/fds.h"

/* ---- read ---- */

/* The size that programs see: that of the open content, else by the length on disk. Returns how
 * long the kernel may keep the attributes: see do_getattr_entered() for revoked content. */
static double plain_size(struct session *s, struct inode *i, struct stat *st)
{
	pthread_mutex_t *stripe = inode_stripe(s->v.inodes, i);
	double timeout = CACHE_S;
	uint64_t size;

	pthread_mutex_lock(stripe);
	if (i->file && atomic_load(&i->file->state) != CONTENT_OPEN)
		timeout = 0;
	if (i->file)
		size = atomic_load(&i->file->size);
	else /* a guess for a damaged file: it can still be removed */
		(void)file_plain_size((uint64_t)st->st_size, &size);
	pthread_mutex_unlock(stripe);
	st->st_size = (off_t)size;
	return timeout;
}

/*
 * A renewal's writes change mtime for a moment (fs/content/renew.c). Where the seqcount has changed
 * since @seq was read, or was odd, mtime is read again under the content's lock.
 */
static void reread_mtime(struct session *s, struct inode *i, unsigned seq, struct stat *st)
{
	pthread_mutex_t *stripe = inode_stripe(s->v.inodes, i);
	struct stat again;
	int fd;

	if (!(seq & 1) && atomic_load(&s->v.mtime_seq) == seq)
		return;
	if (inode_fd(s->v.inodes, i, &fd) < 0)
		return; /* gone: the times that were read will do */
	pthread_mutex_lock(stripe);
	if (i->file)
		file_lock_read(&i->file->lock);
	if (fstatat(fd, "", &again, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0)
		st->st_mtim = again.st_mtim;
	if (i->file)
		file_unlock_read(&i->file->lock);
	pthread_mutex_unlock(stripe);
	inode_fd_done(s->v.inodes, i);
}

double op_complete_stat(struct session *s, struct inode *i, unsigned seq, struct stat *st)
{
	reread_mtime(s, i, seq, st);
	return plain_size(s, i, st);
}

int op_stat_for(struct session *s, struct inode *i, struct stat *ret_st, double *ret_timeout)
{
	unsigned seq = atomic_load(&s->v.mtime_seq);
	int fd, r = inode_fd(s->v.inodes, i, &fd);

	if (r < 0)
		return r;
	r = fstatat(fd, "", ret_st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
	inode_fd_done(s->v.inodes, i);
	if (r == 0 && i == inode_root(s->v.inodes) && !s->list_control && ret_st->st_nlink > 2)
		ret_st->st_nlink--; /* of .depfs, which is not listed; btrfs and others give 1 */
	*ret_timeout = CACHE_S;
	if (r == 0 && i->type == S_IFREG) {
		*ret_timeout = op_complete_stat(s, i, seq, ret_st);
	}
	return r;
}

/* A file's attributes without mtime and ctime, which the backing filesystem is not asked for. */
static int stat_timeless(int fd, struct stat *ret_st)
{
	const unsigned mask = STATX_BASIC_STATS & ~(STATX_MTIME | STATX_CTIME);
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, mask, &stx) < 0)
		return -errno;
	*ret_st = (struct stat){
		.st_ino = stx.stx_ino,
		.st_mode = stx.stx_mode,
		.st_nlink = stx.stx_nlink,
		.st_uid = stx.stx_uid,
		.st_gid = stx.stx_gid,
		.st_size = (off_t)stx.stx_size,
		.st_blksize = (blksize_t)stx.stx_blksize,
		.st_blocks = (blkcnt_t)stx.stx_blocks,
		.st_atim = {stx.stx_atime.tv_sec, stx.stx_atime.tv_nsec},
	};
	return 0;
}

int op_stat_with_times(struct session *s, struct inode *i, const struct stat *times,
		       struct stat *ret_st, double *ret_timeout)
{
	int fd, r = inode_fd(s->v.inodes, i, &fd);

	if (r < 0)
		return r;
	r = stat_timeless(fd, ret_st);
	inode_fd_done(s->v.inodes, i);
	if (r < 0)
		return r;
	ret_st->st_mtim = times->st_mtim;
	ret_st->st_ctim = times->st_ctim;
	*ret_timeout = plain_size(s, i, ret_st);
	return 0;
}

int op_stat(struct session *s, struct inode *i, struct stat *ret_st)
{
	double timeout; /* unused: the kernel does not get these attributes */

	return op_stat_for(s, i, ret_st, &timeout);
}

static int reply_attr(struct session *s, struct op *op)
{
	double timeout;
	struct stat st;
	int r = op_stat_for(s, inode_of(s, op->ino), &st, &timeout);

	if (r == 0)
		fuse_reply_attr(op->req, &st, timeout);
	return r;
}

/* The kernel sends GETATTR with a handle not for stat(2) but before a write into its page cache,
 * and before a seek from the end: nothing else is sent before a write(2) succeeds. The kernel never
 * keeps attributes of revoked content, so GETATTR comes each time, and is refused here. */
static int do_getattr_entered(struct session *s, struct op *op, const struct request *rq)
{
	struct request opener = *rq;
	struct file *f = handle_of(&op->fi)->file;
	bool borrowed;
	int r;

	opener.class = handle_of(&op->fi)->class;
	opener.in_page = !handle_of(&op->fi)->direct;
	r = file_enter(&s->v, f, &opener, &borrowed);
	if (r < 0)
		return r;
	file_leave(f, borrowed);
	return reply_attr(s, op);
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct session *s = session_of(req);
	struct op op = {.req = req, .ino = ino};
	int r;

	if (node_is_virtual(ino)) {
		virtual_getattr(req, ino);
	} else if (fi && atomic_load(&handle_of(fi)->file->state) != CONTENT_OPEN) {
		op.fi = *fi;
		op_run(&op, do_getattr_entered);
	} else {
		r = reply_attr(s, &op);
		if (r < 0)
			fuse_reply_err(req, -r);
	}
}

/* ---- set ---- */

/* The kernel sets ctime only where it keeps a file's times itself, under write-back. */
#define TIMES_OF_KERNEL (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_CTIME)

static int reply_set_attr(struct session *s, struct op *op)
{
	double timeout;
	struct stat st;
	int r;

	if (op->flags != TIMES_OF_KERNEL)
		return reply_attr(s, op);
	r = op_stat_with_times(s, inode_of(s, op->ino), &op->attr, &st, &timeout);
	if (r == 0)
		fuse_reply_attr(op->req, &st, timeout);
	return r;
}

static int set_size_of(struct session *s, struct inode *i, struct op *op, const struct request *rq)
{
	uid_t uid = fuse_req_ctx(op->req)->uid;
	bool own_space;
	struct worker *w = worker_self();
	struct file *f;
	bool borrowed;
	int r, put;

	if (!w)
		return -ENOMEM;
	if (op->attr.st_size == 0) {
		r = file_get(&s->v, i, O_RDWR | O_TRUNC, rq, &f);
		return r < 0 ? r : file_put(&s->v, f);
	}
	r = file_get(&s->v, i, O_RDWR, rq, &f);
	if (r < 0)
		return r;
	r = file_enter(&s->v, f, rq, &borrowed);
	if (r == 0)
		r = file_rewrap_if_due(&s->v, f, rq);
	if (r == 0) {
		own_space = cred_space_enter(s, uid);
		r = blocks_truncate(&s->v, f, w, (uint64_t)op->attr.st_size);
		cred_space_leave(own_space);
	}
	file_leave(f, borrowed);
	put = file_put(&s->v, f);
	return r < 0 ? r : put;
}

/* The kernel holds back all dirty pages of the file until this request is answered. */
static int set_size(struct session *s, struct op *op, const struct request *rq)
{
	struct inode *i = inode_of(s, op->ino);
	struct drain_wait wait;
	struct request until_drain;

	if (i->type != S_IFREG)
		return i->type == S_IFDIR ? -EISDIR : -EINVAL;
	until_drain = drain_interrupts(s->v.inodes, i, rq, &wait);
	return drain_errno(s->v.inodes, i, set_size_of(s, i, op, &until_drain));
}

static int set_owner_and_mode(struct session *s, struct inode *i, const struct stat *attr,
			      int to_set)
{
	uid_t uid = to_set & FUSE_SET_ATTR_UID ? attr->st_uid : (uid_t)-1;
	gid_t gid = to_set & FUSE_SET_ATTR_GID ? attr->st_gid : (gid_t)-1;
	char link[FD_PATH_LEN];
	int fd, r = inode_fd(s->v.inodes, i, &fd);

	if (r < 0)
		return r;
	if (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		r = fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno
											: 0;
	/* After the owner: chown clears set-id bits. */
	if (r == 0 && (to_set & FUSE_SET_ATTR_MODE))
		r = chmod(fd_path(fd, link), attr->st_mode) < 0 ? -errno : 0;
	inode_fd_done(s->v.inodes, i);
	return r;
}

static struct timespec time_to_set(int to_set, int value, int now, struct timespec given)
{
	if (to_set & now)
		return (struct timespec){.tv_nsec = UTIME_NOW};
	return to_set & value ? given : (struct timespec){.tv_nsec = UTIME_OMIT};
}

static int set_times(struct session *s, struct inode *i, const struct stat *attr, int to_set)
{
	pthread_mutex_t *stripe = inode_stripe(s->v.inodes, i);
	struct timespec times[2] = {
		time_to_set(to_set, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW, attr->st_atim),
		time_to_set(to_set, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW, attr->st_mtim),
	};
	int fd, r = inode_fd(s->v.inodes, i, &fd);

	if (r < 0)
		return r;
	/* Under the locks, since a header write puts mtime back right after it, also while the file
	 * is being closed. */
	pthread_mutex_lock(stripe);
	if (i->file)
		file_lock_write(&i->file->lock);
	r = utimensat(fd, "", times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
	if (i->file)
		file_unlock_write(&i->file->lock);
	pthread_mutex_unlock(stripe);
	inode_fd_done(s->v.inodes, i);
	return r;
}

static int do_setattr(struct session *s, struct op *op, const struct request *rq)
{
	struct inode *i = inode_of(s, op->ino);
	uint64_t epoch = revoke_epoch(s);
	int r = 0;

	/* While the file still has its old group. Done again when the size is put off. */
	if (op->kills_setid)
		r = op_kill_setid(s, i, op, rq);
	/* The size next: it can be put off, and then nothing else may have been done. */
	if (r == 0 && (op->flags & FUSE_SET_ATTR_SIZE))
		r = set_size(s, op, rq);
	if (r == 0 && (op->flags & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID | FUSE_SET_ATTR_MODE)))
		r = set_owner_and_mode(s, i, &op->attr, op->flags);
	if (r == 0 && (op->flags & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME |
				    FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW)))
		r = set_times(s, i, &op->attr, op->flags);
	if (r == 0)
		r = reply_set_attr(s, op);
	if (r == 0)
		revoke_recheck(s, op->ino, epoch);
	return r;
}

void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		struct fuse_file_info *fi)
{
	struct op op = {.req = req,
			.ino = ino,
			.attr = *attr,
			.flags = to_set,
			.kills_setid = protocol_kills_setid()};

	(void)fi; /* the inode's content is shared by all handles */
	if (node_is_virtual(ino))
		virtual_setattr(req, ino, attr, to_set);
	else
		op_run(&op, do_setattr);
}
