/* kms/wait.c - see wait.h. */
#include "wait.h"

#include <errno.h>
#include <time.h>

uint64_t wait_now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail with this clock */
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t wait_now_ms(void)
{
	return wait_now_us() / 1000;
}

static struct timespec timespec_of(uint64_t us)
{
	return (struct timespec){.tv_sec = (time_t)(us / 1000000),
				 .tv_nsec = (long)(us % 1000000) * 1000};
}

void wait_ms(uint64_t ms)
{
	struct timespec until = timespec_of(wait_now_us() + ms * 1000);

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

void wait_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(cond, &attr);
	(void)pthread_condattr_destroy(&attr);
}

void wait_cond_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline_ms)
{
	struct timespec until = timespec_of(deadline_ms * 1000);

	(void)pthread_cond_timedwait(cond, lock, &until);
}
