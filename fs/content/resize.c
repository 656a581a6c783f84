/* fs/content/resize.c - growing and shrinking: ftruncate(2), and the space that fallocate(2)
 * reserves. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fs/content/blocks_internal.h"
#include "fs/content/header.h"

/* Re-seals one block for a file that will have @size bytes, its plaintext otherwise unchanged. */
static int reseal(struct volume *v, struct file *f, struct worker *w, uint64_t block_no,
		  uint64_t size)
{
	int r = blocks_open_old(v, f, w, block_no, w->tail);

	return r < 0 ? r : blocks_seal_one_locked(f, w, (uint32_t)block_no, size, w->tail);
}

/* The end of a file that grows: the old final block as an inner one, then the new final block. */
static int write_new_end(struct volume *v, struct file *f, struct worker *w, uint64_t old_last,
			 uint64_t new_last, uint64_t size)
{
	int r = reseal(v, f, w, old_last, size);

	if (r < 0 || old_last == new_last)
		return r;
	memset(w->tail, 0, BLOCK_LEN);
	return blocks_seal_one_locked(f, w, (uint32_t)new_last, size, w->tail);
}

int blocks_extend_locked(struct volume *v, struct file *f, struct worker *w, uint64_t size)
{
	uint64_t old_size = atomic_load(&f->size);
	uint64_t old_last = block_count(old_size) - 1, new_last = block_count(size) - 1;
	int r;

	if (!f->dek)
		return -EKEYREVOKED; /* before holes are declared: no header could be sealed */
	r = blocks_declare_holes(f, old_last + 1, new_last - (new_last > old_last));
	if (r == 0)
		r = file_reserve_locked(v, f, 2, false);
	if (r == 0 && f->header_dirty)
		r = file_write_header_locked(f, false);
	if (r < 0)
		return r;
	f->budget_used += 2;
	r = write_new_end(v, f, w, old_last, new_last, size);
	if (r == 0 && ftruncate(f->fd, (off_t)file_disk_len(size)) < 0)
		r = -errno;
	if (r < 0) {
		blocks_undo_growth(v, f, w, old_size, true);
		return r;
	}
	atomic_store(&f->size, size);
	return 0;
}

static int shrink_locked(struct volume *v, struct file *f, struct worker *w, uint64_t size)
{
	uint64_t last = block_count(size) - 1;
	int r;

	r = file_reserve_locked(v, f, 1, last == 0);
	if (r == 0 && last && f->header_dirty)
		r = file_write_header_locked(f, false);
	if (r < 0)
		return r;
	f->budget_used++;
	/* The new end is written first: a crash before the cut leaves blocks behind a final one,
	 * which recovery cuts off. */
	r = reseal(v, f, w, last, size);
	if (r < 0)
		return r;
	atomic_store(&f->size, size);
	holes_cut(&f->holes, (uint32_t)last);
	f->holes_changed = true;
	return blocks_cut_disk(f->fd, size);
}

int blocks_truncate(struct volume *v, struct file *f, struct worker *w, uint64_t size)
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
		r = blocks_extend_locked(v, f, w, size);
	else if (size < old_size)
		r = shrink_locked(v, f, w, size);
	file_unlock_write(&f->lock);
	explicit_bzero(w->edge, 2 * BLOCK_LEN);
	return r;
}

int blocks_allocate(struct volume *v, struct file *f, struct worker *w, uint64_t off, uint64_t len,
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
		r = blocks_extend_locked(v, f, w, end);
	file_unlock_write(&f->lock);
	explicit_bzero(w->edge, 2 * BLOCK_LEN);
	return r;
}
