/* kms/vault/kind.h - a kind of vault: the calls that it answers, as one table for each scheme. */
#ifndef DEPFS_KMS_VAULT_KIND_H
#define DEPFS_KMS_VAULT_KIND_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/secret.h"
#include "kms/vault/key_fit.h"
#include "kms/vault/key_id.h"
#include "kms/vault/outcome.h"

/* What a wrap yields. */
struct kms_wrapped {
	struct key_id key_id; /* with the version that did it */
	uint8_t bytes[KMS_WRAP_MAX];
	size_t len;
};

/*
 * @client: the kind's own state, which kms_new() made; called by many threads at once. @id is
 * parsed and of that scheme, with a version for unwrap; @request_id has space for
 * KMS_REQUEST_ID_LEN characters and is empty on entry; ret_* are written with KMS_OK only. Any
 * other outcome comes with a sentence, to which the caller adds the key id.
 */
struct vault_kind {
	const char *scheme;
	/* NULL: every vault is asked; else KMS_OK, or why the vault of @id is not asked at all */
	enum kms_outcome (*allowed)(const void *client, const struct key_id *id, struct err *err);
	enum kms_outcome (*describe)(const void *client, const struct key_id *id,
				     struct kms_key_info *ret_info, char *request_id,
				     struct err *err);
	enum kms_outcome (*wrap)(const void *client, const struct key_id *id, struct secret *key,
				 struct kms_wrapped *ret_wrapped, char *request_id,
				 struct err *err);
	enum kms_outcome (*unwrap)(const void *client, const struct key_id *id,
				   const uint8_t *wrapped, size_t wrapped_len,
				   struct secret **ret_key, char *request_id, struct err *err);
};

#endif
