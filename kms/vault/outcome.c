/* kms/vault/outcome.c - outcomes and operations: names, and the errno of each outcome. */
#include "kms/vault/outcome.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

/* tests/unit/test_kms_id.c checks each row. */
static const struct {
	const char *name;
	int r;
} outcomes[] = {
	[KMS_OK] = {"ok", 0},
	[KMS_DENIED] = {"denied", -EACCES},
	[KMS_TRANSIENT] = {"transient", -EAGAIN},
	[KMS_NOT_FOUND] = {"not found", -ENOKEY},
	[KMS_DAMAGED] = {"damaged", -EBADMSG},
	[KMS_MISCONFIGURED] = {"misconfigured", -EINVAL},
};

const char *kms_outcome_name(enum kms_outcome o)
{
	return (size_t)o < sizeof(outcomes) / sizeof(outcomes[0]) ? outcomes[o].name : "unknown";
}

int kms_outcome_errno(enum kms_outcome o)
{
	return (size_t)o < sizeof(outcomes) / sizeof(outcomes[0]) ? outcomes[o].r : -EINVAL;
}

int kms_errno(enum kms_outcome o, const struct err *err)
{
	bool finer = (o == KMS_DENIED && err->r == -EKEYREVOKED) ||
		     (o == KMS_MISCONFIGURED && err->r == -EPROTO) ||
		     (o == KMS_TRANSIENT && err->r == -ETIMEDOUT);

	return finer ? err->r : kms_outcome_errno(o);
}

const char *kms_operation_name(enum kms_operation op)
{
	static const char *const names[] = {"get", "wrapKey", "unwrapKey", "token"};

	return (size_t)op < sizeof(names) / sizeof(names[0]) ? names[op] : "unknown";
}
