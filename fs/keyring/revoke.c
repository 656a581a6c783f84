/* fs/keyring/revoke.c - a revocation is carried out; what it did is reported and kept. */
#include <string.h>
#include <time.h>

#include "fs/keyring/keyring_internal.h"

#define FLUSH_S 5u /* 3 s to write dirty pages (fs/content/drain.c), 2 s to drop what is cached */

void keyring_on_revoked(struct keyring *k, revoked_fn *fn, void *arg)
{

	pthread_rwlock_wrlock(&k->lock);
	k->on_revoked = fn;
	k->on_revoked_arg = arg;
	pthread_rwlock_unlock(&k->lock);
}

void keyring_revocation_begin_locked(struct key_policy *kp, uint64_t policy_keys)
{
	kp->last = (struct revocation){
		.count = kp->last.count + 1,
		.under_way = kp->last.under_way + 1,
		.when = time(NULL),
		.policy_keys = policy_keys,
	};
	kp->sum.policy_keys += policy_keys;
}

static void add_files(struct revoked_files *to, const struct revoked_files *files)
{
	to->open_files += files->open_files;
	to->handles += files->handles;
	to->cached_files += files->cached_files;
	to->flushed += files->flushed;
	to->lost += files->lost;
	to->data_keys += files->data_keys;
}

static uint64_t end_locked(struct key_policy *kp, const struct revoked_files *files,
			   uint64_t took_ms)
{
	kp->last.under_way--;
	kp->last.files = *files;
	kp->last.took_ms = took_ms;
	kp->sum.took_ms += took_ms;
	add_files(&kp->sum.files, files);
	return kp->last.policy_keys;
}

static void report_done(struct keyring *k, const struct key_source *src,
			const struct revoked_files *files, uint64_t policy_keys, uint64_t took_ms)
{
	char id[UUID_TEXT_LEN];
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("policy", src->policy_name),
		AUDIT_FIELD_STR("policy_id", id),
		AUDIT_FIELD_U64("open_files", files->open_files),
		AUDIT_FIELD_U64("handles", files->handles),
		AUDIT_FIELD_U64("cached_files", files->cached_files),
		AUDIT_FIELD_U64("flushed_bytes", files->flushed),
		AUDIT_FIELD_U64("lost_bytes", files->lost),
		AUDIT_FIELD_U64("data_keys_wiped", files->data_keys),
		AUDIT_FIELD_U64("policy_keys_wiped", policy_keys),
		AUDIT_FIELD_U64("took_ms", took_ms),
	};

	uuid_encode(src->key.policy_id, id);
	audit_event(k->audit, "revocation-done", NULL, files->lost ? "EIO" : "ok", fields,
		    sizeof(fields) / sizeof(fields[0]));
}

void keyring_revocation_run(struct keyring *k, const struct key_source *src, uint64_t since_ms)
{
	struct revoked_files files = {0};
	uint64_t took_ms, policy_keys;
	revoked_fn *fn;
	void *arg;

	pthread_rwlock_rdlock(&k->lock);
	fn = k->on_revoked;
	arg = k->on_revoked_arg;
	pthread_rwlock_unlock(&k->lock);
	if (fn)
		fn(arg, src->key.policy_id, &files);
	took_ms = clock_now_ms() - since_ms;
	pthread_rwlock_wrlock(&k->lock);
	policy_keys = end_locked(keyring_find_locked(k, src->key.policy_id), &files, took_ms);
	pthread_rwlock_unlock(&k->lock);
	report_done(k, src, &files, policy_keys, took_ms);
}

/* Raising the epoch voids the answers to questions that are under way. */
static uint64_t purge_locked(struct key_policy *kp)
{
	uint64_t wiped = 0;

	for (struct key_slot *slot = kp->slots; slot; slot = slot->next) {
		wiped += slot->key != NULL;
		keyring_slot_close_locked(slot);
		slot->denied_ms = 0;
	}
	memset(kp->health, 0, sizeof(kp->health));
	kp->revoked = kp->used = false;
	kp->purged = true;
	kp->epoch++;
	return wiped;
}

void keyring_purge(struct keyring *k, const struct key_source *src)
{
	uint64_t since_ms = clock_now_ms();
	struct key_policy *kp;

	pthread_rwlock_wrlock(&k->lock);
	kp = keyring_add_locked(k, src->key.policy_id);
	if (kp)
		keyring_revocation_begin_locked(kp, purge_locked(kp));
	pthread_rwlock_unlock(&k->lock);
	if (!kp)
		return; /* no memory for an entry: without one no key was opened before */
	metrics_add(k->metrics, METRIC_REVOCATIONS, 1);
	keyring_revocation_run(k, src, since_ms);
}

void keyring_revocation(struct keyring *k, const uint8_t policy_id[static UUID_LEN],
			struct revocation *ret_revocation)
{
	const struct key_policy *kp;

	memset(ret_revocation, 0, sizeof(*ret_revocation));
	pthread_rwlock_rdlock(&k->lock);
	kp = keyring_find_locked(k, policy_id);
	if (kp)
		*ret_revocation = kp->last;
	pthread_rwlock_unlock(&k->lock);
}

static void sum_locked(const struct key_policy *kp, struct revocation *sum)
{
	sum->count += kp->last.count;
	sum->under_way += kp->last.under_way;
	sum->when = kp->last.when > sum->when ? kp->last.when : sum->when;
	sum->took_ms += kp->sum.took_ms;
	sum->policy_keys += kp->sum.policy_keys;
	add_files(&sum->files, &kp->sum.files);
}

void keyring_revocations(struct keyring *k, struct revocation *ret_sum)
{

	memset(ret_sum, 0, sizeof(*ret_sum));
	pthread_rwlock_rdlock(&k->lock);
	for (size_t i = 0; i < KEYRING_BUCKETS; i++)
		for (const struct key_policy *kp = k->buckets[i]; kp; kp = kp->next)
			sum_locked(kp, ret_sum);
	pthread_rwlock_unlock(&k->lock);
}

unsigned keyring_window_s(const struct keyring *k, bool slow)
{
	return k->key_check_s + (slow ? 2 * KMS_DEADLINE_S : 0) + FLUSH_S;
}
