#include "fs/content/file_lock.h"

/* A writer that waits, on its stack. Each has a condition of its own: only one writer can go on at
 * a time, and glibc before 2.42 may lose a signal where many wait for one condition (its bug
 * 25847). */
struct waiter {
	struct waiter *next;
	pthread_cond_t cond;
};

void file_lock_init(struct file_lock *l)
{
	*l = (struct file_lock){.last = &l->first};
	(void)pthread_mutex_init(&l->mutex, NULL); /* default attributes cannot fail on Linux */
	(void)pthread_cond_init(&l->cond, NULL);
}

void file_lock_fini(struct file_lock *l)
{
	(void)pthread_cond_destroy(&l->cond);
	(void)pthread_mutex_destroy(&l->mutex);
}

/* Wakes the first writer, all readers, and writers that wait for a gap to be filled. */
static void wake_locked(struct file_lock *l)
{
	if (l->first)
		pthread_cond_signal(&l->first->cond);
	pthread_cond_broadcast(&l->cond);
}

void file_lock_read(struct file_lock *l)
{
	pthread_mutex_lock(&l->mutex);
	l->readers_waiting++;
	while (l->writing || l->first)
		pthread_cond_wait(&l->cond, &l->mutex);
	l->readers_waiting--;
	l->readers++;
	pthread_mutex_unlock(&l->mutex);
}

void file_unlock_read(struct file_lock *l)
{
	pthread_mutex_lock(&l->mutex);
	if (--l->readers == 0)
		wake_locked(l);
	pthread_mutex_unlock(&l->mutex);
}

/* Queues this thread as a writer until it is woken once; readers that come later wait behind it. */
static void wait_as_writer_locked(struct file_lock *l)
{
	struct waiter mine = {.cond = PTHREAD_COND_INITIALIZER}, **at = &l->first;

	*l->last = &mine;
	l->last = &mine.next;
	pthread_cond_wait(&mine.cond, &l->mutex);
	while (*at != &mine)
		at = &(*at)->next;
	*at = mine.next;
	if (!mine.next)
		l->last = at;
	(void)pthread_cond_destroy(&mine.cond); /* off the list: no thread can signal it */
}

void file_lock_write(struct file_lock *l)
{
	pthread_mutex_lock(&l->mutex);
	while (l->writing || l->readers)
		wait_as_writer_locked(l);
	l->writing = true;
	pthread_mutex_unlock(&l->mutex);
}

void file_unlock_write(struct file_lock *l)
{
	pthread_mutex_lock(&l->mutex);
	l->writing = false;
	wake_locked(l);
	pthread_mutex_unlock(&l->mutex);
}

bool file_lock_wanted(struct file_lock *l)
{
	bool wanted;

	pthread_mutex_lock(&l->mutex);
	wanted = l->readers_waiting || l->first || l->pending;
	pthread_mutex_unlock(&l->mutex);
	return wanted;
}

void file_lock_add_pending(struct file_lock *l, struct pending_write *p, uint64_t off)
{
	pthread_mutex_lock(&l->mutex);
	*p = (struct pending_write){.next = l->pending, .off = off};
	l->pending = p;
	pthread_mutex_unlock(&l->mutex);
}

/* Whether a write would leave a gap behind the end that a pending write at a lower offset may
 * fill. */
static bool leaves_gap(const struct file_lock *l, uint64_t off, const _Atomic uint64_t *size)
{
	if (off <= *size)
		return false;
	for (const struct pending_write *p = l->pending; p; p = p->next)
		if (p->off < off)
			return true;
	return false;
}

static void remove_pending(struct file_lock *l, const struct pending_write *p)
{
	struct pending_write **at = &l->pending;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
}

void file_lock_write_pending(struct file_lock *l, struct pending_write *p,
			     const _Atomic uint64_t *size)
{
	pthread_mutex_lock(&l->mutex);
	for (;;) {
		/* The pending write with the lowest offset never waits for others, so one can
		 * always go on. A write that waits for the data of others is not queued as a
		 * writer, which would keep readers out: sealing that data takes the lock for
		 * reading. */
		if (leaves_gap(l, p->off, size)) {
			pthread_cond_wait(&l->cond, &l->mutex);
			continue;
		}
		if (!l->writing && !l->readers)
			break;
		wait_as_writer_locked(l);
		if (leaves_gap(l, p->off, size))
			wake_locked(l); /* truncated meanwhile: let the next waiter go on */
	}
	remove_pending(l, p);
	l->writing = true;
	pthread_mutex_unlock(&l->mutex);
}
