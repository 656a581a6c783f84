/* fs/audit/flood_internal.h - a rate limit for each kind of event that can be caused without end.
 *
 * A damaged block read in a loop, a vault that is down, a command refused again and again: such
 * events would push all others out of a log of bounded length. So each of these kinds has a token
 * bucket (a burst, and a rate a minute). Events beyond it are counted, and the count is written as
 * one event "events-coalesced". Acts on policies have none: each waits for its own fsync(2).
 */
#ifndef DEPFS_AUDIT_FLOOD_INTERNAL_H
#define DEPFS_AUDIT_FLOOD_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#define AUDIT_FLOOD_KINDS 15
#define AUDIT_FLOOD_REPORT_MS                                               \
	5000u /* from the first event that was counted to the count's event \
	       */

struct audit_flood {
	struct {
		uint64_t spent; /* tokens in use, in 1/60000, so that a ms refills whole numbers */
		uint64_t seen_ms;    /* when spent was computed */
		uint64_t counted;    /* events not written and not reported */
		uint64_t counted_ms; /* when the first of them came */
	} kinds[AUDIT_FLOOD_KINDS];
};

/* audit_flood_admit() - whether this event is to be written; else it was counted. */
bool audit_flood_admit(struct audit_flood *f, const char *event, uint64_t now_ms);
/* audit_flood_due_ms() - when the next count is to be reported; 0: there is none. */
uint64_t audit_flood_due_ms(const struct audit_flood *f);
/* audit_flood_take() - take a count that is due (@now_ms UINT64_MAX: any); false: there is none. */
bool audit_flood_take(struct audit_flood *f, uint64_t now_ms, const char **ret_event,
		      uint64_t *ret_count);
/* audit_flood_put_back() - a count that was taken and could not be reported. */
void audit_flood_put_back(struct audit_flood *f, const char *event, uint64_t count,
			  uint64_t now_ms);

#endif
