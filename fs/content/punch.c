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

static int punch_locked(struct volume *v, struct file *f, struct worker *w, uint64_t off,
			uint64_t end)
{
	uint64_t last = block_count(atomic_load(&f->size)) - 1;
	uint64_t first = off == 0 ? 0 : block_no_of(off - 1) + 1, stop = block_no_of(end);
	int r;

	if (!f->dek)
		return -EKEYREVOKED; /* before holes are declared: no header could be sealed */
	/* Block 0 holds the header and the last block the end of the file: both stay, and get zeros
	 * as data. */
	first = first ? first : 1;
	stop = stop > last ? last : stop;
	if (first >= stop)
		return write_zeros_locked(v, f, w, off, end);
	r = write_zeros_locked(v, f, w, off, block_start(first) < end ? block_start(first) : end);
	if (r == 0)
		r = blocks_declare_holes(f, first, stop - 1);
	if (r == 0 && f->header_dirty)
		r = file_write_header_locked(f, false);
	/* The declaration is durable before the blocks go: else a power cut could leave zeros that
	 * no header declares, which is damage. */
	if (r == 0 && fdatasync(f->fd) < 0)
		r = -errno;
	if (r == 0)
		r = clear_disk(f, w, first, stop);
	if (r == 0 && block_start(stop) < end)
		r = write_zeros_locked(v, f, w, block_start(stop), end);
	return r;
}

int blocks_punch(struct volume *v, struct file *f, struct worker *w, uint64_t off, uint64_t len)
{
	uint64_t size;
	int r = 0;

	if (!f->writable)
		return -EROFS;
	file_lock_write(&f->lock);
	size = atomic_load(&f->size);
	if (off < size)
		r = punch_locked(v, f, w, off, len > size - off ? size : off + len);
	file_unlock_write(&f->lock);
	explicit_bzero(w->edge, 2 * BLOCK_LEN);
	return r;
}
