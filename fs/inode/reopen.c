#include "fs/inode/reopen.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/base/cleanup.h"

#define HANDLE_MAX 64 /* bytes of a file handle: ext4 8, tmpfs 12, xfs 24, btrfs 40 */

struct reopen *reopen_by_handle(int fd)
{
	union {
		struct file_handle handle;
		char space[sizeof(struct file_handle) + HANDLE_MAX];
	} found = {.handle.handle_bytes = HANDLE_MAX};
	struct reopen *r;
	int mount_id;

	if (name_to_handle_at(fd, "", &found.handle, &mount_id, AT_EMPTY_PATH) < 0)
		return NULL;
	r = malloc(sizeof(*r) + found.handle.handle_bytes);
	if (!r)
		return NULL;
	r->parent = NULL;
	memcpy(&r->handle, &found.handle, sizeof(found.handle) + found.handle.handle_bytes);
	return r;
}

struct reopen *reopen_by_name(struct inode *parent, const char *name)
{
	struct reopen *r = malloc(sizeof(*r) + strlen(name) + 1);

	if (!r)
		return NULL;
	r->parent = parent;
	parent->holds++;
	strcpy(r->name, name);
	return r;
}

bool reopen_same_handle(const struct reopen *a, const struct reopen *b)
{
	return a->handle.handle_type == b->handle.handle_type &&
	       a->handle.handle_bytes == b->handle.handle_bytes &&
	       memcmp(a->handle.f_handle, b->handle.f_handle, a->handle.handle_bytes) == 0;
}

bool reopen_handles_work(int top_fd)
{
	CLEANUP(close_fd_p) int fd = -1;
	CLEANUP(free_mem_p) struct reopen *r = reopen_by_handle(top_fd);

	if (!r)
		return false;
	fd = open_by_handle_at(top_fd, &r->handle, O_PATH | O_CLOEXEC);
	return fd >= 0;
}
