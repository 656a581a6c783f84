/* fs/content/file.h - the content of an open file: header, data key, size and holes, shared by all
 * handles. */
#ifndef DEPFS_CONTENT_FILE_H
#define DEPFS_CONTENT_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "crypto/block.h"
#include "fs/content/file_lock.h"
#include "fs/content/holes.h"
#include "fs/fuse/session.h"
#include "fs/inode/inode.h"

/* Whether a call may wait for a vault; those that may not answer -EINPROGRESS instead. */
enum blocking {
	NEVER_BLOCK,
	MAY_BLOCK
};

/* On whose behalf, and how long to wait. */
struct request {
	enum blocking blocking;
	enum request_class class;
	bool in_page; /* for the kernel's page cache, which all handles of the file share */
	struct key_wait wait;
};

enum budget_told {
	TOLD_NOTHING,
	TOLD_LOW,
	TOLD_USED_UP
};

/*
 * Whether content may be used, and who moves it on:
 *
 *   open      the data key is in memory                       revoke.c, when its policy is denied
 *   draining  the same; dirty pages are written until         revoke.c, when the kernel has no page
 *             drain_until_ms, everything else is refused      of it left
 *   revoked   no data key but while a system request uses it  file_enter(), when access is back
 *
 * In the last two nothing may enter the page cache, not even for a system request: programs that
 * opened the file before the denial still have their handles and mappings.
 */
enum content_state {
	CONTENT_OPEN,
	CONTENT_DRAINING,
	CONTENT_REVOKED
};

/*
 * One for each open inode. `size` changes under the write lock and is read anywhere; the rest is
 * guarded by the lock. The ciphertext descriptor is read-write and never O_APPEND: the kernel's
 * write-back reads what a program opened for writing only.
 */
struct file {
	struct file_lock lock;
	struct inode *inode;
	int fd;
	bool writable;
	bool published;		  /* others can find it; constant from then on */
	unsigned opens;		  /* guarded by the inode's stripe */
	struct file *tally_next;  /* of those that may change; guarded by the tally, as */
	struct file **tally_link; /* what points here; NULL: not in the list */
	_Atomic unsigned handles; /* of programs */
	_Atomic unsigned writers; /* of those, that may leave unwritten pages in the kernel */
	_Atomic uint64_t size;
	struct header hdr;
	bool header_dirty;   /* must reach the disk before the next block does */
	bool holes_changed;  /* the declaration may be wider than the truth */
	struct holes holes;  /* unused once the loose flag is set */
	struct dek *dek;     /* NULL: revoked */
	struct dek *old_dek; /* there while dek is and it is renewed: keys.h, as what follows */
	bool renewing;	     /* its record is held */
	uint8_t old_id[FILE_ID_LEN];
	uint64_t renewed_to;	/* blocks below are under the new key */
	uint64_t budget_used;	/* block writes so far; hdr.budget is what is reserved */
	unsigned moving, moves; /* renames across scopes: under way, and begun so far */
	enum budget_told told;	/* what events have said of it since it was opened */
	uint64_t unsynced;	/* reserved since the header was last known durable */
	_Atomic int state;	/* enum content_state; changes under the write lock */
	unsigned lent;		/* system requests that use the key of revoked content */
	_Atomic uint64_t drain_until_ms;
	_Atomic uint64_t flushed, lost; /* bytes of dirty pages, while draining */
	_Atomic uint64_t epoch; /* engine_epoch() in which hdr.ref was found to be the target */
};

/* request_kek() - the wrapping key that a header or a target names: peeked at, or waited for.
 * Errors of keyring_peek() and keyring_get(). */
int request_kek(struct session *s, const struct wrap_ref *ref, const struct request *rq,
		struct wrap_key **ret_kek) MUST_CHECK;

/**
 * file_get() - open an inode's content, or count one more user of it
 * @flags: open(2) flags: O_TRUNC makes it empty under a fresh data key, and needs nothing to be
 * readable Return: 0; -EINPROGRESS (NEVER_BLOCK); -EKEYREVOKED and others of keyring_get(); -EIO:
 * damaged, an event names it; -EROFS, -EACCES ... of open(2).
 */
int file_get(struct session *s, struct inode *i, int flags, const struct request *rq,
	     struct file **ret_file) MUST_CHECK;
/* file_put() - the last one writes back what the header should say, and wipes the key. Returns that
 * write's errno. */
int file_put(struct session *s, struct file *f);

struct fresh;

/* file_adopt() - open content from what was just written to @fd (consumed on success). */
int file_adopt(struct session *s, struct inode *i, struct fresh *n, int fd,
	       struct file **ret_file) MUST_CHECK;

/**
 * file_authorise() - whether a request may open content that is already open
 * An open file keeps its data key; what keeps others out is this question for the policy's key.
 * Return: as keyring_peek() and keyring_get().
 */
int file_authorise(struct session *s, struct file *f, const struct request *rq) MUST_CHECK;

/**
 * file_enter() - before content is used, by a handle or not; file_leave() after it
 * One atomic load while the policy is not denied; else the policy's key is asked for again, and the
 * data key opened from the header: for good where users may have it, for this request where only
 * the system may. Takes the lock. *ret_lent: for file_leave(), which does nothing without it.
 * Return: 0; -EKEYREVOKED and others of keyring_peek() and keyring_get(); -EIO: the data key does
 * not open.
 */
int file_enter(struct session *s, struct file *f, const struct request *rq,
	       bool *ret_lent) MUST_CHECK;
void file_leave(struct file *f, bool lent);

/* file_forget_key_locked() - wipes the data key of revoked content that nobody uses; what its
 * header has yet to say goes to the disk first. Returns how many there were: two while it is
 * renewed. Expects the write lock. */
unsigned file_forget_key_locked(struct file *f);

/**
 * file_tag_locked() - content is about to be under @ref: told to revoke.c before it is asked
 * whether that policy is denied, so that of a denial and this one always sees the other Expects the
 * stripe, or the write lock of content that is published. Return: whether it is denied.
 */
bool file_tag_locked(struct session *s, struct file *f, const struct wrap_ref *ref);

/* file_start_over() - truncate to nothing: fresh key, fresh header; the old content need not be
 * readable. */
int file_start_over(struct session *s, struct file *f, const struct request *rq) MUST_CHECK;

/**
 * file_rewrap_if_due() - put the data key under the policy in force, in memory; the next write to
 * disk carries the header. Call before a write, without locks.
 */
int file_rewrap_if_due(struct session *s, struct file *f, const struct request *rq) MUST_CHECK;
/* file_rewrap_now() - the header for @target on disk, whatever is in force; mtime stays. */
int file_rewrap_now(struct session *s, struct file *f, const struct wrap_ref *target,
		    const struct request *rq) MUST_CHECK;
/*
 * file_move_begin() - before a rename across scopes: its intent names the file by @ret_id, so that
 * stays until file_move_end()
 */
void file_move_begin(struct file *f, uint8_t ret_id[static FILE_ID_LEN]);
void file_move_end(struct file *f);
/* file_move_scope() - the header for another scope, on disk; before a rename across scopes. */
int file_move_scope(struct session *s, struct file *f, const struct scope *to,
		    const struct request *rq) MUST_CHECK;

/* file_write_header_locked() - replaces the header in block 0, the data in it byte for byte as it
 * was. Keeps mtime when @keep_times. Expects the write lock. */
int file_write_header_locked(struct file *f, bool keep_times) MUST_CHECK;
/* file_encode_header_locked() - the bytes for the head of block 0; the caller writes them. */
int file_encode_header_locked(struct file *f, uint8_t out[static HEADER_LEN]) MUST_CHECK;
/* file_reserve_locked() - room in the budget for @blocks more block writes; -ENOSPC at 2^32. An
 * event asks for a renewal near the limit, and at it. */
int file_reserve_locked(struct session *s, struct file *f, uint64_t blocks,
			bool with_block0) MUST_CHECK;

int file_sync(struct file *f, bool data_only) MUST_CHECK;
int file_flush_header(struct file *f) MUST_CHECK; /* when the last writer leaves */

/* file_damage() - an event that names the file; gives -EIO. */
int file_damage(struct session *s, int fd, uint64_t block_no, const char *what);

/* file_budget_event() - one that asks to renew the file, and says why. */
void file_budget_event(struct session *s, int fd, const char *event, uint64_t used);

/* file_event() - an event that names the file and one number: its size, its budget, .... */
void file_event(struct session *s, int fd, const char *event, uint64_t number);

#endif
