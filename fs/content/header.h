/* fs/content/header.h - the header of an open file (holes, write budget, version), and when it is
 * written. */
#ifndef DEPFS_CONTENT_HEADER_H
#define DEPFS_CONTENT_HEADER_H

#include "fs/content/file.h"

/* file_write_header_locked() - replaces the header in block 0 and leaves the data there byte for
 * byte as it was. Keeps mtime when @keep_times. Expects the write lock. */
int file_write_header_locked(struct file *f, bool keep_times) MUST_CHECK;
/* file_encode_header_locked() - the bytes for the head of block 0; the caller writes them. */
int file_encode_header_locked(struct file *f, uint8_t out[static HEADER_LEN]) MUST_CHECK;
/* file_reserve_locked() - reserves @blocks more block writes of the data key's budget, and some
 * ahead unless @with_block0 (the header is written with block 0 then); -ENOSPC at 2^32. An event
 * asks for a renewal near the limit, and at it. */
int file_reserve_locked(struct volume *v, struct file *f, uint64_t blocks,
			bool with_block0) MUST_CHECK;

/* file_sync() - writes a header that is behind, then fsync(2) or fdatasync(2). Takes the write
 * lock, but does not hold it across the sync. */
int file_sync(struct file *f, bool data_only) MUST_CHECK;
/* file_flush_header() - when the last user leaves, or at a denial: writes the header if it is
 * behind memory. Takes the write lock. */
int file_flush_header(struct file *f) MUST_CHECK;

#endif
