/* kms/vault/key_id.h - key ids, SCHEME://VAULT/keys/NAME[/VERSION]: parsed, compared, printed. */
#ifndef DEPFS_KMS_VAULT_KEY_ID_H
#define DEPFS_KMS_VAULT_KEY_ID_H

#include <stdbool.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"

#define KEY_ID_MAX 512 /* bytes of a key id with its version and NUL */

struct key_id {
	char scheme[8];	  /* "local" or "https" */
	char vault[256];  /* lower case: host, with a port that is not 443, or local vault's name */
	char name[128];	  /* letters, digits, '-' and '_'; compared case-blind */
	char version[64]; /* 32 hex digits in lower case, or empty: the newest */
};

/* key_id_parse() - -EINVAL and a sentence naming the offending part. Equal ids give equal bytes,
 * but for the case of the name. */
int key_id_parse(const char *text, struct key_id *ret_id, struct err *err) MUST_CHECK;
/* key_id_parse_vault() - as key_id_parse(), for a key id of @scheme only, or for "SCHEME://VAULT"
 * alone: the name is then empty. */
int key_id_parse_vault(const char *text, const char *scheme, struct key_id *ret_id,
		       struct err *err) MUST_CHECK;
/* key_id_format() - with the version when it is set. */
void key_id_format(const struct key_id *id, char out[static KEY_ID_MAX]);
/* key_id_same_key() - same vault and name, whatever the versions. */
bool key_id_same_key(const struct key_id *a, const struct key_id *b);

#endif
