/* fs/fuse/setid.c - set-id bits cleared as the kernel does for a local filesystem. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/stat.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/fdpath.h"
#include "fs/fuse/ops.h"
#include "fs/fuse/revoke.h"
#include "fs/inode/fds.h"

#define GROUPS_MAX 256

/* Supplementary groups are in /proc alone. A caller that cannot be read there counts as outside. */
static int is_in_group(const struct op *op, const struct request *rq, gid_t gid)
{
	gid_t groups[GROUPS_MAX];
	int n;

	if (fuse_req_ctx(op->req)->gid == gid)
		return 1;
	if (rq->blocking == NEVER_BLOCK)
		return -EINPROGRESS;
	n = fuse_req_getgroups(op->req, GROUPS_MAX, groups);
	for (int k = 0; k < n && k < GROUPS_MAX; k++)
		if (groups[k] == gid)
			return 1;
	return 0;
}

/*
 * Whether the caller has CAP_FSETID. Only root is looked at: the capabilities of other users may be
 * those of a user namespace of theirs, which count for nothing here.
 */
static int has_fsetid(const struct op *op, const struct request *rq)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(op->req);
	CLEANUP(fclose_p) FILE *f = NULL;
	unsigned long long caps;
	char path[48], line[256];

	if (ctx->uid != 0)
		return 0;
	if (rq->blocking == NEVER_BLOCK)
		return -EINPROGRESS;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)ctx->pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			return (caps >> CAP_FSETID) & 1;
	return 0;
}

/* The kernel's setattr_should_drop_sgid(): set-group-id without group execution stays for a member
 * of the group, and for CAP_FSETID. */
static int drops_sgid(const struct op *op, const struct request *rq, const struct stat *st)
{
	int r;

	if (!(st->st_mode & S_ISGID) || (st->st_mode & S_IXGRP))
		return (st->st_mode & S_ISGID) != 0;
	r = is_in_group(op, rq, st->st_gid);
	if (r == 0)
		r = has_fsetid(op, rq);
	return r < 0 ? r : !r;
}

static int stat_mode(struct session *s, struct inode *i, struct stat *ret_st)
{
	int fd, r = inode_fd(s->v.inodes, i, &fd);

	if (r < 0)
		return r;
	r = fstatat(fd, "", ret_st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
	inode_fd_done(s->v.inodes, i);
	return r;
}

/* The kernel does not know that the mode changes, and would keep its own for an hour. */
static int clear_bits(struct session *s, struct inode *i, const struct stat *st, mode_t gone)
{
	char link[FD_PATH_LEN];
	int fd, r = inode_fd(s->v.inodes, i, &fd);

	if (r < 0)
		return r;
	r = chmod(fd_path(fd, link), st->st_mode & 07777 & ~gone) < 0 ? -errno : 0;
	inode_fd_done(s->v.inodes, i);
	if (r == 0)
		revoke_attributes(s, i);
	return r;
}

int op_kill_setid(struct session *s, struct inode *i, const struct op *op, const struct request *rq)
{
	struct stat st;
	int sgid, r = stat_mode(s, i, &st);

	if (r < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & (S_ISUID | S_ISGID)))
		return r;
	sgid = drops_sgid(op, rq, &st);
	if (sgid < 0)
		return sgid;
	if (!sgid && !(st.st_mode & S_ISUID))
		return 0;
	return clear_bits(s, i, &st, S_ISUID | (sgid ? S_ISGID : 0));
}

int op_kill_setid_unasked(struct session *s, struct inode *i, const struct op *op,
			  const struct request *rq)
{
	struct stat st;
	int r = stat_mode(s, i, &st);

	if (r < 0 || !(st.st_mode & (S_ISUID | S_ISGID)))
		return r;
	r = has_fsetid(op, rq);
	if (r != 0)
		return r < 0 ? r : 0;
	return op_kill_setid(s, i, op, rq);
}

int op_kill_sgid(struct session *s, struct inode *i)
{
	struct stat st;
	int r = stat_mode(s, i, &st);

	if (r < 0 || !(st.st_mode & S_ISGID))
		return r;
	return clear_bits(s, i, &st, S_ISGID);
}
