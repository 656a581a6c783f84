/* kms/vault/circuit.c - one circuit breaker for each host: whether a call may go out, probes,
 * holds. */
#include "kms/vault/circuit.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "crypto/base/clock.h"
#include "crypto/secret.h"

#define RETRY_FIRST_MS 800
#define RETRY_CAP_MS   60000
#define PROBE_GUESS_MS 1000 /* wait reported while a probe is under way, whose end is unknown */

struct circuit {
	struct circuit *next;
	struct circuits *all;
	char host[256];
	/* all guarded by circuits.lock */
	unsigned failures; /* calls in a row that failed */
	bool open, probing;
	uint64_t open_until_ms, open_for_ms;
	uint64_t hold_until_ms;
	struct err failure; /* of the newest failed call; empty text: none has failed */
};

struct circuits {
	pthread_mutex_t lock;
	pthread_cond_t probed; /* a probe has ended */
	uint64_t max_ms;
	struct circuit *first; /* guarded by lock; none is removed before circuits_free() */
};

int circuits_new(uint64_t max_ms, struct circuits **ret_circuits)
{
	struct circuits *cs = calloc(1, sizeof(*cs));

	if (!cs)
		return -ENOMEM;
	(void)pthread_mutex_init(&cs->lock, NULL);
	(void)pthread_cond_init(&cs->probed, NULL);
	cs->max_ms = max_ms;
	*ret_circuits = cs;
	return 0;
}

void circuits_free(struct circuits *cs)
{
	if (!cs)
		return;
	for (struct circuit *c = cs->first, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	(void)pthread_cond_destroy(&cs->probed);
	(void)pthread_mutex_destroy(&cs->lock);
	free(cs);
}

static struct circuit *find_locked(struct circuits *cs, const char *host)
{
	struct circuit *c = cs->first;

	while (c && strcmp(c->host, host) != 0)
		c = c->next;
	return c;
}

int circuit_get(struct circuits *cs, const char *host, struct circuit **ret_circuit)
{
	struct circuit *c;

	pthread_mutex_lock(&cs->lock);
	c = find_locked(cs, host);
	if (!c)
		c = calloc(1, sizeof(*c));
	if (c && !c->all) {
		c->all = cs;
		(void)snprintf(c->host, sizeof(c->host), "%s", host);
		c->next = cs->first;
		cs->first = c;
	}
	pthread_mutex_unlock(&cs->lock);
	if (!c)
		return -ENOMEM;
	*ret_circuit = c;
	return 0;
}

/* Times 0.8 to 1.3, so that calls that failed together are not repeated together. */
static uint64_t jitter(uint64_t ms)
{
	uint16_t random;

	if (random_bytes(&random, sizeof(random)) < 0)
		return ms;
	return ms * (800 + random % 501) / 1000;
}

uint64_t retry_delay_ms(unsigned retry)
{
	uint64_t ms = retry < 7 ? (uint64_t)RETRY_FIRST_MS << retry : RETRY_CAP_MS;

	ms = jitter(ms);
	return ms < RETRY_CAP_MS ? ms : RETRY_CAP_MS;
}

static uint64_t wait_until_locked(const struct circuit *c, uint64_t now_ms)
{
	uint64_t until = c->hold_until_ms;

	if (c->open && c->probing && until < now_ms + PROBE_GUESS_MS)
		return now_ms + PROBE_GUESS_MS;
	if (c->open && c->open_until_ms > until)
		until = c->open_until_ms;
	return until;
}

int circuit_enter(struct circuit *c, uint64_t now_ms, uint64_t *ret_wait_ms)
{
	uint64_t until;
	bool probe;

	pthread_mutex_lock(&c->all->lock);
	until = wait_until_locked(c, now_ms);
	probe = until <= now_ms && c->open;
	if (probe)
		c->probing = true;
	pthread_mutex_unlock(&c->all->lock);
	if (until <= now_ms)
		return probe;
	*ret_wait_ms = until - now_ms;
	return -EBUSY;
}

bool circuit_probe_wait(struct circuit *c, uint64_t ms)
{
	uint64_t deadline_ms = clock_now_ms() + ms;
	bool was, is;

	pthread_mutex_lock(&c->all->lock);
	was = is = c->probing;
	while (is && clock_left_ms(deadline_ms) > 0) {
		(void)clock_cond_wait(&c->all->probed, &c->all->lock, deadline_ms);
		is = c->probing;
	}
	pthread_mutex_unlock(&c->all->lock);
	return was && !is;
}

static void open_locked(struct circuit *c, uint64_t now_ms)
{
	uint64_t ms = c->open ? c->open_for_ms * 2 : CIRCUIT_FIRST_MS;

	c->open_for_ms = ms < c->all->max_ms ? ms : c->all->max_ms;
	c->open = true;
	c->probing = false;
	c->open_until_ms = now_ms + c->open_for_ms;
}

void circuit_leave(struct circuit *c, uint64_t now_ms, enum circuit_end end)
{
	pthread_mutex_lock(&c->all->lock);
	if (end == CIRCUIT_ANSWERED) {
		c->failures = 0;
		c->open = c->probing = false;
	} else if (end == CIRCUIT_UNASKED) {
		c->probing = false; /* if a probe is due, the next call is it */
	} else {
		c->failures++;
		/* of an open circuit only the probe counts: the other calls went out before it
		 * opened, and must not make its period longer */
		if (c->open ? c->probing : c->failures >= CIRCUIT_FAILURES)
			open_locked(c, now_ms);
	}
	if (!c->probing)
		(void)pthread_cond_broadcast(&c->all->probed);
	pthread_mutex_unlock(&c->all->lock);
}

void circuit_hold(struct circuit *c, uint64_t now_ms, uint64_t ms)
{
	pthread_mutex_lock(&c->all->lock);
	if (ms > RETRY_CAP_MS) /* so that no Retry-After stops all calls of a host for hours */
		ms = RETRY_CAP_MS;
	if (now_ms + ms > c->hold_until_ms)
		c->hold_until_ms = now_ms + ms;
	pthread_mutex_unlock(&c->all->lock);
}

uint64_t circuit_hold_left(struct circuit *c, uint64_t now_ms)
{
	uint64_t until;

	pthread_mutex_lock(&c->all->lock);
	until = c->hold_until_ms;
	pthread_mutex_unlock(&c->all->lock);
	return until > now_ms ? until - now_ms : 0;
}

void circuit_set_failure(struct circuit *c, const struct err *why)
{
	pthread_mutex_lock(&c->all->lock);
	c->failure = *why;
	pthread_mutex_unlock(&c->all->lock);
}

void circuit_failure(struct circuit *c, struct err *ret_why)
{
	pthread_mutex_lock(&c->all->lock);
	*ret_why = c->failure;
	pthread_mutex_unlock(&c->all->lock);
}

void circuits_probe(struct circuits *cs)
{
	pthread_mutex_lock(&cs->lock);
	for (struct circuit *c = cs->first; c; c = c->next)
		c->open_until_ms = 0;
	pthread_mutex_unlock(&cs->lock);
}

static void describe_locked(const struct circuit *c, uint64_t now_ms, struct kms_circuit *ret)
{
	uint64_t until = wait_until_locked(c, now_ms);

	(void)snprintf(ret->vault, sizeof(ret->vault), "%s", c->host);
	ret->state = !c->open	  ? KMS_CIRCUIT_CLOSED
		     : c->probing ? KMS_CIRCUIT_HALF_OPEN
				  : KMS_CIRCUIT_OPEN;
	ret->failures = c->failures;
	ret->retry_in_ms = until > now_ms ? until - now_ms : 0;
}

size_t circuits_list(struct circuits *cs, struct kms_circuit *ret_list, size_t max)
{
	uint64_t now_ms = clock_now_ms();
	size_t n = 0;

	pthread_mutex_lock(&cs->lock);
	for (const struct circuit *c = cs->first; c && n < max; c = c->next)
		describe_locked(c, now_ms, &ret_list[n++]);
	pthread_mutex_unlock(&cs->lock);
	return n;
}

const char *kms_circuit_state_name(enum kms_circuit_state state)
{
	static const char *const names[] = {"closed", "open", "half-open"};

	return (size_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}
