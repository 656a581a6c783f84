/* fs/content/punch.c - FALLOC_FL_PUNCH_HOLE: whole blocks become holes, and the edges of the range
 * zeros. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fs/content/blocks_internal.h"
#include "fs/content/header.h"
#include "fs/inode/disk.h"

/* Zeros through the ordinary write path: the parts of a punched range that are not whole inner
 * blocks. */
static int write_zeros_locked(struct volume *v, struct file *f, struct worker *w, uint64_t off,
			      uint64_t end)
{
	int r = 0;

	memset(w->plain, 0, BLOCK_LEN);
	while (r == 0 && off < end) {
		uint64_t space = block_start(block_no_of(off) + 1) - off;
		size_t n = (size_t)(end - off < space ? end - off : space);

		r = blocks_write_locked(v, f, w, off, w->plain, n);
		off += n;
	}
	return r;
}

/* Gives whole blocks back to the disk, or overwrites them where the backing filesystem cannot. */
static int clear_disk(struct file *f, struct worker *w, uint64_t first, uint64_t end)
{
	off_t off = (off_t)(first * BLOCK_LEN), len = (off_t)((end - first) * BLOCK_LEN);
	int r = 0;

	if (fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len) == 0)
		return 0;
	if (errno != EOPNOTSUPP)
		return -errno;
	memset(w->disk, 0, WORKER_BLOCKS * (size_t)BLOCK_LEN);
	while (r == 0 && len > 0) {
		size_t n = len > REQUEST_MAX ? REQUEST_MAX : (size_t)len;

		r = disk_write(f->fd, w->disk, n, off);
		off += (off_t)n;
		len -= (off_t)n;
	}
	return r;
}

#define SYNC_ATTEMPTS 4 /* without the lock; after that writers have to wait */

/* A punch under way. */
struct punch {
	uint64_t off, end;    /* clipped to the content */
	uint64_t first, stop; /* whole blocks that become holes; none: first >= stop */
	uint64_t durable;     /* the header version that declares them on the disk; 0: none yet */
};

/* Block 0 holds the header and the last block the end of the file: both stay, and get zeros as
 * data. */
static void clip_locked(const struct file *f, struct punch *p)
{
	uint64_t last = block_count(atomic_load(&f->size)) - 1;

	p->first = p->off == 0 ? 1 : block_no_of(p->off - 1) + 1;
	p->stop = block_no_of(p->end) > last ? last : block_no_of(p->end);
}

/* Whether the header on the disk declares the holes: no other was written since, and no write has
 * taken one back. */
static bool is_declared_locked(const struct file *f, const struct punch *p)
{
	struct hole range;

	if (p->durable == 0 || f->header_dirty || f->hdr.version_no != p->durable)
		return false;
	if (f->hdr.flags & HEADER_FLAG_LOOSE_HOLES)
		return true;
	return holes_next(&f->holes, (uint32_t)p->first, &range) && range.start <= p->first &&
	       (uint64_t)range.start + range.count >= p->stop;
}

static int declare_locked(struct file *f, struct punch *p)
{
	int r = blocks_declare_holes(f, p->first, p->stop - 1);

	if (r == 0 && f->header_dirty)
		r = file_write_header_locked(f, false);
	p->durable = f->hdr.version_no;
	return r;
}

static int clear_locked(struct volume *v, struct file *f, struct worker *w, const struct punch *p)
{
	uint64_t head = block_start(p->first), tail = block_start(p->stop);
	int r;

	if (p->first >= p->stop)
		return write_zeros_locked(v, f, w, p->off, p->end);
	r = write_zeros_locked(v, f, w, p->off, head);
	if (r == 0)
		r = clear_disk(f, w, p->first, p->stop);
	if (r == 0)
		r = write_zeros_locked(v, f, w, tail, p->end);
	return r;
}

/*
 * The declaration is durable before the blocks go: else a power cut could leave zeros that no
 * header declares, which is damage. Return: 0: done; -EAGAIN: the header must reach the disk first,
 * without the lock.
 */
static int punch_locked(struct volume *v, struct file *f, struct worker *w, struct punch *p)
{
	uint64_t size = atomic_load(&f->size);
	int r;

	if (p->off >= size)
		return 0;
	if (!f->dek)
		return -EKEYREVOKED; /* before holes are declared: no header could be sealed */
	p->end = p->end > size ? size : p->end;
	clip_locked(f, p);
	if (p->first < p->stop && !is_declared_locked(f, p)) {
		r = declare_locked(f, p);
		return r < 0 ? r : -EAGAIN;
	}
	return clear_locked(v, f, w, p);
}

static int sync_header(struct file *f)
{
	return fdatasync(f->fd) < 0 ? -errno : 0;
}

int blocks_punch(struct volume *v, struct file *f, struct worker *w, uint64_t off, uint64_t len)
{
	struct punch p = {.off = off};
	int r = -EAGAIN;

	if (!f->writable)
		return -EROFS;
	if (__builtin_add_overflow(off, len, &p.end))
		p.end = UINT64_MAX;
	for (int attempt = 0; r == -EAGAIN; attempt++) {
		file_lock_write(&f->lock);
		r = punch_locked(v, f, w, &p);
		if (r == -EAGAIN && attempt >= SYNC_ATTEMPTS) {
			r = sync_header(f);
			if (r == 0)
				r = punch_locked(v, f, w, &p);
		}
		file_unlock_write(&f->lock);
		if (r == -EAGAIN) {
			r = sync_header(f);
			r = r < 0 ? r : -EAGAIN;
		}
	}
	explicit_bzero(w->edge, 2 * BLOCK_LEN);
	return r;
}
