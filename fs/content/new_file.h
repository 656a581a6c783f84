/* fs/content/new_file.h - the first block of a new file: a fresh key, a header, no content yet. */
#ifndef DEPFS_CONTENT_NEW_FILE_H
#define DEPFS_CONTENT_NEW_FILE_H

#include "fs/content/file.h"

/*
 * It is written when the file is made, before its inode is known to the kernel: no file is ever
 * without its header, and a full disk shows when the file is created.
 */
struct fresh {
	struct header hdr;
	struct dek *dek;
};

/* fresh_init() - for a new file of @scope, under the key in force there; errors of request_kek().
 * @file_id: NULL: a random one. */
int fresh_init(struct session *s, const struct scope *scope, const uint8_t *file_id,
	       const struct request *rq, struct fresh *ret_fresh) MUST_CHECK;
void fresh_fini(struct fresh *n);
int fresh_write(struct fresh *n, int fd) MUST_CHECK; /* one whole block at 0 */

#endif
