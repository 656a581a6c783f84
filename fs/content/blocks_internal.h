/* fs/content/blocks_internal.h - one block of a file, the end of a file, and which blocks are
 * holes: what the files of this folder share. The write lock is held, unless noted. */
#ifndef DEPFS_CONTENT_BLOCKS_INTERNAL_H
#define DEPFS_CONTENT_BLOCKS_INTERNAL_H

#include "fs/content/blocks.h"

/* ---- blocks.c: one block ---- */

/* blocks_meta() - what block @block_no of a file of @size bytes says of itself. */
struct block_meta blocks_meta(uint32_t block_no, uint64_t size);

/**
 * blocks_open() - block @block_no of a file of @size bytes, from its 4 KiB in memory
 * @out: space for the block's capacity; holes give zeros. The keys are loaded (keys_load()).
 * Return: 0; -EIO: damaged, an event names the block.
 */
int blocks_open(struct volume *v, struct file *f, struct worker *w, uint32_t block_no,
		uint64_t size, const uint8_t *in, uint8_t *out) MUST_CHECK;
/* blocks_open_one() - one block's plaintext from disk, zero-padded to its capacity; whether it is
 * the final one is not checked. Its ciphertext stays in w->edge. */
int blocks_open_one(struct volume *v, struct file *f, struct worker *w, uint32_t block_no,
		    uint8_t *out) MUST_CHECK;
/* blocks_open_old() - a block from disk, checked as blocks_open() does against the file's size;
 * zeros behind the end. blocks_open_old_loaded() - the same when the keys are loaded. */
int blocks_open_old(struct volume *v, struct file *f, struct worker *w, uint64_t block_no,
		    uint8_t *out) MUST_CHECK;
int blocks_open_old_loaded(struct volume *v, struct file *f, struct worker *w, uint64_t block_no,
			   uint8_t *out) MUST_CHECK;
/* blocks_seal_one_locked() - @in as block @block_no of a file of @size bytes, on disk. */
int blocks_seal_one_locked(struct file *f, struct worker *w, uint32_t block_no, uint64_t size,
			   const uint8_t *in) MUST_CHECK;
/* blocks_undo_growth() - put the end back at @old_size after blocks behind it could not be written;
 * @end_rewritten: the block that was the last one may have become an inner one. */
void blocks_undo_growth(struct volume *v, struct file *f, struct worker *w, uint64_t old_size,
			bool end_rewritten);
/* blocks_cut_disk() - the length on disk of a file that becomes @size bytes and was longer. */
int blocks_cut_disk(int fd, uint64_t size) MUST_CHECK;
/* blocks_sync_count() - after a reservation: bounds what depends on a header that is not yet
 * durable; syncs the file when there is too much of it. */
int blocks_sync_count(struct file *f) MUST_CHECK;

/* ---- readwrite.c, resize.c ---- */

int blocks_write_locked(struct volume *v, struct file *f, struct worker *w, uint64_t off,
			const uint8_t *in, size_t len) MUST_CHECK;
int blocks_extend_locked(struct volume *v, struct file *f, struct worker *w,
			 uint64_t size) MUST_CHECK;

/* ---- file_holes.c: holes; either lock is enough where nothing changes ---- */

bool blocks_may_be_hole(const struct file *f, uint32_t block_no);
/* blocks_declare_holes() - blocks [first, last] become holes; the header that declares them leaves
 * with the next header write. -ENOMEM. */
int blocks_declare_holes(struct file *f, uint64_t first, uint64_t last) MUST_CHECK;
/* blocks_forget_holes() - blocks [first, last] hold data; -ENOMEM. */
int blocks_forget_holes(struct file *f, uint64_t first, uint64_t last) MUST_CHECK;
/* blocks_next_data() - the next block after @block_no that may hold data, where it lies in a hole;
 * else the next one. */
uint64_t blocks_next_data(const struct file *f, uint64_t block_no);

#endif
