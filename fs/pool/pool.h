/* fs/pool/pool.h - a pool of threads for work that may block for long: one task a thread. */
#ifndef DEPFS_POOL_POOL_H
#define DEPFS_POOL_POOL_H

#include "crypto/base/cleanup.h"

struct pool;

/* pool_new() - no thread is started yet; at most @threads_max run at once. -ENOMEM. */
int pool_new(unsigned threads_max, struct pool **ret_pool) MUST_CHECK;
/* pool_free() - returns when every task has ended; NULL allowed. Only the pool's own tasks may call
 * pool_run() meanwhile. */
void pool_free(struct pool *p);

/*
 * pool_run() - @fn(@arg) on a thread of the pool: an idle one, else a new one. A thread ends after
 * ten seconds without a task. A task never waits for another: each queued task has its thread.
 * Return: 0; -EAGAIN: all threads are busy, or no thread can be started; -ENOMEM.
 */
int pool_run(struct pool *p, void (*fn)(void *arg), void *arg) MUST_CHECK;

/* pool_busy() - how many tasks run, or are about to. */
unsigned pool_busy(struct pool *p);

#endif
