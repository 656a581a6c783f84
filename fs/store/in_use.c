/* fs/store/in_use.c - a wall clock that is set back does not hide files from recovery. */
#include <errno.h>
#include <time.h>

#include "fs/store/store_internal.h"

#define LOOK_S 5 /* between two looks at the clock */

struct clocks {
	int64_t wall_s, mono_s;
};

static struct clocks clocks_now(void)
{
	struct timespec wall, mono;

	(void)clock_gettime(CLOCK_REALTIME, &wall); /* cannot fail for these clocks */
	(void)clock_gettime(CLOCK_MONOTONIC, &mono);
	return (struct clocks){wall.tv_sec, mono.tv_sec};
}

/* Recovery looks at files changed since the mark: from @since on, if that is earlier. */
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
		s->opened = since; /* what store_recovered() goes back to */
	return store_commit(t, STORE_COMMIT_SNAPSHOT, NULL);
}

static void clock_look(struct store *s, struct clocks *last)
{
	struct clocks now = clocks_now();
	/* whatever was written since the last look has at least this time */
	int64_t since = now.wall_s - (now.mono_s - last->mono_s) - 1;

	if (since < last->wall_s - 2 && mark_lower(s, since > 1 ? since : 1) < 0)
		return; /* the next look tries again */
	*last = now;
}

static bool pause_ended(struct store *s)
{
	uint64_t until_ms = clock_now_ms() + LOOK_S * 1000u;
	bool stopping;

	pthread_mutex_lock(&s->clock.lock);
	while (!s->clock.stopping &&
	       clock_cond_wait(&s->clock.stop, &s->clock.lock, until_ms) != -ETIMEDOUT)
		;
	stopping = s->clock.stopping;
	pthread_mutex_unlock(&s->clock.lock);
	return !stopping;
}

static void *clock_watcher(void *store)
{
	struct store *s = store;
	struct clocks last = clocks_now();

	while (pause_ended(s))
		clock_look(s, &last);
	return NULL;
}

int clock_watch(struct store *s)
{
	int r;

	(void)pthread_cond_init(&s->clock.stop, NULL); /* cannot fail with glibc */
	(void)pthread_mutex_init(&s->clock.lock, NULL);
	r = -pthread_create(&s->clock.thread, NULL, clock_watcher, s);
	s->clock.watched = r == 0;
	return r;
}

void clock_watch_end(struct store *s)
{
	if (!s->clock.watched)
		return;
	pthread_mutex_lock(&s->clock.lock);
	s->clock.stopping = true;
	pthread_cond_signal(&s->clock.stop);
	pthread_mutex_unlock(&s->clock.lock);
	(void)pthread_join(s->clock.thread, NULL); /* joined once */
	(void)pthread_cond_destroy(&s->clock.stop);
	(void)pthread_mutex_destroy(&s->clock.lock);
	s->clock.watched = false;
}
