/* kms/azure/token_internal.h - access tokens, kept and refreshed. */
#ifndef DEPFS_KMS_AZURE_TOKEN_INTERNAL_H
#define DEPFS_KMS_AZURE_TOKEN_INTERNAL_H

#include "crypto/secret.h"
#include "kms/azure/attempt_internal.h"
#include "kms/azure/challenge_internal.h"
#include "kms/azure/config_internal.h"

struct token_cache; /* safe to use from many threads at once */

/* token_cache_new() - all arguments are borrowed until token_cache_free(); -ENOMEM. */
int token_cache_new(const struct azure_config *config, struct http *http, struct circuits *circuits,
		    const struct kms_observer *observer, struct token_cache **ret_cache) MUST_CHECK;
void token_cache_free(struct token_cache *tc);

/**
 * token_get() - an access token for what @c asks for, out of the cache or from the token service
 * Single flight: one request for a token is under way at a time. A caller that comes meanwhile gets
 * the old token while it is valid, else waits for the result. A refresh that fails leaves the old
 * token in use until it expires.
 * @refused: NULL, or the token that a vault has answered with 401: another is asked for, unless it
 * has been replaced meanwhile. Other vaults keep using it until then, since they may accept it.
 * @ret_token: a copy on the secure heap.
 * Return: outcome KMS_OK; else @err holds a sentence, and "retry" is about the token service.
 */
struct verdict token_get(struct token_cache *tc, const struct challenge *c, struct secret *refused,
			 uint64_t deadline_ms, struct secret **ret_token,
			 struct err *err) MUST_CHECK;

#endif
