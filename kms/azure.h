/* kms/azure.h - the parts of the Azure client, joined. For kms/ only. */
#ifndef DEPFS_KMS_AZURE_H
#define DEPFS_KMS_AZURE_H

#include "kms/azure_config.h"
#include "kms/azure_remedy.h"
#include "kms/challenge.h"
#include "kms/circuit.h"
#include "kms/http.h"
#include "kms/service.h"

struct token_cache;
struct challenge_cache;

struct azure {
	const struct kms *kms; /* who watches */
	struct azure_config *config;
	struct http *http;
	struct circuits *circuits;
	struct token_cache *tokens;
	struct challenge_cache *challenges;
};

int azure_new(const struct kms *kms, const struct kms_config *config, struct azure **ret_azure,
	      struct err *err) MUST_CHECK;
void azure_free(struct azure *a);
DEFINE_CLEANUP(struct azure *, azure_free)

/* What one try came to, before anybody decides to try again. */
struct verdict {
	enum kms_outcome outcome;
	bool retry;
	bool waits;   /* the host said how long: wait_ms */
	bool unasked; /* no host was asked: it is not to blame */
	uint64_t wait_ms;
};

/* verdict_of_fault() - an exchange without an answer; @err has http_send()'s sentence. */
struct verdict verdict_of_fault(enum http_fault fault);

/* azure_timeouts() - what one try may take, of what is left of a call: a third of the whole, so
 * that a vault that hangs is tried again, and never beyond @deadline_ms. */
void azure_timeouts(const struct azure *a, uint64_t deadline_ms, struct http_request *req);

/* A UUID for x-ms-client-request-id; random, or zeros when there is no randomness. */
void azure_request_uuid(char out[static 37]);

/* ---- token.c ---- */

int token_cache_new(struct token_cache **ret_cache) MUST_CHECK; /* -ENOMEM */
void token_cache_free(struct token_cache *tc);

/**
 * token_get() - an access token for what @c asks for, out of the cache or from the token service
 * One request a token is in flight; who comes meanwhile uses the old token while it is valid, else
 * waits for the result. A refresh that fails leaves the old token in use until it expires.
 * @refused: NULL, or the one that a vault did not take: another is asked for, unless somebody has
 * renewed it meanwhile. Until then it serves the other vaults, who may think better of it.
 * @ret_token: a copy on the secure heap.
 * Return: outcome KMS_OK; else @err holds a sentence, and "retry" is about the token service.
 */
struct verdict token_get(struct azure *a, const struct challenge *c, struct secret *refused,
			 uint64_t deadline_ms, struct secret **ret_token,
			 struct err *err) MUST_CHECK;

/* ---- token_entra.c, token_managed.c: one request to the token service ---- */

struct fresh_token {
	struct secret *token;
	int64_t lifetime_s;
	int64_t refresh_s; /* after which a new one is to be asked for */
};

struct verdict entra_fetch(struct azure *a, const struct challenge *c, uint64_t deadline_ms,
			   struct fresh_token *ret_fresh, struct err *err) MUST_CHECK;
struct verdict managed_fetch(struct azure *a, const struct challenge *c, uint64_t deadline_ms,
			     struct fresh_token *ret_fresh, struct err *err) MUST_CHECK;
/* token_authority() - host of the token service that @c's token comes from. */
const char *token_authority(const struct azure *a, const struct challenge *c);

/* token_reply_parse() - body of an answer 200; @date: of the answer, or 0. -EPROTO and a sentence.
 */
int token_reply_parse(struct secret *body, int64_t date, struct fresh_token *ret_fresh,
		      struct err *err) MUST_CHECK;
/* token_refuse() - an answer that is no 200 to a credential of that kind: outcome by status and
 * "error", sentence with the AADSTS number. */
struct verdict token_refuse(const struct http_reply *reply, const char *service,
			    enum credential_kind kind, struct err *err);
/* managed_check() - -EINVAL: the variables name no endpoint, or an identity that it cannot give. */
int managed_check(const struct azure_config *c, struct err *err) MUST_CHECK;

/* ---- assertion.c ---- */

/* assertion_make() - the JWT that a certificate's owner signs, AKV.md 5.3; -EACCES, -EINVAL: the
 * file, -EIO. @audience: URL of the token endpoint. @now: s since the epoch. */
int assertion_make(const struct azure_config *c, const char *audience, int64_t now,
		   struct secret **ret_jwt, struct err *err) MUST_CHECK;

/* ---- credential.c ---- */

/* azure_credential_check() - as kms_credential_check(), without the kind's name. */
int azure_credential_check(const struct azure_config *c, struct err *err) MUST_CHECK;

/* ---- secret_file.c ---- */

enum secret_file_rule {
	SECRET_FILE_PRIVATE,	 /* -EACCES when others may read it */
	SECRET_FILE_SHORT_LIVED, /* a token that its maker replaces: any mode */
	SECRET_FILE_NAMED_TO_US, /* the same, where somebody else names the file: no symbolic link
				  */
};
/* secret_file_read() - the whole of a file of at most @max_len bytes, blanks at its end cut off;
 * negative errno and a sentence that names it; -EIO: also where it changes under the reader. */
int secret_file_read(const char *path, size_t max_len, enum secret_file_rule rule,
		     struct secret **ret_secret, struct err *err) MUST_CHECK;

#endif
