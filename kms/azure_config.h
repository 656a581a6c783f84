/* kms/azure_config.h - which hosts depfs speaks to, and with which credential: options and
 * environment, read once. For kms/ only. */
#ifndef DEPFS_KMS_AZURE_CONFIG_H
#define DEPFS_KMS_AZURE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "kms/kms.h"

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
	uint64_t timeout_ms; /* of a call, tokens and retries included */
	char *authority;     /* host[:port] of AZURE_AUTHORITY_HOST */
	char *tenant, *client;
	struct secret *client_secret;
	char *client_secret_file;
	char *certificate_file, *federated_file;
	struct secret *certificate_password;
	bool rs256, send_chain;
	char passed_over[160]; /* what was set of a kind that is not complete; or empty */
	/* managed identity */
	char *identity_endpoint, *imds_endpoint, *msi_endpoint, *pod_identity_host;
	struct secret *identity_header, *msi_secret;
};

/**
 * azure_config_new() - options of @config first, then DEPFS_* and Microsoft's variables
 * Variables that hold a secret are wiped from the environment, so that /proc shows none.
 * Return: 0; -EINVAL: a value does not fit, named in the sentence; -ENOMEM.
 */
int azure_config_new(const struct kms_config *config, struct azure_config **ret_config,
		     struct err *err) MUST_CHECK;
void azure_config_free(struct azure_config *c);
DEFINE_CLEANUP(struct azure_config *, azure_config_free)

/* ---- azure_hosts.c ---- */

/*
 * azure_domain() - the allowed domain that a vault's host lies in, or NULL
 * @host: lower case, with its port if any, as in a key id. @domains: of the configuration, or NULL.
 */
#define AZURE_DOMAIN_LEN 256
bool azure_domain(const char *host, const char *domains, char ret_domain[static AZURE_DOMAIN_LEN]);
/* azure_domains_check() - -EINVAL and a sentence unless each is a host name of two labels or more.
 */
int azure_domains_check(const char *domains, struct err *err) MUST_CHECK;
/* azure_authority_known() - a token service, lower case, of the cloud whose vaults lie in @domain;
 * where that is a private one or NULL, of any cloud. */
bool azure_authority_known(const char *host, const char *domain);
/* azure_host_take() - "https://HOST[:PORT][/]", scheme and slash optional: HOST[:PORT] in lower
 * case; -EINVAL. */
int azure_host_take(const char *text, char *ret_host, size_t host_len) MUST_CHECK;

#endif
