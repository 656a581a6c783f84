/* kms/vault/key_fit.h - what "describe" reports of a key, and whether it may be a root key. */
#ifndef DEPFS_KMS_VAULT_KEY_FIT_H
#define DEPFS_KMS_VAULT_KEY_FIT_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"
#include "kms/vault/key_id.h"

struct kms_key_info {
	char id[KEY_ID_MAX]; /* with the version described */
	char kty[16];	     /* "RSA", "RSA-HSM", ... */
	unsigned bits;
	bool can_wrap, can_unwrap; /* key_ops */
	bool enabled;
	int64_t expires;	 /* seconds since the epoch, 0: none */
	int64_t not_before;	 /* 0: none */
	char recovery_level[64]; /* Key Vault's word, e.g. "Recoverable+ProtectedSubscription" */
	bool purgeable;
};

/* The rules for a root key; depfs-azure(5), What a root key must be. */
enum kms_rule {
	KMS_RULE_TYPE,	     /* RSA or RSA-HSM, of 2048, 3072 or 4096 bits */
	KMS_RULE_OPERATIONS, /* wrapKey and unwrapKey */
	KMS_RULE_ENABLED,    /* enabled, and its activation date has passed */
	KMS_RULE_EXPIRY,     /* none before the year 9999 */
	KMS_RULE_END,
};
const char *kms_rule_name(enum kms_rule rule);	 /* "type", "operations", "enabled", "expiry" */
const char *kms_rule_remedy(enum kms_rule rule); /* for a key that breaks the rule */

#define KMS_FOUND_LEN 128
/**
 * kms_key_fit() - whether a key meets one rule
 * @now_s: s since the epoch
 * @ret_found: the value that meets the rule, or empty; on failure a sentence
 * Return: 0; -EKEYREVOKED: the key is disabled; -EINVAL: it breaks the rule otherwise.
 */
int kms_key_fit(const struct kms_key_info *info, enum kms_rule rule, int64_t now_s,
		char ret_found[static KMS_FOUND_LEN]) MUST_CHECK;

#endif
