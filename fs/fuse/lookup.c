/* fs/fuse/lookup.c - names looked up, nodes forgotten. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fs/fuse/ops.h"
#include "fs/inode/fds.h"
#include "fs/policy/scope.h"
#include "fs/store/store.h"

int op_entry_of(struct session *s, struct inode *parent, const char *name, int fd,
		struct fuse_entry_param *ret_e)
{
	unsigned seq = atomic_load(&s->v.mtime_seq);
	const struct scope *scope = parent->scope;
	struct inode *i;
	int r = 0;

	*ret_e = (struct fuse_entry_param){.attr_timeout = CACHE_S, .entry_timeout = CACHE_S};
	if (fstatat(fd, "", &ret_e->attr, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	if (r == 0 && S_ISDIR(ret_e->attr.st_mode))
		r = scope_enter(s->v.scopes, scope, name, &scope);
	if (r < 0) {
		(void)close(fd); /* only looked at */
		return r;
	}
	r = inode_ref(s->v.inodes, fd, &ret_e->attr, parent, name, scope, &i);
	if (r < 0)
		return r;
	if (i->type == S_IFREG) {
		ret_e->attr_timeout = op_complete_stat(s, i, seq, &ret_e->attr);
	}
	ret_e->ino = (fuse_ino_t)(uintptr_t)i;
	return 0;
}

int op_lookup(struct session *s, struct inode *parent, const char *name,
	      struct fuse_entry_param *ret_e)
{
	int dir_fd, fd, r = inode_fd(s->v.inodes, parent, &dir_fd);

	if (r < 0)
		return r;
	fd = fd_for_file(openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
	inode_fd_done(s->v.inodes, parent);
	return fd < 0 ? fd : op_entry_of(s, parent, name, fd, ret_e);
}

bool name_is_control(const struct inode *parent, const struct session *s, const char *name)
{
	return parent == inode_root(s->v.inodes) && strcmp(name, STORE_DIR) == 0;
}

void op_reply_entry(fuse_req_t req, struct session *s, const struct fuse_entry_param *e)
{
	if (fuse_reply_entry(req, e) == -ENOENT)
		inode_forget(s->v.inodes, inode_of(s, e->ino), 1);
}

void op_lookup_reply(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct session *s = session_of(req);
	struct fuse_entry_param e;
	int r;

	if (node_is_virtual(parent) || name_is_control(inode_of(s, parent), s, name)) {
		virtual_lookup(req, parent, name);
		return;
	}
	r = op_lookup(s, inode_of(s, parent), name, &e);
	if (r == -ENOENT) { /* a negative entry: without it the kernel asks before each creation */
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
		inode_forget(s->v.inodes, inode_of(s, ino), n);
}

void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	op_forget_one(session_of(req), ino, n);
	fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct session *s = session_of(req);

	for (size_t k = 0; k < count; k++)
		op_forget_one(s, forgets[k].ino, forgets[k].nlookup);
	fuse_reply_none(req);
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
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
	r = inode_fd(s->v.inodes, i, &fd);
	if (r == 0) {
		n = readlinkat(fd, "", target, sizeof(target) - 1);
		r = n < 0 ? -errno : 0;
		inode_fd_done(s->v.inodes, i);
	}
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	target[n] = '\0';
	fuse_reply_readlink(req, target);
}
