/* kms/akv.h - Azure Key Vault's data plane: keys described, wraps, unwraps. For kms/ only. */
#ifndef DEPFS_KMS_AKV_H
#define DEPFS_KMS_AKV_H

#include "kms/azure.h"
#include "kms/azure_key.h"

/* Which request; error rows and paths go by it. */
enum akv_act {
	AKV_GET,
	AKV_VERSIONS,
	AKV_DELETED, /* GET /deletedkeys: was it deleted, or never there? */
	AKV_WRAP,
	AKV_UNWRAP,
};

/* ---- akv_error.c: AKV.md section 6 ---- */

#define AKV_CODE_LEN 64
struct akv_error {
	int status;
	char code[AKV_CODE_LEN];  /* error.code; empty: none was sent */
	char inner[AKV_CODE_LEN]; /* the innermost innererror.code */
};

/* akv_error_parse() - of an answer that is no 200; a body that is no error of Key Vault's leaves
 * the codes empty: the status is enough. */
void akv_error_parse(int status, struct secret *body, struct akv_error *ret_error);
/* akv_error_judge() - by the one table; @err gets its sentence with status and codes. */
struct verdict akv_error_judge(const struct akv_error *e, enum akv_act act, struct err *err);

/* ---- akv_reply.c: answers 200; -EPROTO and a sentence for what no vault would say ---- */

int akv_reply_key(struct secret *body, const struct key_id *asked, struct azure_key *ret_key,
		  struct err *err) MUST_CHECK;
int akv_reply_wrapped(struct secret *body, const struct key_id *asked,
		      struct kms_wrapped *ret_wrapped, struct err *err) MUST_CHECK;
int akv_reply_unwrapped(struct secret *body, const struct key_id *asked, struct secret **ret_key,
			struct err *err) MUST_CHECK;
/* akv_reply_versions() - one page, appended to *@list (realloc'ed); @ret_next: path and query of
 * the next page below @asked's vault, or empty. */
#define AKV_NEXT_LEN 1024
int akv_reply_versions(struct secret *body, const struct key_id *asked, struct azure_version **list,
		       size_t *n, char ret_next[static AKV_NEXT_LEN], struct err *err) MUST_CHECK;

/* akv_kid_check() - AKV.md section 9, point 5: same vault, same key, a version, and the one asked
 * for if any; -EPROTO. */
int akv_kid_check(const char *kid, const struct key_id *asked, struct key_id *ret_kid,
		  struct err *err) MUST_CHECK;

/* ---- akv_call.c: one call, with challenge, token and retries, under one deadline ---- */

struct akv_call {
	struct azure *azure;
	const struct key_id *id;
	enum akv_act act;
	const char *next;     /* of AKV_VERSIONS: path and query of a further page, or NULL */
	struct secret *body;  /* of a POST; borrowed, sent anew with each try */
	char *request_id;     /* room for KMS_REQUEST_ID_LEN */
	uint64_t deadline_ms; /* of clock_now_ms() */
};

/* akv_call() - KMS_OK: @ret_reply is an answer 200. Released by http_reply_fini_p() in any case. */
enum kms_outcome akv_call(struct akv_call *call, struct http_reply *ret_reply,
			  struct err *err) MUST_CHECK;
/* akv_challenge() - the vault's, from the cache or by a request without token and body; for doctor
 * too. */
struct verdict akv_challenge(struct akv_call *call, struct challenge *ret_challenge,
			     struct err *err) MUST_CHECK;

int challenge_cache_new(struct challenge_cache **ret_cache) MUST_CHECK; /* -ENOMEM */
void challenge_cache_free(struct challenge_cache *cc);

#endif
