#include "fs/content/blocks.h"

#include <errno.h>
#include <string.h>

#include "crypto/base/cleanup.h"
#include "fs/content/keys.h"
#include "fs/inode/disk.h"

/* ---- one block ---- */

bool blocks_may_be_hole(const struct file *f, uint32_t block_no)
{
	return (f->hdr.flags & HEADER_FLAG_LOOSE_HOLES) || holes_contain(&f->holes, block_no);
}

/*
 * Opens block @block_no of a file of @size bytes from its 4 KiB in memory. @out: room for the
 * capacity. A block of zeros is data nowhere: a random nonce and a tag of zeros do not come about.
 */
static int open_block(struct session *s, struct file *f, struct worker *w, uint32_t block_no,
		      uint64_t size, const uint8_t *in, uint8_t *out)
{
	uint64_t last = block_count(size) - 1;
	struct block_meta meta;
	enum key_age ignored;
	int r;

	if (block_no && block_no != last && bytes_are_zero(in, BLOCK_OVERHEAD) &&
	    blocks_may_be_hole(f, block_no) && bytes_are_zero(in, BLOCK_LEN)) {
		memset(out, 0, BLOCK_CAP);
		return 0;
	}
	r = keys_open(f, w, block_no, in, out, &meta, &ignored);
	if (r == 0 && meta.final != (block_no == last))
		return file_damage(s, f->fd, block_no,
				   meta.final ? "blocks behind the final one" : "cut");
	if (r == 0 && meta.final && meta.used != size - block_start(block_no))
		return file_damage(s, f->fd, block_no, "size");
	return r == -EBADMSG ? file_damage(s, f->fd, block_no, "block") : r;
}

int blocks_open_one(struct session *s, struct file *f, struct worker *w, uint32_t block_no,
		    uint8_t *out)
{
	uint8_t *in = w->edge;
	struct block_meta meta;
	enum key_age ignored;
	int r;

	r = disk_read(f->fd, in, BLOCK_LEN, (off_t)block_no * BLOCK_LEN);
	if (r < 0)
		return r == -ENODATA ? file_damage(s, f->fd, block_no, "cut") : r;
	if (block_no && bytes_are_zero(in, BLOCK_LEN) && blocks_may_be_hole(f, block_no)) {
		memset(out, 0, BLOCK_CAP);
		return 0;
	}
	r = keys_load(f, w);
	if (r == 0)
		r = keys_open(f, w, block_no, in, out, &meta, &ignored);
	keys_forget(w);
	return r == -EBADMSG ? file_damage(s, f->fd, block_no, "block") : r;
}

/* Plaintext of a block as it stands, for a new version of it; zeros behind the end. The key is
 * loaded. */
static int read_old(struct session *s, struct file *f, struct worker *w, uint64_t block_no,
		    uint8_t *out)
{
	uint64_t old_size = atomic_load(&f->size);
	uint8_t *in = w->edge;
	int r;

	if (block_no >= block_count(old_size)) {
		memset(out, 0, BLOCK_CAP);
		return 0;
	}
	r = disk_read(f->fd, in, BLOCK_LEN, (off_t)(block_no * BLOCK_LEN));
	if (r < 0)
		return r == -ENODATA ? file_damage(s, f->fd, block_no, "cut") : r;
	return open_block(s, f, w, (uint32_t)block_no, old_size, in, out);
}

int blocks_open_old(struct session *s, struct file *f, struct worker *w, uint64_t block_no,
		    uint8_t *out)
{
	int r = keys_load(f, w);

	if (r == 0)
		r = read_old(s, f, w, block_no, out);
	keys_forget(w);
	return r;
}

static struct block_meta meta_of(uint32_t block_no, uint64_t size)
{
	bool final = block_no == block_count(size) - 1;

	return (struct block_meta){
		.used = (uint16_t)(final ? size - block_start(block_no) : block_cap(block_no)),
		.final = final,
	};
}

int blocks_seal_one_locked(struct file *f, struct worker *w, uint32_t block_no, uint64_t size,
			   const uint8_t *in)
{
	uint8_t *out = w->disk;
	int r;

	r = keys_load_new(f, w);
	if (r == 0)
		r = block_seal(w->crypt, block_no, meta_of(block_no, size), in, out);
	block_ctx_forget(w->crypt);
	if (r == 0 && block_no == 0)
		r = file_encode_header_locked(f, out);
	if (r == 0)
		r = disk_write(f->fd, out, BLOCK_LEN, (off_t)block_no * BLOCK_LEN);
	if (r == 0 && block_no == 0)
		f->header_dirty = false;
	return r;
}

/* ---- reading ---- */

static int open_range(struct session *s, struct file *f, struct worker *w, uint64_t off, size_t len,
		      uint64_t size)
{
	uint64_t first = block_no_of(off), last = block_no_of(off + len - 1);

	for (uint64_t b = first; b <= last; b++) {
		const uint8_t *in = w->disk + (b - first) * BLOCK_LEN;
		uint64_t start = block_start(b), end = start + block_cap((uint32_t)b);
		uint64_t from = start > off ? start : off, to = end < off + len ? end : off + len;
		bool whole = from == start && to == end;
		uint8_t *out = whole ? w->plain + (start - off) : w->edge;
		int r = open_block(s, f, w, (uint32_t)b, size, in, out);

		if (r < 0)
			return r;
		if (!whole)
			memcpy(w->plain + (from - off), w->edge + (from - start), to - from);
	}
	return 0;
}

ssize_t blocks_read(struct session *s, struct file *f, struct worker *w, uint64_t off, size_t len)
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
		r = file_damage(s, f->fd, last, "cut");
	if (r == 0)
		r = keys_load(f, w);
	if (r == 0)
		r = open_range(s, f, w, off, len, size);
	keys_forget(w);
	file_unlock_read(&f->lock);
	if (r < 0)
		explicit_bzero(w->plain, len); /* blocks before the bad one did open */
	return r < 0 ? r : (ssize_t)len;
}

/* ---- writing ---- */

/*
 * One write on its way to the disk: blocks [first, last] are built in w->disk, so that everything
 * up to the disk itself can fail without a trace.
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
	/* Block wr->first - 1, the old last one, may join in front: one slot is kept for it. */
	return w->disk + (block_no + 1 - block_no_of(wr->off)) * BLOCK_LEN;
}

/* Blocks wholly inside the range and before its last one: full and not final whatever the size
 * becomes. */
static int seal_inner(struct file *f, struct worker *w, struct write *wr)
{
	uint64_t first = block_no_of(wr->off), last = block_no_of(wr->end - 1);
	int r;

	wr->sealed_from = block_start(first) < wr->off ? first + 1 : first;
	wr->sealed_to = last;
	if (wr->sealed_to < wr->sealed_from + 4) {
		wr->sealed_to = wr->sealed_from; /* not worth the second key expansion */
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

static int seal_block(struct session *s, struct file *f, struct worker *w, const struct write *wr,
		      uint64_t b)
{
	uint64_t start = block_start(b), end = start + block_cap((uint32_t)b);
	uint64_t from = start > wr->off ? start : wr->off, to = end < wr->end ? end : wr->end;
	struct block_meta meta = meta_of((uint32_t)b, wr->size);
	const uint8_t *in = w->tail;

	if (from == start && to >= start + meta.used) {
		in = wr->in + (start - wr->off); /* all that the block holds is new */
	} else {
		int r = read_old(s, f, w, b, w->tail);

		if (r < 0)
			return r;
		if (from < to)
			memcpy(w->tail + (from - start), wr->in + (from - wr->off), to - from);
	}
	return block_seal(w->crypt, (uint32_t)b, meta, in, disk_of(w, wr, b));
}

static int seal_rest(struct session *s, struct file *f, struct worker *w, struct write *wr)
{
	int r = keys_load(f, w);

	if (memcmp(wr->file_id, f->hdr.file_id, FILE_ID_LEN) != 0)
		wr->sealed_to = wr->sealed_from; /* truncated or renewed meanwhile: another key */
	for (uint64_t b = wr->first; r == 0 && b <= wr->last; b++) {
		if (b >= wr->sealed_from && b < wr->sealed_to)
			continue;
		r = seal_block(s, f, w, wr, b);
	}
	keys_forget(w);
	return r;
}

void blocks_undo_growth(struct session *s, struct file *f, struct worker *w, uint64_t old_size,
			bool end_rewritten)
{
	uint64_t b = block_count(old_size) - 1;
	int r = 0;

	if (end_rewritten) {
		/* What it now holds up to the old end, as the end again. */
		f->budget_used++;
		r = blocks_open_one(s, f, w, (uint32_t)b, w->tail);
		if (r == 0)
			r = blocks_seal_one_locked(f, w, (uint32_t)b, old_size, w->tail);
	}
	holes_cut(&f->holes, (uint32_t)b);
	if (r < 0 || disk_cut(f->fd, old_size) < 0)
		(void)file_damage(s, f->fd, b,
				  "end not restored after a failed write"); /* the write's own errno
									       is reported */
}

/*
 * After a power cut recovery adds BUDGET_STEP to what a header counts; so no more than that may
 * depend on a header that is not yet durable.
 */
int blocks_sync_count(struct file *f)
{
	if (f->unsynced < BUDGET_STEP - WORKER_BLOCKS)
		return 0;
	f->unsynced = 0;
	return fdatasync(f->fd) < 0 ? -errno : 0;
}

static int put_blocks(struct session *s, struct file *f, struct worker *w, struct write *wr)
{
	uint8_t *head = disk_of(w, wr, wr->first);
	uint64_t n = wr->last - wr->first + 1;
	int r;

	r = file_reserve_locked(s, f, n, wr->first == 0);
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
			blocks_undo_growth(s, f, w, wr->old_size,
					   wr->first < block_count(wr->old_size));
		return r;
	}
	if (wr->first == 0)
		f->header_dirty = false;
	return 0;
}

int blocks_forget_holes(struct file *f, uint64_t first, uint64_t last)
{
	int r;

	if (!f->holes.count || (f->hdr.flags & HEADER_FLAG_LOOSE_HOLES))
		return 0;
	r = holes_remove(&f->holes, (uint32_t)first, (uint32_t)(last - first + 1));
	f->holes_changed = true;
	if (r == -ENOSPC) { /* too many to follow: from here on any zero block is one */
		f->hdr.flags |= HEADER_FLAG_LOOSE_HOLES;
		f->header_dirty = true;
		return 0;
	}
	return r;
}

/* Up to the write's first block only: what lies before its data there is zeros of its own. */
static int fill_gap(struct session *s, struct file *f, struct worker *w, struct write *wr)
{
	uint64_t gap_end = block_start(block_no_of(wr->off));
	int r;

	if (gap_end <= wr->old_size)
		return 0;
	r = blocks_extend_locked(s, f, w, gap_end);
	wr->sealed_to = wr->sealed_from; /* w->disk was used */
	if (r == 0)
		wr->old_size = gap_end;
	return r;
}

static int write_blocks(struct session *s, struct file *f, struct worker *w, struct write *wr)
{
	uint64_t old_last = block_count(wr->old_size) - 1;
	int r;

	wr->size = wr->end > wr->old_size ? wr->end : wr->old_size;
	wr->first = block_no_of(wr->off);
	wr->last = block_no_of(wr->end - 1);
	/* The old last block is final; when the file grows behind it, it goes along as an inner
	 * one. */
	if (wr->size > wr->old_size && old_last < wr->first)
		wr->first = old_last;
	r = seal_rest(s, f, w, wr);
	if (r == 0)
		r = put_blocks(s, f, w, wr);
	if (r < 0)
		return r;
	atomic_store(&f->size, wr->size);
	return blocks_forget_holes(f, wr->first, wr->last);
}

static int write_locked(struct session *s, struct file *f, struct worker *w, struct write *wr)
{
	uint64_t size = atomic_load(&f->size);
	int r;

	wr->old_size = size;
	r = fill_gap(s, f, w, wr);
	if (r < 0)
		return r;
	r = write_blocks(s, f, w, wr);
	if (r < 0 && wr->old_size > size) { /* the gap was filled for nothing */
		blocks_undo_growth(s, f, w, size, true);
		atomic_store(&f->size, size);
	}
	return r;
}

int blocks_write_locked(struct session *s, struct file *f, struct worker *w, uint64_t off,
			const uint8_t *in, size_t len)
{
	struct write wr = {.off = off, .end = off + len, .in = in, .len = len};

	return write_locked(s, f, w, &wr);
}

int blocks_write(struct session *s, struct file *f, struct worker *w, uint64_t off,
		 const uint8_t *in, size_t len)
{
	struct write wr = {.off = off, .in = in, .len = len};
	struct announced mine;
	int sealed, r;

	if (!len)
		return 0;
	if (!f->writable)
		return -EROFS;
	if (len > REQUEST_MAX || off > FILE_SIZE_MAX - len)
		return len > REQUEST_MAX ? -EINVAL : -EFBIG;
	wr.end = off + len;
	file_lock_announce(&f->lock, &mine, off);
	sealed = seal_inner(f, w, &wr);
	file_lock_write_at(&f->lock, &mine, &f->size);
	r = sealed < 0 ? sealed : write_locked(s, f, w, &wr);
	file_unlock_write(&f->lock);
	explicit_bzero(w->edge, 2 * BLOCK_LEN);
	return r;
}
