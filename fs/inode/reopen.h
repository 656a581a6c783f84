/* fs/inode/reopen.h - how the closed descriptor of an inode is opened again: by file handle, or by
 * name. */
#ifndef DEPFS_INODE_REOPEN_H
#define DEPFS_INODE_REOPEN_H

#include <fcntl.h>
#include <stdbool.h>

#include "fs/inode/inode.h"

struct reopen {
	struct inode *parent; /* held; NULL: reopened by handle */
	union {
		char name[1];
		struct file_handle handle;
	};
};

/* reopen_by_handle() - by the file handle of @fd. reopen_by_name() - by a name in @parent, which
 * the result holds; expects inode_table.lock. Both malloc'ed; NULL: no memory, or the filesystem
 * has no handles. */
struct reopen *reopen_by_handle(int fd);
struct reopen *reopen_by_name(struct inode *parent, const char *name);

/* reopen_same_handle() - whether two results of reopen_by_handle() name the same file. */
bool reopen_same_handle(const struct reopen *a, const struct reopen *b);

/* reopen_handles_work() - whether handles of the filesystem of @top_fd exist and can be opened,
 * which takes CAP_DAC_READ_SEARCH. */
bool reopen_handles_work(int top_fd);

#endif
