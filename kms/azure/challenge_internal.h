/* kms/azure/challenge_internal.h - which token a vault asks for (WWW-Authenticate): parsed, checked
 * against the vault's own name, and kept. */
#ifndef DEPFS_KMS_AZURE_CHALLENGE_INTERNAL_H
#define DEPFS_KMS_AZURE_CHALLENGE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"

/* Bearer authorization="https://HOST/TENANT", resource="https://DOMAIN" (kms/README.md,
 * Challenge) */
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
 * challenge_check() - whether the token that @c asks for may be requested from its authority
 * @host: of the vault, with its port, from the key id. @domain: the allowed domain it lies in.
 * @authority: the configured token service, or NULL: the clouds' own.
 * @tenant: the configured one, or NULL.
 * The resource must be that domain or lie below it, and the vault below the resource, at a dot; the
 * authority must be on the list of that domain's cloud; two tenant ids must be equal
 * (kms/README.md, Challenge).
 * Return: 0; -EPERM and a sentence.
 */
int challenge_check(const struct challenge *c, const char *host, const char *domain,
		    const char *authority, const char *tenant, struct err *err) MUST_CHECK;

/**
 * auth_param() - one parameter of one scheme of a WWW-Authenticate field, RFC 9110 section 11
 * @ret_value: unquoted
 * Return: 0; -ENOENT; -EPROTO: longer than @value_len.
 */
int auth_param(const char *field, const char *scheme, const char *name, char *ret_value,
	       size_t value_len) MUST_CHECK;

/* The newest challenge of each vault; safe to use from many threads at once. */
struct challenge_cache;

int challenge_cache_new(struct challenge_cache **ret_cache) MUST_CHECK; /* -ENOMEM */
void challenge_cache_free(struct challenge_cache *cc);
bool challenge_cache_find(struct challenge_cache *cc, const char *vault,
			  struct challenge *ret_challenge);
/* challenge_cache_keep() - replaces an older challenge; without memory @c is not kept, and the
 * vault is asked for its challenge again. */
void challenge_cache_keep(struct challenge_cache *cc, const char *vault, const struct challenge *c);

#endif
