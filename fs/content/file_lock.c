#include "fs/content/file_lock.h"

/* A writer that waits, on its stack. Each has a condition of its own: one alone can go on, and
 * glibc before 2.42 may lose a signal where many wait for one condition (its bug 25847). */
struct turn {
	struct turn *next;
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

/* When nobody is inside. */
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

/* As a writer that nothing but those inside keeps out. */
static void wait_for_turn_locked(struct file_lock *l)
{
	struct turn mine = {.cond = PTHREAD_COND_INITIALIZER}, **at = &l->first;

	*l->last = &mine;
	l->last = &mine.next;
	pthread_cond_wait(&mine.cond, &l->mutex);
	while (*at != &mine)
		at = &(*at)->next;
	*at = mine.next;
	if (!mine.next)
		l->last = at;
	(void)pthread_cond_destroy(&mine.cond); /* nobody else knows it any more */
}

void file_lock_write(struct file_lock *l)
{
	pthread_mutex_lock(&l->mutex);
	while (l->writing || l->readers)
		wait_for_turn_locked(l);
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
	wanted = l->readers_waiting || l->first || l->announced;
	pthread_mutex_unlock(&l->mutex);
	return wanted;
}

void file_lock_announce(struct file_lock *l, struct announced *a, uint64_t off)
{
	pthread_mutex_lock(&l->mutex);
	*a = (struct announced){.next = l->announced, .off = off};
	l->announced = a;
	pthread_mutex_unlock(&l->mutex);
}

/* Whether a write would leave a gap behind the end that an announced one below it fills. */
static bool leaves_gap(const struct file_lock *l, uint64_t off, const _Atomic uint64_t *size)
{
	if (off <= *size)
		return false;
	for (const struct announced *a = l->announced; a; a = a->next)
		if (a->off < off)
			return true;
	return false;
}

static void withdraw(struct file_lock *l, const struct announced *a)
{
	struct announced **at = &l->announced;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
}

void file_lock_write_at(struct file_lock *l, struct announced *a, const _Atomic uint64_t *size)
{
	pthread_mutex_lock(&l->mutex);
	for (;;) {
		/* The lowest one announced never waits for others, so there is always one that goes
		 * on. A wait for others' data must let readers in: sealing that data takes the lock
		 * for reading. */
		if (leaves_gap(l, a->off, size)) {
			pthread_cond_wait(&l->cond, &l->mutex);
			continue;
		}
		if (!l->writing && !l->readers)
			break;
		wait_for_turn_locked(l);
		if (leaves_gap(l, a->off, size))
			wake_locked(l); /* cut meanwhile: somebody else, in its place */
	}
	withdraw(l, a);
	l->writing = true;
	pthread_mutex_unlock(&l->mutex);
}
