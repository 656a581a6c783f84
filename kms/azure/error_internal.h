/* kms/azure/error_internal.h - what a vault's refusal means: status and codes to outcome. */
#ifndef DEPFS_KMS_AZURE_ERROR_INTERNAL_H
#define DEPFS_KMS_AZURE_ERROR_INTERNAL_H

#include "crypto/secret.h"
#include "kms/azure/attempt_internal.h"

/* Which request; paths and rows of the table of refusals go by it. */
enum akv_operation {
	AKV_GET,
	AKV_VERSIONS,
	AKV_DELETED, /* GET /deletedkeys: tells a deleted key from one that never existed */
	AKV_WRAP,
	AKV_UNWRAP,
};

#define AKV_CODE_LEN 64
struct akv_error {
	int status;
	char code[AKV_CODE_LEN];  /* error.code; empty: none was sent */
	char inner[AKV_CODE_LEN]; /* the innermost innererror.code */
};

/* akv_error_parse() - of an answer that is no 200. A body that is not an error of Key Vault's
 * leaves the codes empty: the status is enough. */
void akv_error_parse(int status, struct secret *body, struct akv_error *ret_error);
/* akv_error_judge() - by the table of kms/README.md, Refusals; @err gets its sentence with status
 * and codes. */
struct verdict akv_error_judge(const struct akv_error *e, enum akv_operation operation,
			       struct err *err);

#endif
