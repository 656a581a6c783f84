#include "fs/fuse/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>

#include "fs/content/worker.h"
#include "fs/inode/disk.h"

/* The size a program sees: of the open content, else what the length on disk says. Gives how long
 * the kernel may believe the attributes: see op_getattr() for revoked content. */
static double plain_size(struct session *s, struct inode *i, struct stat *st)
{
	pthread_mutex_t *stripe = inode_stripe(s->inodes, i);
	double timeout = CACHE_S;
	uint64_t size;

	pthread_mutex_lock(stripe);
	if (i->file && atomic_load(&i->file->state) != CONTENT_OPEN)
		timeout = 0;
	if (i->file)
		size = atomic_load(&i->file->size);
	else
		(void)file_plain_size(
			(uint64_t)st->st_size,
			&size); /* a guess for a damaged file: it can still be removed */
	pthread_mutex_unlock(stripe);
	st->st_size = (off_t)size;
	return timeout;
}

/*
 * A renewal writes, and puts mtime back: what was asked since @disturbed was read may be in between
 * (renew.c). With the file's lock it is not.
 */
static void calm_times(struct session *s, struct inode *i, unsigned disturbed, struct stat *st)
{
	pthread_mutex_t *stripe = inode_stripe(s->inodes, i);
	struct stat again;
	int fd;

	if (!(disturbed & 1) && atomic_load(&s->renew.disturbed) == disturbed)
		return;
	if (inode_fd(s->inodes, i, &fd) < 0)
		return; /* gone: the times of before will do */
	pthread_mutex_lock(stripe);
	if (i->file)
		file_lock_read(&i->file->lock);
	if (fstatat(fd, "", &again, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0)
		st->st_mtim = again.st_mtim;
	if (i->file)
		file_unlock_read(&i->file->lock);
	pthread_mutex_unlock(stripe);
	inode_fd_done(s->inodes, i);
}

int op_stat_for(struct session *s, struct inode *i, struct stat *ret_st, double *ret_timeout)
{
	unsigned disturbed = atomic_load(&s->renew.disturbed);
	int fd, r = inode_fd(s->inodes, i, &fd);

	if (r < 0)
		return r;
	r = fstatat(fd, "", ret_st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
	inode_fd_done(s->inodes, i);
	*ret_timeout = CACHE_S;
	if (r == 0 && i->type == S_IFREG) {
		calm_times(s, i, disturbed, ret_st);
		*ret_timeout = plain_size(s, i, ret_st);
	}
	return r;
}

/* A file's attributes but for mtime and ctime, with which the disk below is not to be asked. */
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

int op_stat_told(struct session *s, struct inode *i, const struct stat *told, struct stat *ret_st,
		 double *ret_timeout)
{
	int fd, r = inode_fd(s->inodes, i, &fd);

	if (r < 0)
		return r;
	r = stat_timeless(fd, ret_st);
	inode_fd_done(s->inodes, i);
	if (r < 0)
		return r;
	ret_st->st_mtim = told->st_mtim;
	ret_st->st_ctim = told->st_ctim;
	*ret_timeout = plain_size(s, i, ret_st);
	return 0;
}

int op_stat(struct session *s, struct inode *i, struct stat *ret_st)
{
	double timeout; /* the caller tells the kernel nothing */

	return op_stat_for(s, i, ret_st, &timeout);
}

int op_entry_of(struct session *s, struct inode *parent, const char *name, int fd,
		struct fuse_entry_param *ret_e)
{
	unsigned disturbed = atomic_load(&s->renew.disturbed);
	const struct scope *scope = parent->scope;
	struct inode *i;
	int r = 0;

	*ret_e = (struct fuse_entry_param){.attr_timeout = CACHE_S, .entry_timeout = CACHE_S};
	if (fstatat(fd, "", &ret_e->attr, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	if (r == 0 && S_ISDIR(ret_e->attr.st_mode))
		r = scope_enter(engine_scopes(s->engine), scope, name, &scope);
	if (r < 0) {
		(void)close(fd); /* only looked at */
		return r;
	}
	r = inode_ref(s->inodes, fd, &ret_e->attr, parent, name, scope, &i);
	if (r < 0)
		return r;
	if (i->type == S_IFREG) {
		calm_times(s, i, disturbed, &ret_e->attr);
		ret_e->attr_timeout = plain_size(s, i, &ret_e->attr);
	}
	ret_e->ino = (fuse_ino_t)(uintptr_t)i;
	return 0;
}

int op_lookup(struct session *s, struct inode *parent, const char *name,
	      struct fuse_entry_param *ret_e)
{
	int dir_fd, fd, r = inode_fd(s->inodes, parent, &dir_fd);

	if (r < 0)
		return r;
	fd = fd_for_file(openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
	inode_fd_done(s->inodes, parent);
	return fd < 0 ? fd : op_entry_of(s, parent, name, fd, ret_e);
}

bool name_is_control(const struct inode *parent, const struct session *s, const char *name)
{
	return parent == inode_root(s->inodes) && strcmp(name, STORE_DIR) == 0;
}

void op_reply_entry(fuse_req_t req, struct session *s, const struct fuse_entry_param *e)
{
	if (fuse_reply_entry(req, e) == -ENOENT)
		inode_forget(s->inodes, inode_of(s, e->ino), 1);
}

static void op_lookup_reply(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct session *s = session_of(req);
	struct fuse_entry_param e;
	int r;

	if (node_is_virtual(parent) || name_is_control(inode_of(s, parent), s, name)) {
		virtual_lookup(req, parent, name);
		return;
	}
	r = op_lookup(s, inode_of(s, parent), name, &e);
	if (r == -ENOENT) { /* remembered by the kernel: creations would ask again and again */
		e = (struct fuse_entry_param){.entry_timeout = CACHE_S};
		fuse_reply_entry(req, &e);
	} else if (r < 0) {
		fuse_reply_err(req, -r);
	} else {
		op_reply_entry(req, s, &e);
	}
}

static void op_forget_one(struct session *s, fuse_ino_t ino, uint64_t n)
{
	if (!node_is_virtual(ino) && ino != FUSE_ROOT_ID)
		inode_forget(s->inodes, inode_of(s, ino), n);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	op_forget_one(session_of(req), ino, n);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct session *s = session_of(req);

	for (size_t k = 0; k < count; k++)
		op_forget_one(s, forgets[k].ino, forgets[k].nlookup);
	fuse_reply_none(req);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct session *s = session_of(req);
	struct inode *i = inode_of(s, ino);
	char target[4097];
	ssize_t n = 0;
	int fd, r;

	if (node_is_virtual(ino)) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	r = inode_fd(s->inodes, i, &fd);
	if (r == 0) {
		n = readlinkat(fd, "", target, sizeof(target) - 1);
		r = n < 0 ? -errno : 0;
		inode_fd_done(s->inodes, i);
	}
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	target[n] = '\0';
	fuse_reply_readlink(req, target);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs v;

	(void)ino;
	if (fstatvfs(session_of(req)->top_fd, &v) < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_statfs(req, &v);
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct session *s = userdata;
	const unsigned wanted = FUSE_CAP_ASYNC_READ | FUSE_CAP_ASYNC_DIO | FUSE_CAP_ATOMIC_O_TRUNC |
				FUSE_CAP_POSIX_ACL | FUSE_CAP_DONT_MASK | FUSE_CAP_READDIRPLUS |
				FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_PARALLEL_DIROPS |
				FUSE_CAP_CACHE_SYMLINKS |
				(s->writeback ? FUSE_CAP_WRITEBACK_CACHE : 0);

	/* No splice: each byte is touched anyway. No automatic invalidation: only we change files.
	 */
	conn->want = conn->capable & wanted;
	conn->max_write = REQUEST_MAX;
	conn->max_readahead = REQUEST_MAX;
	conn->max_background = 128;
	conn->congestion_threshold = 96;
	conn->time_gran = 1;
}

const struct fuse_lowlevel_ops data_ops = {
	.init = op_init,
	.lookup = op_lookup_reply,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.statfs = op_statfs,
	.mkdir = op_mkdir,
	.mknod = op_mknod,
	.symlink = op_symlink,
	.link = op_link,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.rename = op_rename,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.releasedir = op_releasedir,
	.fsyncdir = op_fsyncdir,
	.create = op_create,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	/* no flush: the kernel writes its pages out at close(2) by itself, and asks no more once
	   refused */
	.release = op_release,
	.fsync = op_fsync,
	.fallocate = op_fallocate,
	.lseek = op_lseek,
	.poll = op_poll,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = op_removexattr,
};
