/* fs/policy/engine_damage.c - events of damaged files, one a minute for each file and block. */
#include <string.h>

#include "crypto/block.h"
#include "fs/policy/engine_internal.h"

#define DAMAGE_QUIET_MS 60000u

/*
 * True when this file and block were not told of within the minute. The memory is bounded: a
 * newcomer displaces the oldest of its neighbours, so under very wide damage an event may come
 * twice in a minute, but none is ever left out.
 */
static bool damage_is_news_locked(struct damage *d, uint64_t hash, uint64_t now_ms)
{
	size_t oldest = hash % DAMAGE_SLOTS;

	for (size_t i = 0; i < DAMAGE_WAYS; i++) {
		size_t at = (hash + i) % DAMAGE_SLOTS;

		if (d->slots[at].told_ms != 0 && d->slots[at].hash == hash) {
			if (now_ms - d->slots[at].told_ms < DAMAGE_QUIET_MS)
				return false;
			oldest = at;
			break;
		}
		if (d->slots[at].told_ms < d->slots[oldest].told_ms)
			oldest = at;
	}
	d->slots[oldest].hash = hash;
	d->slots[oldest].told_ms = now_ms;
	return true;
}

/* A few classes of it, for the counters: the event has the words. */
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

void engine_damage(struct engine *e, const char *path, uint64_t block_no, const char *what)
{
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("path", path),
		AUDIT_FIELD_U64("block", block_no),
		AUDIT_FIELD_U64("offset", block_start(block_no)),
		AUDIT_FIELD_STR("what", what),
	};
	struct damage *d = &e->damage;
	uint64_t hash = hash_bytes(d->seed, path, strlen(path));
	bool news;

	metrics_add(e->metrics, damage_class(what), 1);
	hash = hash_bytes(hash, &block_no, sizeof(block_no));
	pthread_mutex_lock(&d->lock);
	news = damage_is_news_locked(d, hash, clock_now_ms());
	pthread_mutex_unlock(&d->lock);
	if (news)
		audit_event(e->audit, "block-damaged", NULL, "EIO", fields, 4);
}
