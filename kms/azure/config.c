/* kms/azure/config.c - options and environment read once; which credential is used. */
#include "kms/azure/config_internal.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "kms/azure/hosts_internal.h"
#include "kms/vault/path.h"

#define TIMEOUT_MAX_S 300
/* A version that has every request of kms/README.md, Requests of Azure Key Vault. */
#define API_VERSION_DEFAULT "7.4"

static const char *const names[] = {"none", "client-secret", "certificate", "workload-identity",
				    "managed-identity"};

const char *credential_name(enum credential_kind kind)
{
	return (size_t)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

static const char *env(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* The option, else the variable, else NULL. */
static int text_take(const char *option, const char *variable, char **ret_text)
{
	const char *value = option ? option : env(variable);

	*ret_text = value ? strdup(value) : NULL;
	return value && !*ret_text ? -ENOMEM : 0;
}

/* /proc/PID/environ shows the bytes that getenv() points to, so those are wiped (proc(5)). */
static int secret_take(const char *variable, struct secret **ret_secret)
{
	char *value = getenv(variable);
	int r = 0;

	if (!value)
		return 0;
	if (*value)
		r = secret_new_from(value, strlen(value), ret_secret);
	OPENSSL_cleanse(value, strlen(value));
	(void)unsetenv(variable); /* fails for a malformed name only */
	return r;
}

static bool is_on(const char *variable)
{
	const char *value = env(variable);

	return value && (strcmp(value, "1") == 0 || strcasecmp(value, "true") == 0);
}

static int take_texts(struct azure_config *c, const struct azure_options *o)
{
	const struct {
		const char *option, *variable;
		char **text;
	} rows[] = {
		{o->vault_domains, "DEPFS_VAULT_DOMAINS", &c->domains},
		{o->ca_file ? o->ca_file : env("DEPFS_CA_FILE"), "SSL_CERT_FILE", &c->ca_file},
		{NULL, "DEPFS_AZURE_API_VERSION", &c->api_version},
		{NULL, "AZURE_TENANT_ID", &c->tenant},
		{NULL, "AZURE_CLIENT_ID", &c->client},
		{NULL, "DEPFS_CLIENT_SECRET_FILE", &c->client_secret_file},
		{NULL, "AZURE_CLIENT_CERTIFICATE_PATH", &c->certificate_file},
		{NULL, "AZURE_FEDERATED_TOKEN_FILE", &c->federated_file},
		{NULL, "IDENTITY_ENDPOINT", &c->identity_endpoint},
		{NULL, "IMDS_ENDPOINT", &c->imds_endpoint},
		{NULL, "MSI_ENDPOINT", &c->msi_endpoint},
		{NULL, "AZURE_POD_IDENTITY_AUTHORITY_HOST", &c->pod_identity_host},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (text_take(rows[i].option, rows[i].variable, rows[i].text) < 0)
			return -ENOMEM;
	c->api_version_is_set = c->api_version != NULL;
	if (!c->api_version)
		c->api_version = strdup(API_VERSION_DEFAULT);
	return c->api_version ? 0 : -ENOMEM;
}

static int make_absolute(char **path)
{
	char *abs = *path ? path_absolute(*path) : NULL;

	if (*path && !abs)
		return -ENOMEM;
	free(*path);
	*path = abs;
	return 0;
}

static int take_paths(struct azure_config *c)
{
	int r = make_absolute(&c->ca_file);

	if (r == 0)
		r = make_absolute(&c->client_secret_file);
	if (r == 0)
		r = make_absolute(&c->certificate_file);
	if (r == 0)
		r = make_absolute(&c->federated_file);
	return r;
}

static int take_secrets(struct azure_config *c)
{
	int r = secret_take("AZURE_CLIENT_SECRET", &c->client_secret);

	if (r == 0)
		r = secret_take("AZURE_CLIENT_CERTIFICATE_PASSWORD", &c->certificate_password);
	if (r == 0)
		r = secret_take("IDENTITY_HEADER", &c->identity_header);
	if (r == 0)
		r = secret_take("MSI_SECRET", &c->msi_secret);
	return r;
}

static int take_authority(struct azure_config *c, struct err *err)
{
	const char *text = env("AZURE_AUTHORITY_HOST");
	char host[256];

	if (!text)
		return 0;
	if (azure_host_take(text, host, sizeof(host)) < 0)
		return err_set(err, -EINVAL,
			       "AZURE_AUTHORITY_HOST: '%.100s' is not https://HOST[:PORT]", text);
	c->authority = strdup(host);
	return c->authority ? 0 : -ENOMEM;
}

static int take_timeout(struct azure_config *c, const struct azure_options *o, struct err *err)
{
	const char *text = env("DEPFS_VAULT_TIMEOUT");
	unsigned long s = KMS_DEADLINE_S;
	char *end;

	if (o->vault_timeout_s != 0) {
		s = o->vault_timeout_s;
	} else if (text) {
		s = strtoul(text, &end, 10);
		if (*text < '0' || *text > '9' || *end)
			s = 0;
	}
	if (s == 0 || s > TIMEOUT_MAX_S)
		return err_set(err, -EINVAL,
			       "vault_timeout: a number of seconds from 1 to %d is needed",
			       TIMEOUT_MAX_S);
	c->timeout_ms = s * 1000;
	return 0;
}

static int take_algorithm(struct azure_config *c, struct err *err)
{
	const char *text = env("DEPFS_ASSERTION_ALG");

	if (text && strcmp(text, "RS256") != 0 && strcmp(text, "PS256") != 0)
		return err_set(err, -EINVAL, "DEPFS_ASSERTION_ALG is neither PS256 nor RS256");
	c->rs256 = text && strcmp(text, "RS256") == 0;
	c->send_chain = is_on("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN");
	return 0;
}

/* The first variable that a kind lacks; NULL: it is complete. */
static const char *missing(const struct azure_config *c, enum credential_kind kind)
{
	if (kind == CREDENTIAL_NONE || kind == CREDENTIAL_MANAGED)
		return NULL;
	if (!c->tenant)
		return "AZURE_TENANT_ID";
	if (!c->client)
		return "AZURE_CLIENT_ID";
	if (kind == CREDENTIAL_SECRET && !c->client_secret && !c->client_secret_file)
		return "AZURE_CLIENT_SECRET (or DEPFS_CLIENT_SECRET_FILE)";
	if (kind == CREDENTIAL_CERTIFICATE && !c->certificate_file)
		return "AZURE_CLIENT_CERTIFICATE_PATH";
	if (kind == CREDENTIAL_WORKLOAD && !c->federated_file)
		return "AZURE_FEDERATED_TOKEN_FILE";
	return NULL;
}

/* Values of Microsoft's AZURE_TOKEN_CREDENTIALS, and the kinds that are tried for each. */
static const struct {
	const char *name;
	enum credential_kind first, last;
} chains[] = {
	{"prod", CREDENTIAL_SECRET, CREDENTIAL_MANAGED},
	{"EnvironmentCredential", CREDENTIAL_SECRET, CREDENTIAL_CERTIFICATE},
	{"WorkloadIdentityCredential", CREDENTIAL_WORKLOAD, CREDENTIAL_WORKLOAD},
	{"ManagedIdentityCredential", CREDENTIAL_MANAGED, CREDENTIAL_MANAGED},
};

/* A misspelt variable must not make depfs use another identity silently: kms_credential_check()
 * reports the sentence that is kept here. */
static void pass_over(struct azure_config *c, enum credential_kind kind)
{
	const struct {
		bool set;
		const char *variable;
	} own[] = {
		[CREDENTIAL_SECRET] = {c->client_secret || c->client_secret_file,
				       c->client_secret ? "AZURE_CLIENT_SECRET"
							: "DEPFS_CLIENT_SECRET_FILE"},
		[CREDENTIAL_CERTIFICATE] = {c->certificate_file, "AZURE_CLIENT_CERTIFICATE_PATH"},
		[CREDENTIAL_WORKLOAD] = {c->federated_file, "AZURE_FEDERATED_TOKEN_FILE"},
	};

	if (!c->passed_over[0] && kind < sizeof(own) / sizeof(own[0]) && own[kind].set)
		(void)snprintf(c->passed_over, sizeof(c->passed_over),
			       "%s is set, but %s is not, so %s is not used", own[kind].variable,
			       missing(c, kind), credential_name(kind));
}

static int choose_first(struct azure_config *c, const char *chain, struct err *err)
{
	size_t i = 0;

	while (i < sizeof(chains) / sizeof(chains[0]) && strcasecmp(chain, chains[i].name) != 0)
		i++;
	if (i == sizeof(chains) / sizeof(chains[0]))
		return err_set(err, -EINVAL,
			       "AZURE_TOKEN_CREDENTIALS=%.40s: depfs has prod, "
			       "EnvironmentCredential, WorkloadIdentityCredential and "
			       "ManagedIdentityCredential; credential= goes before the variable",
			       chain);
	for (c->kind = chains[i].first; c->kind <= chains[i].last; c->kind++) {
		if (!missing(c, c->kind))
			return 0;
		pass_over(c, c->kind);
	}
	return err_set(err, -EINVAL, "AZURE_TOKEN_CREDENTIALS=%s: the variable %s is not set",
		       chain, missing(c, chains[i].first));
}

static int choose(struct azure_config *c, const char *word, struct err *err)
{
	const char *chain = env("AZURE_TOKEN_CREDENTIALS");

	if (!word || strcmp(word, "auto") == 0)
		return choose_first(c, chain ? chain : "prod", err);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		c->kind = (enum credential_kind)i;
		if (strcmp(word, names[i]) != 0)
			continue;
		return missing(c, c->kind)
			       ? err_set(err, -EINVAL, "credential=%s: the variable %s is not set",
					 word, missing(c, c->kind))
			       : 0;
	}
	return err_set(err, -EINVAL,
		       "credential=%.40s: auto, client-secret, certificate, workload-identity, "
		       "managed-identity or none is needed",
		       word);
}

/* Such a character mostly comes from a line in quotes, or from a file whose lines end with CR
 * LF. */
static int odd_character(struct err *err, const char *variable, char c, const char *wanted)
{
	if (isprint((unsigned char)c))
		return err_set(err, -EINVAL, "%s holds the character %c: %s is needed, alone",
			       variable, c, wanted);
	return err_set(err, -EINVAL, "%s holds a character with the code %u: %s is needed, alone",
		       variable, (unsigned)(unsigned char)c, wanted);
}

static int check(const struct azure_config *c, struct err *err)
{
	for (const char *at = c->api_version; *at; at++)
		if (!strchr("0123456789.-abcdefghijklmnopqrstuvwxyz", *at))
			return err_set(err, -EINVAL, "DEPFS_AZURE_API_VERSION is not a version");
	for (const char *at = c->client; at && *at; at++)
		if (!isalnum((unsigned char)*at) && *at != '-' && *at != '.' && *at != '_')
			return odd_character(err, "AZURE_CLIENT_ID", *at, "an application's id");
	for (const char *at = c->tenant; at && *at; at++)
		if (!isalnum((unsigned char)*at) && *at != '-' && *at != '.')
			return odd_character(err, "AZURE_TENANT_ID", *at, "an id or a domain name");
	return c->domains ? azure_domains_check(c->domains, err) : 0;
}

int azure_config_new(const struct azure_options *options, struct azure_config **ret_config,
		     struct err *err)
{
	CLEANUP(azure_config_free_p) struct azure_config *c = calloc(1, sizeof(*c));
	int r = c ? take_secrets(c) : -ENOMEM;

	if (r == 0)
		r = take_texts(c, options);
	if (r == 0)
		r = take_paths(c);
	if (r < 0)
		return err_set(err, r, "no memory for the settings of Azure");
	r = take_authority(c, err);
	if (r == 0)
		r = take_timeout(c, options, err);
	if (r == 0)
		r = take_algorithm(c, err);
	if (r == 0)
		r = check(c, err);
	if (r == 0)
		r = choose(c, options->credential ? options->credential : env("DEPFS_CREDENTIAL"),
			   err);
	if (r < 0)
		return r;
	*ret_config = STEAL(c);
	return 0;
}

void azure_config_free(struct azure_config *c)
{
	if (!c)
		return;
	char *const texts[] = {
		c->domains,
		c->ca_file,
		c->api_version,
		c->authority,
		c->tenant,
		c->client,
		c->client_secret_file,
		c->certificate_file,
		c->federated_file,
		c->identity_endpoint,
		c->imds_endpoint,
		c->msi_endpoint,
		c->pod_identity_host,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free(texts[i]);
	secret_free(c->client_secret);
	secret_free(c->certificate_password);
	secret_free(c->identity_header);
	secret_free(c->msi_secret);
	free(c);
}
