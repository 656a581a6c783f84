#include "file_lock.h"

void file_lock_init(struct file_lock *l)
{
	*l = (struct file_lock){0};
	(void)pthread_mutex_init(&l->mutex, NULL); /* default attributes cannot fail on Linux */
	(void)pthread_cond_init(&l->cond, NULL);
}

void file_lock_fini(struct file_lock *l)
{
	(void)pthread_cond_destroy(&l->cond);
	(void)pthread_mutex_destroy(&l->mutex);
}

void file_lock_read(struct file_lock *l)
{
	pthread_mutex_lock(&l->mutex);
	l->readers_waiting++;
	while (l->writing || l->writers_waiting)
		pthread_cond_wait(&l->cond, &l->mutex);
	l->readers_waiting--;
	l->readers++;
	pthread_mutex_unlock(&l->mutex);
}

void file_unlock_read(struct file_lock *l)
{
	pthread_mutex_lock(&l->mutex);
	if (--l->readers == 0)
		pthread_cond_broadcast(&l->cond);
	pthread_mutex_unlock(&l->mutex);
}

void file_lock_write(struct file_lock *l)
{
	pthread_mutex_lock(&l->mutex);
	l->writers_waiting++;
	while (l->writing || l->readers)
		pthread_cond_wait(&l->cond, &l->mutex);
	l->writers_waiting--;
	l->writing = true;
	pthread_mutex_unlock(&l->mutex);
}

void file_unlock_write(struct file_lock *l)
{
	pthread_mutex_lock(&l->mutex);
	l->writing = false;
	pthread_cond_broadcast(&l->cond);
	pthread_mutex_unlock(&l->mutex);
}

bool file_lock_wanted(struct file_lock *l)
{
	bool wanted;

	pthread_mutex_lock(&l->mutex);
	wanted = l->readers_waiting || l->writers_waiting || l->announced;
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

static bool announced_below(const struct file_lock *l, uint64_t off)
{
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
		 * on. */
		bool gap = a->off > *size && announced_below(l, a->off),
		     busy = l->writing || l->readers;

		if (!gap && !busy)
			break;
		/* A wait for others' data must let readers in: sealing that data takes the lock for
		 * reading. */
		l->writers_waiting += !gap;
		pthread_cond_wait(&l->cond, &l->mutex);
		l->writers_waiting -= !gap;
		if (!gap)
			pthread_cond_broadcast(
				&l->cond); /* readers that saw the count look again */
	}
	withdraw(l, a);
	l->writing = true;
	pthread_mutex_unlock(&l->mutex);
}
