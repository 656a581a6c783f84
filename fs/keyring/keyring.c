/* fs/keyring/keyring.c - a keyring made and ended, and keys from memory. */
#include "fs/keyring/keyring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/keyring/keyring_internal.h"

/*
 * While a slot is denied, users' requests reach the vaults this often a second; the rest are
 * answered from memory. So the next request opens a policy whose access returned (fs/README.md,
 * Opening a DEP key), and a program that retries in a loop does not flood the vault.
 */
#define DENIED_ASKS_PER_S 8

/* Two a policy that is being asked about, by a flight or by the checker: single flight bounds their
 * number, this only what a store of very many policies may take. */
#define KEYRING_THREADS_MAX 4096u

/* For key_check seconds after a proved denial users are answered from memory, beyond the first
 * DENIED_ASKS_PER_S requests of a second. */
static bool slot_refuses_now(const struct keyring *k, const struct key_slot *slot,
			     enum request_class class)
{
	uint64_t now_ms;

	if (class == REQUEST_SYSTEM || slot->denied_ms == 0)
		return false;
	now_ms = clock_now_ms();
	return now_ms - slot->denied_ms < (uint64_t)k->key_check_s * 1000 &&
	       now_ms - slot->asked_ms < 1000 && slot->asked >= DENIED_ASKS_PER_S;
}

int keyring_peek(struct keyring *k, const struct wrap_ref *ref, enum request_class class,
		 struct wrap_key **ret_kek)
{
	struct key_policy *kp;
	struct key_slot *slot;
	int r = -EINPROGRESS;

	if (wrap_ref_is_service(ref)) {
		if (ref->generation != 1)
			return -EINPROGRESS; /* keyring_get() fails, with a sentence */
		*ret_kek = wrap_key_get(service_key_dek_wrap(store_service_key(k->store)));
		return 0;
	}
	pthread_rwlock_rdlock(&k->lock);
	kp = keyring_find_locked(k, ref->policy_id);
	slot = kp ? keyring_slot_locked(kp, ref->generation) : NULL;
	if (slot && keyring_slot_serves(slot, class)) {
		*ret_kek = wrap_key_get(slot->key);
		r = 0;
	} else if (slot && slot_refuses_now(k, slot, class)) {
		r = -EKEYREVOKED;
	}
	pthread_rwlock_unlock(&k->lock);
	if (r != -EINPROGRESS) /* else the caller goes on to keyring_get(), which counts */
		metrics_add(k->metrics, r == 0 ? METRIC_KEY_HIT : METRIC_KEY_REFUSED, 1);
	return r;
}

bool keyring_denied(struct keyring *k, const struct wrap_ref *ref)
{
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

void keyring_forget(struct keyring *k, const uint8_t policy_id[static UUID_LEN])
{
	struct key_policy *kp;

	pthread_rwlock_wrlock(&k->lock);
	kp = keyring_find_locked(k, policy_id);
	if (kp) {
		policy_close_locked(kp);
		for (struct key_slot *slot = kp->slots; slot; slot = slot->next)
			slot->denied_ms = 0;
		memset(kp->health, 0, sizeof(kp->health));
		kp->revoked = false;
		kp->epoch++;
	}
	pthread_rwlock_unlock(&k->lock);
}

enum keyring_state keyring_state_of(struct keyring *k, const uint8_t policy_id[static UUID_LEN],
				    struct root_health ret_health[static 2])
{
	enum keyring_state state = KEYRING_CLOSED;
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

void keyring_look(struct keyring *k, const uint8_t policy_id[static UUID_LEN],
		  struct keyring_look *ret_look)
{
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

int keyring_new(const struct keyring_config *config, struct keyring **ret_keyring, struct err *err)
{
	struct keyring *k = calloc(1, sizeof(*k));

	if (!k)
		return err_set(err, -ENOMEM, "no memory for the keyring");
	k->store = config->store;
	k->kms = config->kms;
	k->audit = config->audit;
	k->metrics = config->metrics;
	k->key_check_s = config->key_check_s;
	(void)pthread_rwlock_init(&k->lock, NULL);
	(void)pthread_mutex_init(&k->stop_lock, NULL);
	(void)pthread_cond_init(&k->stop, NULL);
	if (pool_new(KEYRING_THREADS_MAX, &k->pool) < 0) {
		keyring_free(k);
		return err_set(err, -ENOMEM, "no memory for the keyring");
	}
	*ret_keyring = k;
	return 0;
}

int keyring_start(struct keyring *k, key_source_fn *source, void *arg, struct err *err)
{
	k->source = source;
	k->source_arg = arg;
	if (pthread_create(&k->checker, NULL, keyring_checker, k) != 0)
		return err_set(err, -EAGAIN, "no thread for the key checker");
	k->checker_runs = true;
	return 0;
}

void keyring_closing(struct keyring *k)
{
	if (!k)
		return;
	pthread_mutex_lock(&k->stop_lock);
	atomic_store(&k->closing, true);
	pthread_cond_broadcast(&k->stop);
	pthread_mutex_unlock(&k->stop_lock);
}

void keyring_stop(struct keyring *k)
{
	if (!k)
		return;
	if (k->checker_runs)
		(void)pthread_join(k->checker, NULL);
	k->checker_runs = false;
	/* A vault call cannot be cancelled, but ends by its deadline. A task that just begins asks
	 * its second root by k->pool: so the pointer stays until all have ended. */
	pool_free(k->pool);
	k->pool = NULL;
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
	pool_free(k->pool);
	free(k);
}
