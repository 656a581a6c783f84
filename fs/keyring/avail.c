/* fs/keyring/avail.c - the availability key: opens a DEP key when the vaults do not. */
#include <errno.h>
#include <string.h>

#include "fs/keyring/keyring_internal.h"

void copy_damaged_report(struct keyring *k, const struct key_source *src, const char *copy,
			 const char *text)
{
	char id[UUID_TEXT_LEN];
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("policy", src->policy_name),
		AUDIT_FIELD_STR("policy_id", id),
		AUDIT_FIELD_U64("generation", src->key.generation),
		AUDIT_FIELD_STR("copy", copy),
		AUDIT_FIELD_STR("reason", text),
	};

	uuid_encode(src->key.policy_id, id);
	audit_event(k->audit, "key-copy-damaged", NULL, "EBADMSG", fields, 5);
}

/* The service key opens the availability key, which opens the DEP key. */
int avail_unwrap(struct keyring *k, const struct key_source *src, struct secret *dep_key)
{
	CLEANUP(secret_free_p) struct secret *avail = NULL;
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	struct service_key *sk = store_service_key(k->store);
	uint8_t aad[WRAP_AAD_MAX];
	size_t aad_len;
	int r;

	r = secret_new(WRAP_KEY_LEN, &avail);
	if (r < 0)
		return r;
	aad_len = wrap_record_aad(src->key.policy_id, 0, WRAP_PURPOSE_AVAIL_KEY, aad);
	r = wrap_open(service_key_avail_wrap(sk), aad, aad_len, src->wrapped_avail,
		      secret_bytes(avail));
	if (r < 0)
		return r;
	r = wrap_key_new(secret_bytes(avail), KDF_AVAIL_DEP_WRAP, &kek);
	if (r < 0)
		return r;
	aad_len =
		wrap_record_aad(src->key.policy_id, src->key.generation, WRAP_PURPOSE_DEP_KEY, aad);
	return wrap_open(kek, aad, aad_len, src->key.avail_copy, secret_bytes(dep_key));
}

enum metric_count avail_cause(enum verdict v, const struct root_answer answers[static 2])
{
	if (v == VERDICT_DENIED)
		return METRIC_AVAIL_DENIED;
	if (answers[0].outcome == KMS_DAMAGED && answers[1].outcome == KMS_DAMAGED)
		return METRIC_AVAIL_DAMAGED;
	return METRIC_AVAIL_OUTAGE;
}

int avail_open(struct keyring *k, const struct key_source *src, enum metric_count why,
	       const char *reason, struct secret **ret_dep_key)
{
	CLEANUP(secret_free_p) struct secret *dep_key = NULL;
	char id[UUID_TEXT_LEN];
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("policy", src->policy_name),
		AUDIT_FIELD_STR("policy_id", id),
		AUDIT_FIELD_U64("generation", src->key.generation),
		AUDIT_FIELD_STR("reason", reason),
	};
	int r;

	metrics_add(k->metrics, why, 1);
	uuid_encode(src->key.policy_id, id);
	r = secret_new(WRAP_KEY_LEN, &dep_key);
	if (r == 0)
		r = avail_unwrap(k, src, dep_key);
	audit_event(k->audit, "availability-key-used", NULL, errno_name(r), fields, 4);
	if (r == -EBADMSG)
		copy_damaged_report(k, src, "availability", "the availability copy does not open");
	if (r < 0)
		return r;
	*ret_dep_key = STEAL(dep_key);
	return 0;
}
