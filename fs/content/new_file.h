/* fs/content/new_file.h - the first block of a new file: a new data key and a header, without
 * content yet. */
#ifndef DEPFS_CONTENT_NEW_FILE_H
#define DEPFS_CONTENT_NEW_FILE_H

#include "crypto/header.h"
#include "fs/content/request.h"

struct dek;
struct scope;

/*
 * The first block is written when the file is created, before the kernel knows its inode: no file
 * is ever without its header, and a full disk fails the creation.
 */
struct new_file {
	struct header hdr;
	struct dek *dek;
};

/* new_file_init() - for a new file of @scope, under the key in force there; errors of
 * request_kek().
 * @file_id: NULL: a random one. */
int new_file_init(struct volume *v, const struct scope *scope, const uint8_t *file_id,
		  const struct request *rq, struct new_file *ret_new) MUST_CHECK;
void new_file_fini(struct new_file *n);
int new_file_write(struct new_file *n, int fd) MUST_CHECK; /* one whole block at 0 */

#endif
