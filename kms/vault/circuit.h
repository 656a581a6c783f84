/* kms/vault/circuit.h - circuit breaker: whether a host is asked at all, and when next. */
#ifndef DEPFS_KMS_VAULT_CIRCUIT_H
#define DEPFS_KMS_VAULT_CIRCUIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"
#include "kms/vault/circuit_state.h"

#define CIRCUIT_FAILURES 3    /* failed calls in a row that open a circuit */
#define CIRCUIT_FIRST_MS 1000 /* until the first probe; doubled with each probe that fails */

/* The checks of all policies come at the same time. Calls that come while a probe is under way wait
 * for its result, at most this long: if they failed at once, a host that is back would not be
 * asked again before the next check. */
#define CIRCUIT_PROBE_WAIT_MS 1000

/*
 * state      which calls go out      moves on
 * closed     all                     CIRCUIT_FAILURES failed calls in a row: open
 * open       none, until a time      that time: half-open
 * half-open  one, the probe          it fails: open, for twice as long; it is answered: closed
 *            (the others wait for it, CIRCUIT_PROBE_WAIT_MS at most)
 * In any state no call goes out while the host is on hold: it asked for a pause (Retry-After, 429).
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
 * circuit_enter() - whether a call may go out now
 * Return: 0: yes; 1: yes, as the probe, which must make one attempt only; circuit_leave() must
 * follow either. -EBUSY: not before *@ret_wait_ms from now.
 */
int circuit_enter(struct circuit *c, uint64_t now_ms, uint64_t *ret_wait_ms) MUST_CHECK;

/* circuit_probe_wait() - until the probe that is on its way has ended, at most @ms.
 * Return: true: it has ended; false: it has not, or there was none. */
bool circuit_probe_wait(struct circuit *c, uint64_t ms);

enum circuit_end {
	CIRCUIT_ANSWERED, /* also a refusal; not 408 or 5xx */
	CIRCUIT_FAILED,
	CIRCUIT_UNASKED, /* the call ended before its host was asked */
};
void circuit_leave(struct circuit *c, uint64_t now_ms, enum circuit_end end);
/* circuit_hold() - the host asked for a pause of @ms; one minute at most is kept. */
void circuit_hold(struct circuit *c, uint64_t now_ms, uint64_t ms);
uint64_t circuit_hold_left(struct circuit *c, uint64_t now_ms); /* ms; 0: none */

/* circuit_set_failure() - @why: sentence and cause of the newest failure, which circuit_failure()
 * gives; there a sentence without text means that there was none. */
void circuit_set_failure(struct circuit *c, const struct err *why);
void circuit_failure(struct circuit *c, struct err *ret_why);

/* circuits_probe() - open circuits may be probed at once; holds stay. */
void circuits_probe(struct circuits *cs);
/* circuits_list() - the state of at most @max circuits. Return: how many are in @ret_list. */
size_t circuits_list(struct circuits *cs, struct kms_circuit *ret_list, size_t max);

/* retry_delay_ms() - pause before another attempt within a call: 800 ms, doubled each time, times
 * 0.8 to 1.3, at most a minute (kms/README.md, Retries and circuit breaker). @retry: 0 and up. */
uint64_t retry_delay_ms(unsigned retry);

#endif
