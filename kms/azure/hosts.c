/* kms/azure/hosts.c - the table of the clouds' host names (kms/README.md, Key ids), and its
 * checks. */
#include "kms/azure/hosts_internal.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

enum cloud {
	CLOUD_PUBLIC,
	CLOUD_CHINA,
	CLOUD_US,
};

struct host {
	const char *name;
	enum cloud cloud;
};

static const struct host vault_domains[] = {
	{"vault.azure.net", CLOUD_PUBLIC},
	{"managedhsm.azure.net", CLOUD_PUBLIC},
	{"vault.azure.cn", CLOUD_CHINA},
	{"managedhsm.azure.cn", CLOUD_CHINA},
	{"managedhsm.chinacloudapi.cn", CLOUD_CHINA}, /* Managed HSM's domain at docs.azure.cn */
	{"vault.usgovcloudapi.net", CLOUD_US},
	{"managedhsm.usgovcloudapi.net", CLOUD_US},
};

static const struct host authorities[] = {
	{"login.microsoftonline.com", CLOUD_PUBLIC},
	{"login.windows.net", CLOUD_PUBLIC}, /* the former name, which older vaults send */
	{"login.partner.microsoftonline.cn", CLOUD_CHINA},
	{"login.chinacloudapi.cn", CLOUD_CHINA},
	{"login.microsoftonline.us", CLOUD_US},
};

/* Compared at a dot: "evilvault.azure.net" does not lie in "vault.azure.net". */
static bool lies_in(const char *host, size_t host_len, const char *domain, size_t domain_len)
{
	return host_len > domain_len + 1 && host[host_len - domain_len - 1] == '.' &&
	       strncasecmp(host + host_len - domain_len, domain, domain_len) == 0;
}

static bool domain_take(const char *host, const char *domain, size_t len,
			char ret_domain[static AZURE_DOMAIN_LEN])
{
	if (!lies_in(host, strcspn(host, ":"), domain, len) || len >= AZURE_DOMAIN_LEN)
		return false;
	for (size_t i = 0; i < len; i++)
		ret_domain[i] = (char)tolower((unsigned char)domain[i]);
	ret_domain[len] = '\0';
	return true;
}

bool azure_domain(const char *host, const char *domains, char ret_domain[static AZURE_DOMAIN_LEN])
{
	for (size_t i = 0; i < sizeof(vault_domains) / sizeof(vault_domains[0]); i++)
		if (domain_take(host, vault_domains[i].name, strlen(vault_domains[i].name),
				ret_domain))
			return true;
	while (domains && *domains) {
		size_t len = strcspn(domains, ":");

		if (domain_take(host, domains, len, ret_domain))
			return true;
		domains += len + (domains[len] == ':');
	}
	return false;
}

static bool is_host(const char *text, size_t len)
{
	size_t label = 0, dots = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
			dots++;
		} else if (isalnum((unsigned char)text[i]) || text[i] == '-') {
			label++;
		} else {
			return false;
		}
	}
	return label > 0 && dots > 0;
}

int azure_domains_check(const char *domains, struct err *err)
{
	const char *at = domains;

	for (;;) {
		size_t len = strcspn(at, ":");

		/* a single label would allow a whole top-level domain */
		if (!is_host(at, len) || len >= AZURE_DOMAIN_LEN)
			return err_set(
				err, -EINVAL,
				"vault_domains: '%.*s' is not a domain of two labels or more, "
				"as in vault.example.net",
				(int)len, at);
		if (!at[len])
			return 0;
		at += len + 1;
	}
}

/* NULL: a private domain, or none. */
static const struct host *cloud_domain(const char *domain)
{
	for (size_t i = 0; domain && i < sizeof(vault_domains) / sizeof(vault_domains[0]); i++)
		if (strcmp(vault_domains[i].name, domain) == 0)
			return &vault_domains[i];
	return NULL;
}

bool azure_authority_known(const char *host, const char *domain)
{
	const struct host *vaults = cloud_domain(domain);

	for (size_t i = 0; i < sizeof(authorities) / sizeof(authorities[0]); i++)
		if (strcmp(authorities[i].name, host) == 0)
			return !vaults || vaults->cloud == authorities[i].cloud;
	return false;
}

static bool is_port(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= 5 && strspn(text, "0123456789") == len && atoi(text) > 0 &&
	       atoi(text) <= 65535;
}

int azure_host_take(const char *text, char *ret_host, size_t host_len)
{
	const char *host = strncasecmp(text, "https://", 8) == 0 ? text + 8 : text;
	size_t len = strcspn(host, "/"), name_len = strcspn(host, ":/");

	if (host[len] && host[len + 1]) /* a path */
		return -EINVAL;
	if (len == 0 || len >= host_len || !is_host(host, name_len))
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		ret_host[i] = (char)tolower((unsigned char)host[i]);
	ret_host[len] = '\0';
	if (ret_host[name_len] == ':' && !is_port(ret_host + name_len + 1))
		return -EINVAL;
	if (strcmp(ret_host + name_len, ":443") == 0)
		ret_host[name_len] = '\0';
	return 0;
}
