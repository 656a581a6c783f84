/* fs/audit/damage.c - events of damaged files, at most one a minute for each file and block. */
#include "fs/audit/damage.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/clock.h"
#include "crypto/base/hash.h"
#include "crypto/block.h"
#include "fs/audit/audit.h"
#include "fs/metrics/metrics.h"

#define DAMAGE_QUIET_MS 60000u
#define DAMAGE_SLOTS	1024
#define DAMAGE_WAYS	8 /* slots in which one file and block may be remembered */

struct damage_log {
	struct audit *audit;
	struct metrics *metrics;
	uint64_t seed;	      /* constant, like the two above */
	pthread_mutex_t lock; /* a leaf */
	struct {
		uint64_t hash;
		uint64_t reported_ms; /* 0: free */
	} slots[DAMAGE_SLOTS];	      /* guarded by lock */
};

/*
 * True when this file and block were not reported within the last minute. The memory is bounded: a
 * new entry displaces the oldest of its neighbours, so under very wide damage an event may come
 * twice in a minute, but none is ever left out.
 */
static bool is_news_locked(struct damage_log *d, uint64_t hash, uint64_t now_ms)
{
	size_t oldest = hash % DAMAGE_SLOTS;

	for (size_t i = 0; i < DAMAGE_WAYS; i++) {
		size_t at = (hash + i) % DAMAGE_SLOTS;

		if (d->slots[at].reported_ms != 0 && d->slots[at].hash == hash) {
			if (now_ms - d->slots[at].reported_ms < DAMAGE_QUIET_MS)
				return false;
			oldest = at;
			break;
		}
		if (d->slots[at].reported_ms < d->slots[oldest].reported_ms)
			oldest = at;
	}
	d->slots[oldest].hash = hash;
	d->slots[oldest].reported_ms = now_ms;
	return true;
}

/* What a counter is kept for; the event has @what in full. */
static enum metric_count damage_class(const char *what)
{
	if (strstr(what, "header"))
		return METRIC_DAMAGE_HEADER;
	if (strcmp(what, "block") == 0)
		return METRIC_DAMAGE_BLOCK;
	if (strcmp(what, "size") == 0 || strcmp(what, "cut") == 0 || strstr(what, "behind"))
		return METRIC_DAMAGE_SIZE;
	return METRIC_DAMAGE_OTHER;
}

void damage_report(struct damage_log *d, const char *path, uint64_t block_no, const char *what)
{
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("path", path),
		AUDIT_FIELD_U64("block", block_no),
		AUDIT_FIELD_U64("offset", block_start(block_no)),
		AUDIT_FIELD_STR("what", what),
	};
	uint64_t hash = hash_bytes(d->seed, path, strlen(path));
	bool news;

	metrics_add(d->metrics, damage_class(what), 1);
	hash = hash_bytes(hash, &block_no, sizeof(block_no));
	pthread_mutex_lock(&d->lock);
	news = is_news_locked(d, hash, clock_now_ms());
	pthread_mutex_unlock(&d->lock);
	if (news)
		audit_event(d->audit, "block-damaged", NULL, "EIO", fields, 4);
}

int damage_log_new(struct audit *audit, struct metrics *metrics, struct damage_log **ret_log)
{
	struct damage_log *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->audit = audit;
	d->metrics = metrics;
	(void)pthread_mutex_init(&d->lock, NULL); /* default attributes cannot fail on Linux */
	r = hash_seed(&d->seed);
	if (r < 0)
		damage_log_free(d);
	else
		*ret_log = d;
	return r;
}

void damage_log_free(struct damage_log *d)
{
	if (!d)
		return;
	(void)pthread_mutex_destroy(&d->lock);
	free(d);
}
