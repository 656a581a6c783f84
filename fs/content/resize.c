/* Growing, shrinking, punching: everything that changes which blocks a file has. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "crypto/base/cleanup.h"
#include "fs/content/blocks.h"
#include "fs/inode/disk.h"

/* Blocks [first, last] become holes; the header that says so leaves with the next header write. */
static int declare_holes(struct file *f, uint64_t first, uint64_t last)
{
	int r;

	if (first > last || (f->hdr.flags & HEADER_FLAG_LOOSE_HOLES))
		return 0;
	r = holes_add(&f->holes, (uint32_t)first, (uint32_t)(last - first + 1));
	if (r == -ENOSPC) {
		f->hdr.flags |= HEADER_FLAG_LOOSE_HOLES;
		r = 0;
	}
	f->holes_changed = f->header_dirty = true;
	return r;
}

/* Re-seals one block for a file that will have @size bytes, its plaintext otherwise as it was. */
static int reseal(struct session *s, struct file *f, struct worker *w, uint64_t block_no,
		  uint64_t size)
{
	int r = blocks_open_old(s, f, w, block_no, w->tail);

	return r < 0 ? r : blocks_seal_one_locked(f, w, (uint32_t)block_no, size, w->tail);
}

/* The end of a file that grows: the old last block as an inner one, then the new last block. */
static int write_new_end(struct session *s, struct file *f, struct worker *w, uint64_t old_last,
			 uint64_t new_last, uint64_t size)
{
	int r = reseal(s, f, w, old_last, size);

	if (r < 0 || old_last == new_last)
		return r;
	memset(w->tail, 0, BLOCK_LEN);
	return blocks_seal_one_locked(f, w, (uint32_t)new_last, size, w->tail);
}

int blocks_extend_locked(struct session *s, struct file *f, struct worker *w, uint64_t size)
{
	uint64_t old_size = atomic_load(&f->size);
	uint64_t old_last = block_count(old_size) - 1, new_last = block_count(size) - 1;
	int r;

	if (!f->dek)
		return -EKEYREVOKED; /* before holes are declared that no header will tell of */
	r = declare_holes(f, old_last + 1, new_last - (new_last > old_last));
	if (r == 0)
		r = file_reserve_locked(s, f, 2, false);
	if (r == 0 && f->header_dirty)
		r = file_write_header_locked(f, false);
	if (r < 0)
		return r;
	f->budget_used += 2;
	r = write_new_end(s, f, w, old_last, new_last, size);
	if (r == 0 && ftruncate(f->fd, (off_t)file_disk_len(size)) < 0)
		r = -errno;
	if (r < 0) {
		blocks_undo_growth(s, f, w, old_size, true);
		return r;
	}
	atomic_store(&f->size, size);
	return 0;
}

static int shrink_locked(struct session *s, struct file *f, struct worker *w, uint64_t size)
{
	uint64_t last = block_count(size) - 1;
	int r;

	r = file_reserve_locked(s, f, 1, last == 0);
	if (r == 0 && last && f->header_dirty)
		r = file_write_header_locked(f, false);
	if (r < 0)
		return r;
	f->budget_used++;
	/* The new end first: a crash between leaves blocks behind a final one, which recovery cuts
	 * off. */
	r = reseal(s, f, w, last, size);
	if (r < 0)
		return r;
	atomic_store(&f->size, size);
	holes_cut(&f->holes, (uint32_t)last);
	f->holes_changed = true;
	return disk_cut(f->fd, size);
}

int blocks_truncate(struct session *s, struct file *f, struct worker *w, uint64_t size)
{
	uint64_t old_size;
	int r = 0;

	if (size > FILE_SIZE_MAX)
		return -EFBIG;
	if (!f->writable)
		return -EROFS;
	file_lock_write(&f->lock);
	old_size = atomic_load(&f->size);
	if (size > old_size)
		r = blocks_extend_locked(s, f, w, size);
	else if (size < old_size)
		r = shrink_locked(s, f, w, size);
	file_unlock_write(&f->lock);
	explicit_bzero(w->edge, 2 * BLOCK_LEN);
	return r;
}

/* Zeros through the ordinary write path: the parts of a punched range that are not whole inner
 * blocks. */
static int write_zeros_locked(struct session *s, struct file *f, struct worker *w, uint64_t off,
			      uint64_t end)
{
	int r = 0;

	memset(w->plain, 0, BLOCK_LEN);
	while (r == 0 && off < end) {
		uint64_t room = block_start(block_no_of(off) + 1) - off;
		size_t n = (size_t)(end - off < room ? end - off : room);

		r = blocks_write_locked(s, f, w, off, w->plain, n);
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

static int punch_locked(struct session *s, struct file *f, struct worker *w, uint64_t off,
			uint64_t end)
{
	uint64_t last = block_count(atomic_load(&f->size)) - 1;
	uint64_t first = off == 0 ? 0 : block_no_of(off - 1) + 1, stop = block_no_of(end);
	int r;

	if (!f->dek)
		return -EKEYREVOKED; /* the same */
	/* Block 0 carries the header and the last one the end: they stay, full of zeros. */
	first = first ? first : 1;
	stop = stop > last ? last : stop;
	if (first >= stop)
		return write_zeros_locked(s, f, w, off, end);
	r = write_zeros_locked(s, f, w, off, block_start(first) < end ? block_start(first) : end);
	if (r == 0)
		r = declare_holes(f, first, stop - 1);
	if (r == 0 && f->header_dirty)
		r = file_write_header_locked(f, false);
	/* Durable before the blocks go: else a power cut could leave zeros that nobody declared. */
	if (r == 0 && fdatasync(f->fd) < 0)
		r = -errno;
	if (r == 0)
		r = clear_disk(f, w, first, stop);
	if (r == 0 && block_start(stop) < end)
		r = write_zeros_locked(s, f, w, block_start(stop), end);
	return r;
}

int blocks_punch(struct session *s, struct file *f, struct worker *w, uint64_t off, uint64_t len)
{
	uint64_t size;
	int r = 0;

	if (!f->writable)
		return -EROFS;
	file_lock_write(&f->lock);
	size = atomic_load(&f->size);
	if (off < size)
		r = punch_locked(s, f, w, off, len > size - off ? size : off + len);
	file_unlock_write(&f->lock);
	explicit_bzero(w->edge, 2 * BLOCK_LEN);
	return r;
}

int blocks_allocate(struct session *s, struct file *f, struct worker *w, uint64_t off, uint64_t len,
		    bool keep_size)
{
	uint64_t end = off + len, first = block_no_of(off), stop;
	int r = 0;

	if (end < off || end > FILE_SIZE_MAX)
		return -EFBIG;
	if (!f->writable)
		return -EROFS;
	stop = block_no_of(end - 1) + 1;
	file_lock_write(&f->lock);
	if (fallocate(f->fd, FALLOC_FL_KEEP_SIZE, (off_t)(first * BLOCK_LEN),
		      (off_t)((stop - first) * BLOCK_LEN)) < 0)
		r = -errno;
	if (r == 0 && !keep_size && end > atomic_load(&f->size))
		r = blocks_extend_locked(s, f, w, end);
	file_unlock_write(&f->lock);
	explicit_bzero(w->edge, 2 * BLOCK_LEN);
	return r;
}

/* ---- SEEK_DATA, SEEK_HOLE ---- */

/* In a file with loose holes the disk below tells. Returns the first block at or after @b of the
 * kind. */
static uint64_t seek_loose(const struct file *f, uint64_t b, int whence, uint64_t last)
{
	off_t at = lseek(f->fd, (off_t)(b * BLOCK_LEN), whence);
	uint64_t found;

	if (at < 0)
		return last; /* no data behind: the final block is always data */
	found = whence == SEEK_DATA ? (uint64_t)at / BLOCK_LEN
				    : ((uint64_t)at + BLOCK_LEN - 1) / BLOCK_LEN;
	return found > last ? last + (whence == SEEK_HOLE) : found;
}

static uint64_t seek_tracked(const struct file *f, uint64_t b, int whence, uint64_t last)
{
	struct hole r;

	if (whence == SEEK_DATA) {
		/* ranges never touch: behind one there is data */
		return holes_next(&f->holes, (uint32_t)b, &r) && r.start <= b
			       ? (uint64_t)r.start + r.count
			       : b;
	}
	if (!holes_next(&f->holes, (uint32_t)b, &r))
		return last + 1;
	return r.start > b ? r.start : b;
}

/*
 * The next block after @b that has something on disk, where all between may be a hole; else b + 1.
 * Any user can make a file of 15 TiB of nothing: to look at each of its blocks would take hours.
 */
uint64_t blocks_next_data(const struct file *f, uint64_t b)
{
	uint64_t data, end = b + 1;
	struct hole range;
	off_t at;

	if (f->hdr.flags & HEADER_FLAG_LOOSE_HOLES)
		end = UINT64_MAX;
	else if (holes_next(&f->holes, (uint32_t)b, &range) && range.start <= b)
		end = (uint64_t)range.start + range.count;
	at = lseek(f->fd, (off_t)(b * BLOCK_LEN), SEEK_DATA);
	if (at < 0 && errno != ENXIO)
		return b + 1;
	data = at < 0 ? UINT64_MAX : (uint64_t)at / BLOCK_LEN;
	data = data < end ? data : end;
	return data > b ? data : b + 1;
}

off_t blocks_seek(struct file *f, uint64_t off, int whence)
{
	uint64_t size, b, found, at;

	file_lock_read(&f->lock);
	size = atomic_load(&f->size);
	if (off >= size) {
		file_unlock_read(&f->lock);
		return -ENXIO;
	}
	b = block_no_of(off);
	found = (f->hdr.flags & HEADER_FLAG_LOOSE_HOLES)
			? seek_loose(f, b, whence, block_count(size) - 1)
			: seek_tracked(f, b, whence, block_count(size) - 1);
	file_unlock_read(&f->lock);
	at = found == b ? off : block_start(found);
	return (off_t)(at > size ? size : at);
}
