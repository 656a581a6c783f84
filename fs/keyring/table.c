/* fs/keyring/table.c - opened keys by policy and generation, and what a slot is good for. */
#include <stdlib.h>
#include <string.h>

#include "fs/keyring/keyring_internal.h"

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
	kp->reported = KEYRING_OPEN;
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

/* Holders of a reference keep using a key that was taken out of its slot. */
void keyring_slot_close_locked(struct key_slot *slot)
{
	wrap_key_put(STEAL(slot->key));
}

bool keyring_slot_serves(const struct key_slot *slot, enum request_class class)
{
	if (!slot->key)
		return false;
	if (slot->from == FROM_VAULT)
		return true; /* for as long as the checker leaves it in the slot */
	if (slot->from == FROM_DENIED && class != REQUEST_SYSTEM)
		return false;
	return clock_now_ms() < slot->until_ms;
}

void keyring_slot_set_locked(struct keyring *k, struct key_slot *slot, enum slot_from from,
			     struct wrap_key *key)
{
	keyring_slot_close_locked(slot);
	slot->key = wrap_key_get(key);
	slot->from = from;
	slot->until_ms = clock_now_ms() + (uint64_t)k->key_check_s * 1000;
	if (from == FROM_VAULT)
		slot->denied_ms = 0;
}

bool keyring_denied_locked(const struct key_policy *kp, const struct key_slot *slot)
{
	if (kp->purged)
		return true;
	if (slot && slot->key && slot->from == FROM_VAULT)
		return false; /* one generation may open while another is denied */
	return kp->revoked || (slot && slot->denied_ms);
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
