/* fs/keyring/keyring.c - opened DEP keys in memory, and what the roots' answers make of them. */
#include "fs/keyring/keyring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/keyring/keyring_internal.h"
#include "fs/store/service_key.h"

/*
 * While a slot is denied, users may make depfs ask the vaults that often in a second; more of them
 * are answered from memory. So the next request opens a policy whose access returned (DESIGN 5.1),
 * and a program that retries in a loop is no storm on somebody's vault.
 */
#define DENIED_ASKS_PER_S 8

static struct key_policy **bucket_of(struct keyring *k, const uint8_t id[static UUID_LEN])
{
	return &k->buckets[id[0]]; /* ids are random */
}

struct key_policy *keyring_find_locked(struct keyring *k, const uint8_t id[static UUID_LEN])
{
	struct key_policy *kp = *bucket_of(k, id);

	while (kp && memcmp(kp->id, id, UUID_LEN) != 0)
		kp = kp->next;
	return kp;
}

struct key_slot *keyring_slot_locked(struct key_policy *kp, uint32_t generation)
{
	struct key_slot *slot = kp->slots;

	while (slot && slot->generation != generation)
		slot = slot->next;
	return slot;
}

struct key_policy *keyring_add_locked(struct keyring *k, const uint8_t id[static UUID_LEN])
{
	struct key_policy *kp = keyring_find_locked(k, id);

	if (kp)
		return kp;
	kp = calloc(1, sizeof(*kp));
	if (!kp)
		return NULL;
	memcpy(kp->id, id, UUID_LEN);
	kp->told = KEYRING_OPEN;
	kp->next = *bucket_of(k, id);
	*bucket_of(k, id) = kp;
	return kp;
}

struct key_slot *keyring_slot_add_locked(struct key_policy *kp, uint32_t generation)
{
	struct key_slot *slot = keyring_slot_locked(kp, generation);

	if (slot)
		return slot;
	slot = calloc(1, sizeof(*slot));
	if (!slot)
		return NULL;
	slot->generation = generation;
	slot->next = kp->slots;
	kp->slots = slot;
	return slot;
}

/* A key taken out of its slot is still good for those who hold a reference. */
void keyring_slot_close_locked(struct key_slot *slot)
{
	wrap_key_put(STEAL(slot->key));
}

bool keyring_slot_serves(const struct key_slot *slot, enum request_class class)
{
	if (!slot->key)
		return false;
	if (slot->from == FROM_VAULT)
		return true; /* the checker takes it away */
	if (slot->from == FROM_DENIED && class != REQUEST_SYSTEM)
		return false;
	return clock_now_ms() < slot->until_ms;
}

void keyring_slot_set_locked(struct engine *e, struct key_slot *slot, enum slot_from from,
			     struct wrap_key *key)
{
	keyring_slot_close_locked(slot);
	slot->key = wrap_key_get(key);
	slot->from = from;
	slot->until_ms = clock_now_ms() + (uint64_t)e->key_check_s * 1000;
	if (from == FROM_VAULT)
		slot->denied_ms = 0;
}

/* A denied slot answers users from memory only when many ask at once. */
static bool slot_refuses_now(const struct engine *e, const struct key_slot *slot,
			     enum request_class class)
{
	uint64_t now_ms;

	if (class == REQUEST_SYSTEM || slot->denied_ms == 0)
		return false;
	now_ms = clock_now_ms();
	return now_ms - slot->denied_ms < (uint64_t)e->key_check_s * 1000 &&
	       now_ms - slot->asked_ms < 1000 && slot->asked >= DENIED_ASKS_PER_S;
}

int keyring_peek(struct engine *e, const struct wrap_ref *ref, enum request_class class,
		 struct wrap_key **ret_kek)
{
	struct keyring *k = e->keyring;
	struct key_policy *kp;
	struct key_slot *slot;
	int r = -EINPROGRESS;

	if (wrap_ref_is_service(ref)) {
		if (ref->generation != 1)
			return -EINPROGRESS; /* keyring_get() has the sentence */
		*ret_kek = wrap_key_get(service_key_dek_wrap(store_service_key(e->store)));
		return 0;
	}
	pthread_rwlock_rdlock(&k->lock);
	kp = keyring_find_locked(k, ref->policy_id);
	slot = kp ? keyring_slot_locked(kp, ref->generation) : NULL;
	if (slot && keyring_slot_serves(slot, class)) {
		*ret_kek = wrap_key_get(slot->key);
		r = 0;
	} else if (slot && slot_refuses_now(e, slot, class)) {
		r = -EKEYREVOKED;
	}
	pthread_rwlock_unlock(&k->lock);
	if (r != -EINPROGRESS) /* else keyring_get() is next, and counts */
		metrics_add(e->metrics, r == 0 ? METRIC_KEY_HIT : METRIC_KEY_REFUSED, 1);
	return r;
}

bool keyring_denied_locked(const struct key_policy *kp, const struct key_slot *slot)
{
	if (kp->purged)
		return true;
	if (slot && slot->key && slot->from == FROM_VAULT)
		return false; /* one generation may open while another is denied */
	return kp->revoked || (slot && slot->denied_ms);
}

bool keyring_denied(struct engine *e, const struct wrap_ref *ref)
{
	struct keyring *k = e->keyring;
	struct key_policy *kp;
	bool denied = false;

	if (wrap_ref_is_service(ref))
		return false;
	pthread_rwlock_rdlock(&k->lock);
	kp = keyring_find_locked(k, ref->policy_id);
	if (kp)
		denied = keyring_denied_locked(kp, keyring_slot_locked(kp, ref->generation));
	pthread_rwlock_unlock(&k->lock);
	return denied;
}

static void policy_close_locked(struct key_policy *kp)
{
	for (struct key_slot *slot = kp->slots; slot; slot = slot->next)
		keyring_slot_close_locked(slot);
}

void keyring_forget(struct engine *e, const uint8_t policy_id[static UUID_LEN])
{
	struct keyring *k = e->keyring;
	struct key_policy *kp;

	pthread_rwlock_wrlock(&k->lock);
	kp = keyring_find_locked(k, policy_id);
	if (kp) {
		policy_close_locked(kp);
		for (struct key_slot *slot = kp->slots; slot; slot = slot->next)
			slot->denied_ms = 0;
		memset(kp->health, 0, sizeof(kp->health));
		kp->revoked = false;
		kp->turn++;
	}
	pthread_rwlock_unlock(&k->lock);
}

enum keyring_state keyring_state_locked(const struct key_policy *kp)
{
	enum keyring_state state = KEYRING_CLOSED;

	if (kp->revoked)
		return KEYRING_REVOKED;
	for (const struct key_slot *slot = kp->slots; slot; slot = slot->next) {
		if (!slot->key)
			continue;
		if (slot->from != FROM_VAULT)
			return KEYRING_DEGRADED;
		state = KEYRING_OPEN;
	}
	for (unsigned i = 0; i < 2 && state == KEYRING_OPEN; i++)
		if (kp->health[i].when != 0 && kp->health[i].outcome != KMS_OK)
			state = KEYRING_DEGRADED;
	return state;
}

enum keyring_state keyring_state_of(struct engine *e, const uint8_t policy_id[static UUID_LEN],
				    struct root_health ret_health[static 2])
{
	enum keyring_state state = KEYRING_CLOSED;
	struct keyring *k = e->keyring;
	const struct key_policy *kp;

	memset(ret_health, 0, 2 * sizeof(ret_health[0]));
	pthread_rwlock_rdlock(&k->lock);
	kp = keyring_find_locked(k, policy_id);
	if (kp) {
		memcpy(ret_health, kp->health, sizeof(kp->health));
		state = keyring_state_locked(kp);
	}
	pthread_rwlock_unlock(&k->lock);
	return state;
}

void keyring_look(struct engine *e, const uint8_t policy_id[static UUID_LEN],
		  struct keyring_look *ret_look)
{
	struct keyring *k = e->keyring;
	const struct key_policy *kp;

	*ret_look = (struct keyring_look){0};
	pthread_rwlock_rdlock(&k->lock);
	kp = keyring_find_locked(k, policy_id);
	if (kp) {
		ret_look->revocations = kp->last.count;
		ret_look->proved = kp->proved;
		for (const struct key_slot *slot = kp->slots; slot; slot = slot->next)
			ret_look->open |= slot->key != NULL;
	}
	pthread_rwlock_unlock(&k->lock);
}

int keyring_new(struct engine *e, struct keyring **ret_keyring, struct err *err)
{
	struct keyring *k = calloc(1, sizeof(*k));

	if (!k)
		return err_set(err, -ENOMEM, "no memory for the keyring");
	(void)pthread_rwlock_init(&k->lock, NULL);
	(void)pthread_mutex_init(&k->stop_lock, NULL);
	(void)pthread_cond_init(&k->stop, NULL);
	*ret_keyring = k; /* the checker finds it there */
	if (pthread_create(&k->checker, NULL, keyring_checker, e) != 0)
		return err_set(err, -EAGAIN, "no thread for the key checker");
	k->checker_runs = true;
	return 0;
}

void keyring_stop(struct keyring *k)
{
	if (!k || !k->checker_runs)
		return;
	pthread_mutex_lock(&k->stop_lock);
	pthread_cond_broadcast(&k->stop); /* engine.closing is set */
	pthread_mutex_unlock(&k->stop_lock);
	(void)pthread_join(k->checker, NULL);
	k->checker_runs = false;
}

void keyring_free(struct keyring *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < KEYRING_BUCKETS; i++) {
		for (struct key_policy *kp = k->buckets[i], *next; kp; kp = next) {
			next = kp->next;
			policy_close_locked(kp);
			for (struct key_slot *slot = kp->slots, *after; slot; slot = after) {
				after = slot->next;
				free(slot);
			}
			free(kp);
		}
	}
	(void)pthread_rwlock_destroy(&k->lock);
	(void)pthread_mutex_destroy(&k->stop_lock);
	(void)pthread_cond_destroy(&k->stop);
	free(k);
}
