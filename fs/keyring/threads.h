/* fs/keyring/threads.h - a thread for each call of a vault, so that the caller need not wait for
 * its end. */
#ifndef DEPFS_KEYRING_THREADS_H
#define DEPFS_KEYRING_THREADS_H

#include <pthread.h>

#include "crypto/base/cleanup.h"

/* Not a pool of few threads: a slow vault would hold up the calls of the others. What bounds their
 * number is single flight, and one check a policy. */
struct threads {
	pthread_mutex_t lock; /* a leaf */
	pthread_cond_t ended;
	unsigned running;    /* guarded by lock */
	struct thread *over; /* to be joined; guarded by lock */
};

void threads_init(struct threads *t);
/* threads_run() - fn(arg) in a thread of its own; -ENOMEM when none can be made. */
int threads_run(struct threads *t, void (*fn)(void *arg), void *arg) MUST_CHECK;
void threads_wait(struct threads *t); /* until none runs */
void threads_fini(struct threads *t);

#endif
