/* fs/content/readwrite.c - ranges of a file's bytes, read and written. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "crypto/base/cleanup.h"
#include "fs/content/blocks_internal.h"
#include "fs/content/header.h"
#include "fs/content/keys_internal.h"
#include "fs/content/report.h"
#include "fs/inode/disk.h"

/* ---- reading ---- */

static int open_range(struct volume *v, struct file *f, struct worker *w, uint64_t off, size_t len,
		      uint64_t size)
{
	uint64_t first = block_no_of(off), last = block_no_of(off + len - 1);

	for (uint64_t b = first; b <= last; b++) {
		const uint8_t *in = w->disk + (b - first) * BLOCK_LEN;
		uint64_t start = block_start(b), end = start + block_cap((uint32_t)b);
		uint64_t from = start > off ? start : off, to = end < off + len ? end : off + len;
		bool whole = from == start && to == end;
		uint8_t *out = whole ? w->plain + (start - off) : w->edge;
		int r = blocks_open(v, f, w, (uint32_t)b, size, in, out);

		if (r < 0)
			return r;
		if (!whole)
			memcpy(w->plain + (from - off), w->edge + (from - start), to - from);
	}
	return 0;
}

ssize_t blocks_read(struct volume *v, struct file *f, struct worker *w, uint64_t off, size_t len)
{
	uint64_t size, first, last;
	int r;

	file_lock_read(&f->lock);
	size = atomic_load(&f->size);
	if (off >= size || !len) {
		file_unlock_read(&f->lock);
		return 0;
	}
	len = len > REQUEST_MAX ? REQUEST_MAX : len;
	len = len > size - off ? (size_t)(size - off) : len;
	first = block_no_of(off);
	last = block_no_of(off + len - 1);
	r = disk_read(f->fd, w->disk, (last - first + 1) * BLOCK_LEN, (off_t)(first * BLOCK_LEN));
	if (r == -ENODATA)
		r = file_damage(v, f->fd, last, "cut");
	if (r == 0)
		r = keys_load(f, w);
	if (r == 0)
		r = open_range(v, f, w, off, len, size);
	keys_forget(w);
	file_unlock_read(&f->lock);
	if (r < 0)
		explicit_bzero(w->plain, len); /* plaintext of the blocks before the bad one */
	return r < 0 ? r : (ssize_t)len;
}

/* ---- writing ---- */

/*
 * One write on its way to the disk: blocks [first, last] are built in w->disk, so that whatever
 * fails before the first disk write leaves the file unchanged.
 */
struct write {
	uint64_t off, end; /* plaintext range */
	const uint8_t *in;
	size_t len;
	uint64_t old_size, size;	 /* of the file, before and after */
	uint64_t first, last;		 /* blocks */
	uint64_t sealed_from, sealed_to; /* blocks sealed before the lock was taken: [from, to) */
	uint8_t file_id[FILE_ID_LEN];	 /* under which they were sealed */
};

static uint8_t *disk_of(const struct worker *w, const struct write *wr, uint64_t block_no)
{
	/* One slot in front is kept for the old last block, where the write grows the file. */
	return w->disk + (block_no + 1 - block_no_of(wr->off)) * BLOCK_LEN;
}

/* Seals, before the write lock is taken, the blocks wholly inside the range and before its last
 * one: they are full and not final, whatever size the file will have. */
static int seal_inner(struct file *f, struct worker *w, struct write *wr)
{
	uint64_t first = block_no_of(wr->off), last = block_no_of(wr->end - 1);
	int r;

	wr->sealed_from = block_start(first) < wr->off ? first + 1 : first;
	wr->sealed_to = last;
	if (wr->sealed_to < wr->sealed_from + 4) {
		wr->sealed_to = wr->sealed_from; /* too few for a second key expansion to pay */
		return 0;
	}
	file_lock_read(&f->lock);
	memcpy(wr->file_id, f->hdr.file_id, FILE_ID_LEN);
	r = keys_load_new(f, w);
	file_unlock_read(&f->lock);
	for (uint64_t b = wr->sealed_from; r == 0 && b < wr->sealed_to; b++) {
		const struct block_meta full = {.used = (uint16_t)block_cap((uint32_t)b)};

		r = block_seal(w->crypt, (uint32_t)b, full, wr->in + (block_start(b) - wr->off),
			       disk_of(w, wr, b));
	}
	block_ctx_forget(w->crypt);
	return r;
}

static int seal_block(struct volume *v, struct file *f, struct worker *w, const struct write *wr,
		      uint64_t b)
{
	uint64_t start = block_start(b), end = start + block_cap((uint32_t)b);
	uint64_t from = start > wr->off ? start : wr->off, to = end < wr->end ? end : wr->end;
	struct block_meta meta = blocks_meta((uint32_t)b, wr->size);
	const uint8_t *in = w->tail;

	if (from == start && to >= start + meta.used) {
		in = wr->in + (start - wr->off); /* all that the block holds is new */
	} else {
		int r = blocks_open_old_loaded(v, f, w, b, w->tail);

		if (r < 0)
			return r;
		if (from < to)
			memcpy(w->tail + (from - start), wr->in + (from - wr->off), to - from);
	}
	return block_seal(w->crypt, (uint32_t)b, meta, in, disk_of(w, wr, b));
}

static int seal_rest(struct volume *v, struct file *f, struct worker *w, struct write *wr)
{
	int r = keys_load(f, w);

	/* Truncated or renewed since the inner blocks were sealed: they are under another key. */
	if (memcmp(wr->file_id, f->hdr.file_id, FILE_ID_LEN) != 0)
		wr->sealed_to = wr->sealed_from;
	for (uint64_t b = wr->first; r == 0 && b <= wr->last; b++) {
		if (b >= wr->sealed_from && b < wr->sealed_to)
			continue;
		r = seal_block(v, f, w, wr, b);
	}
	keys_forget(w);
	return r;
}

static int put_blocks(struct volume *v, struct file *f, struct worker *w, struct write *wr)
{
	uint8_t *head = disk_of(w, wr, wr->first);
	uint64_t n = wr->last - wr->first + 1;
	int r;

	r = file_reserve_locked(v, f, n, wr->first == 0);
	if (r < 0)
		return r;
	if (wr->first == 0)
		r = file_encode_header_locked(f, head);
	else if (f->header_dirty)
		r = file_write_header_locked(f, false);
	if (r == 0)
		r = blocks_sync_count(f);
	if (r < 0)
		return r;
	f->budget_used += n;
	r = disk_write(f->fd, head, n * BLOCK_LEN, (off_t)(wr->first * BLOCK_LEN));
	if (r == 0 && wr->size != wr->old_size &&
	    ftruncate(f->fd, (off_t)file_disk_len(wr->size)) < 0)
		r = -errno;
	if (r < 0) {
		if (wr->size != wr->old_size)
			blocks_undo_growth(v, f, w, wr->old_size,
					   wr->first < block_count(wr->old_size));
		return r;
	}
	if (wr->first == 0)
		f->header_dirty = false;
	return 0;
}

/* Extends the file to where the first block of the write starts; that block itself begins with
 * zeros up to its data. */
static int fill_gap(struct volume *v, struct file *f, struct worker *w, struct write *wr)
{
	uint64_t gap_end = block_start(block_no_of(wr->off));
	int r;

	if (gap_end <= wr->old_size)
		return 0;
	r = blocks_extend_locked(v, f, w, gap_end);
	wr->sealed_to = wr->sealed_from; /* blocks_extend_locked() overwrote w->disk */
	if (r == 0)
		wr->old_size = gap_end;
	return r;
}

static int write_blocks(struct volume *v, struct file *f, struct worker *w, struct write *wr)
{
	uint64_t old_last = block_count(wr->old_size) - 1;
	int r;

	wr->size = wr->end > wr->old_size ? wr->end : wr->old_size;
	wr->first = block_no_of(wr->off);
	wr->last = block_no_of(wr->end - 1);
	/* A growing file's old last block is no longer final, so it is written too. */
	if (wr->size > wr->old_size && old_last < wr->first)
		wr->first = old_last;
	r = seal_rest(v, f, w, wr);
	if (r == 0)
		r = put_blocks(v, f, w, wr);
	if (r < 0)
		return r;
	atomic_store(&f->size, wr->size);
	return blocks_forget_holes(f, wr->first, wr->last);
}

static int write_locked(struct volume *v, struct file *f, struct worker *w, struct write *wr)
{
	uint64_t size = atomic_load(&f->size);
	int r;

	wr->old_size = size;
	r = fill_gap(v, f, w, wr);
	if (r < 0)
		return r;
	r = write_blocks(v, f, w, wr);
	if (r < 0 && wr->old_size > size) { /* the gap was filled before the write failed */
		blocks_undo_growth(v, f, w, size, true);
		atomic_store(&f->size, size);
	}
	return r;
}

int blocks_write_locked(struct volume *v, struct file *f, struct worker *w, uint64_t off,
			const uint8_t *in, size_t len)
{
	struct write wr = {.off = off, .end = off + len, .in = in, .len = len};

	return write_locked(v, f, w, &wr);
}

int blocks_write(struct volume *v, struct file *f, struct worker *w, uint64_t off,
		 const uint8_t *in, size_t len)
{
	struct write wr = {.off = off, .in = in, .len = len};
	struct pending_write pending;
	int sealed, r;

	if (!len)
		return 0;
	if (!f->writable)
		return -EROFS;
	if (len > REQUEST_MAX || off > FILE_SIZE_MAX - len)
		return len > REQUEST_MAX ? -EINVAL : -EFBIG;
	wr.end = off + len;
	file_lock_add_pending(&f->lock, &pending, off);
	sealed = seal_inner(f, w, &wr);
	file_lock_write_pending(&f->lock, &pending, &f->size);
	r = sealed < 0 ? sealed : write_locked(v, f, w, &wr);
	file_unlock_write(&f->lock);
	explicit_bzero(w->edge, 2 * BLOCK_LEN);
	return r;
}
