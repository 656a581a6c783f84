/* kms/wait.h - the monotonic clock of deadlines, in milliseconds. For kms/ only. */
#ifndef DEPFS_KMS_WAIT_H
#define DEPFS_KMS_WAIT_H

#include <pthread.h>
#include <stdint.h>

uint64_t wait_now_us(void);
uint64_t wait_now_ms(void);
void wait_ms(uint64_t ms); /* sleeps, signals or not */

/* wait_cond_init() - of wait_cond_until()'s clock. */
void wait_cond_init(pthread_cond_t *cond);
/* wait_cond_until() - until it is signalled or @deadline_ms of wait_now_ms(), or sooner: look
 * again. */
void wait_cond_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline_ms);

/* wait_left_ms() - until @deadline_ms of wait_now_ms(); 0 when it has passed. */
static inline uint64_t wait_left_ms(uint64_t deadline_ms)
{
	uint64_t now = wait_now_ms();

	return deadline_ms > now ? deadline_ms - now : 0;
}

#endif
