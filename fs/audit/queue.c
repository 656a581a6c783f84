/* fs/audit/queue.c - the queue of events: filled by any thread, emptied by the writer. */
#include <stdlib.h>
#include <string.h>

#include "fs/audit/audit_internal.h"

void audit_event(struct audit *a, const char *event, const struct actor *actor, const char *outcome,
		 const struct audit_field *fields, size_t n_fields)
{
	CLEANUP(free_mem_p) char *body = NULL;
	bool admitted, counting;

	pthread_mutex_lock(&a->lock);
	counting = audit_flood_due_ms(&a->flood) != 0;
	admitted = audit_flood_admit(&a->flood, event, clock_now_ms());
	if (!admitted && !counting) /* the writer does not wait for a count to be due yet */
		pthread_cond_signal(&a->work);
	pthread_mutex_unlock(&a->lock);
	if (!admitted)
		return;
	body = audit_body(event, actor, outcome, fields, n_fields);
	pthread_mutex_lock(&a->lock);
	if (body && a->queued < AUDIT_QUEUE_LEN) {
		a->queue[a->queued++] = STEAL(body);
		a->accepted++;
	} else {
		a->lost++;
		a->lost_ever++;
	}
	pthread_cond_signal(&a->work);
	pthread_mutex_unlock(&a->lock);
}

/* Counts of coalesced events that are due, at the stop all of them. */
static void coalesced_take_locked(struct audit *a)
{
	uint64_t now_ms = a->stop ? UINT64_MAX : clock_now_ms(), count;
	const char *event;

	while (audit_flood_take(&a->flood, now_ms, &event, &count)) {
		const struct audit_field fields[] = {AUDIT_FIELD_STR("of", event),
						     AUDIT_FIELD_U64("count", count)};
		char *body = audit_body("events-coalesced", NULL, "ok", fields, 2);

		if (!body) { /* out of memory: the next batch tries again */
			audit_flood_put_back(&a->flood, event, count, clock_now_ms());
			return;
		}
		a->batch[a->batch_len++] = body;
	}
}

void audit_batch_take_locked(struct audit *a)
{
	const struct audit_field count = AUDIT_FIELD_U64("count", a->lost);
	char *lost = NULL;

	if (a->lost > 0)
		lost = audit_body("events-lost", NULL, "ENOBUFS", &count, 1);
	memcpy(a->batch, a->queue, a->queued * sizeof(a->queue[0]));
	a->batch_len = a->batch_accepted = a->queued;
	a->queued = 0;
	coalesced_take_locked(a);
	if (!lost) /* out of memory: the count is kept for the next batch */
		return;
	a->batch[a->batch_len++] = lost;
	a->lost = 0;
}

void audit_batch_free(struct audit *a)
{
	for (size_t i = 0; i < a->batch_len; i++)
		free(a->batch[i]);
	a->batch_len = a->batch_accepted = 0;
}
