/* fs/inode/inode.h - the backing inodes that the kernel knows: lookup counts, and a bounded set of
 * descriptors. */
#ifndef DEPFS_INODE_INODE_H
#define DEPFS_INODE_INODE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"
#include "crypto/base/hash.h"

struct file;
struct scope;

/*
 * One node for each (device, inode number), so that hard links agree. 100,000 nodes fit in well
 * under 64 MiB, because what an open file needs hangs off `file`. A file or folder that was put
 * into a second scope in the store itself (by a link, a move or a mount below this one) has a node
 * for each scope; a file opens by one of them alone, since its header names one scope.
 *
 * Guarded by inode_table.lock, except: `type` is constant; `file`, by the stripe; `scope` of an
 * open file changes under the stripe's or the content's write lock; `walk_*`, by fs/walk/queue.c;
 * `policy_tag` is atomic.
 */
struct inode {
	struct hash_entry entry;	   /* of the table, by dev and ino */
	struct inode *lru_prev, *lru_next; /* ring of nodes with a cached descriptor */
	dev_t dev;
	ino_t ino;
	uint64_t nlookup;      /* the kernel's references */
	uint32_t holds;	       /* references of this daemon: open content, children, callers */
	uint32_t pins;	       /* users of fd right now; above zero it is not closed */
	int fd;		       /* O_PATH, or -1 */
	uint16_t type;	       /* S_IFMT bits */
	bool keep_fd;	       /* cannot be reopened: unlinked, or on another device */
	bool stale;	       /* another file has its number now: it is not found any more */
	bool walk_queued;      /* in the walk's queue: it moved while a job ran */
	bool walk_due;	       /* with walk_queued: it lay where a renewal was asked for */
	uint32_t walk_pass;    /* folder: the last pass that went through it */
	struct reopen *reopen; /* how to open fd again: file handle, or parent and name */
	const struct scope *_Atomic scope; /* of a folder: the scope of what lies in it */
	struct file *file;		   /* open content (fs/content/file.h), or NULL */
	_Atomic uint32_t policy_tag;	   /* fs/content/access.h; 0: never opened, or under
					      the service key */
};

struct inode_table;

/**
 * inode_table_new() - with the root inode, whose descriptor is @top_fd (borrowed)
 * @fd_max: cached O_PATH descriptors. File handles (name_to_handle_at) are used where the process
 * may open them, else a closed descriptor is found again by parent and name.
 */
int inode_table_new(int top_fd, const struct scope *root_scope, unsigned fd_max,
		    struct inode_table **ret_table, struct err *err) MUST_CHECK;
void inode_table_free(struct inode_table *t);
struct inode *inode_root(struct inode_table *t);

/**
 * inode_ref() - the node of an O_PATH descriptor, with one more lookup count
 * @fd: consumed whatever the outcome
 * @parent, @name: where the file was found; @scope: the scope that its node has there
 * Return: 0; -ENOMEM.
 */
int inode_ref(struct inode_table *t, int fd, const struct stat *st, struct inode *parent,
	      const char *name, const struct scope *scope, struct inode **ret_inode) MUST_CHECK;
void inode_forget(struct inode_table *t, struct inode *i, uint64_t n);
void inode_hold(struct inode_table *t, struct inode *i);
void inode_unhold(struct inode_table *t, struct inode *i);
/* inode_find() - a node of the table, with one more hold; NULL: no such node. */
struct inode *inode_find(struct inode_table *t, dev_t dev, ino_t ino);

/* inode_fd() - the O_PATH descriptor of @i, pinned until inode_fd_done(). -ESTALE: the file is
 * gone; -EMFILE and others of openat(2). */
int inode_fd(struct inode_table *t, struct inode *i, int *ret_fd) MUST_CHECK;
void inode_fd_done(struct inode_table *t, struct inode *i);
/* inode_keep_fd() - before the last name is removed: the descriptor cannot be opened again
 * afterwards. */
void inode_keep_fd(struct inode_table *t, struct inode *i);
/* inode_unkeep_fd() - the removal failed: the descriptor may be closed again. */
void inode_unkeep_fd(struct inode_table *t, struct inode *i);
/* inode_moved() - @i has a new name, by which a table without file handles reopens it. */
void inode_moved(struct inode_table *t, struct inode *i, struct inode *parent, const char *name);

/* inode_stripe() - the lock of i->file: one of 256, by device and inode number. */
pthread_mutex_t *inode_stripe(struct inode_table *t, const struct inode *i);

/* inode_table_tagged() - every node with that policy_tag, each with one more hold; *ret_nodes is
 * malloc'ed. -ENOMEM. */
int inode_table_tagged(struct inode_table *t, uint32_t tag, struct inode ***ret_nodes,
		       size_t *ret_count) MUST_CHECK;

unsigned inode_table_count(struct inode_table *t);

#endif
