/* fs/fuse/entries.c - entries of folders: created, linked, removed, renamed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/base/fdpath.h"
#include "fs/content/report.h"
#include "fs/content/rewrap.h"
#include "fs/content/usage.h"
#include "fs/fuse/cred.h"
#include "fs/fuse/ops.h"
#include "fs/inode/fds.h"
#include "fs/policy/scope.h"
#include "fs/policy/target.h"
#include "fs/store/intent.h"
#include "fs/walk/walk.h"

/* ---- creating ---- */

/* Names that cannot be created: the control directory's in the top folder, and any among virtual
 * files. */
static int refuse_name(struct session *s, fuse_ino_t parent, const char *name)
{
	if (node_is_virtual(parent))
		return -EPERM;
	return name_is_control(inode_of(s, parent), s, name) ? -EEXIST : 0;
}

struct made {
	fuse_req_t req;
	const char *name;
	mode_t mode;
	dev_t rdev;
	const char *target; /* of a symlink */
};

static int make_node(const struct made *m, int dir_fd)
{
	if (m->target)
		return symlinkat(m->target, dir_fd, m->name);
	return S_ISDIR(m->mode) ? mkdirat(dir_fd, m->name, m->mode & ~S_IFMT)
				: mknodat(dir_fd, m->name, m->mode, m->rdev);
}

static int make_entry(struct session *s, struct inode *parent, const struct made *m)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(m->req);
	int dir_fd, r = inode_fd(s->v.inodes, parent, &dir_fd);

	if (r < 0)
		return r;
	cred_enter(s, ctx->uid, ctx->gid, ctx->umask);
	r = make_node(m, dir_fd) < 0 ? -errno : 0;
	cred_leave(s);
	inode_fd_done(s->v.inodes, parent);
	return r;
}

static int make_known(struct session *s, struct inode *parent, const struct made *m,
		      struct fuse_entry_param *ret_e)
{
	bool walked = S_ISDIR(m->mode) && walk_is_on(s->walk);
	int r = make_entry(s, parent, m);

	if (r == 0)
		r = op_lookup(s, parent, m->name, ret_e);
	if (r == 0 && walked)
		walk_folder_made(s->walk, inode_of(s, ret_e->ino));
	return r;
}

static void make_and_reply(fuse_ino_t parent, const struct made *m)
{
	struct session *s = session_of(m->req);
	struct fuse_entry_param e;
	int r = refuse_name(s, parent, m->name);

	if (r == 0) {
		walk_names_begin(s->walk);
		r = make_known(s, inode_of(s, parent), m, &e);
		walk_names_end(s->walk);
	}
	if (r < 0)
		fuse_reply_err(m->req, -r);
	else
		op_reply_entry(m->req, s, &e);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	const struct made m = {.req = req, .name = name, .mode = S_IFDIR | mode};

	if (node_is_virtual(parent))
		virtual_mkdir(req, parent, name);
	else
		make_and_reply(parent, &m);
}

void op_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name)
{
	const struct made m = {.req = req, .name = name, .target = link};

	make_and_reply(parent, &m);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	const struct made m = {.req = req, .name = name, .mode = mode, .rdev = rdev};
	struct op op = {.req = req, .ino = parent, .name = name, .mode = mode};

	if (S_ISREG(mode) && !node_is_virtual(parent))
		op_run(&op, op_make_regular); /* a file gets a header and a data key */
	else
		make_and_reply(parent, &m);
}

/* The scope that a name lies in; for a folder, the scope of what lies in the folder. */
static int scope_at(struct session *s, struct inode *parent, const char *name, bool folder,
		    const struct scope **ret_scope)
{
	if (folder)
		return scope_enter(s->v.scopes, parent->scope, name, ret_scope);
	*ret_scope = parent->scope;
	return 0;
}

static int link_into(struct session *s, struct inode *i, struct inode *parent, const char *name,
		     uid_t uid, const struct request *rq)
{
	char link[FD_PATH_LEN];
	bool own_space;
	int fd, dir_fd, r;

	if (i->type == S_IFREG && i->scope != parent->scope)
		return -EXDEV; /* one header cannot belong to two scopes */
	r = inode_fd(s->v.inodes, i, &fd);
	if (r < 0)
		return r;
	r = walk_before_link(s->walk, fd, i->scope, rq);
	if (r == 0)
		r = inode_fd(s->v.inodes, parent, &dir_fd);
	if (r == 0) {
		own_space = cred_space_enter(s, uid); /* the folder may grow */
		r = linkat(AT_FDCWD, fd_path(fd, link), dir_fd, name, AT_SYMLINK_FOLLOW) < 0
			    ? -errno
			    : 0;
		cred_space_leave(own_space);
		inode_fd_done(s->v.inodes, parent);
	}
	inode_fd_done(s->v.inodes, i);
	return r;
}

static int do_link(struct session *s, struct op *op, const struct request *rq)
{
	struct inode *parent = inode_of(s, op->ino2);
	struct fuse_entry_param e;
	int r;

	walk_names_begin(s->walk);
	r = link_into(s, inode_of(s, op->ino), parent, op->name, fuse_req_ctx(op->req)->uid, rq);
	walk_names_end(s->walk);
	if (r == 0)
		r = op_lookup(s, parent, op->name, &e);
	if (r == 0)
		op_reply_entry(op->req, s, &e);
	return r;
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct op op = {.req = req, .ino = ino, .ino2 = parent, .name = name};
	int r = node_is_virtual(ino) ? -EPERM : refuse_name(session_of(req), parent, name);

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		op_run(&op, do_link);
}

/* ---- removing ---- */

/*
 * A node that loses its last name keeps its descriptor for as long as the kernel keeps the node.
 * Returns the node held, for keep_done(); NULL: no node loses its last name.
 */
static struct inode *keep_if_last(struct session *s, int dir_fd, const char *name)
{
	struct inode *i;
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (st.st_nlink > 1 && !S_ISDIR(st.st_mode)))
		return NULL;
	i = inode_find(s->v.inodes, st.st_dev, st.st_ino);
	if (i)
		inode_keep_fd(s->v.inodes, i);
	return i;
}

/* @r: result of the removal. If the name stays, the descriptor may be closed again: else any user
 * could use up descriptors for good, by rmdir(2) of folders that are not empty. */
static void keep_done(struct session *s, struct inode *kept, int r)
{
	if (!kept)
		return;
	if (r < 0)
		inode_unkeep_fd(s->v.inodes, kept);
	inode_unhold(s->v.inodes, kept);
}

/* A descriptor of the file that is about to lose a name, for the scan that runs. Negative: no scan
 * runs, it is no regular file, or it cannot be opened. */
static int watch_name(struct session *s, int dir_fd, const char *name)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	struct stat st;
	int fd;

	if (!usage_is_on(s->v.usage) || fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return -1;
	fd = fd_for_file(openat(dir_fd, name, flags));
	if (fd < 0 && fd != -ENOENT)
		usage_fail(s->v.usage, fd);
	return fd;
}

static void watch_done(struct session *s, int fd, const struct inode *dir)
{
	if (fd < 0)
		return;
	usage_name_removed(s->v.usage, fd, dir->scope->workload);
	(void)close(fd); /* only read from */
}

/* Needs no key and no readable block: a damaged file can always be removed. */
static void remove_entry(fuse_req_t req, fuse_ino_t parent, const char *name, int flags)
{
	struct session *s = session_of(req);
	struct inode *dir = inode_of(s, parent);
	int dir_fd, r = name_is_control(dir, s, name) ? -EPERM : 0;

	if (r == 0)
		r = inode_fd(s->v.inodes, dir, &dir_fd);
	if (r == 0) {
		struct inode *kept = keep_if_last(s, dir_fd, name);
		int watched = watch_name(s, dir_fd, name);

		r = unlinkat(dir_fd, name, flags) < 0 ? -errno : 0;
		keep_done(s, kept, r);
		watch_done(s, watched, dir);
		inode_fd_done(s->v.inodes, dir);
	}
	fuse_reply_err(req, -r);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	if (node_is_virtual(parent))
		fuse_reply_err(req, EPERM);
	else
		remove_entry(req, parent, name, 0);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	if (node_is_virtual(parent))
		virtual_rmdir(req, parent, name);
	else
		remove_entry(req, parent, name, AT_REMOVEDIR);
}

/* ---- renaming ---- */

struct move {
	struct inode *from, *to; /* folders */
	const char *name, *name2;
	unsigned flags;
	int from_fd, to_fd;
	uid_t uid; /* the caller's */
};

static int move_entry(struct session *s, const struct move *m)
{
	struct inode *kept = NULL;
	int watched = -1, r;
	bool own_space;

	if (!(m->flags & RENAME_EXCHANGE)) {
		kept = keep_if_last(s, m->to_fd, m->name2); /* what is replaced */
		watched = watch_name(s, m->to_fd, m->name2);
	}
	own_space = cred_space_enter(s, m->uid); /* the folder may grow */
	r = renameat2(m->from_fd, m->name, m->to_fd, m->name2, m->flags) < 0 ? -errno : 0;
	cred_space_leave(own_space);
	keep_done(s, kept, r);
	watch_done(s, watched, m->to);
	return r;
}

static int key_at_hand(struct session *s, const struct scope *scope, const struct request *rq)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	struct wrap_ref target;

	target_resolve(s->v.policies, scope, &target);
	return request_kek(&s->v, &target, rq, &kek);
}

/*
 * A file that changes its scope gets the header of the new scope first. After a crash between the
 * two steps the old name has a header of the new scope; the intent record, durable before, lets
 * recovery put that right.
 *
 * For a rename(2) between folders the kernel holds one mutex of the whole mount, so it waits for no
 * vault: where a key is not in memory the vaults are asked and -EINPROGRESS returned. Only taking
 * the new header back after a rename that failed may wait: the file would not open otherwise.
 */
static int move_across(struct session *s, const struct move *m, const struct stat *st,
		       const struct request *rq)
{
	const struct scope *old = m->from->scope, *new = m->to->scope;
	struct request quick = *rq;
	uint8_t file_id[FILE_ID_LEN];
	struct fuse_entry_param e;
	struct file *f;
	int r, undo;

	if (st->st_nlink > 1 || (m->flags & RENAME_EXCHANGE))
		return -EXDEV;
	if (rq->blocking == NEVER_BLOCK)
		return -EINPROGRESS; /* the intent is synced to disk */
	quick.blocking = NO_VAULT;
	r = key_at_hand(s, new, &quick); /* before an intent is written */
	if (r == 0)
		r = op_lookup(s, m->from, m->name, &e);
	if (r < 0)
		return r;
	r = file_get(&s->v, inode_of(s, e.ino), O_RDWR, &quick, &f);
	if (r == 0) {
		file_move_begin(f, file_id);
		r = intent_add(s->v.store, file_id, old->id, new->id, NULL);
		if (r == 0)
			r = file_move_scope(&s->v, f, new, &quick);
		if (r == 0) {
			r = move_entry(s, m);
			undo = r < 0 ? file_move_scope(&s->v, f, old, rq) : 0;
			if (undo < 0)
				(void)file_damage(&s->v, f->fd, 0,
						  "left under the scope of a rename that failed");
		}
		file_move_end(f);
		(void)file_put(&s->v, f); /* its header is on disk */
	}
	inode_forget(s->v.inodes, inode_of(s, e.ino), 1);
	return r;
}

/* Whether both ends of a move lie in one scope; folders are moved only within one. */
static int check_scopes(struct session *s, const struct move *m, const struct stat *st,
			bool *ret_same)
{
	bool folder = S_ISDIR(st->st_mode);
	const struct scope *old, *new;
	int r = scope_at(s, m->from, m->name, folder, &old);

	if (r == 0)
		r = scope_at(s, m->to, m->name2, folder, &new);
	if (r < 0)
		return r;
	*ret_same = old == new;
	return folder && old != new ? -EXDEV : 0;
}

static int check_exchanged(struct session *s, const struct move *m)
{
	struct stat st;
	bool same;
	int r;

	if (fstatat(m->to_fd, m->name2, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	r = check_scopes(s, m, &st, &same);
	return r == 0 && !same && S_ISREG(st.st_mode) ? -EXDEV : r;
}

static void note_moved(struct session *s, struct inode *dir, int dir_fd, const char *name)
{
	struct inode *i;
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	i = inode_find(s->v.inodes, st.st_dev, st.st_ino);
	if (i) {
		inode_moved(s->v.inodes, i, dir, name);
		inode_unhold(s->v.inodes, i);
	}
}

/* A file that moves within its scope keeps its header, so a job that has not come to it yet
 * processes it before the move. */
static int prepare_walk(struct session *s, const struct move *m, const struct stat *st,
			const struct request *rq)
{
	struct stat other;
	int r = walk_before_move(s->walk, m->from_fd, m->name, st, m->from->scope, rq);

	if (r < 0 || !(m->flags & RENAME_EXCHANGE))
		return r;
	if (fstatat(m->to_fd, m->name2, &other, AT_SYMLINK_NOFOLLOW) < 0)
		return 0; /* the exchange itself will fail */
	return walk_before_move(s->walk, m->to_fd, m->name2, &other, m->to->scope, rq);
}

static int move_within(struct session *s, const struct move *m, const struct stat *st,
		       const struct request *rq)
{
	int r = prepare_walk(s, m, st, rq);

	if (r == 0)
		r = move_entry(s, m);
	if (r == 0) {
		walk_after_move(s->walk, m->to_fd, m->name2);
		if (m->flags & RENAME_EXCHANGE)
			walk_after_move(s->walk, m->from_fd, m->name);
	}
	return r;
}

static int move_opened(struct session *s, const struct move *m, const struct request *rq)
{
	struct stat st;
	bool same;
	int r;

	if (fstatat(m->from_fd, m->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	r = check_scopes(s, m, &st, &same);
	if (r == 0 && (m->flags & RENAME_EXCHANGE))
		r = check_exchanged(s, m);
	if (r < 0)
		return r;
	r = !same && S_ISREG(st.st_mode) ? move_across(s, m, &st, rq) : move_within(s, m, &st, rq);
	/* mv(1) copies then, and the copy's open waits for the key, where it holds up no other. */
	if (r == -EINPROGRESS && rq->blocking == MAY_BLOCK)
		r = -EXDEV;
	if (r == 0) {
		note_moved(s, m->to, m->to_fd, m->name2);
		if (m->flags & RENAME_EXCHANGE)
			note_moved(s, m->from, m->from_fd, m->name);
	}
	return r;
}

static int do_rename(struct session *s, struct op *op, const struct request *rq)
{
	struct move m = {
		.from = inode_of(s, op->ino),
		.to = inode_of(s, op->ino2),
		.name = op->name,
		.name2 = op->name2,
		.flags = (unsigned)op->flags,
		.uid = fuse_req_ctx(op->req)->uid,
	};
	int r;

	if (name_is_control(m.from, s, m.name) || name_is_control(m.to, s, m.name2))
		return -EPERM;
	r = inode_fd(s->v.inodes, m.from, &m.from_fd);
	if (r < 0)
		return r;
	r = inode_fd(s->v.inodes, m.to, &m.to_fd);
	if (r == 0) {
		unsigned reader = target_read_begin(s->v.policies);

		walk_names_begin(s->walk);
		r = move_opened(s, &m, rq);
		walk_names_end(s->walk);
		target_read_end(s->v.policies, reader);
		inode_fd_done(s->v.inodes, m.to);
	}
	inode_fd_done(s->v.inodes, m.from);
	if (r == 0)
		fuse_reply_err(op->req, 0);
	return r;
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t parent2,
	       const char *name2, unsigned flags)
{
	struct op op = {.req = req,
			.ino = parent,
			.name = name,
			.ino2 = parent2,
			.name2 = name2,
			.flags = (int)flags};

	if (node_is_virtual(parent) && node_is_virtual(parent2) && !flags)
		virtual_rename(req, parent, name, parent2, name2);
	else if (node_is_virtual(parent) || node_is_virtual(parent2))
		fuse_reply_err(req, flags ? EINVAL : EPERM); /* not EXDEV: mv would copy */
	else
		op_run(&op, do_rename);
}
