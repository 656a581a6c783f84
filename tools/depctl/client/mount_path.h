/* tools/depctl/client/mount_path.h - a typed path, and its place below the top of the mount. */
#ifndef DEPFS_DEPCTL_CLIENT_MOUNT_PATH_H
#define DEPFS_DEPCTL_CLIENT_MOUNT_PATH_H

#include <limits.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"

/* mount_path() - @path, made absolute if it is relative and the current folder is in the mount;
 * else unchanged, and so relative to the mount's top. @what: the command, for the sentence.
 * -ENAMETOOLONG. */
int mount_path(const char *what, const char *mount, const char *path, char out[static 2 * PATH_MAX],
	       struct err *err) MUST_CHECK;

/**
 * mount_path_find() - the file or folder that @path names, links followed
 * @ret_below: the path relative to the mount's top, "" for the top; the caller frees it
 * Return: 0; -EINVAL: not below @mount, in its control directory, or neither a file nor a folder;
 * errno of realpath(3), -ENOMEM.
 */
int mount_path_find(const char *mount, const char *path, char **ret_below,
		    struct err *err) MUST_CHECK;

#endif
