/* tools/depctl/client/mount_choose.c - the mount of a command: -m, DEPFS_MOUNT, or the only one. */
#include "tools/depctl/client/mount_choose.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/mountinfo/mountinfo.h"

/* Bind mounts of one filesystem share its device number and count as one mount. Only a mount of its
 * top has a control directory. */
static const struct mount_entry *only_mount(const struct mount_list *list)
{
	const struct mount_entry *found = NULL;

	for (size_t i = 0; i < list->count; i++) {
		const struct mount_entry *e = &list->entries[i];

		if (strcmp(e->root, "/") != 0)
			continue;
		if (found && found->dev != e->dev)
			return NULL;
		if (!found)
			found = e;
	}
	return found;
}

static int several_mounts(const struct mount_list *list, struct err *err)
{
	char names[ERR_TEXT_LEN] = "";
	size_t at = 0;

	for (size_t i = 0; i < list->count && at < sizeof(names); i++)
		at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s", i ? ", " : "",
				       list->entries[i].point);
	return err_set(err, -ENODEV, "there are several depfs mounts, name one with -m: %s", names);
}

static int find_mount(char **ret_mount, struct err *err)
{
	CLEANUP(mount_list_fini) struct mount_list list = {0};
	const struct mount_entry *only;
	int r = mount_list_read(MOUNTINFO_PATH, &list, err);

	if (r < 0)
		return r;
	only = only_mount(&list);
	if (!only && list.count > 0)
		return several_mounts(&list, err);
	if (!only)
		return err_set(err, -ENODEV,
			       "there is no depfs mount here; name one with -m or DEPFS_MOUNT");
	*ret_mount = strdup(only->point);
	return *ret_mount ? 0 : err_set(err, -ENOMEM, "out of memory");
}

int mount_choose(const char *mount, char **ret_mount, struct err *err)
{
	if (!mount)
		mount = getenv("DEPFS_MOUNT");
	if (!mount || !*mount)
		return find_mount(ret_mount, err);
	*ret_mount = strdup(mount);
	return *ret_mount ? 0 : err_set(err, -ENOMEM, "out of memory");
}
