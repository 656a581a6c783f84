/* fs/audit/flood.c - a rate limit for each kind of event that can be caused without end. */
#include "fs/audit/flood_internal.h"

#include <stddef.h>
#include <string.h>

#define TOKEN 60000u /* ms in a minute: at 1 a minute, a ms refills 1 of them */

/* depfs-control(5), events, has this table too. */
/* clang-format off */
static const struct {
	const char *event;
	unsigned burst, per_minute;
} kinds[] = {
	{"block-damaged", 1000, 60},
	{"file-completed", 1000, 60},
	{"write-budget-low", 1000, 60},
	{"key-open", 2000, 600},
	{"key-wrap", 2000, 600},
	{"key-unwrap", 2000, 600},
	{"key-describe", 2000, 600},
	{"key-check", 1000, 60},
	{"key-copy-damaged", 1000, 60},
	{"availability-key-used", 2000, 600},
	{"policy-state", 1000, 60},
	{"revocation-done", 1000, 60},
	{"control-refused", 1000, 60},
	{"control-write-inherited", 1000, 60},
	{"events-rotated", 10, 1},
};
/* clang-format on */
_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == AUDIT_FLOOD_KINDS, "one state for each");

static int kind_of(const char *event)
{
	for (int i = 0; i < AUDIT_FLOOD_KINDS; i++)
		if (strcmp(kinds[i].event, event) == 0)
			return i;
	return -1;
}

bool audit_flood_admit(struct audit_flood *f, const char *event, uint64_t now_ms)
{
	int i = kind_of(event);
	uint64_t back;

	if (i < 0)
		return true;
	back = (now_ms - f->kinds[i].seen_ms) * kinds[i].per_minute;
	f->kinds[i].spent = back < f->kinds[i].spent ? f->kinds[i].spent - back : 0;
	f->kinds[i].seen_ms = now_ms;
	if (f->kinds[i].spent + TOKEN <= (uint64_t)kinds[i].burst * TOKEN) {
		f->kinds[i].spent += TOKEN;
		return true;
	}
	if (f->kinds[i].counted++ == 0)
		f->kinds[i].counted_ms = now_ms;
	return false;
}

uint64_t audit_flood_due_ms(const struct audit_flood *f)
{
	uint64_t due_ms = 0;

	for (int i = 0; i < AUDIT_FLOOD_KINDS; i++) {
		uint64_t at = f->kinds[i].counted_ms + AUDIT_FLOOD_REPORT_MS;

		if (f->kinds[i].counted > 0 && (due_ms == 0 || at < due_ms))
			due_ms = at;
	}
	return due_ms;
}

bool audit_flood_take(struct audit_flood *f, uint64_t now_ms, const char **ret_event,
		      uint64_t *ret_count)
{
	for (int i = 0; i < AUDIT_FLOOD_KINDS; i++) {
		if (f->kinds[i].counted == 0 ||
		    f->kinds[i].counted_ms + AUDIT_FLOOD_REPORT_MS > now_ms)
			continue;
		*ret_event = kinds[i].event;
		*ret_count = f->kinds[i].counted;
		f->kinds[i].counted = 0;
		return true;
	}
	return false;
}

void audit_flood_put_back(struct audit_flood *f, const char *event, uint64_t count, uint64_t now_ms)
{
	int i = kind_of(event);

	f->kinds[i].counted += count;
	f->kinds[i].counted_ms = now_ms;
}
