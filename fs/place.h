/* fs/place.h - the two folders of a mount: found and checked before anything is opened. */
#ifndef DEPFS_PLACE_H
#define DEPFS_PLACE_H

#include <limits.h>
#include <stddef.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"
#include "fs/options.h"

struct place {
	char store[PATH_MAX], mount[PATH_MAX]; /* absolute, without symbolic links */
};

/* place_find() - the two folders of the command line: both exist, neither hides the other, and the
 * mount point is empty. Return: 0; -errno with a sentence. */
int place_find(const struct options *o, struct place *ret_place, struct err *err) MUST_CHECK;
/* place_check() - checks /dev/fuse and -o vaults=, which would otherwise fail only after the store
 * was opened. A folder of vaults that is missing may be created later. */
int place_check(const struct options *o, struct err *err) MUST_CHECK;
/* place_fuse_options() - writes the -o text for libfuse into @out; -EINVAL: it is longer than
 * @out_len. */
int place_fuse_options(const struct place *place, const struct options *o, char *out,
		       size_t out_len, struct err *err) MUST_CHECK;

/*
 * place_no_symfollow() - the mount at @mount follows no symbolic links from now on
 * mount_setattr(2), since neither libfuse 3.14 nor fusermount3 knows the option.
 * Return: 0; -EPERM without CAP_SYS_ADMIN; -EINVAL before Linux 5.14.
 */
int place_no_symfollow(const char *mount, struct err *err) MUST_CHECK;

#endif
