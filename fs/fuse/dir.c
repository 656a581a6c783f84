/* fs/fuse/dir.c - folders opened, read, synced, closed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>

#include "crypto/base/cleanup.h"
#include "fs/fuse/ops.h"
#include "fs/inode/fds.h"

#define DENTS_LEN 32768

/* An open folder: entries of the backing folder, as getdents64(2) gives them. In the top folder the
 * entry .depfs, which in the store is the folder of its own state, is the control directory. It is
 * found by name and left out here unless the mount has list_control: a program that goes through
 * all files, as rsync(1) and rm(1) do, must not steer keys. */
struct dir {
	LIST_ENTRY(dir) others; /* guarded by session.opened.lock */
	pthread_mutex_t lock;
	struct inode *inode;
	int fd;
	size_t at, end; /* unread part of buf */
	uint64_t off;	/* offset of the entry at `at` */
	char buf[DENTS_LEN] __attribute__((aligned(8)));
};

static struct dir *dir_of(const struct fuse_file_info *fi)
{
	return (struct dir *)(uintptr_t)fi->fh;
}

static int dir_open(struct session *s, struct inode *i, struct dir **ret_dir)
{
	struct dir *d = malloc(sizeof(*d));
	int fd, r;

	if (!d)
		return -ENOMEM;
	r = inode_fd(s->v.inodes, i, &fd);
	if (r == 0) {
		d->fd = fd_for_file(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
		r = d->fd < 0 ? d->fd : 0;
		inode_fd_done(s->v.inodes, i);
	}
	if (r < 0) {
		free(d);
		return r;
	}
	(void)pthread_mutex_init(&d->lock, NULL); /* default attributes cannot fail on Linux */
	d->inode = i;
	d->at = d->end = d->off = 0;
	pthread_mutex_lock(&s->opened.lock);
	LIST_INSERT_HEAD(&s->opened.dirs, d, others);
	pthread_mutex_unlock(&s->opened.lock);
	*ret_dir = d;
	return 0;
}

static void dir_close(struct session *s, struct dir *d)
{
	pthread_mutex_lock(&s->opened.lock);
	LIST_REMOVE(d, others);
	pthread_mutex_unlock(&s->opened.lock);
	(void)close(d->fd); /* only read from */
	(void)pthread_mutex_destroy(&d->lock);
	free(d);
}

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct session *s = session_of(req);
	struct dir *d;
	int r;

	if (node_is_virtual(ino)) {
		fi->cache_readdir = 0;
		fuse_reply_open(req, fi);
		return;
	}
	r = dir_open(s, inode_of(s, ino), &d);
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	fi->fh = (uintptr_t)d;
	fi->cache_readdir = 1;
	fi->keep_cache = 1; /* the kernel drops its list when an entry changes */
	if (fuse_reply_open(req, fi) == -ENOENT)
		dir_close(s, d);
}

void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (!node_is_virtual(ino))
		dir_close(session_of(req), dir_of(fi));
	fuse_reply_err(req, 0);
}

void ops_close_dirs(struct session *s)
{
	struct dir *d;

	while ((d = LIST_FIRST(&s->opened.dirs)))
		dir_close(s, d);
}

static int do_fsyncdir(struct session *s, struct op *op, const struct request *rq)
{
	int fd = dir_of(&op->fi)->fd, r = -EINPROGRESS;

	if (op_sync_begin(s, rq))
		r = (op->flags ? fdatasync(fd) : fsync(fd)) < 0 ? -errno : 0;
	op_sync_end();
	if (r == 0)
		fuse_reply_err(op->req, 0);
	return r;
}

void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct op op = {.req = req, .ino = ino, .flags = datasync, .fi = *fi};

	if (node_is_virtual(ino))
		fuse_reply_err(req, 0);
	else
		op_run(&op, do_fsyncdir);
}

/* The entry at offset d->off. NULL: *ret_r is 0 at the end, else a negative errno. */
static struct dirent64 *peek_entry(struct dir *d, int *ret_r)
{
	*ret_r = 0;
	if (d->at == d->end) {
		ssize_t n = getdents64(d->fd, d->buf, sizeof(d->buf));

		if (n <= 0) {
			*ret_r = n < 0 ? -errno : 0;
			return NULL;
		}
		d->at = 0;
		d->end = (size_t)n;
	}
	return (struct dirent64 *)(d->buf + d->at);
}

static void skip_entry(struct dir *d, const struct dirent64 *ent)
{
	d->at += ent->d_reclen;
	d->off = (uint64_t)ent->d_off;
}

static int seek_dir(struct dir *d, uint64_t off)
{
	if (off == d->off)
		return 0;
	if (lseek(d->fd, (off_t)off, SEEK_SET) < 0)
		return -errno;
	d->at = d->end = 0;
	d->off = off;
	return 0;
}

static bool is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* An entry for the kernel. With @plus it is looked up; *ret_counted: a lookup count was taken.
 * Without @plus, and when the lookup fails, it has inode number and type alone: one entry that
 * cannot be looked up does not hide the others. */
static void entry_param(struct session *s, const struct dir *d, const struct dirent64 *ent,
			bool plus, struct fuse_entry_param *ret_e, bool *ret_counted)
{
	int r = -ENOENT;

	if (plus && name_is_control(d->inode, s, ent->d_name))
		r = virtual_entry(s, 0, ent->d_name, ret_e);
	else if (plus && !is_dot(ent->d_name))
		r = op_lookup(s, d->inode, ent->d_name, ret_e);
	*ret_counted = r == 0 && !name_is_control(d->inode, s, ent->d_name);
	if (r < 0)
		*ret_e = (struct fuse_entry_param){
			.attr = {.st_ino = ent->d_ino, .st_mode = (mode_t)DTTOIF(ent->d_type)}};
}

static bool is_hidden(const struct session *s, const struct dir *d, const char *name)
{
	return !s->list_control && name_is_control(d->inode, s, name);
}

/* Adds entries until the buffer is full. Returns the bytes used, 0 at the end, or a negative errno
 * when the first entry cannot be read. */
static ssize_t fill_dir(fuse_req_t req, struct dir *d, char *out, size_t len, bool plus)
{
	struct session *s = session_of(req);
	struct dirent64 *ent;
	size_t used = 0;
	int r;

	for (; (ent = peek_entry(d, &r)); skip_entry(d, ent)) {
		struct fuse_entry_param e;
		bool counted;
		size_t n;

		if (is_hidden(s, d, ent->d_name))
			continue;
		entry_param(s, d, ent, plus, &e, &counted);
		n = plus ? fuse_add_direntry_plus(req, out + used, len - used, ent->d_name, &e,
						  ent->d_off)
			 : fuse_add_direntry(req, out + used, len - used, ent->d_name, &e.attr,
					     ent->d_off);
		if (n > len - used) {
			if (counted)
				inode_forget(s->v.inodes, inode_of(s, e.ino), 1);
			break;
		}
		used += n;
	}
	return used ? (ssize_t)used : r;
}

static void read_dir(fuse_req_t req, fuse_ino_t ino, size_t len, off_t off,
		     struct fuse_file_info *fi, bool plus)
{
	CLEANUP(free_mem_p) char *out = NULL;
	struct dir *d = dir_of(fi);
	ssize_t n;

	if (node_is_virtual(ino)) {
		virtual_readdir(req, ino, len, off, plus);
		return;
	}
	out = malloc(len);
	if (!out) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	pthread_mutex_lock(&d->lock);
	n = seek_dir(d, (uint64_t)off);
	if (n == 0)
		n = fill_dir(req, d, out, len, plus);
	pthread_mutex_unlock(&d->lock);
	if (n < 0)
		fuse_reply_err(req, (int)-n);
	else
		fuse_reply_buf(req, out, (size_t)n);
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t len, off_t off, struct fuse_file_info *fi)
{
	read_dir(req, ino, len, off, fi, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t len, off_t off,
		    struct fuse_file_info *fi)
{
	read_dir(req, ino, len, off, fi, true);
}
