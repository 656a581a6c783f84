/* kms/challenge.h - what a vault asks for before it answers: parsed, and checked against who asks.
 * For kms/ only. */
#ifndef DEPFS_KMS_CHALLENGE_H
#define DEPFS_KMS_CHALLENGE_H

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"

/* AKV.md section 5.1: Bearer authorization="https://HOST/TENANT", resource="https://DOMAIN" */
struct challenge {
	char authority[256]; /* host[:port] of the token service, lower case */
	char tenant[64];
	char resource[256]; /* "https://" and a domain; the scope is this and "/.default" */
};

/**
 * challenge_parse() - the Bearer challenge among those of a WWW-Authenticate field
 * Return: 0; -EPROTO and a sentence: there is none, or it is malformed.
 */
int challenge_parse(const char *field, struct challenge *ret_challenge, struct err *err) MUST_CHECK;

/**
 * challenge_check() - may a token for this be asked for, and where?
 * @host: of the vault, with its port, from the key id. @domain: the allowed one it lies in.
 * @authority: the configured token service, or NULL: the clouds' own.
 * @tenant: the configured one, or NULL.
 * The resource must be that domain or lie below it, and the vault below the resource, at a dot
 * (AKV.md 5.2, 3); the authority must be on the list of that domain's cloud (5.2, 4); two tenant
 * ids must agree (9, 2).
 * Return: 0; -EPERM and a sentence.
 */
int challenge_check(const struct challenge *c, const char *host, const char *domain,
		    const char *authority, const char *tenant, struct err *err) MUST_CHECK;

/**
 * auth_param() - one parameter of one scheme of a WWW-Authenticate field
 * @ret_value: unquoted. Return: 0; -ENOENT; -EPROTO: longer than @value_len.
 */
int auth_param(const char *field, const char *scheme, const char *name, char *ret_value,
	       size_t value_len) MUST_CHECK;

#endif
