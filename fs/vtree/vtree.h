/* fs/vtree/vtree.h - a tree of virtual files: fs/control/ provides one, fs/fuse/ serves it,
 * fs/main.c joins the two. */
#ifndef DEPFS_VTREE_VTREE_H
#define DEPFS_VTREE_VTREE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "crypto/base/actor.h"

#define VTREE_ROOT 1 /* node number of the control directory itself */

/*
 * A node number is valid while the file or folder exists; afterwards -ESTALE or -ENOENT. A tree may
 * be used from many threads. Calls marked (may block) ask vaults or the disk and are made from
 * threads that serve no files; all others answer from memory. All return 0 or a count, or a
 * negative errno.
 */
struct vtree_attr {
	uint64_t node;
	mode_t mode; /* type and permissions */
	uid_t uid;
	gid_t gid;
	/* 0, as in procfs, where content is made at open: tar(1), rsync(1) and tail(1) trust any
	 * other size, and report a file that shrank, or cut it */
	off_t size;
	nlink_t nlink;
	/* writes so far to the file, or to it and others. With write-back the kernel believes its
	 * own size of a regular file, which after a write is the command's length; so each lookup
	 * after a write has to find another node. */
	uint32_t epoch;
	struct timespec mtime;
};

/* One open file or folder. Content is printed at open; a write is one command; a read after a write
 * shows its answer. */
struct vtree_file;

/* vtree_fill_fn: called for each entry; non-zero: the buffer is full, stop. */
typedef int (*vtree_fill_fn)(void *arg, const char *name, const struct vtree_attr *attr,
			     uint64_t next_off);

struct vtree_ops {
	int (*lookup)(void *tree, uint64_t parent, const char *name, struct vtree_attr *ret_attr);
	int (*getattr)(void *tree, uint64_t node, struct vtree_attr *ret_attr);
	/* (may block): the listing of mailboxes/ reads a folder. @off: 0, or a next_off given
	 * before, good for as long as the tree lives. "." and ".." are listed, ".." of the root as
	 * the root itself. @fill is called with no lock held. */
	int (*readdir)(void *tree, uint64_t node, uint64_t off, vtree_fill_fn fill, void *arg);

	int (*open)(void *tree, uint64_t node, int flags, const struct actor *actor,
		    struct vtree_file **ret_file);				 /* (may block) */
	ssize_t (*read)(struct vtree_file *f, char *buf, size_t len, off_t off); /* (may block) */
	ssize_t (*write)(struct vtree_file *f, const char *buf, size_t len, off_t off,
			 const struct actor *actor); /* (may block) */
	void (*release)(struct vtree_file *f);
	/* Returns the events that are ready now (POLLIN | POLLOUT ...). @notify is kept and called
	 * once when that may have changed, and @drop once when it is no longer kept: after notify,
	 * at the next poll of this file, at release, or at once when nothing will ever change.
	 * @notify NULL: none is kept. Both are called with no lock held, from any thread. */
	unsigned (*poll)(struct vtree_file *f, void (*notify)(void *arg), void (*drop)(void *arg),
			 void *arg);

	void (*quiet)(void *tree); /* when it returns, no notify() runs, nor will */

	int (*mkdir)(void *tree, uint64_t parent, const char *name, const struct actor *actor,
		     struct vtree_attr *ret_attr); /* (may block) */
	int (*rmdir)(void *tree, uint64_t parent, const char *name,
		     const struct actor *actor); /* (may block) */
	int (*rename)(void *tree, uint64_t parent, const char *name, uint64_t new_parent,
		      const char *new_name, const struct actor *actor); /* (may block) */
	/* The caller answers truncation: to 0 before a write, as `echo >` does, it is accepted and
	 * ignored; other sizes -EINVAL; chmod, chown -EPERM. */
};

#endif
