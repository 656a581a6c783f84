/* fs/inode/reopen.h - how the closed descriptor of an inode is opened again: by file handle, or by
 * name. */
#ifndef DEPFS_INODE_REOPEN_H
#define DEPFS_INODE_REOPEN_H

#include <fcntl.h>
#include <stdbool.h>

#include "fs/inode/inode.h"

struct reopen {
	struct inode *parent; /* by name: held; NULL: by handle */
	union {
		char name[1];
		struct file_handle handle;
	};
};

/* reopen_by_handle() - of what @fd is. reopen_by_name() - @parent is held by it; expects
 * inode_table.lock. Both malloc'ed; NULL: no memory, or there are no handles. */
struct reopen *reopen_by_handle(int fd);
struct reopen *reopen_by_name(struct inode *parent, const char *name);

/* reopen_same_handle() - of two by handle: do they name the same file? */
bool reopen_same_handle(const struct reopen *a, const struct reopen *b);

/* reopen_handles_work() - handles are of use only to a process that may open them
 * (CAP_DAC_READ_SEARCH). */
bool reopen_handles_work(int top_fd);

#endif
