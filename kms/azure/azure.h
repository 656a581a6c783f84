/* kms/azure/azure.h - the client of Azure Key Vault and Managed HSM, as a kind of vault. */
#ifndef DEPFS_KMS_AZURE_AZURE_H
#define DEPFS_KMS_AZURE_AZURE_H

#include <stdbool.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"
#include "kms/vault/circuit.h"
#include "kms/vault/kind.h"
#include "kms/vault/observe.h"

/* As in struct kms_config: NULL or 0: the variable DEPFS_..., else the default. depfs-azure(5) */
struct azure_options {
	const char *vault_domains; /* further domains of vaults, a ':' between */
	const char *ca_file;	   /* absolute; replaces the system's certificate authorities */
	const char *credential;	   /* "auto", "client-secret", ..., "none" */
	unsigned vault_timeout_s;  /* of one call, its retries included; 1 to 300 */
	unsigned probe_max_s;	   /* longest time between two probes of a host that failed */
};

struct azure; /* safe to use from many threads at once */

/**
 * azure_new() - reads options and environment; no host is asked yet
 * @observer: borrowed until azure_free(); token requests are reported to it
 * Return: 0; -EINVAL: a setting does not fit, named in the sentence; -ENOMEM; as http_new().
 */
int azure_new(const struct azure_options *options, const struct kms_observer *observer,
	      struct azure **ret_azure, struct err *err) MUST_CHECK;
void azure_free(struct azure *a);
DEFINE_CLEANUP(struct azure *, azure_free)

/* azure_is_off() - the credential is "none": ids of scheme https are refused. */
bool azure_is_off(const struct azure *a);
/* azure_credential_check() - as kms_credential_check() in kms/kms.h. */
int azure_credential_check(const struct azure *a, struct err *err) MUST_CHECK;
/* azure_circuits() - of all vaults and token services; borrowed. */
struct circuits *azure_circuits(const struct azure *a);

extern const struct vault_kind azure_vaults; /* scheme https; its client is a struct azure */

#endif
