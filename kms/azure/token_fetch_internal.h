/* kms/azure/token_fetch_internal.h - one request to a token service, and what it answers. */
#ifndef DEPFS_KMS_AZURE_TOKEN_FETCH_INTERNAL_H
#define DEPFS_KMS_AZURE_TOKEN_FETCH_INTERNAL_H

#include "crypto/secret.h"
#include "kms/azure/attempt_internal.h"
#include "kms/azure/challenge_internal.h"
#include "kms/azure/config_internal.h"

struct token_request {
	const struct azure_config *config;
	struct http *http;
	const struct challenge *challenge;
	uint64_t deadline_ms; /* of clock_now_ms() */
};

struct new_token {
	struct secret *token;
	int64_t lifetime_s;
	int64_t refresh_s; /* time after which it is to be refreshed */
};

/* entra_fetch() - for CREDENTIAL_SECRET, _CERTIFICATE and _WORKLOAD; @err must not be NULL. */
struct verdict entra_fetch(const struct token_request *request, struct new_token *ret_token,
			   struct err *err) MUST_CHECK;
/* managed_fetch() - for CREDENTIAL_MANAGED; @err must not be NULL. */
struct verdict managed_fetch(const struct token_request *request, struct new_token *ret_token,
			     struct err *err) MUST_CHECK;

/* entra_authority() - host of the token service that a token for @challenge comes from. */
const char *entra_authority(const struct azure_config *config, const struct challenge *challenge);
/* managed_check() - -EINVAL: a variable holds no http(s) address of an endpoint, or AZURE_CLIENT_ID
 * is set for an endpoint without user-assigned identities. */
int managed_check(const struct azure_config *c, struct err *err) MUST_CHECK;

/* token_reply_parse() - the body of an answer 200. @date: its Date field, s since the epoch, or 0.
 * -EPROTO and a sentence; -ENOMEM. */
int token_reply_parse(struct secret *body, int64_t date, struct new_token *ret_token,
		      struct err *err) MUST_CHECK;
/* token_refuse() - the verdict on an answer other than 200 to a credential of @kind: outcome by
 * status and "error", sentence with the AADSTS number. */
struct verdict token_refuse(const struct http_reply *reply, const char *service,
			    enum credential_kind kind, struct err *err);

#endif
