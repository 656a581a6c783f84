/* fs/content/tail.h - after an unclean stop: tails whose final flag or size lags are completed.
 */
#ifndef DEPFS_CONTENT_TAIL_H
#define DEPFS_CONTENT_TAIL_H

#include <stdint.h>

#include "fs/content/file.h"

/**
 * recover_tail() - find, and where it lags write, the end of one file changed since the unclean
 * stop
 * @disk_len: st_size as found; header and data key are loaded
 * The end is the first block that says so and authenticates; without one, the last whole block
 * before the first that was never written. An event tells of each file that was completed.
 * Return: 0; -EIO: damaged beyond that; -EROFS: lags, and nothing may be written.
 */
int recover_tail(struct session *s, struct file *f, uint64_t disk_len,
		 uint64_t *ret_size) MUST_CHECK;

/**
 * recover_store() - walk all files changed since s->unclean_since, before the mount is served
 * Return: 0, and *ret_left files whose key could not be had: they are looked at when they are
 * opened.
 */
int recover_store(struct session *s, uint64_t *ret_checked, uint64_t *ret_left,
		  struct err *err) MUST_CHECK;

#endif
