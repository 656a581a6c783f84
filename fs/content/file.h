/* fs/content/file.h - the content of an open file: header, data key, size and holes, shared by all
 * handles. */
#ifndef DEPFS_CONTENT_FILE_H
#define DEPFS_CONTENT_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "crypto/block.h"
#include "crypto/header.h"
#include "fs/content/file_lock.h"
#include "fs/content/holes.h"
#include "fs/content/request.h"
#include "fs/content/volume.h"
#include "fs/inode/inode.h"

/* What events have reported of a file's write budget. */
enum budget_report {
	REPORTED_NOTHING,
	REPORTED_LOW,
	REPORTED_USED_UP
};

/*
 * Whether content may be used, and what moves it on:
 *
 *   open      the data key is in memory                       drain_begin_locked(), when its policy
 *                                                             is denied
 *   draining  the data key is in memory; dirty pages are      drain_finish(), when the kernel has
 *             written until drain_until_ms, all else refused  no page of the file left
 *   revoked   no data key but while a system request uses it  file_enter(), when access is back
 *
 * While it is draining or revoked nothing may enter the page cache, not even for a system request:
 * programs that opened the file before the denial still have their handles and mappings.
 */
enum content_state {
	CONTENT_OPEN,
	CONTENT_DRAINING,
	CONTENT_REVOKED
};

/*
 * One for each open inode. `size` changes under the write lock and is read anywhere; the rest is
 * guarded by the lock. The ciphertext descriptor is read-write, because the kernel's write-back
 * reads blocks of a file that a program opened for writing only, and never O_APPEND, with which
 * pwrite(2) ignores its offset on Linux.
 */
struct file {
	struct file_lock lock;
	struct inode *inode;
	int fd;
	bool writable;
	bool published; /* other threads can find it; constant from then on */
	unsigned opens; /* guarded by the inode's stripe */
	/* list of files that may change, guarded by the lock of usage.c */
	struct file *usage_next;
	struct file **usage_link; /* what points here; NULL: not in the list */
	_Atomic unsigned handles; /* of programs */
	_Atomic unsigned writers; /* handles for writing: the kernel may hold dirty pages */
	_Atomic uint64_t size;
	struct header hdr;
	bool header_dirty;	     /* must reach the disk before the next block does */
	bool holes_changed;	     /* hdr.holes may cover more than holes */
	struct holes holes;	     /* unused once the loose flag is set */
	struct dek *dek;	     /* NULL: wiped, its policy is denied */
	struct dek *old_dek;	     /* set with dek while the file is renewed (keys_internal.h) */
	bool renewing;		     /* the file is renewed, and the record of that is held */
	uint8_t old_id[FILE_ID_LEN]; /* file id that belongs to old_dek */
	uint64_t renewed_to;	     /* blocks below are under the new key */
	uint64_t budget_used;	     /* block writes so far; hdr.budget is what is reserved */
	unsigned moving, moves;	     /* renames across scopes: under way, and begun so far */
	enum budget_report budget_report; /* what events have reported since it was opened */
	uint64_t unsynced;  /* block writes reserved since the header was last durable */
	_Atomic int state;  /* enum content_state; changes under the write lock */
	unsigned borrowers; /* system requests that use the key of revoked content */
	_Atomic uint64_t drain_until_ms;
	_Atomic uint64_t flushed, lost; /* bytes of dirty pages while it drains */
	_Atomic uint64_t epoch; /* targets_epoch() in which hdr.ref was compared to the target */
};

struct new_file;

/**
 * file_get() - open an inode's content, or count one more user of it
 * @flags: open(2) flags: O_TRUNC makes it empty under a new data key, without reading what is there
 * Return: 0; -EINPROGRESS (NEVER_BLOCK); -EKEYREVOKED and others of keyring_get(); -EIO: damaged,
 * an event names it; -EROFS, -EACCES ... of open(2).
 */
int file_get(struct volume *v, struct inode *i, int flags, const struct request *rq,
	     struct file **ret_file) MUST_CHECK;
/* file_put() - drops one use; the last one writes a header that is behind, and frees the content
 * with its key. Returns 0, or the errno of that write. */
int file_put(struct volume *v, struct file *f);

/* file_take_over() - opens the content of a file that new_file_write() just wrote to @fd; @fd and
 * the key of @n are consumed on success. */
int file_take_over(struct volume *v, struct inode *i, struct new_file *n, int fd,
		   struct file **ret_file) MUST_CHECK;

#endif
