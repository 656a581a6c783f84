/* fs/keyring/judge.c - what the roots' answers make of a policy: open, degraded, revoked. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/keyring/keyring_internal.h"

static void health_note_locked(struct key_policy *kp, const struct root_answer answers[static 2])
{
	for (unsigned i = 0; i < 2; i++) {
		struct root_health *h = &kp->health[i];

		if (!answers[i].asked)
			continue;
		h->outcome = answers[i].outcome;
		h->when = time(NULL);
		memcpy(h->text, answers[i].text, sizeof(h->text));
	}
}

static_assert(sizeof(((struct root_health *)0)->text) == sizeof(((struct root_answer *)0)->text),
	      "health shows the answer's sentence");

/*
 * Denial of the newest generation revokes the policy. Denial of an older one (its root version
 * may have been retired after a refresh that failed) proves nothing about the others: that slot
 * alone.
 */
static uint64_t deny_locked(struct key_policy *kp, const struct key_source *src)
{
	uint64_t now_ms = clock_now_ms(), wiped = 0;

	for (struct key_slot *slot = kp->slots; slot; slot = slot->next) {
		if (!src->newest && slot->generation != src->key.generation)
			continue;
		if (slot->key && slot->from != FROM_DENIED) {
			keyring_slot_close_locked(slot);
			wiped++;
		}
		slot->denied_ms = now_ms;
	}
	if (src->newest)
		kp->revoked = true;
	return wiped;
}

static void allow_locked(struct keyring *k, struct key_policy *kp, const struct key_source *src,
			 struct wrap_key *key)
{
	struct key_slot *slot = keyring_slot_locked(kp, src->key.generation);

	if (slot && key) {
		keyring_slot_set_locked(k, slot, FROM_VAULT, key);
		kp->used = true;
	}
	if (!src->newest)
		return;
	kp->proved = time(NULL);
	kp->revoked = false;
	for (slot = kp->slots; slot; slot = slot->next)
		slot->denied_ms = 0;
}

struct judgement keyring_judge_locked(struct keyring *k, struct key_policy *kp,
				      const struct key_source *src, enum verdict verdict,
				      const struct root_answer answers[static 2],
				      struct wrap_key *key)
{
	bool was_revoked = kp->revoked;
	struct judgement j = {0};
	uint64_t wiped = 0;

	if (src->newest)
		health_note_locked(kp, answers);
	if (verdict == VERDICT_OPEN)
		allow_locked(k, kp, src, key);
	else if (verdict == VERDICT_DENIED)
		wiped = deny_locked(kp, src);
	j.state = keyring_state_locked(kp);
	j.revoked = kp->revoked && !was_revoked;
	if (j.revoked) {
		j.revoked_ms = clock_now_ms();
		keyring_revocation_begin_locked(kp, wiped);
	}
	/* "closed" is never reported: it is where every policy starts */
	j.changed = j.state != KEYRING_CLOSED && j.state != kp->reported;
	if (j.changed)
		kp->reported = j.state;
	return j;
}

void judgement_report(struct keyring *k, const struct key_source *src, const struct judgement *j,
		      const struct root_answer answers[static 2])
{
	static const char *const names[] = {"closed", "ready", "degraded", "revoked"};
	char id[UUID_TEXT_LEN], reason[ROOTS_TEXT_MAX];
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("policy", src->policy_name),
		AUDIT_FIELD_STR("policy_id", id),
		AUDIT_FIELD_STR("state", names[j->state]),
		AUDIT_FIELD_STR("reason", reason),
	};

	uuid_encode(src->key.policy_id, id);
	roots_text(answers, reason, sizeof(reason));
	if (j->changed)
		audit_event(k->audit, "policy-state", NULL,
			    j->state == KEYRING_REVOKED ? "EKEYREVOKED" : "ok", fields, 4);
	if (j->revoked) {
		metrics_add(k->metrics, METRIC_REVOCATIONS, 1);
		keyring_revocation_run(k, src, j->revoked_ms);
	}
}

/*
 * An act asked both roots. A check must change nothing (depfs-control(5), check), so bad answers
 * show in the health alone: the checker takes keys away. Two good ones end a revocation.
 */
void keyring_note(struct keyring *k, const struct key_source *src,
		  const struct root_answer answers[static 2])
{
	struct judgement j = {0};
	struct key_policy *kp;

	pthread_rwlock_wrlock(&k->lock);
	kp = keyring_add_locked(k, src->key.policy_id);
	if (kp && answers[0].outcome == KMS_OK && answers[1].outcome == KMS_OK)
		j = keyring_judge_locked(k, kp, src, VERDICT_OPEN, answers, NULL);
	else if (kp)
		health_note_locked(kp, answers);
	pthread_rwlock_unlock(&k->lock);
	judgement_report(k, src, &j, answers);
}
