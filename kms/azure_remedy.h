/* kms/azure_remedy.h - why a call of Azure's failed, and what to do about it. For kms/ only. */
#ifndef DEPFS_KMS_AZURE_REMEDY_H
#define DEPFS_KMS_AZURE_REMEDY_H

#include "kms/azure_config.h"
#include "kms/azure_key.h"
#include "kms/http.h"

/* What stands in struct err.cause: of an exchange without an answer its enum http_fault, else one
 * of these. */
enum azure_cause {
	AZURE_LATER = HTTP_FAULT_END, /* 408, 429, 5xx: not now */
	AZURE_STRANGE,		      /* an answer that no such host gives */
	/* a vault's refusal */
	AZURE_REQUEST,	     /* 400 */
	AZURE_TOKEN_REFUSED, /* 401 */
	AZURE_NETWORK,	     /* firewall, no public access */
	AZURE_POLICY,
	AZURE_RBAC,
	AZURE_DENIED, /* policy or role, it does not say */
	AZURE_VAULT_GONE,
	AZURE_KEY_GONE,	   /* up to AZURE_KEY_DATES: of the key, not the vault */
	AZURE_KEY_DELETED, /* and can be recovered */
	AZURE_KEY_BUSY,
	AZURE_KEY_DISABLED,
	AZURE_KEY_OPS,
	AZURE_KEY_DATES,
	/* a vault's challenge */
	AZURE_CHALLENGE, /* malformed, or for another resource */
	AZURE_AUTHORITY, /* it names a token service that is on no list */
	AZURE_TENANT,	 /* it belongs to another one */
	/* a credential */
	AZURE_FILE,	      /* cannot be read, or holds none */
	AZURE_TOKEN_FILE_OLD, /* the cluster's token has expired */
	AZURE_CREDENTIAL,     /* the token service refuses it */
	AZURE_CLIENT,	      /* no such application */
	AZURE_NO_TENANT,
	AZURE_RESOURCE, /* not of this cloud */
	AZURE_CLOCK,
	/* a managed identity */
	AZURE_IDENTITY,	    /* there is none, or not that one */
	AZURE_ENDPOINT,	    /* a variable does not name one */
	AZURE_HEADER,	    /* IDENTITY_HEADER or MSI_SECRET is not taken */
	AZURE_ARC_FILE,	    /* cannot be read */
	AZURE_ARC_FOREIGN,  /* is none of Azure Arc's */
	AZURE_SYSTEM_ALONE, /* there are no user-assigned ones */
};
#define AZURE_OF_TOKEN 0x100u /* or'ed to it: the token service's, not the vault's */

/* azure_blame() - the cause of the sentence in @err, or none where that is NULL. Return: @r. */
static inline int azure_blame(struct err *err, unsigned cause, int r)
{
	if (err)
		err->cause = cause;
	return r;
}

/**
 * azure_remedy() - what to do when @step of the way to @id failed as @why says
 * Goes by the cause, the kind of credential and the kind of vault; where that says nothing, by the
 * step.
 * Return: a sentence without end, never NULL.
 */
const char *azure_remedy(const struct azure_config *c, const struct key_id *id,
			 enum azure_step step, const struct err *why);

#endif
