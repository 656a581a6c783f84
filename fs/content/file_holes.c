/* fs/content/file_holes.c - which blocks of a file are holes: declared, taken back, and found by
 * SEEK_DATA and SEEK_HOLE. */
#include <errno.h>
#include <unistd.h>

#include "fs/content/blocks_internal.h"

bool blocks_may_be_hole(const struct file *f, uint32_t block_no)
{
	return (f->hdr.flags & HEADER_FLAG_LOOSE_HOLES) || holes_contain(&f->holes, block_no);
}

int blocks_forget_holes(struct file *f, uint64_t first, uint64_t last)
{
	int r;

	if (!f->holes.count || (f->hdr.flags & HEADER_FLAG_LOOSE_HOLES))
		return 0;
	r = holes_remove(&f->holes, (uint32_t)first, (uint32_t)(last - first + 1));
	f->holes_changed = true;
	if (r == -ENOSPC) { /* too many ranges to track: from here on any zero block is a hole */
		f->hdr.flags |= HEADER_FLAG_LOOSE_HOLES;
		f->header_dirty = true;
		return 0;
	}
	return r;
}

int blocks_declare_holes(struct file *f, uint64_t first, uint64_t last)
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

/* ---- SEEK_DATA, SEEK_HOLE ---- */

/* In a file with loose holes the backing file decides. Returns the first data or hole block, as
 * @whence says, at or after @b. */
static uint64_t seek_loose(const struct file *f, uint64_t b, int whence, uint64_t last)
{
	off_t at = lseek(f->fd, (off_t)(b * BLOCK_LEN), whence);
	uint64_t found;

	if (at < 0)
		return last; /* no data from b on, but the final block is always data */
	found = whence == SEEK_DATA ? (uint64_t)at / BLOCK_LEN
				    : ((uint64_t)at + BLOCK_LEN - 1) / BLOCK_LEN;
	return found > last ? last + (whence == SEEK_HOLE) : found;
}

static uint64_t seek_tracked(const struct file *f, uint64_t b, int whence, uint64_t last)
{
	struct hole r;

	if (whence == SEEK_DATA) {
		/* Ranges never touch, so behind one there is data. */
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
 * Any user can make a hole of 15 TiB, and to read each of its blocks would take hours.
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
