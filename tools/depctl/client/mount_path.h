/* tools/depctl/client/mount_path.h - a path that a person types, and where it lies below the
 * mount's top.
 */
#ifndef DEPFS_DEPCTL_CLIENT_MOUNT_PATH_H
#define DEPFS_DEPCTL_CLIENT_MOUNT_PATH_H

#include <limits.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"

/* mount_path() - in a folder of the mount @path is meant from there, elsewhere from the mount's
 * top. @what: the command, for the sentence. -ENAMETOOLONG. */
int mount_path(const char *what, const char *mount, const char *path, char out[static 2 * PATH_MAX],
	       struct err *err) MUST_CHECK;

/**
 * mount_path_find() - the file or folder that is there, links followed
 * @ret_below: relative to the mount's top, "" for that; the caller frees it
 * Return: 0; -EINVAL: not below @mount, in its control directory, or a pipe and such; errno of
 * realpath(3).
 */
int mount_path_find(const char *mount, const char *path, char **ret_below,
		    struct err *err) MUST_CHECK;

#endif
