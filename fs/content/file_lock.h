/* fs/content/file_lock.h - readers share a file, writers alternate, and appends keep their order.
 */
#ifndef DEPFS_CONTENT_FILE_LOCK_H
#define DEPFS_CONTENT_FILE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A write announces its range before it encrypts, outside the lock. One that would leave a gap
 * behind the end waits while an announced one below it is under way: the kernel's write-back hands
 * out neighbouring ranges to several threads, and without this rule each race would declare a hole.
 */
struct file_lock {
	pthread_mutex_t mutex;
	pthread_cond_t cond; /* readers, and writers that would leave a gap */
	unsigned readers, readers_waiting;
	struct turn *first, **last; /* writers that wait; readers let them pass */
	bool writing;
	struct announced *announced; /* guarded by mutex */
};

struct announced {
	struct announced *next;
	uint64_t off;
};

void file_lock_init(struct file_lock *l);
void file_lock_fini(struct file_lock *l);

void file_lock_read(struct file_lock *l);
void file_unlock_read(struct file_lock *l);
void file_lock_write(struct file_lock *l);
void file_unlock_write(struct file_lock *l);

/* file_lock_wanted() - somebody waits for it. */
bool file_lock_wanted(struct file_lock *l);

void file_lock_announce(struct file_lock *l, struct announced *a, uint64_t off);
/* file_lock_write_at() - as file_lock_write(), and withdraws @a; @size is read under the lock. */
void file_lock_write_at(struct file_lock *l, struct announced *a, const _Atomic uint64_t *size);

#endif
