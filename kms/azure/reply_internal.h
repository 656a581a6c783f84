/* kms/azure/reply_internal.h - a vault's answers 200, read as if the vault were hostile. */
#ifndef DEPFS_KMS_AZURE_REPLY_INTERNAL_H
#define DEPFS_KMS_AZURE_REPLY_INTERNAL_H

#include "crypto/secret.h"
#include "kms/azure/keys.h"
#include "kms/vault/kind.h"

/* For all of these, @asked is the key that the request named. -EPROTO and a sentence: the answer is
 * malformed, or about another key; -ENOMEM. */
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

/* akv_key_id_check() - @text, the "kid" of an answer, names the same vault and key as @asked, a
 * version, and the one that was asked for if any; -EPROTO. */
int akv_key_id_check(const char *text, const struct key_id *asked, struct key_id *ret_key_id,
		     struct err *err) MUST_CHECK;

#endif
