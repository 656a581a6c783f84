/* kms/azure/hosts_internal.h - the clouds' host names: a host on no list gets no request. */
#ifndef DEPFS_KMS_AZURE_HOSTS_INTERNAL_H
#define DEPFS_KMS_AZURE_HOSTS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"

#define AZURE_DOMAIN_LEN 256
/*
 * azure_domain() - the allowed domain that a vault's host lies in
 * @host: lower case, with its port if any, as in a key id. @domains: of the configuration, or NULL.
 * Return: false: the host lies in no allowed domain.
 */
bool azure_domain(const char *host, const char *domains, char ret_domain[static AZURE_DOMAIN_LEN]);
/* azure_domains_check() - -EINVAL and a sentence unless each domain has two labels or more. */
int azure_domains_check(const char *domains, struct err *err) MUST_CHECK;
/* azure_authority_known() - whether @host (lower case) is a token service of the cloud whose vaults
 * lie in @domain; where @domain is private or NULL, of any cloud. */
bool azure_authority_known(const char *host, const char *domain);
/* azure_host_take() - "https://HOST[:PORT][/]", scheme and slash optional: HOST[:PORT] in lower
 * case, without ":443"; -EINVAL. */
int azure_host_take(const char *text, char *ret_host, size_t host_len) MUST_CHECK;

#endif
