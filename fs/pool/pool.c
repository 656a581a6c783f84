#include "fs/pool/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "crypto/base/clock.h"

#define IDLE_MS 10000u /* a thread without a task ends after this */

struct task {
	struct task *next;
	void (*fn)(void *arg);
	void *arg;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t work, gone;
	struct task *first, **last; /* guarded by lock, as all below */
	unsigned queued, idle, threads, threads_max;
	bool closing;
	unsigned ended_count;
	pthread_t ended[]; /* [threads_max]: ended or about to end, to be joined */
};

static struct task *take_locked(struct pool *p)
{
	struct task *t = p->first;

	if (t) {
		p->first = t->next;
		p->queued--;
		if (!p->first)
			p->last = &p->first;
	}
	return t;
}

/* Waits for a task. NULL: none came in time, or the pool closes: the thread must end. */
static struct task *next_task(struct pool *p)
{
	uint64_t until_ms = clock_now_ms() + IDLE_MS;
	struct task *t;

	pthread_mutex_lock(&p->lock);
	p->idle++;
	while (!(t = take_locked(p)) && !p->closing)
		if (clock_cond_wait(&p->work, &p->lock, until_ms) == -ETIMEDOUT) {
			t = take_locked(p);
			break;
		}
	p->idle--;
	if (!t) {
		p->ended[p->ended_count++] = pthread_self();
		if (--p->threads == 0)
			pthread_cond_broadcast(&p->gone);
	}
	pthread_mutex_unlock(&p->lock);
	return t;
}

static void *pool_thread(void *arg)
{
	struct pool *p = arg;

	for (struct task *t; (t = next_task(p));) {
		t->fn(t->arg);
		free(t);
	}
	return NULL;
}

/* Ended threads do not take the lock again, so they can be joined under it; joining frees their
 * thread-specific data. */
static void join_ended_locked(struct pool *p)
{
	while (p->ended_count)
		(void)pthread_join(p->ended[--p->ended_count], NULL); /* each is joined once */
}

static int start_thread_locked(struct pool *p)
{
	pthread_t id;

	join_ended_locked(p); /* so that running and ended threads never exceed threads_max */
	return -pthread_create(&id, NULL, pool_thread, p);
}

int pool_run(struct pool *p, void (*fn)(void *arg), void *arg)
{
	struct task *t = malloc(sizeof(*t));
	int r = 0;

	if (!t)
		return -ENOMEM;
	*t = (struct task){.fn = fn, .arg = arg};
	pthread_mutex_lock(&p->lock);
	if (p->queued >= p->idle) { /* every idle thread has its task already */
		if (p->threads == p->threads_max)
			r = -EAGAIN;
		else
			r = start_thread_locked(p);
		p->threads += r == 0;
	}
	if (r == 0) {
		*p->last = t;
		p->last = &t->next;
		p->queued++;
		pthread_cond_signal(&p->work);
	}
	pthread_mutex_unlock(&p->lock);
	if (r < 0)
		free(t);
	return r;
}

unsigned pool_busy(struct pool *p)
{
	unsigned busy;

	pthread_mutex_lock(&p->lock);
	/* A thread that was started for a queued task is not idle before it first looks for a
	 * task. */
	busy = p->threads - p->idle;
	busy = busy > p->queued ? busy : p->queued;
	pthread_mutex_unlock(&p->lock);
	return busy;
}

int pool_new(unsigned threads_max, struct pool **ret_pool)
{
	struct pool *p = calloc(1, sizeof(*p) + threads_max * sizeof(*p->ended));

	if (!p)
		return -ENOMEM;
	(void)pthread_mutex_init(&p->lock, NULL); /* default attributes cannot fail on Linux */
	(void)pthread_cond_init(&p->work, NULL);
	(void)pthread_cond_init(&p->gone, NULL);
	p->last = &p->first;
	p->threads_max = threads_max;
	*ret_pool = p;
	return 0;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	pthread_cond_broadcast(&p->work);
	while (p->threads)
		pthread_cond_wait(&p->gone, &p->lock);
	join_ended_locked(p);
	pthread_mutex_unlock(&p->lock);
	(void)pthread_cond_destroy(&p->work);
	(void)pthread_cond_destroy(&p->gone);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}
