/* fs/content/blocks.h - plaintext bytes in and out of a file's blocks; every read checked, every
 * write whole. */
#ifndef DEPFS_CONTENT_BLOCKS_H
#define DEPFS_CONTENT_BLOCKS_H

#include <stdint.h>
#include <sys/types.h>

#include "fs/content/file.h"
#include "fs/content/worker.h"

/* blocks_read() - at most REQUEST_MAX bytes into w->plain; 0 at the end. -EIO: damaged, an event
 * names the block. */
ssize_t blocks_read(struct session *s, struct file *f, struct worker *w, uint64_t off, size_t len);

/**
 * blocks_write() - @len bytes, at most REQUEST_MAX, at @off; holes in front are declared first
 * A failed write leaves the size and everything before it as it was.
 * Return: 0; -EFBIG; -ENOSPC: disk, or the data key's 2^32 block writes; -EIO.
 */
int blocks_write(struct session *s, struct file *f, struct worker *w, uint64_t off,
		 const uint8_t *in, size_t len) MUST_CHECK;
/* In resize.c. All return 0, -EFBIG, -ENOSPC, -EIO. */
int blocks_truncate(struct session *s, struct file *f, struct worker *w, uint64_t size) MUST_CHECK;
int blocks_punch(struct session *s, struct file *f, struct worker *w, uint64_t off,
		 uint64_t len) MUST_CHECK;
int blocks_allocate(struct session *s, struct file *f, struct worker *w, uint64_t off, uint64_t len,
		    bool keep_size) MUST_CHECK;
/* blocks_seek() - SEEK_DATA, SEEK_HOLE; -ENXIO behind the end. */
off_t blocks_seek(struct file *f, uint64_t off, int whence);

/* For resize.c and recover.c; the write lock is held. */
int blocks_write_locked(struct session *s, struct file *f, struct worker *w, uint64_t off,
			const uint8_t *in, size_t len) MUST_CHECK;
int blocks_extend_locked(struct session *s, struct file *f, struct worker *w,
			 uint64_t size) MUST_CHECK;
/* One block's plaintext, zero-padded to its capacity; holes give zeros. */
int blocks_open_one(struct session *s, struct file *f, struct worker *w, uint32_t block_no,
		    uint8_t *out) MUST_CHECK;
/* blocks_open_old() - the same of a block as the file's size demands it to be; zeros behind the
 * end. */
int blocks_open_old(struct session *s, struct file *f, struct worker *w, uint64_t block_no,
		    uint8_t *out) MUST_CHECK;
/* blocks_undo_growth() - put the end back at @old_size after blocks behind it could not be written;
 * @end_rewritten: the block that was the last one may have become an inner one. */
void blocks_undo_growth(struct session *s, struct file *f, struct worker *w, uint64_t old_size,
			bool end_rewritten);
/* blocks_sync_count() - after a reservation: what depends on a header that is not yet durable stays
 * within bounds. */
int blocks_sync_count(struct file *f) MUST_CHECK;
/* blocks_next_data() - the next block after @block_no that may hold data, where it lies in a hole;
 * else the next one. */
uint64_t blocks_next_data(const struct file *f, uint64_t block_no);
/* blocks_forget_holes() - blocks [first, last] hold data; -ENOMEM. The write lock is held. */
int blocks_forget_holes(struct file *f, uint64_t first, uint64_t last) MUST_CHECK;
bool blocks_may_be_hole(const struct file *f, uint32_t block_no);
/* Seals @in as block @block_no of a file of @size bytes and writes it. */
int blocks_seal_one_locked(struct file *f, struct worker *w, uint32_t block_no, uint64_t size,
			   const uint8_t *in) MUST_CHECK;

#endif
