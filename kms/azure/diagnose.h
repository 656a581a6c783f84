/* kms/azure/diagnose.h - which step of using a root key fails, and what to do: depctl doctor. */
#ifndef DEPFS_KMS_AZURE_DIAGNOSE_H
#define DEPFS_KMS_AZURE_DIAGNOSE_H

#include "crypto/base/err.h"
#include "kms/vault/outcome.h"

struct azure; /* kms_azure() in kms/kms.h */

/* The steps of using a root key; each needs the step before. */
enum azure_step {
	AZURE_STEP_DNS,	       /* the vault's name resolves */
	AZURE_STEP_TLS,	       /* the host answers, with a certificate that is accepted */
	AZURE_STEP_CREDENTIAL, /* the configured credential is complete, its files can be read */
	AZURE_STEP_TOKEN,      /* the token service gives a token for the credential */
	AZURE_STEP_VAULT,      /* the vault accepts the token */
	AZURE_STEP_KEY,	       /* the key is there and fit to be a root key */
	AZURE_STEP_PERMISSION, /* get, wrapKey and unwrapKey are allowed */
	AZURE_STEP_END,
};
const char *azure_step_name(enum azure_step step); /* "dns", "tls", ... */

struct azure_finding {
	enum kms_outcome outcome;
	char text[ERR_TEXT_LEN]; /* what was found, or what is wrong */
	const char *remedy;	 /* what to do; NULL: the text says it, or all is well; static */
};

/* azure_diagnose() - takes one step. The last step wraps a random value; nothing in the vault
 * changes. */
void azure_diagnose(const struct azure *a, const char *key_id, enum azure_step step,
		    struct azure_finding *ret_finding);

#endif
