/* fs/fuse/ops.c - the table of operations, and the capabilities asked of the kernel. */
#include <errno.h>
#include <sys/statvfs.h>

#include "fs/content/worker.h"
#include "fs/fuse/ops.h"

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs v;

	(void)ino;
	if (fstatvfs(session_of(req)->v.top_fd, &v) < 0)
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

	/* No splice, since every byte is encrypted or decrypted here. No automatic invalidation,
	 * since files change through this mount alone. */
	conn->want = conn->capable & wanted;
	conn->max_write = REQUEST_MAX;
	conn->max_readahead = REQUEST_MAX;
	conn->max_background = BACKGROUND_MAX;
	conn->congestion_threshold = 96;
	conn->time_gran = 1;
}

const struct fuse_lowlevel_ops session_ops = {
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
	/* No flush: the kernel writes its pages back at close(2) by itself, and stops sending FLUSH
	 * after ENOSYS. */
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
