/* fs/fuse/xattr.c - extended attributes, which pass through as they are. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/fdpath.h"
#include "fs/fuse/cred.h"
#include "fs/fuse/ops.h"
#include "fs/fuse/protocol.h"
#include "fs/inode/fds.h"

#define XATTR_MAX 65536 /* XATTR_SIZE_MAX and XATTR_LIST_MAX of the kernel */

/* The system calls for extended attributes take no O_PATH descriptor; its link in /proc leads to
 * the same inode, also when that is a symbolic link. */
struct xattr_target {
	struct session *s;
	struct inode *inode; /* NULL: refused, r is the errno */
	char path[FD_PATH_LEN];
	int r;
};

static struct xattr_target target_of(fuse_req_t req, fuse_ino_t ino)
{
	struct session *s = session_of(req);
	struct xattr_target t = {.s = s};
	int fd;

	if (node_is_virtual(ino)) {
		t.r = -ENODATA; /* the kernel asks for an ACL before it checks the mode */
		return t;
	}
	t.r = inode_fd(s->v.inodes, inode_of(s, ino), &fd);
	if (t.r == 0) {
		t.inode = inode_of(s, ino);
		fd_path(fd, t.path);
	}
	return t;
}

static void target_done(struct xattr_target *t)
{
	if (t->inode)
		inode_fd_done(t->s->v.inodes, t->inode);
}

/*
 * The kernel checks no permission for "system." names other than POSIX ACLs: what the backing
 * filesystem keeps there (an ACL of NFS or CIFS) any user could set with this daemon's rights.
 */
static bool name_is_unguarded(const char *name)
{
	return strncmp(name, "system.", 7) == 0 && strcmp(name, "system.posix_acl_access") != 0 &&
	       strcmp(name, "system.posix_acl_default") != 0;
}

void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t len,
		 int flags)
{
	struct xattr_target t = target_of(req, ino);
	uid_t uid = fuse_req_ctx(req)->uid;
	bool kills = protocol_kills_setid(), own_space;

	if (node_is_virtual(ino) || (t.r == 0 && name_is_unguarded(name)))
		t.r = -EOPNOTSUPP;
	if (t.r == 0) {
		own_space = cred_space_enter(t.s, uid); /* a block may be needed */
		t.r = setxattr(t.path, name, value, len, flags) < 0 ? -errno : 0;
		cred_space_leave(own_space);
	}
	if (t.r == 0 && kills && strcmp(name, "system.posix_acl_access") == 0)
		t.r = op_kill_sgid(t.s, t.inode);
	target_done(&t);
	reply_r(req, t.r);
}

void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct xattr_target t = target_of(req, ino);

	if (t.r == 0 && name_is_unguarded(name))
		t.r = -EOPNOTSUPP;
	if (t.r == 0 && removexattr(t.path, name) < 0)
		t.r = -errno;
	target_done(&t);
	reply_r(req, t.r);
}

/* With a size of 0 the kernel asks for the length alone. */
static void reply_value(fuse_req_t req, const char *value, ssize_t n, size_t asked_len)
{
	if (n < 0)
		fuse_reply_err(req, (int)-n);
	else if (asked_len == 0)
		fuse_reply_xattr(req, (size_t)n);
	else
		fuse_reply_buf(req, value, (size_t)n);
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t len)
{
	struct xattr_target t = target_of(req, ino);
	CLEANUP(free_mem_p) char *value = NULL;
	ssize_t n = t.r;

	len = len > XATTR_MAX ? XATTR_MAX : len;
	if (t.r == 0 && len && !(value = malloc(len)))
		n = -ENOMEM;
	if (n == 0) {
		n = getxattr(t.path, name, value, len);
		n = n < 0 ? -errno : n;
	}
	target_done(&t);
	reply_value(req, value, n, len);
}

/* Takes the names "trusted." out of a list; returns what is left of its length. */
static size_t without_trusted(char *names, size_t len)
{
	size_t left = 0, name_len;

	for (size_t at = 0; at < len; at += name_len) {
		name_len = strnlen(names + at, len - at - 1) + 1;
		if (strncmp(names + at, "trusted.", 8) == 0)
			continue;
		memmove(names + left, names + at, name_len);
		left += name_len;
	}
	return left;
}

/* Only root sees names "trusted.", as on a local filesystem; the kernel filters none of FUSE. The
 * whole list is read, since the length alone would count them. */
static ssize_t list_names(const struct xattr_target *t, bool is_root, char **ret_names)
{
	char *names = malloc(XATTR_MAX);
	ssize_t n;

	*ret_names = names;
	if (!names)
		return -ENOMEM;
	n = listxattr(t->path, names, XATTR_MAX);
	if (n < 0)
		return -errno;
	return is_root || n == 0 ? n : (ssize_t)without_trusted(names, (size_t)n);
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t len)
{
	struct xattr_target t = target_of(req, ino);
	CLEANUP(free_mem_p) char *names = NULL;
	ssize_t n = t.r;

	if (n == 0)
		n = list_names(&t, fuse_req_ctx(req)->uid == 0, &names);
	target_done(&t);
	if (node_is_virtual(ino))
		n = 0;
	else if (len && n > (ssize_t)len)
		n = -ERANGE;
	reply_value(req, names, n, len);
}
