/* crypto/base/clock.h - the monotonic clock: for deadlines and durations, never for a date. */
#ifndef DEPFS_CRYPTO_BASE_CLOCK_H
#define DEPFS_CRYPTO_BASE_CLOCK_H

#include <pthread.h>
#include <stdint.h>

/* clock_now_*() - the time since some point in the past; never 0, so 0 can stand for "no time". */
uint64_t clock_now_ns(void);
uint64_t clock_now_us(void);
uint64_t clock_now_ms(void);

void clock_sleep_ms(uint64_t ms); /* sleeps on after a signal */

/* clock_left_ms() - milliseconds until @deadline_ms of clock_now_ms(); 0 when it has passed. */
uint64_t clock_left_ms(uint64_t deadline_ms);

/* clock_cond_wait() - pthread_cond_wait(), at the latest until @until_ms of clock_now_ms(); may
 * wake early. @cond needs no clock attribute. Return: 0; -ETIMEDOUT. */
int clock_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t until_ms);

#endif
