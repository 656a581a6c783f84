/* fs/content/blocks.c - one block of a file opened and sealed; the end put back after a failed
 * write. */
#include "fs/content/blocks_internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fs/content/header.h"
#include "fs/content/keys_internal.h"
#include "fs/content/report.h"
#include "fs/inode/disk.h"

/* An all-zero block is never valid ciphertext: nonce and tag, 28 bytes, would have to be zero
 * (probability 2^-224). So an all-zero block where the header allows a hole is a hole. */
int blocks_open(struct volume *v, struct file *f, struct worker *w, uint32_t block_no,
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
		return file_damage(v, f->fd, block_no,
				   meta.final ? "blocks behind the final one" : "cut");
	if (r == 0 && meta.final && meta.used != size - block_start(block_no))
		return file_damage(v, f->fd, block_no, "size");
	return r == -EBADMSG ? file_damage(v, f->fd, block_no, "block") : r;
}

int blocks_open_one(struct volume *v, struct file *f, struct worker *w, uint32_t block_no,
		    uint8_t *out)
{
	uint8_t *in = w->edge;
	struct block_meta meta;
	enum key_age ignored;
	int r;

	r = disk_read(f->fd, in, BLOCK_LEN, (off_t)block_no * BLOCK_LEN);
	if (r < 0)
		return r == -ENODATA ? file_damage(v, f->fd, block_no, "cut") : r;
	if (block_no && bytes_are_zero(in, BLOCK_LEN) && blocks_may_be_hole(f, block_no)) {
		memset(out, 0, BLOCK_CAP);
		return 0;
	}
	r = keys_load(f, w);
	if (r == 0)
		r = keys_open(f, w, block_no, in, out, &meta, &ignored);
	keys_forget(w);
	return r == -EBADMSG ? file_damage(v, f->fd, block_no, "block") : r;
}

int blocks_open_old_loaded(struct volume *v, struct file *f, struct worker *w, uint64_t block_no,
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
		return r == -ENODATA ? file_damage(v, f->fd, block_no, "cut") : r;
	return blocks_open(v, f, w, (uint32_t)block_no, old_size, in, out);
}

int blocks_open_old(struct volume *v, struct file *f, struct worker *w, uint64_t block_no,
		    uint8_t *out)
{
	int r = keys_load(f, w);

	if (r == 0)
		r = blocks_open_old_loaded(v, f, w, block_no, out);
	keys_forget(w);
	return r;
}

struct block_meta blocks_meta(uint32_t block_no, uint64_t size)
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
		r = block_seal(w->crypt, block_no, blocks_meta(block_no, size), in, out);
	block_ctx_forget(w->crypt);
	if (r == 0 && block_no == 0)
		r = file_encode_header_locked(f, out);
	if (r == 0)
		r = disk_write(f->fd, out, BLOCK_LEN, (off_t)block_no * BLOCK_LEN);
	if (r == 0 && block_no == 0)
		f->header_dirty = false;
	return r;
}

void blocks_undo_growth(struct volume *v, struct file *f, struct worker *w, uint64_t old_size,
			bool end_rewritten)
{
	uint64_t b = block_count(old_size) - 1;
	int r = 0;

	if (end_rewritten) {
		/* Sealed as the final block again, with its plaintext up to the old end. */
		f->budget_used++;
		r = blocks_open_one(v, f, w, (uint32_t)b, w->tail);
		if (r == 0)
			r = blocks_seal_one_locked(f, w, (uint32_t)b, old_size, w->tail);
	}
	holes_cut(&f->holes, (uint32_t)b);
	/* The caller returns the errno of the write that failed. */
	if (r < 0 || blocks_cut_disk(f->fd, old_size) < 0)
		(void)file_damage(v, f->fd, b, "end not restored after a failed write");
}

/*
 * After a power cut recovery adds BUDGET_STEP to the count in a header (tail.c), so no more block
 * writes than that may depend on a header that is not yet durable.
 */
int blocks_sync_count(struct file *f)
{
	if (f->unsynced < BUDGET_STEP - WORKER_BLOCKS)
		return 0;
	f->unsynced = 0;
	return fdatasync(f->fd) < 0 ? -errno : 0;
}

int blocks_cut_disk(int fd, uint64_t size)
{
	off_t blocks_end = (off_t)(block_count(size) * BLOCK_LEN);

	/* In two steps, so that the size hint behind the last block is a hole and never the remains
	 * of a block that was there. */
	if (ftruncate(fd, blocks_end) < 0 || ftruncate(fd, (off_t)file_disk_len(size)) < 0)
		return -errno;
	return 0;
}
