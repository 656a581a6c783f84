/* fs/store/in_use.c - the record "in-use": since when files may have been left half written. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "fs/store/store_internal.h"

#define LOOK_S	    5 /* between two readings of the clocks */
#define TOLERANCE_S 2 /* by which two clocks that agree may differ, rounded to seconds */

/* The record is there from the first open to a clean stop; of several crashes the first counts, and
 * so does the earliest time where the wall clock was set back. */
int in_use_mark(struct store *s, struct err *err)
{
	struct store_txn *t;
	uint64_t since = 0;
	int r = store_begin(s, STORE_WRITE, &t, err);

	if (r < 0)
		return r;
	r = txn_get_u64(t, META_IN_USE, &since, err);
	if (r == 0 && (since == 0 || since > (uint64_t)s->opened))
		r = txn_put_u64(t, META_IN_USE, (uint64_t)s->opened, err);
	if (r < 0) {
		store_abort(t);
		return r;
	}
	s->unclean_since = (int64_t)since;
	return store_commit(t, STORE_COMMIT_SNAPSHOT, err);
}

void in_use_clear(struct store *s)
{
	struct store_txn *t;

	if (store_begin(s, STORE_WRITE, &t, NULL) < 0)
		return;
	if (store_del(t, TABLE_META, META_IN_USE, strlen(META_IN_USE), NULL) < 0)
		store_abort(t);
	else if (store_commit(t, STORE_COMMIT_SNAPSHOT, NULL) == 0)
		lock_clear(s->lock_fd);
}

int in_use_get(struct store *s, int64_t *ret_since, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *t = NULL;
	uint64_t since = 0;
	int r = store_begin(s, STORE_READ, &t, err);

	if (r < 0)
		return r;
	r = txn_get_u64(t, META_IN_USE, &since, err);
	*ret_since = (int64_t)since;
	return r;
}

int store_recovered(struct store *s, struct err *err)
{
	struct store_txn *t;
	int r = store_begin(s, STORE_WRITE, &t, err);

	if (r < 0)
		return r;
	r = txn_put_u64(t, META_IN_USE, (uint64_t)s->opened, err);
	if (r == 0)
		return store_commit(t, STORE_COMMIT_SNAPSHOT, err);
	store_abort(t);
	return r;
}

/* ---- a wall clock that is set back ---- */

/*
 * Recovery looks at the files whose ctime is not before "in-use". A file written after the wall
 * clock was set back has an earlier ctime; so the record follows the clock back.
 */
static struct clocks clocks_now(void)
{
	struct timespec wall, mono;

	(void)clock_gettime(CLOCK_REALTIME, &wall); /* cannot fail for these clocks */
	(void)clock_gettime(CLOCK_MONOTONIC, &mono);
	return (struct clocks){wall.tv_sec, mono.tv_sec};
}

static int mark_lower(struct store *s, int64_t since)
{
	struct store_txn *t;
	uint64_t mark = 0;
	int r = store_begin(s, STORE_WRITE, &t, NULL);

	if (r < 0)
		return r;
	r = txn_get_u64(t, META_IN_USE, &mark, NULL);
	if (r == 0 && mark > (uint64_t)since)
		r = txn_put_u64(t, META_IN_USE, (uint64_t)since, NULL);
	if (r < 0) {
		store_abort(t);
		return r;
	}
	if (since < s->opened)
		s->opened = since; /* the value that store_recovered() writes */
	return store_commit(t, STORE_COMMIT_SNAPSHOT, NULL);
}

void in_use_compare(struct store *s, struct clocks *io_last, struct clocks now)
{
	/* no file written between the two readings has an earlier mtime */
	int64_t since = now.wall_s - (now.mono_s - io_last->mono_s) - 1;

	if (since < io_last->wall_s - TOLERANCE_S && mark_lower(s, since > 1 ? since : 1) < 0)
		return;
	*io_last = now;
}

static bool pause_ended(struct store *s)
{
	uint64_t until_ms = clock_now_ms() + LOOK_S * 1000u;
	bool stopping;

	pthread_mutex_lock(&s->in_use.lock);
	while (!s->in_use.stopping &&
	       clock_cond_wait(&s->in_use.stop, &s->in_use.lock, until_ms) != -ETIMEDOUT)
		;
	stopping = s->in_use.stopping;
	pthread_mutex_unlock(&s->in_use.lock);
	return !stopping;
}

static void *clock_watcher(void *store)
{
	struct store *s = store;
	struct clocks last = clocks_now();

	while (pause_ended(s))
		in_use_compare(s, &last, clocks_now());
	return NULL;
}

int in_use_watch(struct store *s)
{
	int r;

	(void)pthread_cond_init(&s->in_use.stop, NULL); /* cannot fail with glibc */
	(void)pthread_mutex_init(&s->in_use.lock, NULL);
	r = -pthread_create(&s->in_use.thread, NULL, clock_watcher, s);
	s->in_use.watched = r == 0;
	return r;
}

void in_use_watch_end(struct store *s)
{
	if (!s->in_use.watched)
		return;
	pthread_mutex_lock(&s->in_use.lock);
	s->in_use.stopping = true;
	pthread_cond_signal(&s->in_use.stop);
	pthread_mutex_unlock(&s->in_use.lock);
	(void)pthread_join(s->in_use.thread, NULL); /* cannot fail: it is joined once */
	(void)pthread_cond_destroy(&s->in_use.stop);
	(void)pthread_mutex_destroy(&s->in_use.lock);
	s->in_use.watched = false;
}
