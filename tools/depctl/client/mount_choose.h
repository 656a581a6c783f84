/* tools/depctl/client/mount_choose.h - the choice of the mount that a command is for. */
#ifndef DEPFS_DEPCTL_CLIENT_MOUNT_CHOOSE_H
#define DEPFS_DEPCTL_CLIENT_MOUNT_CHOOSE_H

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"

/**
 * mount_choose() - @mount, else the environment's DEPFS_MOUNT, else the only depfs mount there is
 * @ret_mount: as given, or where it is mounted; the caller frees it
 * Return: 0; -ENODEV: no mount, or several, which the sentence lists; -ENOMEM; errno of reading
 * /proc/self/mountinfo.
 */
int mount_choose(const char *mount, char **ret_mount, struct err *err) MUST_CHECK;

#endif
