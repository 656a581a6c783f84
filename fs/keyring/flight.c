/* fs/keyring/flight.c - single flight: the vaults are asked for one key once, for all callers that
 * wait for it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/keyring/keyring_internal.h"

#define WAIT_DEFAULT_MS 60000u
#define WAIT_POLL_MS	50u

/*
 * One question to the vaults about one generation. It runs in a thread of its own, because a vault
 * call cannot be cancelled and a caller must be able to give up.
 *
 *   asking   slot->flight points here; callers join and wait
 *   done     verdict is set, slot->flight is empty; each caller takes its part and drops its count
 */
struct flight {
	struct keyring *k;
	struct key_source src;
	uint64_t epoch; /* of the policy, when it started */
	pthread_mutex_t lock;
	pthread_cond_t finished;
	unsigned refs; /* guarded by lock, like what follows */
	unsigned waiters;
	unsigned background; /* of them, in background slots of the kernel */
	bool behind[2];	     /* by class: keyring_ask() wants the answer to take effect */
	bool done;
	enum verdict verdict; /* constant once done, like the next two */
	bool outdated;	      /* the policy's keys were replaced meanwhile */
	int r;		      /* depfs's own failure: no thread, or no memory for the opened key */
	uint64_t landed_ms;
	struct root_answer answers[2];
	struct wrap_key *key;	/* opened by a vault */
	struct wrap_key *avail; /* by the availability key, once a caller needed that */
};

static void flight_put(struct flight *f)
{
	bool last;

	pthread_mutex_lock(&f->lock);
	last = --f->refs == 0;
	pthread_mutex_unlock(&f->lock);
	if (!last)
		return;
	wrap_key_put(f->key);
	wrap_key_put(f->avail);
	(void)pthread_mutex_destroy(&f->lock);
	(void)pthread_cond_destroy(&f->finished);
	free(f);
}
DEFINE_CLEANUP(struct flight *, flight_put)

static int kek_of(struct secret *dep_key, struct wrap_key **ret_kek)
{
	return wrap_key_new(secret_bytes(dep_key), KDF_DEP_DEK_WRAP, ret_kek);
}

/* flight_join() made policy and slot, and none is removed while the keyring lives. */
static struct judgement flight_land(struct flight *f)
{
	struct keyring *k = f->k;
	struct judgement j = {0};
	struct key_policy *kp;

	pthread_rwlock_wrlock(&k->lock);
	kp = keyring_find_locked(k, f->src.key.policy_id);
	f->outdated = kp->epoch != f->epoch;
	if (!f->outdated && f->r == 0)
		j = keyring_judge_locked(f->k, kp, &f->src, f->verdict, f->answers, f->key);
	f->landed_ms = clock_now_ms(); /* after its own denial is noted, which avail_is_old_locked()
					  must not take for a later one */
	keyring_slot_locked(kp, f->src.key.generation)->flight = NULL;
	pthread_rwlock_unlock(&k->lock);
	return j;
}

static struct flight *flight_new(struct keyring *k, const struct key_source *src)
{
	struct flight *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->k = k;
	f->src = *src;
	f->refs = 1;
	(void)pthread_mutex_init(&f->lock, NULL);
	(void)pthread_cond_init(&f->finished, NULL);
	return f;
}

static struct flight *flight_get(struct flight *f)
{
	pthread_mutex_lock(&f->lock);
	f->refs++;
	pthread_mutex_unlock(&f->lock);
	return f;
}

/* Counts what users ask for while the slot is denied, see keyring_peek(). */
static void asked_note_locked(struct key_slot *slot)
{
	uint64_t now_ms = clock_now_ms();

	if (now_ms - slot->asked_ms >= 1000) {
		slot->asked_ms = now_ms;
		slot->asked = 0;
	}
	slot->asked++;
}

enum joined {
	JOIN_SERVED,  /* another caller has opened the slot meanwhile */
	JOIN_WAIT,    /* a flight is under way */
	JOIN_STARTED, /* the caller has to run it */
};

static int flight_join(struct keyring *k, const struct key_source *src, enum request_class class,
		       struct flight **ret_flight, enum joined *ret_how, struct wrap_key **ret_kek)
{
	CLEANUP(flight_put_p) struct flight *mine = flight_new(k, src);
	struct key_slot *slot = NULL;
	struct key_policy *kp;

	if (!mine)
		return -ENOMEM;
	pthread_rwlock_wrlock(&k->lock);
	kp = keyring_add_locked(k, src->key.policy_id);
	if (kp)
		slot = keyring_slot_add_locked(kp, src->key.generation);
	if (slot && keyring_slot_serves(slot, class)) {
		*ret_kek = wrap_key_get(slot->key);
		*ret_how = JOIN_SERVED;
	} else if (slot && slot->flight) {
		*ret_flight = flight_get(slot->flight);
		*ret_how = JOIN_WAIT;
	} else if (slot) {
		mine->epoch = kp->epoch;
		slot->flight = mine;
		asked_note_locked(slot);
		*ret_flight = STEAL(mine);
		*ret_how = JOIN_STARTED;
	}
	pthread_rwlock_unlock(&k->lock);
	return slot ? 0 : -ENOMEM;
}

static bool is_full_locked(struct flight *f, bool background)
{
	if (!background)
		return f->waiters >= KEYRING_WAITERS_MAX;
	return f->background > KEYRING_BACKGROUND_MAX ||
	       atomic_load(&f->k->background) > KEYRING_BACKGROUND_ALL_MAX;
}

static int flight_wait(struct flight *f, const struct key_wait *wait, uint64_t deadline_ms)
{
	bool background = wait && wait->background;
	int r = 0;

	pthread_mutex_lock(&f->lock);
	f->background += background;
	atomic_fetch_add(&f->k->background, background);
	if (!f->done && is_full_locked(f, background))
		r = -EAGAIN;
	f->waiters++;
	while (!f->done && r == 0) {
		uint64_t poll_ms = clock_now_ms() + WAIT_POLL_MS;

		(void)clock_cond_wait(&f->finished, &f->lock,
				      poll_ms < deadline_ms ? poll_ms : deadline_ms);
		if (f->done)
			break;
		if (clock_now_ms() >= deadline_ms)
			r = -ETIMEDOUT;
		pthread_mutex_unlock(&f->lock); /* a call-back runs without our lock */
		if (r == 0 && wait && wait->interrupted && wait->interrupted(wait->arg))
			r = -EINTR;
		pthread_mutex_lock(&f->lock);
	}
	if (f->done)
		r = 0;
	f->waiters--;
	f->background -= background;
	atomic_fetch_sub(&f->k->background, background);
	pthread_mutex_unlock(&f->lock);
	return r;
}

/* The availability key is used once, with one event, for all callers of the flight. */
static int flight_avail(struct flight *f, struct wrap_key **ret_kek)
{
	CLEANUP(secret_free_p) struct secret *dep_key = NULL;
	char reason[ROOTS_TEXT_MAX];
	int r = 0;

	roots_text(f->answers, reason, sizeof(reason));
	pthread_mutex_lock(&f->lock);
	if (!f->avail) {
		r = avail_open(f->k, &f->src, avail_cause(f->verdict, f->answers), reason,
			       &dep_key);
		if (r == 0)
			r = kek_of(dep_key, &f->avail);
	}
	if (r == 0)
		*ret_kek = wrap_key_get(f->avail);
	pthread_mutex_unlock(&f->lock);
	return r;
}

/* Whether the flight's answer is out of date: since it landed a vault has opened the slot, another
 * flight has proved denial, or the keys were replaced. */
static bool avail_is_old_locked(const struct flight *f, const struct key_policy *kp,
				const struct key_slot *slot)
{
	return kp->epoch != f->epoch || (slot->key && slot->from == FROM_VAULT) ||
	       slot->denied_ms > f->landed_ms;
}

/*
 * Keeps the key for key_check seconds; after that the vaults are asked again. After a denial it
 * serves system requests alone, even when the vaults have been out of reach since.
 */
static void avail_keep(struct flight *f, struct wrap_key *kek)
{
	struct keyring *k = f->k;
	struct key_policy *kp;
	struct key_slot *slot;

	pthread_rwlock_wrlock(&k->lock);
	kp = keyring_find_locked(k, f->src.key.policy_id);
	slot = keyring_slot_locked(kp, f->src.key.generation);
	if (slot->key != kek && !avail_is_old_locked(f, kp, slot)) {
		bool denied = f->verdict == VERDICT_DENIED || keyring_denied_locked(kp, slot);

		keyring_slot_set_locked(f->k, slot, denied ? FROM_DENIED : FROM_OUTAGE, kek);
		kp->used = true;
	}
	pthread_rwlock_unlock(&k->lock);
}

static bool both_damaged(const struct flight *f)
{
	return f->answers[0].outcome == KMS_DAMAGED && f->answers[1].outcome == KMS_DAMAGED;
}

/* The error of keyring_get() when the availability key failed too. */
static int avail_failed(const struct flight *f, int r, struct err *err)
{
	char text[ROOTS_TEXT_MAX];

	roots_text(f->answers, text, sizeof(text));
	if (r == -EBADMSG && f->verdict == VERDICT_DENIED)
		r = -EKEYREVOKED;
	else if (r == -EBADMSG && !both_damaged(f))
		r = -ETIMEDOUT; /* a vault may yet come back */
	return err_set(err, r,
		       "policy \"%s\", generation %u: no copy opens, nor the availability "
		       "copy; %s",
		       f->src.policy_name, f->src.key.generation, text);
}

/*
 * Whether users are refused. A denial outlasts an outage that follows it: otherwise cutting the
 * connection to the vaults would open what their owner has closed.
 */
static bool flight_denied(const struct flight *f)
{
	struct wrap_ref ref = {.generation = f->src.key.generation};

	memcpy(ref.policy_id, f->src.key.policy_id, UUID_LEN);
	return f->verdict == VERDICT_DENIED || keyring_denied(f->k, &ref);
}

/* The table in fs/README.md, Opening a DEP key. */
static int flight_take(struct flight *f, enum request_class class, struct wrap_key **ret_kek,
		       struct err *err)
{
	char text[ROOTS_TEXT_MAX];
	int r;

	if (f->r < 0)
		return err_set(err, f->r, "policy \"%s\": no memory or thread to open its key",
			       f->src.policy_name);
	if (f->verdict == VERDICT_OPEN) {
		*ret_kek = wrap_key_get(f->key);
		return 0;
	}
	if (class == REQUEST_USER && flight_denied(f)) {
		roots_text(f->answers, text, sizeof(text));
		return err_set(err, -EKEYREVOKED, "policy \"%s\" is revoked: %s",
			       f->src.policy_name, text);
	}
	r = flight_avail(f, ret_kek);
	if (r < 0)
		return avail_failed(f, r, err);
	avail_keep(f, *ret_kek);
	return 0;
}

/* Takes the answer for the classes that keyring_ask() wanted it for. */
static void flight_take_behind(struct flight *f)
{
	for (int class = REQUEST_USER; class <= REQUEST_SYSTEM; class ++) {
		CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;

		/* constant once done; a failure has its event */
		if (f->behind[class] && !f->outdated)
			(void)flight_take(f, class, &kek, NULL);
	}
}

static void flight_run(void *arg)
{
	CLEANUP(secret_free_p) struct secret *dep_key = NULL;
	CLEANUP(flight_put_p) struct flight *f = arg;
	struct judgement j;

	f->verdict = roots_ask(f->k, &f->src, ASK_UNTIL_OPEN, f->answers, &dep_key);
	roots_report(f->k, &f->src, f->answers);
	if (f->verdict == VERDICT_OPEN)
		f->r = kek_of(dep_key, &f->key);
	j = flight_land(f);
	pthread_mutex_lock(&f->lock);
	f->done = true;
	pthread_cond_broadcast(&f->finished);
	pthread_mutex_unlock(&f->lock);
	judgement_report(f->k, &f->src, &j, f->answers);
	flight_take_behind(f);
}

/* No thread could be made: callers that joined meanwhile get the error too. */
static void flight_cancel(struct flight *f, int r)
{
	f->verdict = VERDICT_OUTAGE;
	f->r = r;
	(void)flight_land(f);
	pthread_mutex_lock(&f->lock);
	f->done = true;
	pthread_cond_broadcast(&f->finished);
	pthread_mutex_unlock(&f->lock);
}

static void flight_start(struct keyring *k, struct flight *f)
{
	int r = pool_run(k->pool, flight_run, flight_get(f));

	if (r == 0)
		return;
	flight_cancel(f, r);
	flight_put(f); /* the worker's count */
}

static int wait_failed(const struct key_source *src, int r, struct err *err)
{
	if (r == -EINTR)
		return err_set(err, r, "policy \"%s\": interrupted while its vaults were asked",
			       src->policy_name);
	if (r == -EAGAIN)
		return err_set(err, r, "policy \"%s\": too many wait for its vaults already",
			       src->policy_name);
	return err_set(err, r, "policy \"%s\": its vaults did not answer in time",
		       src->policy_name);
}

static int service_get(struct keyring *k, const struct wrap_ref *ref, struct wrap_key **ret_kek,
		       struct err *err)
{
	if (ref->generation != 1)
		return err_set(err, -ENOKEY, "the service key has no generation %u",
			       ref->generation);
	*ret_kek = wrap_key_get(service_key_dek_wrap(store_service_key(k->store)));
	return 0;
}

static int source_of(struct keyring *k, const struct wrap_ref *ref, struct key_source *src,
		     struct err *err)
{
	char id[UUID_TEXT_LEN];
	int r = ref->generation ? k->source(k->source_arg, ref, src) : -ENOKEY; /* no file has 0 */

	if (r == 0)
		return 0;
	uuid_encode(ref->policy_id, id);
	if (r == -EKEYREVOKED)
		return err_set(err, r, "policy %s is purged: no copy of its key is left", id);
	return err_set(err, r, "this store has no policy %s with a generation %u", id,
		       ref->generation);
}

int keyring_get(struct keyring *k, const struct wrap_ref *ref, enum request_class class,
		const struct key_wait *wait, struct wrap_key **ret_kek, struct err *err)
{
	uint32_t timeout_ms = wait && wait->timeout_ms ? wait->timeout_ms : WAIT_DEFAULT_MS;
	uint64_t deadline_ms = clock_now_ms() + timeout_ms;

	if (wrap_ref_is_service(ref))
		return service_get(k, ref, ret_kek, err);
	for (;;) {
		CLEANUP(flight_put_p) struct flight *f = NULL;
		struct key_source src;
		enum joined how;
		int r;

		r = source_of(k, ref, &src, err);
		if (r < 0)
			return r;
		r = flight_join(k, &src, class, &f, &how, ret_kek);
		if (r < 0)
			return err_set(err, r, "no memory to open a key");
		metrics_add(k->metrics, how == JOIN_SERVED ? METRIC_KEY_HIT : METRIC_KEY_MISS, 1);
		if (how == JOIN_SERVED)
			return 0;
		if (how == JOIN_STARTED)
			flight_start(k, f);
		r = flight_wait(f, wait, deadline_ms);
		if (r < 0)
			return wait_failed(&src, r, err);
		/* an answer about keys that were replaced meanwhile: ask about the new ones */
		if (!f->outdated || f->verdict == VERDICT_OPEN)
			return flight_take(f, class, ret_kek, err);
	}
}

void keyring_ask(struct keyring *k, const struct wrap_ref *ref, enum request_class class)
{
	CLEANUP(flight_put_p) struct flight *f = NULL;
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	struct key_source src;
	enum joined how;

	/* The next request reports what fails here. */
	if (wrap_ref_is_service(ref) || source_of(k, ref, &src, NULL) < 0 ||
	    flight_join(k, &src, class, &f, &how, &kek) < 0 || how == JOIN_SERVED)
		return;
	pthread_mutex_lock(&f->lock);
	f->behind[class] |= !f->done;
	pthread_mutex_unlock(&f->lock);
	if (how == JOIN_STARTED)
		flight_start(k, f);
}
