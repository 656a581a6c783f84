/* tests/unit/test_content_file_lock.c - the lock of a file's content under many threads. */
#include "tests/unit/crypto_test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "fs/content/file_lock.h"

#define THREADS 6
#define ROUNDS	3000u /* of each thread */

struct threads {
	struct file_lock lock;
	pthread_mutex_t order;
	uint64_t next;	       /* offset of the next write; guarded by order */
	_Atomic uint64_t size; /* of the file; changes under the lock */
	_Atomic int readers, writers;
	_Atomic unsigned faults;
};

static void hold_as_reader(struct threads *c)
{
	file_lock_read(&c->lock);
	atomic_fetch_add(&c->readers, 1);
	c->faults += atomic_load(&c->writers) != 0;
	atomic_fetch_sub(&c->readers, 1);
	file_unlock_read(&c->lock);
}

static void note_writer(struct threads *c)
{
	c->faults += atomic_fetch_add(&c->writers, 1) != 0 || atomic_load(&c->readers) != 0;
	atomic_fetch_sub(&c->writers, 1);
}

static void hold_as_writer(struct threads *c)
{
	file_lock_write(&c->lock);
	note_writer(c);
	file_unlock_write(&c->lock);
}

/* As the kernel hands out neighbouring ranges; between file_lock_add_pending() and the write the
 * lock is taken for reading, to seal. */
static void append(struct threads *c)
{
	struct pending_write pending;
	uint64_t off;

	pthread_mutex_lock(&c->order);
	off = c->next++;
	file_lock_add_pending(&c->lock, &pending, off);
	pthread_mutex_unlock(&c->order);
	hold_as_reader(c);
	file_lock_write_pending(&c->lock, &pending, &c->size);
	note_writer(c);
	c->faults += atomic_load(&c->size) != off;
	atomic_store(&c->size, off + 1);
	file_unlock_write(&c->lock);
}

static void *work(void *arg)
{
	struct threads *c = arg;

	for (unsigned n = 0; n < ROUNDS; n++) {
		append(c);
		if (n % 7 == 0)
			hold_as_writer(c);
		if (n % 3 == 0)
			hold_as_reader(c);
	}
	return NULL;
}

static void run(struct threads *c)
{
	pthread_t ids[THREADS];

	file_lock_init(&c->lock);
	(void)pthread_mutex_init(&c->order, NULL); /* default attributes cannot fail on Linux */
	for (unsigned n = 0; n < THREADS; n++)
		assert_int_equal(pthread_create(&ids[n], NULL, work, c), 0);
	for (unsigned n = 0; n < THREADS; n++)
		assert_int_equal(pthread_join(ids[n], NULL), 0);
	assert_false(file_lock_wanted(&c->lock));
	file_lock_fini(&c->lock);
	(void)pthread_mutex_destroy(&c->order);
}

/* A gap would be declared as a hole, and a fifth of them loosens the rule for all its zeros. */
static void writers_are_alone_and_appends_leave_no_gap(void **state)
{
	struct threads c = {0};

	(void)state;
	run(&c);
	assert_int_equal(c.faults, 0);
	assert_int_equal(c.size, THREADS * ROUNDS);
}

static void *write_at_five(void *arg)
{
	struct threads *c = arg;
	struct pending_write pending;

	file_lock_add_pending(&c->lock, &pending, 5);
	file_lock_write_pending(&c->lock, &pending, &c->size);
	c->faults += atomic_load(&c->size) < 5;
	file_unlock_write(&c->lock);
	return NULL;
}

static void *write_once(void *arg)
{
	hold_as_writer(arg);
	return NULL;
}

/* Until one more writer than at @before waits. */
static struct waiter **one_more_waits(struct threads *c, struct waiter **before)
{
	struct waiter **last;

	do {
		pthread_mutex_lock(&c->lock.mutex);
		last = c->lock.last;
		pthread_mutex_unlock(&c->lock.mutex);
	} while (last == before);
	return last;
}

/* Else it would sleep beside a free lock, and all readers behind it, until the next write. */
static void a_writer_that_finds_the_file_cut_wakes_the_one_behind_it(void **state)
{
	struct threads c = {.size = 10};
	struct pending_write lower;
	struct waiter **last;
	pthread_t far, any;

	(void)state;
	file_lock_init(&c.lock);
	last = c.lock.last;
	file_lock_write(&c.lock);
	file_lock_add_pending(&c.lock, &lower, 1);
	assert_int_equal(pthread_create(&far, NULL, write_at_five, &c), 0);
	last = one_more_waits(&c, last);
	assert_int_equal(pthread_create(&any, NULL, write_once, &c), 0);
	(void)one_more_waits(&c, last);
	atomic_store(&c.size, 0);
	file_unlock_write(&c.lock);
	assert_int_equal(pthread_join(any, NULL), 0);
	file_lock_write_pending(&c.lock, &lower, &c.size);
	atomic_store(&c.size, 5);
	file_unlock_write(&c.lock);
	assert_int_equal(pthread_join(far, NULL), 0);
	assert_int_equal(c.faults, 0);
	file_lock_fini(&c.lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writers_are_alone_and_appends_leave_no_gap),
		cmocka_unit_test(a_writer_that_finds_the_file_cut_wakes_the_one_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
