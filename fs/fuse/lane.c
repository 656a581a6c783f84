#include "fs/fuse/lane.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "crypto/base/clock.h"

#define IDLE_S 10 /* a thread without work leaves after this */

struct job {
	struct job *next;
	void (*fn)(void *arg);
	void *arg;
};

struct lane {
	pthread_mutex_t lock;
	pthread_cond_t work, gone;
	pthread_t done[LANE_THREADS_MAX]; /* have left, or are just leaving: to be joined */
	unsigned done_count;
	struct job *first, **last; /* guarded by lock, as all below */
	unsigned queued, idle, threads;
	bool closing;
};

static struct job *take_locked(struct lane *l)
{
	struct job *j = l->first;

	if (j) {
		l->first = j->next;
		l->queued--;
		if (!l->first)
			l->last = &l->first;
	}
	return j;
}

/* Waits for a job; NULL: none came, or the lane closes. */
static struct job *next_job(struct lane *l)
{
	uint64_t until_ms = clock_now_ms() + IDLE_S * 1000u;
	struct job *j;

	pthread_mutex_lock(&l->lock);
	l->idle++;
	while (!(j = take_locked(l)) && !l->closing)
		if (clock_cond_wait(&l->work, &l->lock, until_ms) == -ETIMEDOUT) {
			j = take_locked(l);
			break;
		}
	l->idle--;
	if (!j) {
		l->done[l->done_count++] = pthread_self();
		if (--l->threads == 0)
			pthread_cond_broadcast(&l->gone);
	}
	pthread_mutex_unlock(&l->lock);
	return j;
}

static void *lane_thread(void *arg)
{
	struct lane *l = arg;

	for (struct job *j; (j = next_job(l));) {
		j->fn(j->arg);
		free(j);
	}
	return NULL;
}

/* Those on the list need the lock no more; what a thread owns (its worker) is gone when it is
 * joined. */
static void join_done_locked(struct lane *l)
{
	while (l->done_count)
		(void)pthread_join(l->done[--l->done_count], NULL); /* each is joined once */
}

static int start_thread_locked(struct lane *l)
{
	pthread_t id;

	join_done_locked(l);
	return -pthread_create(&id, NULL, lane_thread, l);
}

int lane_run(struct lane *l, void (*fn)(void *arg), void *arg)
{
	struct job *j = malloc(sizeof(*j));
	int r = 0;

	if (!j)
		return -ENOMEM;
	*j = (struct job){.fn = fn, .arg = arg};
	pthread_mutex_lock(&l->lock);
	if (l->queued >= l->idle) { /* every idle thread has its job already */
		if (l->threads == LANE_THREADS_MAX)
			r = -EAGAIN;
		else
			r = start_thread_locked(l);
		l->threads += r == 0;
	}
	if (r == 0) {
		*l->last = j;
		l->last = &j->next;
		l->queued++;
		pthread_cond_signal(&l->work);
	}
	pthread_mutex_unlock(&l->lock);
	if (r < 0)
		free(j);
	return r;
}

int lane_new(struct lane **ret_lane)
{
	struct lane *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	(void)pthread_mutex_init(&l->lock, NULL); /* default attributes cannot fail on Linux */
	(void)pthread_cond_init(&l->work, NULL);
	(void)pthread_cond_init(&l->gone, NULL);
	l->last = &l->first;
	*ret_lane = l;
	return 0;
}

void lane_free(struct lane *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->closing = true;
	pthread_cond_broadcast(&l->work);
	while (l->threads)
		pthread_cond_wait(&l->gone, &l->lock);
	join_done_locked(l);
	pthread_mutex_unlock(&l->lock);
	(void)pthread_cond_destroy(&l->work);
	(void)pthread_cond_destroy(&l->gone);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}
