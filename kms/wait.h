/* kms/wait.h - the monotonic clock of deadlines, in milliseconds. For kms/ only. */
#ifndef DEPFS_KMS_WAIT_H
#define DEPFS_KMS_WAIT_H

#include <stdint.h>

uint64_t wait_now_us(void);
uint64_t wait_now_ms(void);
void wait_ms(uint64_t ms); /* sleeps, signals or not */

/* wait_left_ms() - until @deadline_ms of wait_now_ms(); 0 when it has passed. */
static inline uint64_t wait_left_ms(uint64_t deadline_ms)
{
	uint64_t now = wait_now_ms();

	return deadline_ms > now ? deadline_ms - now : 0;
}

#endif
