/* tests/unit/test_pool.c - the blocking pool: as many threads as it may have, and all tasks end. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>

#include "fs/pool/pool.h"

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static _Atomic unsigned running, passed, ended; /* passed: of those at the gate */

static void wait_at_the_gate(void *arg)
{
	(void)arg;
	atomic_fetch_add(&running, 1);
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	atomic_fetch_add(&passed, 1);
	atomic_fetch_add(&ended, 1);
}

static void count(void *arg)
{
	(void)arg;
	atomic_fetch_add(&ended, 1);
}

static int reset(void **state)
{
	(void)state;
	running = passed = ended = 0;
	return 0;
}

/* A task never waits behind another: where no thread is left the caller is refused. */
static void pool_runs_so_many_tasks_at_once_and_refuses_more(void **state)
{
	struct pool *p = NULL;

	(void)state;
	assert_int_equal(pool_new(3, &p), 0);
	pthread_mutex_lock(&gate);
	for (int n = 0; n < 3; n++)
		assert_int_equal(pool_run(p, wait_at_the_gate, NULL), 0);
	assert_int_equal(pool_run(p, count, NULL), -EAGAIN);
	while (running < 3)
		(void)sched_yield();
	pthread_mutex_unlock(&gate);
	pool_free(p);
	assert_int_equal(ended, 3);
}

/* Two tasks at the same time, where one thread is idle: the second must not wait for the first. */
static void pool_gives_each_task_a_thread_of_its_own(void **state)
{
	struct pool *p = NULL;

	(void)state;
	assert_int_equal(pool_new(2, &p), 0);
	for (unsigned n = 0; n < 50; n++) {
		running = passed = ended = 0;
		while (pool_run(p, count, NULL) == -EAGAIN || ended == 0)
			(void)sched_yield();
		pthread_mutex_lock(&gate);
		for (unsigned k = 0; k < 2; k++)
			while (pool_run(p, wait_at_the_gate, NULL) == -EAGAIN)
				(void)sched_yield();
		while (running < 2)
			(void)sched_yield();
		pthread_mutex_unlock(&gate);
		while (passed < 2)
			(void)sched_yield();
	}
	pool_free(p);
}

/* Threads are used again: far more tasks than threads go through, one after the other. */
static void pool_uses_idle_threads_again(void **state)
{
	struct pool *p = NULL;

	(void)state;
	assert_int_equal(pool_new(2, &p), 0);
	for (unsigned n = 0; n < 2000; n++) {
		while (pool_run(p, count, NULL) == -EAGAIN)
			(void)sched_yield();
	}
	pool_free(p);
	assert_int_equal(ended, 2000);
}

/* What a task refers to may go once pool_free() has returned, not before. */
static void pool_free_waits_for_tasks_that_no_thread_has_taken(void **state)
{
	struct pool *p = NULL;

	(void)state;
	assert_int_equal(pool_new(64, &p), 0);
	for (unsigned n = 0; n < 64; n++)
		assert_int_equal(pool_run(p, count, NULL), 0);
	pool_free(p);
	assert_int_equal(ended, 64);
	pool_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(pool_runs_so_many_tasks_at_once_and_refuses_more, reset),
		cmocka_unit_test_setup(pool_gives_each_task_a_thread_of_its_own, reset),
		cmocka_unit_test_setup(pool_uses_idle_threads_again, reset),
		cmocka_unit_test_setup(pool_free_waits_for_tasks_that_no_thread_has_taken, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
