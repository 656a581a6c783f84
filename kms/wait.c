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

void wait_ms(uint64_t ms)
{
	uint64_t until_us = wait_now_us() + ms * 1000;
	struct timespec until = {.tv_sec = (time_t)(until_us / 1000000),
				 .tv_nsec = (long)(until_us % 1000000) * 1000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}
