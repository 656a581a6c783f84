/* fs/mountinfo/mountinfo.h - the depfs mounts of this process's mount namespace, from
 * /proc/self/mountinfo.
 *
 * Not by libmount, which would bring libblkid, libselinux and their parsers into the daemon, where
 * keys are, for four fields of one file.
 */
#ifndef DEPFS_FS_MOUNTINFO_MOUNTINFO_H
#define DEPFS_FS_MOUNTINFO_MOUNTINFO_H

#include <stddef.h>
#include <sys/types.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"

#define MOUNTINFO_PATH "/proc/self/mountinfo"

struct mount_entry {
	dev_t dev;
	char *root;   /* what of the filesystem is mounted: "/", or a folder of it (bind mount) */
	char *point;  /* where */
	char *source; /* the STORE as it was given to depfs */
};

struct mount_list {
	struct mount_entry *entries;
	size_t count;
};

/**
 * mount_list_read() - every entry of type fuse.depfs, in the order of mounting
 * @path: MOUNTINFO_PATH, or a file like it
 * Return: 0, also for an empty list; -ENOMEM; errno of open(2) with a sentence.
 */
int mount_list_read(const char *path, struct mount_list *ret_list, struct err *err) MUST_CHECK;
void mount_list_fini(struct mount_list *list);

/* mount_list_top() - the mount that is visible at @point, an absolute path without links: of
 * several mounts there, the last. Borrowed; NULL: there is none. */
const struct mount_entry *mount_list_top(const struct mount_list *list, const char *point);

/* mount_unescape() - the octal escapes of blanks and backslashes, \040, (proc_pid_mountinfo(5))
 * back into bytes, in place. */
void mount_unescape(char *text);

#endif
