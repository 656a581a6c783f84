/* fs/content/blocks.h - plaintext bytes in and out of a file's encrypted blocks: reads, writes,
 * sizes, holes. */
#ifndef DEPFS_CONTENT_BLOCKS_H
#define DEPFS_CONTENT_BLOCKS_H

#include <stdint.h>
#include <sys/types.h>

#include "fs/content/file.h"
#include "fs/content/worker.h"

/* All take the content's lock themselves, and none asks a vault; blocks_punch() and
 * blocks_sync_count() (see blocks_internal.h) sync the backing file under the write lock. They
 * fail with -EKEYREVOKED when they need the data key and a denial wiped it, and those that change
 * the file with -EROFS. */

/* blocks_read() - at most REQUEST_MAX bytes into w->plain; 0 at the end. -EIO: damaged, an event
 * names the block. */
ssize_t blocks_read(struct volume *v, struct file *f, struct worker *w, uint64_t off, size_t len);

/**
 * blocks_write() - @len bytes, at most REQUEST_MAX, at @off
 * When @off is behind the end, the header declares the gap as holes first. A failed write leaves
 * the size and the bytes before @off as they were.
 * Return: 0; -EFBIG; -ENOSPC: disk, or the data key's 2^32 block writes; -EIO.
 */
int blocks_write(struct volume *v, struct file *f, struct worker *w, uint64_t off,
		 const uint8_t *in, size_t len) MUST_CHECK;

/* ftruncate(2) and fallocate(2); all return 0, -EFBIG, -ENOSPC, -EIO. */
int blocks_truncate(struct volume *v, struct file *f, struct worker *w, uint64_t size) MUST_CHECK;
int blocks_punch(struct volume *v, struct file *f, struct worker *w, uint64_t off,
		 uint64_t len) MUST_CHECK;
int blocks_allocate(struct volume *v, struct file *f, struct worker *w, uint64_t off, uint64_t len,
		    bool keep_size) MUST_CHECK;
/* blocks_seek() - SEEK_DATA, SEEK_HOLE; -ENXIO at the end or behind it. */
off_t blocks_seek(struct file *f, uint64_t off, int whence);

#endif
