/* kms/azure/keys.h - keys in Azure, read in full: what depctl shows. */
#ifndef DEPFS_KMS_AZURE_KEYS_H
#define DEPFS_KMS_AZURE_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"
#include "kms/vault/key_fit.h"
#include "kms/vault/outcome.h"

struct azure; /* kms_azure() in kms/kms.h */

struct azure_version {
	char version[64];
	bool enabled;
	int64_t created, not_before, expires; /* s since the epoch; 0: none */
};

struct azure_key {
	struct kms_key_info info;
	char operations[128]; /* key_ops, a comma between */
	int64_t created, updated;
	int recoverable_days; /* 0: not in the answer */
	char hsm_platform[16];
	bool exportable;
};

/* For the three functions: @key_id is of scheme https; their sentences do not name it. */
/* azure_key_get() - as kms_describe(), with all that the vault reports. */
enum kms_outcome azure_key_get(const struct azure *a, const char *key_id, struct azure_key *ret_key,
			       struct err *err) MUST_CHECK;
#define AZURE_VERSIONS_MAX 500
/* azure_key_versions() - newest first, for free(); needs the permission "list". */
enum kms_outcome azure_key_versions(const struct azure *a, const char *key_id,
				    struct azure_version **ret_list, size_t *ret_n,
				    struct err *err) MUST_CHECK;
/* azure_key_deleted() - KMS_OK: the key is soft-deleted and can be recovered; KMS_NOT_FOUND:
 * not. */
enum kms_outcome azure_key_deleted(const struct azure *a, const char *key_id,
				   struct err *err) MUST_CHECK;

#endif
