/* kms/vault/outcome.h - what a call to a vault may ask for, what it may come to, and its limits. */
#ifndef DEPFS_KMS_VAULT_OUTCOME_H
#define DEPFS_KMS_VAULT_OUTCOME_H

#include "crypto/base/err.h"

#define KMS_WRAP_MAX	   512 /* bytes of a wrapped key: RSA 4096 */
#define KMS_REQUEST_ID_LEN 64  /* bytes of a vault's own id of a request, with its NUL */
#define KMS_DEADLINE_S	   30  /* longest time of a call, unless Azure's is set otherwise */

/* What a vault's answer means. Callers decide by these, never by an errno. */
enum kms_outcome {
	KMS_OK,
	KMS_DENIED,    /* refused on purpose: 403, key disabled, credential refused */
	KMS_TRANSIENT, /* may pass: network, DNS, 408, 429, 5xx, token service down */
	KMS_NOT_FOUND, /* no such vault, key or version; a denial where a stored copy names it */
	KMS_DAMAGED,   /* 400, OAEP fails: this copy is not what that key wrapped */
	KMS_MISCONFIGURED, /* this side: malformed id, unknown scheme, unusable answer */
};

const char *kms_outcome_name(enum kms_outcome o); /* "ok", "denied", "transient", "not found",
						     "damaged", "misconfigured" */
/* kms_outcome_errno() - ok 0, denied -EACCES, transient -EAGAIN, not found -ENOKEY, damaged
 * -EBADMSG, misconfigured -EINVAL. */
int kms_outcome_errno(enum kms_outcome o);
/* kms_errno() - the errno of a call that ended with @o and the sentence @err: as
 * kms_outcome_errno(), but -EKEYREVOKED where the key or its version is disabled, -EPROTO where the
 * vault's answer was malformed, -ETIMEDOUT where the deadline ended the call. */
int kms_errno(enum kms_outcome o, const struct err *err);

enum kms_operation {
	KMS_DESCRIBE,
	KMS_WRAP,
	KMS_UNWRAP,
	KMS_TOKEN, /* an access token, of a token service instead of a vault */
};

const char *kms_operation_name(enum kms_operation op); /* "get", "wrapKey", "unwrapKey", "token" */

#endif
