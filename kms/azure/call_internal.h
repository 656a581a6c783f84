/* kms/azure/call_internal.h - one call to a vault, with challenge, token and retries, under one
 * deadline. */
#ifndef DEPFS_KMS_AZURE_CALL_INTERNAL_H
#define DEPFS_KMS_AZURE_CALL_INTERNAL_H

#include "kms/azure/client_internal.h"
#include "kms/azure/error_internal.h"
#include "kms/vault/key_id.h"

struct akv_call {
	const struct azure *azure;
	const struct key_id *id;
	enum akv_operation operation;
	const char *next;     /* of AKV_VERSIONS: path and query of a further page, or NULL */
	struct secret *body;  /* of a POST; borrowed, sent anew with each attempt */
	char *request_id;     /* space for KMS_REQUEST_ID_LEN */
	uint64_t deadline_ms; /* of clock_now_ms() */
};

/* akv_call() - KMS_OK: @ret_reply is an answer 200. Released by http_reply_fini_p() in any case. */
enum kms_outcome akv_call(struct akv_call *call, struct http_reply *ret_reply,
			  struct err *err) MUST_CHECK;
/* akv_challenge() - the vault's challenge, from the cache or by a request without token and body;
 * used by diagnose.c too. */
struct verdict akv_challenge(struct akv_call *call, struct challenge *ret_challenge,
			     struct err *err) MUST_CHECK;

#endif
