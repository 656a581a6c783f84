/* kms/azure/config_internal.h - which vaults may be asked, and with which credential: options and
 * environment, read once. */
#ifndef DEPFS_KMS_AZURE_CONFIG_INTERNAL_H
#define DEPFS_KMS_AZURE_CONFIG_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/secret.h"
#include "kms/azure/azure.h"

/* In the order of Microsoft's DefaultAzureCredential. */
enum credential_kind {
	CREDENTIAL_NONE, /* no Azure here: https ids are refused, and no network is needed */
	CREDENTIAL_SECRET,
	CREDENTIAL_CERTIFICATE,
	CREDENTIAL_WORKLOAD,
	CREDENTIAL_MANAGED,
};
const char *credential_name(enum credential_kind kind); /* "client-secret", ... */

/* All strings are malloc'ed, or NULL: not set. Constant once read. */
struct azure_config {
	enum credential_kind kind;
	char *domains; /* of -o vault_domains=, a ':' between; beside the clouds' own */
	char *ca_file;
	char *api_version;
	bool api_version_is_set; /* by DEPFS_AZURE_API_VERSION */
	uint64_t timeout_ms;	 /* of a call, tokens and retries included */
	char *authority;	 /* host[:port] of AZURE_AUTHORITY_HOST */
	char *tenant, *client;
	struct secret *client_secret;
	char *client_secret_file;
	char *certificate_file, *federated_file;
	struct secret *certificate_password;
	bool rs256, send_chain;
	char passed_over[160]; /* sentence about a kind that is set but incomplete, or empty */
	/* managed identity */
	char *identity_endpoint, *imds_endpoint, *msi_endpoint, *pod_identity_host;
	struct secret *identity_header, *msi_secret;
};

/**
 * azure_config_new() - @options first, then DEPFS_* and Microsoft's variables
 * Variables that hold a secret are wiped from the environment, so that /proc shows none.
 * Return: 0; -EINVAL: a value does not fit, named in the sentence; -ENOMEM.
 */
int azure_config_new(const struct azure_options *options, struct azure_config **ret_config,
		     struct err *err) MUST_CHECK;
void azure_config_free(struct azure_config *c);
DEFINE_CLEANUP(struct azure_config *, azure_config_free)

#endif
