/* fs/content/rewrap.h - changes the policy under which a file's data key is wrapped: while the file
 * is open, and by renames across scopes. */
#ifndef DEPFS_CONTENT_REWRAP_H
#define DEPFS_CONTENT_REWRAP_H

#include "fs/content/file.h"

/**
 * file_rewrap_if_due() - wrap the data key under the policy in force, in memory; the next write to
 * disk takes the header along. Call before a write, without locks.
 */
int file_rewrap_if_due(struct volume *v, struct file *f, const struct request *rq) MUST_CHECK;
/* file_rewrap_now() - writes the header for @target to disk, whatever policy is in force; mtime
 * stays. */
int file_rewrap_now(struct volume *v, struct file *f, const struct wrap_ref *target,
		    const struct request *rq) MUST_CHECK;

/* file_move_begin() - before a rename across scopes: the rename's intent record names the file by
 * @ret_id, which stays the file's id until file_move_end(). */
void file_move_begin(struct file *f, uint8_t ret_id[static FILE_ID_LEN]);
void file_move_end(struct file *f);
/* file_move_scope() - writes the header for another scope to disk, before a rename across
 * scopes. */
int file_move_scope(struct volume *v, struct file *f, const struct scope *to,
		    const struct request *rq) MUST_CHECK;

#endif
