/* crypto/base/clock.c - CLOCK_MONOTONIC read, slept on and waited on, in ns, us and ms. */
#include "crypto/base/clock.h"

#include <errno.h>
#include <time.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

uint64_t clock_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* fails only for a bad argument */
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec + NS_PER_MS;
}

uint64_t clock_now_us(void)
{
	return clock_now_ns() / 1000;
}

uint64_t clock_now_ms(void)
{
	return clock_now_ns() / NS_PER_MS;
}

/* CLOCK_MONOTONIC at @ns of clock_now_ns(). That function adds 1 ms, so that a time is 0 in no
 * unit. */
static struct timespec kernel_time(uint64_t ns)
{
	ns = ns > NS_PER_MS ? ns - NS_PER_MS : 0;
	return (struct timespec){
		.tv_sec = (time_t)(ns / NS_PER_S),
		.tv_nsec = (long)(ns % NS_PER_S),
	};
}

void clock_sleep_ms(uint64_t ms)
{
	struct timespec until = kernel_time(clock_now_ns() + ms * NS_PER_MS);

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

uint64_t clock_left_ms(uint64_t deadline_ms)
{
	uint64_t now_ms = clock_now_ms();

	return deadline_ms > now_ms ? deadline_ms - now_ms : 0;
}

int clock_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t until_ms)
{
	struct timespec until = kernel_time(until_ms * NS_PER_MS);

	return -pthread_cond_clockwait(cond, lock, CLOCK_MONOTONIC, &until);
}
