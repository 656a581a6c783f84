/* kms/azure_key.h - a look at keys in Azure, changing nothing: what depctl shows and checks. */
#ifndef DEPFS_KMS_AZURE_KEY_H
#define DEPFS_KMS_AZURE_KEY_H

#include "kms/kms.h"

struct azure_version {
	char version[64];
	bool enabled;
	int64_t created, not_before, expires; /* s since the epoch; 0: none */
};

struct azure_key {
	struct kms_key_info info;
	char operations[128]; /* key_ops, a comma between */
	int64_t created, updated;
	int recoverable_days; /* 0: not told */
	char hsm_platform[16];
	bool exportable;
};

/* azure_key_get() - as kms_describe(), with all that the vault tells. @key_id: of scheme https. */
enum kms_outcome azure_key_get(struct kms *kms, const char *key_id, struct azure_key *ret_key,
			       struct err *err) MUST_CHECK;
#define AZURE_VERSIONS_MAX 500
/* azure_key_versions() - newest first, for free(); needs the permission "list". */
enum kms_outcome azure_key_versions(struct kms *kms, const char *key_id,
				    struct azure_version **ret_list, size_t *ret_n,
				    struct err *err) MUST_CHECK;
/* azure_key_deleted() - KMS_OK: it is soft-deleted and can be recovered; KMS_NOT_FOUND: it is not.
 */
enum kms_outcome azure_key_deleted(struct kms *kms, const char *key_id, struct err *err) MUST_CHECK;

/*
 * The way to a root key, step by step, each needing the one before.
 */
enum azure_step {
	AZURE_STEP_DNS,	       /* the vault's name resolves */
	AZURE_STEP_TLS,	       /* somebody answers, with a certificate that is accepted */
	AZURE_STEP_CREDENTIAL, /* the one configured is complete, its files can be read */
	AZURE_STEP_TOKEN,      /* the token service gives a token for it */
	AZURE_STEP_VAULT,      /* the vault takes the token */
	AZURE_STEP_KEY,	       /* the key is there */
	AZURE_STEP_PERMISSION, /* get, wrapKey and unwrapKey are allowed */
	AZURE_STEP_END,
};
const char *azure_step_name(enum azure_step step); /* "dns", "tls", ... */

struct azure_finding {
	enum kms_outcome outcome;
	char text[ERR_TEXT_LEN]; /* what was found, or what is wrong */
	const char *remedy;	 /* of what is wrong; NULL: the text says it */
};

/* azure_diagnose() - takes one step; a sentence in either case. */
void azure_diagnose(struct kms *kms, const char *key_id, enum azure_step step,
		    struct azure_finding *ret_finding);

#endif
