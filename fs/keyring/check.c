/* fs/keyring/check.c - access to every open policy is proved again, every key_check seconds. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/keyring/keyring_internal.h"

struct check {
	struct check *next;
	struct keyring *k;
	uint8_t policy_id[UUID_LEN];
};

#define PROOF_REPORT_MS (60 * 60 * 1000u)

/* Proofs with the same outcomes as the one before are counted, and reported once an hour. Returns
 * how many to report, 0: none yet. */
static uint64_t proof_note_locked(struct key_policy *kp, const struct root_answer answers[static 2])
{
	uint64_t now_ms = clock_now_ms(), checks = ++kp->proof.checks;

	if (kp->proof.reported_ms != 0 && now_ms - kp->proof.reported_ms < PROOF_REPORT_MS &&
	    kp->proof.outcomes[0] == answers[0].outcome &&
	    kp->proof.outcomes[1] == answers[1].outcome)
		return 0;
	kp->proof.outcomes[0] = answers[0].outcome;
	kp->proof.outcomes[1] = answers[1].outcome;
	kp->proof.reported_ms = now_ms;
	kp->proof.checks = 0;
	return checks;
}

/* @checks: this one, and those with the same outcomes since the last event. */
static void proof_report(struct keyring *k, const struct key_source *src, uint64_t checks,
			 const struct root_answer answers[static 2])
{
	const struct root_answer *a = &answers[0], *b = &answers[1];
	bool good = a->outcome == KMS_OK || b->outcome == KMS_OK;
	char id[UUID_TEXT_LEN];
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("policy", src->policy_name),
		AUDIT_FIELD_STR("policy_id", id),
		AUDIT_FIELD_U64("generation", src->key.generation),
		AUDIT_FIELD_U64("checks", checks),
		AUDIT_FIELD_STR("key_1_outcome", a->asked ? kms_outcome_name(a->outcome) : NULL),
		AUDIT_FIELD_STR("key_1_request_id", a->request_id[0] ? a->request_id : NULL),
		AUDIT_FIELD_STR("key_2_outcome", b->asked ? kms_outcome_name(b->outcome) : NULL),
		AUDIT_FIELD_STR("key_2_request_id", b->request_id[0] ? b->request_id : NULL),
	};

	uuid_encode(src->key.policy_id, id);
	audit_event(k->audit, "key-check", NULL, good ? "ok" : errno_name(a->r), fields,
		    sizeof(fields) / sizeof(fields[0]));
}

static void check_judge(struct keyring *k, const struct key_source *src, uint64_t epoch,
			enum verdict verdict, const struct root_answer answers[static 2],
			struct wrap_key *key)
{
	struct judgement j = {0};
	struct key_policy *kp;
	uint64_t checks;

	pthread_rwlock_wrlock(&k->lock);
	kp = keyring_find_locked(k, src->key.policy_id);
	checks = proof_note_locked(kp, answers);
	if (kp->epoch == epoch)
		j = keyring_judge_locked(k, kp, src, verdict, answers, key);
	pthread_rwlock_unlock(&k->lock);
	if (checks > 0)
		proof_report(k, src, checks, answers);
	judgement_report(k, src, &j, answers);
}

/* In a thread for each policy: a slow vault delays no proof of another policy. */
static int check_policy(struct keyring *k, const uint8_t policy_id[static UUID_LEN], uint64_t epoch)
{
	CLEANUP(secret_free_p) struct secret *dep_key = NULL;
	CLEANUP(wrap_key_put_p) struct wrap_key *key = NULL;
	struct root_answer answers[2];
	struct wrap_ref ref = {.generation = 0};
	struct key_source src;
	enum verdict verdict;
	int r;

	memcpy(ref.policy_id, policy_id, UUID_LEN);
	r = k->source(k->source_arg, &ref, &src);
	if (r < 0)
		return r;
	verdict = roots_ask(k, &src, ASK_BOTH, answers, &dep_key);
	if (verdict == VERDICT_OPEN) {
		r = wrap_key_new(secret_bytes(dep_key), KDF_DEP_DEK_WRAP, &key);
		if (r < 0)
			return r; /* nothing is proved; the next round asks again */
	}
	check_judge(k, &src, epoch, verdict, answers, key);
	return 0;
}

static uint64_t epoch_of(struct keyring *k, const uint8_t policy_id[static UUID_LEN])
{
	uint64_t epoch;

	pthread_rwlock_rdlock(&k->lock);
	epoch = keyring_find_locked(k, policy_id)->epoch;
	pthread_rwlock_unlock(&k->lock);
	return epoch;
}

static void check_end(struct check *c)
{
	struct keyring *k = c->k;

	pthread_rwlock_wrlock(&k->lock);
	keyring_find_locked(k, c->policy_id)->checking = false;
	pthread_rwlock_unlock(&k->lock);
	free(c);
}

static void check_run(void *arg)
{
	struct check *c = arg;

	/* a failure is lack of memory or a policy that is gone: the next round tries again */
	(void)check_policy(c->k, c->policy_id, epoch_of(c->k, c->policy_id));
	check_end(c);
}

/* A policy is due when its key was opened, since files may be open; when its key was taken away,
 * since access may have been given back; and when a root failed when last asked, since its recovery
 * would otherwise show only when a file is opened. */
static bool is_due_locked(const struct key_policy *kp)
{
	if (kp->checking)
		return false;
	if (kp->used)
		return true;
	for (unsigned i = 0; i < 2; i++)
		if (kp->health[i].when && kp->health[i].outcome != KMS_OK)
			return true;
	return kp->revoked;
}

/* When memory runs out, the policy is left out of this round. */
static struct check *check_new_locked(struct keyring *k, struct key_policy *kp, struct check *next)
{
	struct check *c = malloc(sizeof(*c));

	if (!c)
		return next;
	*c = (struct check){.next = next, .k = k};
	memcpy(c->policy_id, kp->id, UUID_LEN);
	kp->checking = true;
	return c;
}

/* A key that the availability key opened after a denial serves system requests until until_ms, and
 * does not stay in memory longer. */
static void wipe_expired_locked(struct key_policy *kp)
{
	uint64_t now_ms = clock_now_ms();

	for (struct key_slot *slot = kp->slots; slot; slot = slot->next)
		if (slot->key && slot->from == FROM_DENIED && slot->until_ms <= now_ms)
			keyring_slot_close_locked(slot);
}

void keyring_check_all(struct keyring *k)
{
	struct check *first = NULL;

	pthread_rwlock_wrlock(&k->lock);
	for (size_t i = 0; i < KEYRING_BUCKETS; i++)
		for (struct key_policy *kp = k->buckets[i]; kp; kp = kp->next) {
			wipe_expired_locked(kp);
			if (is_due_locked(kp))
				first = check_new_locked(k, kp, first);
		}
	pthread_rwlock_unlock(&k->lock);
	if (first) /* without it an open circuit breaker would refuse this round's calls */
		kms_circuits_probe(k->kms);
	for (struct check *c = first, *next; c; c = next) {
		next = c->next;
		if (pool_run(k->pool, check_run, c) < 0)
			check_end(c);
	}
}

void *keyring_checker(void *keyring)
{
	struct keyring *k = keyring;
	uint64_t next_ms = clock_now_ms() + (uint64_t)k->key_check_s * 1000;

	pthread_mutex_lock(&k->stop_lock);
	while (!atomic_load(&k->closing)) {
		if (clock_cond_wait(&k->stop, &k->stop_lock, next_ms) != -ETIMEDOUT)
			continue;
		next_ms = clock_now_ms() + (uint64_t)k->key_check_s * 1000;
		pthread_mutex_unlock(&k->stop_lock);
		keyring_check_all(k);
		pthread_mutex_lock(&k->stop_lock);
	}
	pthread_mutex_unlock(&k->stop_lock);
	return NULL;
}
