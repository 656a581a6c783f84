/* fs/keyring/threads.c - threads that are started for one call each, and joined. */
#include "fs/keyring/threads.h"

#include <errno.h>
#include <stdlib.h>

struct thread {
	struct thread *next; /* of those that are over */
	pthread_t id;
	struct threads *threads;
	void (*fn)(void *arg);
	void *arg;
};

static void *thread_main(void *arg)
{
	struct thread *self = arg;
	struct threads *t = self->threads;

	self->fn(self->arg);
	pthread_mutex_lock(&t->lock);
	self->next = t->over;
	t->over = self;
	t->running--;
	pthread_cond_broadcast(&t->ended);
	pthread_mutex_unlock(&t->lock); /* the last use of @t by this thread */
	return NULL;
}

/* pthread_join(3) returns after OpenSSL's per-thread data was freed, which happens when the thread
 * exits. */
static void join_over_locked(struct threads *t)
{
	while (t->over) {
		CLEANUP(free_mem_p) struct thread *thread = t->over;

		t->over = thread->next;
		(void)pthread_join(thread->id, NULL); /* each is joined once */
	}
}

void threads_init(struct threads *t)
{
	*t = (struct threads){0};
	(void)pthread_mutex_init(&t->lock, NULL); /* default attributes cannot fail on Linux */
	(void)pthread_cond_init(&t->ended, NULL);
}

int threads_run(struct threads *t, void (*fn)(void *arg), void *arg)
{
	CLEANUP(free_mem_p) struct thread *thread = malloc(sizeof(*thread));
	int r;

	if (!thread)
		return -ENOMEM;
	*thread = (struct thread){.threads = t, .fn = fn, .arg = arg};
	pthread_mutex_lock(&t->lock); /* it is not joined before pthread_create() set its id */
	join_over_locked(t);
	r = pthread_create(&thread->id, NULL, thread_main, thread) == 0 ? 0 : -ENOMEM;
	t->running += r == 0;
	if (r == 0)
		(void)STEAL(thread);
	pthread_mutex_unlock(&t->lock);
	return r;
}

void threads_wait(struct threads *t)
{
	pthread_mutex_lock(&t->lock);
	while (t->running > 0)
		pthread_cond_wait(&t->ended, &t->lock);
	join_over_locked(t);
	pthread_mutex_unlock(&t->lock);
}

void threads_fini(struct threads *t)
{
	(void)pthread_mutex_destroy(&t->lock);
	(void)pthread_cond_destroy(&t->ended);
}
