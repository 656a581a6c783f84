/* fs/content/renew.h - a file's content under a new data key, in place, while programs use it. */
#ifndef DEPFS_CONTENT_RENEW_H
#define DEPFS_CONTENT_RENEW_H

#include "fs/content/file.h"
#include "fs/jobs/job.h"

enum renew_extent {
	RENEW_END, /* what was begun */
	RENEW_ALL
};

/**
 * file_renew() - every block under a key that @j gave the file, and the old key forgotten
 * What an interrupted renewal began is ended first. Reads and writes come in between pieces of
 * RENEW_BLOCKS. One thread at a time; no lock is held.
 * Return: 0: also when the file was truncated to nothing meanwhile, which gives a new key too;
 * -EINTR: job_stops(), it goes on from there next time; -EIO: damaged, an event names the block;
 * -EROFS; errors of request_kek() and renewal_add(). After any of them all of the file is readable.
 */
int file_renew(struct volume *v, struct file *f, struct job *j, enum renew_extent extent,
	       const struct request *rq, struct err *err) MUST_CHECK;

#endif
