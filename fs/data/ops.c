#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>

#include "blocks.h"
#include "disk.h"
#include "lane.h"
#include "proto.h"
#include "revoke.h"
#include "worker.h"

/* ---- requests that may have to wait ---- */

static bool request_interrupted(void *req)
{
	return atomic_load(&session_of(req)->ending) || fuse_req_interrupted(req);
}

static enum request_class class_of(struct session *s, fuse_req_t req, bool all_groups)
{
	gid_t groups[256];
	int n;

	if (!s->has_system_gid)
		return REQUEST_USER;
	if (fuse_req_ctx(req)->gid == s->system_gid)
		return REQUEST_SYSTEM;
	n = all_groups ? fuse_req_getgroups(req, 256, groups)
		       : 0; /* reads /proc: only when it matters */
	for (int i = 0; i < n && i < 256; i++)
		if (groups[i] == s->system_gid)
			return REQUEST_SYSTEM;
	return REQUEST_USER;
}

struct parked {
	struct op op;
	op_fn fn;
	char *name, *name2; /* owned copies */
	uint8_t *data;
	struct proto_request served; /* to be counted where it is answered */
};

static void parked_free(struct parked *p)
{
	if (p->data)
		explicit_bzero(p->data, p->op.len);
	free(p->name);
	free(p->name2);
	free(p->data);
	free(p);
}
DEFINE_CLEANUP(struct parked *, parked_free)

static struct parked *parked_new(const struct op *op, op_fn fn)
{
	CLEANUP(parked_free_p) struct parked *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->op = *op;
	p->fn = fn;
	p->served = proto_request();
	p->name = op->name ? strdup(op->name) : NULL;
	p->name2 = op->name2 ? strdup(op->name2) : NULL;
	p->data = op->data ? malloc(op->len ? op->len : 1) : NULL;
	if ((op->name && !p->name) || (op->name2 && !p->name2) || (op->data && !p->data))
		return NULL;
	if (op->data)
		memcpy(p->data, op->data, op->len);
	p->op.name = p->name;
	p->op.name2 = p->name2;
	p->op.data = p->data;
	return STEAL(p);
}

static void run_parked(void *arg)
{
	struct parked *p = arg;
	struct session *s = session_of(p->op.req);
	const struct request rq = {
		.blocking = MAY_BLOCK,
		.class = class_of(s, p->op.req, true),
		.wait = {.interrupted = request_interrupted, .arg = p->op.req},
	};
	int r;

	proto_go_on(&p->served);
	r = p->fn(s, &p->op, &rq);
	if (r < 0)
		fuse_reply_err(p->op.req, r == -EINPROGRESS ? ETIMEDOUT : -r);
	parked_free(p);
}

static void run_on(struct lane *lane, struct op *op, op_fn fn)
{
	struct parked *p = parked_new(op, fn);
	int r = p ? lane_run(lane, run_parked, p) : -ENOMEM;

	if (r < 0) {
		if (p)
			parked_free(p);
		fuse_reply_err(op->req, -r);
	}
}

void op_run_control(struct op *op, op_fn fn)
{
	run_on(session_of(op->req)->control_lane, op, fn);
}

void op_run(struct op *op, op_fn fn)
{
	struct session *s = session_of(op->req);
	const struct request rq = {.blocking = NEVER_BLOCK, .class = class_of(s, op->req, false)};
	int r = fn(s, op, &rq);

	/* Refused as a user: a supplementary group may still make it a system request. */
	if (r == -EINPROGRESS ||
	    (r == -EKEYREVOKED && s->has_system_gid && rq.class == REQUEST_USER))
		run_on(s->lane, op, fn);
	else if (r < 0)
		fuse_reply_err(op->req, -r);
}

/* ---- attributes and entries ---- */

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

static int stat_for(struct session *s, struct inode *i, struct stat *ret_st, double *ret_timeout)
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

int op_stat(struct session *s, struct inode *i, struct stat *ret_st)
{
	double timeout; /* the caller tells the kernel nothing */

	return stat_for(s, i, ret_st, &timeout);
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

static int reply_attr(struct session *s, struct op *op)
{
	double timeout;
	struct stat st;
	int r = stat_for(s, inode_of(s, op->ino), &st, &timeout);

	if (r == 0)
		fuse_reply_attr(op->req, &st, timeout);
	return r;
}

/*
 * With a handle the kernel asks not for stat(2) but before it writes into its page cache, or seeks
 * from the end: all that it sends before a write(2) succeeds. Attributes of revoked content are
 * never believed for later, so it asks each time.
 */
static int do_getattr_entered(struct session *s, struct op *op, const struct request *rq)
{
	struct request opener = *rq;
	struct file *f = handle_of(&op->fi)->file;
	bool lent;
	int r;

	opener.class = handle_of(&op->fi)->class;
	opener.in_page = !handle_of(&op->fi)->direct;
	r = file_enter(s, f, &opener, &lent);
	if (r < 0)
		return r;
	file_leave(f, lent);
	return reply_attr(s, op);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
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

static int set_size(struct session *s, struct op *op, const struct request *rq)
{
	struct inode *i = inode_of(s, op->ino);
	struct worker *w = worker_self();
	struct file *f;
	bool lent;
	int r, put;

	if (!w)
		return -ENOMEM;
	if (i->type != S_IFREG)
		return i->type == S_IFDIR ? -EISDIR : -EINVAL;
	if (op->attr.st_size == 0) {
		r = file_get(s, i, O_RDWR | O_TRUNC, rq, &f);
		return r < 0 ? r : file_put(s, f);
	}
	r = file_get(s, i, O_RDWR, rq, &f);
	if (r < 0)
		return r;
	r = file_enter(s, f, rq, &lent);
	if (r == 0)
		r = file_rewrap_if_due(s, f, rq);
	if (r == 0)
		r = blocks_truncate(s, f, w, (uint64_t)op->attr.st_size);
	file_leave(f, lent);
	put = file_put(s, f);
	return r < 0 ? r : put;
}

static int set_owner_and_mode(struct session *s, struct inode *i, const struct stat *attr,
			      int to_set)
{
	uid_t uid = to_set & FUSE_SET_ATTR_UID ? attr->st_uid : (uid_t)-1;
	gid_t gid = to_set & FUSE_SET_ATTR_GID ? attr->st_gid : (gid_t)-1;
	char link[FD_PATH_LEN];
	int fd, r = inode_fd(s->inodes, i, &fd);

	if (r < 0)
		return r;
	if (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		r = fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno
											: 0;
	/* after the owner: chown clears set-id bits */
	if (r == 0 && (to_set & FUSE_SET_ATTR_MODE))
		r = chmod(fd_path(fd, link), attr->st_mode) < 0 ? -errno : 0;
	inode_fd_done(s->inodes, i);
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
	pthread_mutex_t *stripe = inode_stripe(s->inodes, i);
	struct timespec times[2] = {
		time_to_set(to_set, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW, attr->st_atim),
		time_to_set(to_set, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW, attr->st_mtim),
	};
	int fd, r = inode_fd(s->inodes, i, &fd);

	if (r < 0)
		return r;
	/* Not between a header write and its putting mtime back: that of a file just closed runs
	 * on. */
	pthread_mutex_lock(stripe);
	if (i->file)
		file_lock_write(&i->file->lock);
	r = utimensat(fd, "", times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
	if (i->file)
		file_unlock_write(&i->file->lock);
	pthread_mutex_unlock(stripe);
	inode_fd_done(s->inodes, i);
	return r;
}

int op_kill_setid(struct session *s, struct inode *i)
{
	struct stat st;
	int r = op_stat(s, i, &st);
	mode_t gone = S_ISUID |
		      ((st.st_mode & S_IXGRP) ? S_ISGID
					      : 0); /* without group execution it means locking */

	if (r < 0 || !(st.st_mode & gone))
		return r;
	st.st_mode &= ~gone;
	return set_owner_and_mode(s, i, &st, FUSE_SET_ATTR_MODE);
}

static int do_setattr(struct session *s, struct op *op, const struct request *rq)
{
	struct inode *i = inode_of(s, op->ino);
	uint64_t look = revoke_look(s);
	int r = 0;

	/* the size first: it alone may have to wait, and then nothing else has been done */
	if (op->flags & FUSE_SET_ATTR_SIZE)
		r = set_size(s, op, rq);
	if (r == 0 && (op->flags & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID | FUSE_SET_ATTR_MODE)))
		r = set_owner_and_mode(s, i, &op->attr, op->flags);
	if (r == 0 && (op->flags & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME |
				    FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW)))
		r = set_times(s, i, &op->attr, op->flags);
	if (r == 0 && op->kills_setid)
		r = op_kill_setid(s, i);
	if (r == 0)
		r = reply_attr(s, op);
	if (r == 0)
		revoke_retold(s, op->ino, look);
	return r;
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		       struct fuse_file_info *fi)
{
	struct op op = {.req = req,
			.ino = ino,
			.attr = *attr,
			.flags = to_set,
			.kills_setid = proto_kills_setid()};

	(void)fi; /* the inode's content is shared by all handles */
	if (node_is_virtual(ino))
		virtual_setattr(req, ino, attr, to_set);
	else
		op_run(&op, do_setattr);
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
