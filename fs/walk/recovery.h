/* fs/walk/recovery.h - after an unclean stop, before the mount is served: files that changed since.
 */
#ifndef DEPFS_WALK_RECOVERY_H
#define DEPFS_WALK_RECOVERY_H

#include <stdint.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"
#include "fs/content/volume.h"

/**
 * recover_store() - open each file that changed since v->unclean_since, which completes it
 * Return: 0, and *ret_left files whose key could not be had, or that could not be come to: they are
 * completed when they are opened.
 */
int recover_store(struct volume *v, uint64_t *ret_checked, uint64_t *ret_left,
		  struct err *err) MUST_CHECK;

#endif
