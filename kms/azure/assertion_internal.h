/* kms/azure/assertion_internal.h - proof that a certificate's private key is held: a signed JWT. */
#ifndef DEPFS_KMS_AZURE_ASSERTION_INTERNAL_H
#define DEPFS_KMS_AZURE_ASSERTION_INTERNAL_H

#include "crypto/secret.h"
#include "kms/azure/config_internal.h"

/**
 * assertion_make() - the client assertion of RFC 7523, as Entra accepts it (kms/README.md, Tokens)
 * @audience: URL of the token endpoint. @now: s since the epoch.
 * Return: 0; -EACCES, -EINVAL and others: the certificate's file cannot be used, as @err says;
 * -EIO: OpenSSL refuses; -ENOMEM.
 */
int assertion_make(const struct azure_config *c, const char *audience, int64_t now,
		   struct secret **ret_jwt, struct err *err) MUST_CHECK;

#endif
