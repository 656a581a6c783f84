/* fs/audit/flood_internal.h - inside audit*.c only: how many events of a kind are written one by
 * one.
 *
 * What can be caused without end (a damaged block read in a loop, a vault that is down, a command
 * refused again and again) would push everything else out of a log of bounded length. So each such
 * kind has an allowance: so many at once, refilled at so many a minute. What is beyond is counted,
 * and told as one event "events-coalesced" within seconds. Acts on policies are never coalesced:
 * each waits for its own fsync, which bounds them.
 */
#ifndef DEPFS_AUDIT_FLOOD_INTERNAL_H
#define DEPFS_AUDIT_FLOOD_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#define AUDIT_FLOOD_KINDS   15
#define AUDIT_FLOOD_TELL_MS 5000u /* a count is told so long after the first that was held back */

struct audit_flood {
	struct {
		uint64_t spent; /* of the allowance, in events * 60000, so that a ms refills whole
				   numbers */
		uint64_t seen_ms;
		uint64_t held;
		uint64_t held_ms; /* the first of them */
	} kinds[AUDIT_FLOOD_KINDS];
};

/* audit_flood_admit() - whether this event is written; else it is counted. */
bool audit_flood_admit(struct audit_flood *f, const char *event, uint64_t now_ms);
/* audit_flood_due_ms() - when the next count is to be told; 0: none is held. */
uint64_t audit_flood_due_ms(const struct audit_flood *f);
/* audit_flood_take() - the next count that is due (@now_ms UINT64_MAX: any); false: none. */
bool audit_flood_take(struct audit_flood *f, uint64_t now_ms, const char **ret_event,
		      uint64_t *ret_count);
/* audit_flood_untake() - it could not be told yet. */
void audit_flood_untake(struct audit_flood *f, const char *event, uint64_t count, uint64_t now_ms);

#endif
