/* fs/content/tail_internal.h - after an unclean stop: a file's tail whose final flag or size lags.
 */
#ifndef DEPFS_CONTENT_TAIL_INTERNAL_H
#define DEPFS_CONTENT_TAIL_INTERNAL_H

#include <stdint.h>

#include "fs/content/file.h"

/**
 * recover_tail() - find, and where it lags write, the end of one file changed since the unclean
 * stop
 * @disk_len: st_size as found; header and data key are loaded
 * The end is the first block that says so and authenticates; without one, the last whole block
 * before the first that was never written. The event "file-completed" names a file that was
 * completed.
 * Return: 0; -EIO: damaged beyond that; -EROFS: lags, and nothing may be written.
 */
int recover_tail(struct volume *v, struct file *f, uint64_t disk_len,
		 uint64_t *ret_size) MUST_CHECK;

#endif
