/* kms/azure/credential_internal.h - the configured credential, as far as this machine can judge
 * it. */
#ifndef DEPFS_KMS_AZURE_CREDENTIAL_INTERNAL_H
#define DEPFS_KMS_AZURE_CREDENTIAL_INTERNAL_H

#include "kms/azure/config_internal.h"

/* credential_check() - as azure_credential_check(); the sentence does not name the kind. */
int credential_check(const struct azure_config *c, struct err *err) MUST_CHECK;

#endif
