/* fs/content/tail_internal.h - the end of a file that changed before an unclean stop: found, and
 * put right where its final flag or size lags. */
#ifndef DEPFS_CONTENT_TAIL_INTERNAL_H
#define DEPFS_CONTENT_TAIL_INTERNAL_H

#include <stdint.h>

#include "fs/content/file.h"

/**
 * recover_tail() - find the end of a file that changed before an unclean stop; write it where it
 * lags
 * @disk_len: st_size as found; header and data key are loaded
 * The end is the first block marked final; without one, the last whole block before the first that
 * was never written. Where flag or size have to be put right, that block must authenticate. The
 * event "file-completed" names a file that was completed.
 * Return: 0; -EIO: damaged beyond that; -EROFS: lags, and nothing may be written.
 */
int recover_tail(struct volume *v, struct file *f, uint64_t disk_len,
		 uint64_t *ret_size) MUST_CHECK;

#endif
