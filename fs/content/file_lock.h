/* fs/content/file_lock.h - the lock of a file: readers share it, writers alternate, and appends
 * keep their order. */
#ifndef DEPFS_CONTENT_FILE_LOCK_H
#define DEPFS_CONTENT_FILE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A write adds its range to the pending ones before it encrypts, which it does without the lock. A
 * write that would leave a gap behind the end waits while one below it is pending: the kernel's
 * write-back hands out neighbouring ranges to several threads, and without this rule each race
 * would declare a hole.
 */
struct file_lock {
	pthread_mutex_t mutex;
	pthread_cond_t cond; /* readers, and writers that would leave a gap */
	unsigned readers, readers_waiting;
	struct waiter *first, **last; /* writers that wait, which go before readers */
	bool writing;
	struct pending_write *pending; /* in any order; guarded by mutex */
};

struct pending_write {
	struct pending_write *next;
	uint64_t off;
};

void file_lock_init(struct file_lock *l);
void file_lock_fini(struct file_lock *l);

void file_lock_read(struct file_lock *l);
void file_unlock_read(struct file_lock *l);
void file_lock_write(struct file_lock *l);
void file_unlock_write(struct file_lock *l);

/* file_lock_wanted() - whether a thread waits for the lock, or a write is pending. */
bool file_lock_wanted(struct file_lock *l);

void file_lock_add_pending(struct file_lock *l, struct pending_write *p, uint64_t off);
/* file_lock_write_pending() - as file_lock_write(), and removes @p from the pending writes; @size,
 * the content's, is read under the mutex. */
void file_lock_write_pending(struct file_lock *l, struct pending_write *p,
			     const _Atomic uint64_t *size);

#endif
