/* fs/walk/recovery.h - after an unclean stop, before the mount is served: completes the files that
 * changed. */
#ifndef DEPFS_WALK_RECOVERY_H
#define DEPFS_WALK_RECOVERY_H

#include <stdint.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"
#include "fs/content/volume.h"

/**
 * recover_store() - open each file that changed since v->unclean_since, which completes it
 * @ret_left: files that could not be opened, for want of their key or for another reason, and
 * folders that could not be searched, each as one; damaged files do not count, events name them.
 * Files that are left are completed when they are opened.
 * Return: 0; negative: the search was given up, @err says why.
 */
int recover_store(struct volume *v, uint64_t *ret_checked, uint64_t *ret_left,
		  struct err *err) MUST_CHECK;

#endif
