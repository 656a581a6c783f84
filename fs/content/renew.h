/* fs/content/renew.h - gives a file's content a new data key, in place, while programs use it. */
#ifndef DEPFS_CONTENT_RENEW_H
#define DEPFS_CONTENT_RENEW_H

#include "fs/content/file.h"
#include "fs/jobs/job.h"

enum renew_extent {
	RENEW_END, /* only finish a renewal that was begun */
	RENEW_ALL
};

/**
 * file_renew() - seal every block under a new key with a file id of @j, and forget the old key
 * A renewal that was interrupted before is finished first. Reads and writes come in between pieces
 * of RENEW_BLOCKS. One thread at a time; no lock is held.
 * Return: 0: also when the file was truncated to nothing meanwhile, which gives a new key too;
 * -EINTR: job_stops(), the next call goes on from there; -EIO: damaged, an event names the block;
 * -EROFS; errors of request_kek() and renewal_add(). After any of them all of the file is readable.
 */
int file_renew(struct volume *v, struct file *f, struct job *j, enum renew_extent extent,
	       const struct request *rq, struct err *err) MUST_CHECK;

#endif
