#include "fs/content/tail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/base/cleanup.h"
#include "fs/content/blocks.h"
#include "fs/inode/disk.h"

#define META_OFF 28 /* behind nonce and tag */

/* A block's meta as it stands on disk, not authenticated: good for finding a place to look. */
struct raw_meta {
	bool written; /* not all zero */
	bool final;
	uint16_t used;
};

static int read_raw_meta(int fd, uint64_t block_no, struct raw_meta *ret_meta)
{
	uint8_t head[32];
	off_t off = (off_t)(block_no * BLOCK_LEN) + (block_no == 0 ? HEADER_LEN : 0);
	struct rbuf b;
	int r = disk_read(fd, head, sizeof(head), off);

	if (r < 0)
		return r;
	b = rbuf_from(head + META_OFF, 4);
	ret_meta->written = !bytes_are_zero(head, sizeof(head));
	ret_meta->used = rbuf_u16(&b);
	ret_meta->final = rbuf_u8(&b) & BLOCK_FLAG_FINAL;
	return 0;
}

/*
 * Walks the blocks up to the first that says it is the last. *ret_end: blocks that belong to the
 * file; *ret_meta: of the last one of them; final when it says so itself.
 */
static int find_end(struct file *f, uint64_t n_blocks, uint64_t *ret_end, struct raw_meta *ret_meta)
{
	struct raw_meta m = {0};

	*ret_end = 0;
	for (uint64_t b = 0, next; b < n_blocks; b = next) {
		int r = read_raw_meta(f->fd, b, &m);

		if (r < 0)
			return r;
		if (!m.written && !(b && blocks_may_be_hole(f, (uint32_t)b)))
			return 0;
		/* The declared range was wider than the holes; SEEK_DATA must not call this one. */
		if (m.written && b && holes_contain(&f->holes, (uint32_t)b))
			r = blocks_forget_holes(f, b, b);
		if (r < 0)
			return r;
		next = m.written ? b + 1 : blocks_next_data(f, b);
		next = next < n_blocks ? next : n_blocks;
		*ret_meta = m;
		*ret_end = next;
		if (m.final)
			return 0;
	}
	return 0;
}

/* Makes block @last the final one of a file of @size bytes, and the size hint agree. */
static int write_end(struct session *s, struct file *f, uint64_t last, bool reseal, uint64_t size)
{
	struct worker *w = worker_self();
	int r = 0;

	if (!w)
		return -ENOMEM;
	if (!f->writable)
		return -EROFS;
	if (reseal) {
		r = file_reserve_locked(s, f, 1, last == 0);
		if (r == 0 && last && f->header_dirty)
			r = file_write_header_locked(f, true);
		if (r == 0)
			r = blocks_seal_one_locked(f, w, (uint32_t)last, size, w->tail);
	}
	if (r == 0)
		r = disk_cut(f->fd, size);
	if (r < 0)
		return r;
	holes_cut(&f->holes, (uint32_t)last);
	f->holes_changed = true;
	file_event(s, f->fd, "file-completed", size);
	return 0;
}

/*
 * A power cut may have kept blocks and lost the header that counted them; at most BUDGET_STEP,
 * since more is synced before it is used. A one-block file counts itself in the same 4 KiB.
 */
static void distrust_budget(struct file *f)
{
	uint64_t left = BUDGET_MAX - f->hdr.budget;

	f->hdr.budget += left < BUDGET_STEP ? left : BUDGET_STEP;
	f->budget_used = f->hdr.budget;
	f->header_dirty = true;
}

int recover_tail(struct session *s, struct file *f, uint64_t disk_len, uint64_t *ret_size)
{
	struct worker *w = worker_self();
	struct raw_meta meta = {0};
	uint64_t end, size, hint;
	int r;

	if (!w)
		return -ENOMEM;
	if (disk_len >= 2 * BLOCK_LEN)
		distrust_budget(f);
	r = find_end(f, disk_len / BLOCK_LEN, &end, &meta);
	if (r < 0)
		return r;
	if (end == 0)
		return file_damage(s, f->fd, 0, "size");
	size = block_start(end - 1) + (meta.final ? meta.used : block_cap((uint32_t)end - 1));
	if (meta.final && file_plain_size(disk_len, &hint) && hint == size) {
		*ret_size = size;
		return 0;
	}
	/* Only what authenticates is built upon. */
	r = blocks_open_one(s, f, w, (uint32_t)end - 1, w->tail);
	if (r == 0)
		r = write_end(s, f, end - 1, !meta.final, size);
	*ret_size = size;
	return r;
}

/* ---- the walk ---- */

struct walk {
	struct session *s;
	uint64_t checked, left;
	unsigned depth; /* folders that are open */
};

static void walk_file(struct walk *k, int dir_fd, const char *name, const struct stat *st,
		      const struct scope *scope)
{
	const struct request rq = {
		.blocking = MAY_BLOCK,
		.class = REQUEST_SYSTEM,
		.wait.timeout_ms = 10000,
	};
	struct session *s = k->s;
	int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct inode *inode;
	struct stat now;
	struct file *f;
	int r;

	k->checked++;
	if (fd >= 0 &&
	    (fstat(fd, &now) < 0 || now.st_ino != st->st_ino || now.st_dev != st->st_dev)) {
		(void)close(fd); /* another one was put there meanwhile, maybe a FIFO */
		fd = -1;
	}
	if (fd < 0 || inode_ref(s->inodes, fd, st, NULL, name, scope, &inode) < 0) {
		k->left++;
		return;
	}
	r = file_get(s, inode, O_RDWR, &rq, &f); /* completes the tail, or has said what is wrong */
	if (r == 0)
		r = file_put(s, f);
	if (r < 0 && r != -EIO)
		k->left++;
	inode_forget(s->inodes, inode, 1);
}

static int walk_dir(struct walk *k, int dir_fd, const struct scope *scope, bool top);

/* One that is damaged, or that somebody's private mount lies on, keeps nobody from the others. */
static int entry_failed(struct walk *k, int r)
{
	if (r == -ENOMEM || r == -EMFILE || r == -ENFILE)
		return r;
	k->left += r != -ENOENT;
	return 0;
}

static int walk_inner(struct walk *k, int dir_fd, const char *name, const struct scope *scope)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct scope *inner;
	int r;

	if (fd < 0)
		return entry_failed(k, -errno);
	r = scope_enter(engine_scopes(k->s->engine), scope, name, &inner);
	if (r < 0) {
		(void)close(fd); /* only read from */
		return r;
	}
	return walk_dir(k, fd, inner, false);
}

/* Files in folders that are too deep are looked at when they are opened. */
static int walk_subdir(struct walk *k, int dir_fd, const char *name, const struct scope *scope)
{
	int r;

	if (k->depth == walk_depth_max()) {
		k->left++;
		return 0;
	}
	k->depth++;
	r = walk_inner(k, dir_fd, name, scope);
	k->depth--;
	return r;
}

/* @dir_fd is consumed. */
static int walk_dir(struct walk *k, int dir_fd, const struct scope *scope, bool top)
{
	DIR *dir = fdopendir(dir_fd);
	int r = 0;

	if (!dir) {
		r = -errno;
		(void)close(dir_fd); /* fdopendir did not take it */
		return r;
	}
	for (struct dirent *d; r == 0 && (errno = 0, d = readdir(dir));) {
		struct stat st;

		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
		    (top && strcmp(d->d_name, STORE_DIR) == 0))
			continue;
		if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			r = entry_failed(k, -errno);
		else if (S_ISDIR(st.st_mode))
			r = walk_subdir(k, dirfd(dir), d->d_name, scope);
		else if (S_ISREG(st.st_mode) && st.st_ctime >= k->s->unclean_since)
			walk_file(k, dirfd(dir), d->d_name, &st, scope);
	}
	if (r == 0 && errno)
		r = entry_failed(k, -errno);
	(void)closedir(dir); /* only read from */
	return r;
}

int recover_store(struct session *s, uint64_t *ret_checked, uint64_t *ret_left, struct err *err)
{
	struct walk k = {.s = s};
	int fd = openat(s->top_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return err_set(err, -errno, "%s: %s", s->store, strerror(errno));
	r = walk_dir(&k, fd, scope_root(engine_scopes(s->engine)), true);
	if (r < 0)
		return err_set(err, r, "%s: recovery after an unclean stop: %s", s->store,
			       strerror(-r));
	*ret_checked = k.checked;
	*ret_left = k.left;
	return 0;
}
