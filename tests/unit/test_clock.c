/* tests/unit/test_clock.c - the clock of deadlines: nothing ends before its time. */
#include "tests/unit/crypto_test.h"

#include <errno.h>

#include "crypto/base/clock.h"

static void units_agree(void **state)
{
	uint64_t ms = clock_now_ms(), us = clock_now_us(), ns = clock_now_ns();

	(void)state;
	assert_true(ms > 0);
	assert_true(us / 1000 >= ms && ns / 1000 >= us);
}

static void a_sleep_is_not_shorter_than_asked(void **state)
{
	uint64_t from_us = clock_now_us();

	(void)state;
	clock_sleep_ms(7);
	assert_true(clock_now_us() - from_us >= 7000);
}

/* Callers rely on -ETIMEDOUT and do not read the clock again. */
static void a_wait_times_out_at_its_deadline_and_not_before(void **state)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
	uint64_t until_ms = clock_now_ms() + 20;

	(void)state;
	assert_true(clock_left_ms(until_ms) <= 20);
	pthread_mutex_lock(&lock);
	while (clock_cond_wait(&cond, &lock, until_ms) != -ETIMEDOUT)
		; /* woke early */
	pthread_mutex_unlock(&lock);
	assert_true(clock_now_ms() >= until_ms);
	assert_int_equal(clock_left_ms(until_ms), 0);
	pthread_mutex_lock(&lock);
	assert_int_equal(clock_cond_wait(&cond, &lock, 0), -ETIMEDOUT); /* long past */
	pthread_mutex_unlock(&lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_agree),
		cmocka_unit_test(a_sleep_is_not_shorter_than_asked),
		cmocka_unit_test(a_wait_times_out_at_its_deadline_and_not_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
