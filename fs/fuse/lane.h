/* fs/fuse/lane.h - the slow lane: threads for requests that wait for a vault, apart from those that
 * serve files. */
#ifndef DEPFS_FUSE_LANE_H
#define DEPFS_FUSE_LANE_H

#include "crypto/base/cleanup.h"

/* Requests waiting at once; more are refused with EAGAIN. One policy's get at most a quarter of
 * them: WAITERS_MAX in fs/keyring/keyring_flight.c. */
#define LANE_THREADS_MAX 1024

struct lane;

int lane_new(struct lane **ret_lane) MUST_CHECK;
void lane_free(struct lane *l); /* waits until every job is done; NULL allowed */

/* lane_run() - @fn(@arg) on a thread of its own, made when none is idle. -EAGAIN: LANE_THREADS_MAX
 * are busy. */
int lane_run(struct lane *l, void (*fn)(void *arg), void *arg) MUST_CHECK;

#endif
