/* kms/azure/cause_internal.h - why a call failed, in struct err.cause, beside the sentence. */
#ifndef DEPFS_KMS_AZURE_CAUSE_INTERNAL_H
#define DEPFS_KMS_AZURE_CAUSE_INTERNAL_H

#include "crypto/base/err.h"
#include "kms/azure/http_internal.h"

/* The cause of an exchange without an answer is its enum http_fault, else one of these. */
enum azure_cause {
	AZURE_LATER = HTTP_FAULT_END, /* 408, 429, 5xx: not now */
	AZURE_STRANGE,		      /* an answer that no such host gives */
	/* a vault's refusal */
	AZURE_REQUEST,	     /* 400 */
	AZURE_TOKEN_REFUSED, /* 401 */
	AZURE_NETWORK,	     /* firewall, no public access */
	AZURE_POLICY,	     /* its access policy */
	AZURE_RBAC,	     /* no role assignment */
	AZURE_DENIED,	     /* policy or role, the answer does not name it */
	AZURE_VAULT_GONE,
	AZURE_KEY_GONE,	   /* from here to AZURE_KEY_DATES: of the key, not the vault */
	AZURE_KEY_DELETED, /* and can be recovered */
	AZURE_KEY_BUSY,
	AZURE_KEY_DISABLED,
	AZURE_KEY_OPS,
	AZURE_KEY_DATES,
	/* a vault's challenge */
	AZURE_CHALLENGE, /* malformed, or for another resource */
	AZURE_AUTHORITY, /* it names a token service that is on no list */
	AZURE_TENANT,	 /* it names another tenant than the configured one */
	/* a credential */
	AZURE_FILE,	      /* cannot be read, or holds none */
	AZURE_TOKEN_FILE_OLD, /* the cluster's token has expired */
	AZURE_CREDENTIAL,     /* the token service refuses it */
	AZURE_CLIENT,	      /* the tenant has no such application */
	AZURE_NO_TENANT,
	AZURE_RESOURCE, /* the tenant's cloud has no such resource */
	AZURE_CLOCK,
	/* a managed identity */
	AZURE_IDENTITY,	    /* there is none, or not that one */
	AZURE_ENDPOINT,	    /* a variable does not name one */
	AZURE_HEADER,	    /* IDENTITY_HEADER or MSI_SECRET is not accepted */
	AZURE_ARC_FILE,	    /* cannot be read */
	AZURE_ARC_FOREIGN,  /* is not one of Azure Arc's */
	AZURE_SYSTEM_ALONE, /* there are no user-assigned ones */
};
#define AZURE_OF_TOKEN 0x100u /* or'ed to it: the token service's, not the vault's */

/* azure_set_cause() - the cause of the sentence in @err, which may be NULL. Return: @r. */
static inline int azure_set_cause(struct err *err, unsigned cause, int r)
{
	if (err)
		err->cause = cause;
	return r;
}

#endif
