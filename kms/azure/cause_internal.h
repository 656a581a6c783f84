/* kms/azure/cause_internal.h - why a call failed, in struct err.cause, beside the sentence. */
#ifndef DEPFS_KMS_AZURE_CAUSE_INTERNAL_H
#define DEPFS_KMS_AZURE_CAUSE_INTERNAL_H

#include "crypto/base/err.h"
#include "kms/azure/http_internal.h"

/* The cause of an exchange without an answer is its enum http_fault, else one of these. */
enum azure_cause {
	AZURE_LATER = HTTP_FAULT_END, /* 408, 429, 5xx: the host cannot serve now */
	AZURE_STRANGE,		      /* malformed answer, or one that the service does not give */
	/* a vault's refusal */
	AZURE_REQUEST,	     /* 400 */
	AZURE_TOKEN_REFUSED, /* 401 */
	AZURE_NETWORK,	     /* firewall, no public access */
	AZURE_POLICY,	     /* the vault's access policy */
	AZURE_RBAC,	     /* no role assignment */
	AZURE_DENIED,	     /* access policy or role: the answer does not say which */
	AZURE_VAULT_GONE,
	AZURE_KEY_GONE,	   /* from here to AZURE_KEY_DATES: about the key, not the vault */
	AZURE_KEY_DELETED, /* soft-deleted: it can be recovered */
	AZURE_KEY_BUSY,
	AZURE_KEY_DISABLED,
	AZURE_KEY_OPS,
	AZURE_KEY_DATES,
	/* a vault's challenge */
	AZURE_CHALLENGE, /* malformed, or for another resource */
	AZURE_AUTHORITY, /* names a token service that is on no list */
	AZURE_TENANT,	 /* names another tenant than the configured one */
	/* a credential */
	AZURE_FILE,	      /* its file cannot be read, or holds no credential */
	AZURE_TOKEN_FILE_OLD, /* the cluster's token has expired */
	AZURE_CREDENTIAL,     /* the token service refuses it */
	AZURE_CLIENT,	      /* the tenant has no such application */
	AZURE_NO_TENANT,
	AZURE_RESOURCE, /* the tenant's cloud has no such resource */
	AZURE_CLOCK,
	/* a managed identity */
	AZURE_IDENTITY,	    /* there is none, or not the one of AZURE_CLIENT_ID */
	AZURE_ENDPOINT,	    /* a variable holds no http(s) address */
	AZURE_HEADER,	    /* IDENTITY_HEADER or MSI_SECRET is not accepted */
	AZURE_ARC_FILE,	    /* the key file of Azure Arc cannot be read */
	AZURE_ARC_FOREIGN,  /* the answer names no key file of Azure Arc, or it holds no key */
	AZURE_SYSTEM_ALONE, /* the endpoint has no user-assigned identities */
};
#define AZURE_OF_TOKEN 0x100u /* or'ed to a cause: the token service failed, not the vault */

/* azure_set_cause() - the cause of the sentence in @err, which may be NULL. Return: @r. */
static inline int azure_set_cause(struct err *err, unsigned cause, int r)
{
	if (err)
		err->cause = cause;
	return r;
}

#endif
