/* kms/circuit.h - one host's record: whether it is asked at all, and when next. For kms/ only. */
#ifndef DEPFS_KMS_CIRCUIT_H
#define DEPFS_KMS_CIRCUIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"
#include "kms/kms.h"

#define CIRCUIT_FAILURES 3    /* calls in a row that no retry could save, until it opens */
#define CIRCUIT_FIRST_MS 1000 /* then the first probe; doubled with each that fails */

/* All policies are proved at the same time: when the host is back, those that are not the probe
 * must not have to wait for the next round. A host that hangs costs them no more than this. */
#define CIRCUIT_PROBE_WAIT_MS 1000

/*
 * state      who may ask             moves on
 * closed     everybody               CIRCUIT_FAILURES failed calls in a row: open
 * open       nobody, until a time    that time: half-open
 * half-open  one call, the probe     it fails: open, for twice as long; it is answered: closed
 *            (the others wait for it, CIRCUIT_PROBE_WAIT_MS at most)
 * A host that said "wait" (Retry-After, or a 429) is on hold in any state: nobody asks before.
 */
struct circuits; /* of all hosts; safe to use from many threads at once */
struct circuit;	 /* of one; lives as long as its circuits */

/* circuits_new() - @max_ms: longest time between two probes; -ENOMEM. */
int circuits_new(uint64_t max_ms, struct circuits **ret_circuits) MUST_CHECK;
void circuits_free(struct circuits *cs);
DEFINE_CLEANUP(struct circuits *, circuits_free)

int circuit_get(struct circuits *cs, const char *host,
		struct circuit **ret_circuit) MUST_CHECK; /* -ENOMEM */

/**
 * circuit_enter() - may a call go out now?
 * Return: 0: yes; 1: yes, as the probe, which is not to try twice; circuit_leave() must follow
 * either. -EBUSY: not before *@ret_wait_ms from now.
 */
int circuit_enter(struct circuit *c, uint64_t now_ms, uint64_t *ret_wait_ms) MUST_CHECK;

/* circuit_probe_wait() - until the probe that is on its way has ended, at most @ms.
 * Return: has it? false, too: there was none. */
bool circuit_probe_wait(struct circuit *c, uint64_t ms);

enum circuit_end {
	CIRCUIT_ANSWERED, /* whatever the answer was, short of "I cannot now" */
	CIRCUIT_FAILED,
	CIRCUIT_UNASKED, /* the call ended before its host was asked */
};
void circuit_leave(struct circuit *c, uint64_t now_ms, enum circuit_end end);
/* circuit_hold() - the host asked for that pause. */
void circuit_hold(struct circuit *c, uint64_t now_ms, uint64_t ms);
uint64_t circuit_hold_left(struct circuit *c, uint64_t now_ms); /* ms; 0: none */

/* circuit_blame() - @why is the sentence and cause of the newest failure, which circuit_last()
 * gives; without a text: there was none. */
void circuit_blame(struct circuit *c, const struct err *why);
void circuit_last(struct circuit *c, struct err *ret_why);

/* circuits_probe() - the time of an open one has come. */
void circuits_probe(struct circuits *cs);
size_t circuits_list(struct circuits *cs, struct kms_circuit *ret_list, size_t max);

/* Retries within a call, AKV.md section 7: 800 ms, doubled each time, times 0.8 to 1.3. */
uint64_t retry_delay_ms(unsigned retry /* 0 and up */);

#endif
