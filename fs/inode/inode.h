/* fs/inode/inode.h - backing inodes the kernel knows: lookup counts and a bounded set of
 * descriptors. */
#ifndef DEPFS_INODE_INODE_H
#define DEPFS_INODE_INODE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/base/err.h"
#include "crypto/base/fdpath.h"
#include "fs/policy/scope.h"

struct file;

/*
 * One node for each (device, inode number), so that hard links agree. 100,000 of them fit in well
 * under 64 MiB: what an open file needs hangs off `file`. Files and folders that somebody who
 * writes to the store has put into another scope as well, by a link, a move or a mount, have a node
 * for each: that of a file does not open, since its header is of one scope.
 */
struct inode {
	struct inode *hash_next;
	struct inode *lru_prev, *lru_next; /* those with a cached descriptor */
	dev_t dev;
	ino_t ino;
	uint64_t nlookup;      /* the kernel's references */
	uint32_t holds;	       /* open handles and children that reopen through it */
	uint32_t pins;	       /* users of fd right now; above zero it is not closed */
	int fd;		       /* O_PATH, or -1 */
	uint16_t type;	       /* S_IFMT bits; constant */
	bool keep_fd;	       /* cannot be reopened: unlinked, or on another device */
	bool gone;	       /* another file has its number by now; nobody finds it any more */
	bool moved;	       /* the job has yet to come to it; guarded by visits */
	bool due;	       /* and it lay where a renewal was asked for; the same */
	uint32_t walked;       /* folder: the pass that has been through it; the same */
	struct reopen *reopen; /* how to get fd back: file handle, or parent and name */
	const struct scope *_Atomic scope; /* folder: of what lies in it; else: its own. Changes
					      under the lock of open content */
	struct file *file;		   /* content while open; guarded by the stripe */
	_Atomic uint32_t policy_tag; /* of the policy its content was last seen under; 0: not opened
					yet, or the service key */
}; /* all but type, scope, file, moved, due, walked, policy_tag: guarded by inode_table.lock */

/* inode_tag_of() - ids are random: a few bytes tell policies apart well enough to look closer. */
static inline uint32_t inode_tag_of(const uint8_t policy_id[static UUID_LEN])
{
	uint32_t tag;

	memcpy(&tag, policy_id, sizeof(tag));
	return tag;
}

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
 * @parent, @name: where it was found; @scope: of its node there
 * Return: 0; -ENOMEM.
 */
int inode_ref(struct inode_table *t, int fd, const struct stat *st, struct inode *parent,
	      const char *name, const struct scope *scope, struct inode **ret_inode) MUST_CHECK;
void inode_forget(struct inode_table *t, struct inode *i, uint64_t n);
void inode_hold(struct inode_table *t, struct inode *i);
void inode_unhold(struct inode_table *t, struct inode *i);
/* inode_find() - a known node, held; NULL: the kernel does not know it. */
struct inode *inode_find(struct inode_table *t, dev_t dev, ino_t ino);

/* inode_fd() - its O_PATH descriptor, pinned until inode_fd_done(). -ESTALE: it is gone; -EMFILE
 * ... */
int inode_fd(struct inode_table *t, struct inode *i, int *ret_fd) MUST_CHECK;
void inode_fd_done(struct inode_table *t, struct inode *i);
/* inode_keep_fd() - before its last name goes: the descriptor must not be closed any more. */
void inode_keep_fd(struct inode_table *t, struct inode *i);
/* inode_unkeep_fd() - its name stayed after all: the descriptor may be closed again. */
void inode_unkeep_fd(struct inode_table *t, struct inode *i);
/* inode_moved() - it has a new name; for tables without file handles. */
void inode_moved(struct inode_table *t, struct inode *i, struct inode *parent, const char *name);

/* inode_stripe() - the lock that guards i->file and i->scope. */
pthread_mutex_t *inode_stripe(struct inode_table *t, const struct inode *i);

/* inode_table_tagged() - every node with that tag, held; *ret_nodes is malloc'ed. -ENOMEM. */
int inode_table_tagged(struct inode_table *t, uint32_t tag, struct inode ***ret_nodes,
		       size_t *ret_count) MUST_CHECK;

unsigned inode_table_count(struct inode_table *t);

#endif
