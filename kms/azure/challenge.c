/* kms/azure/challenge.c - WWW-Authenticate parsed (RFC 9110 section 11), and the challenge
 * checked. */
#include "kms/azure/challenge_internal.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "crypto/base/bytes.h"
#include "kms/azure/cause_internal.h"
#include "kms/azure/hosts_internal.h"

/* ---- RFC 9110 section 11: schemes, each with its parameters ---- */

#define VALUE_MAX 512

/* NAME=VALUE, or a word without '=', which is the name of the next scheme. */
struct piece {
	char name[64];
	char value[VALUE_MAX]; /* unquoted */
	bool has_value, too_long;
};

static bool is_token_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static const char *skip(const char *at)
{
	return at + strspn(at, " \t,");
}

static void value_add(struct piece *p, size_t *len, char c)
{
	if (*len + 1 < sizeof(p->value))
		p->value[(*len)++] = c;
	else
		p->too_long = true;
}

static const char *value_take(const char *at, struct piece *p)
{
	bool quoted = *at == '"';
	size_t len = 0;

	for (at += quoted; *at && (quoted ? *at != '"' : !strchr(" \t,", *at)); at++) {
		if (quoted && *at == '\\' && at[1])
			at++;
		value_add(p, &len, *at);
	}
	p->value[len] = '\0';
	return at + (quoted && *at);
}

/* Return: the text behind the piece; NULL at the end, or where the rest is malformed. */
static const char *piece_take(const char *at, struct piece *p)
{
	size_t len = 0;
	const char *equals;

	*p = (struct piece){0};
	at = skip(at);
	for (; is_token_char(*at); at++)
		if (len + 1 < sizeof(p->name))
			p->name[len++] = *at;
	if (len == 0)
		return NULL;
	equals = at + strspn(at, " \t");
	if (*equals != '=')
		return at;
	p->has_value = true;
	return value_take(equals + 1 + strspn(equals + 1, " \t"), p);
}

int auth_param(const char *field, const char *scheme, const char *name, char *ret_value,
	       size_t value_len)
{
	struct piece p;
	bool inside = false;

	while ((field = piece_take(field, &p))) {
		if (!p.has_value)
			inside = strcasecmp(p.name, scheme) == 0;
		else if (inside && strcasecmp(p.name, name) == 0) {
			if (p.too_long || strlen(p.value) >= value_len)
				return -EPROTO;
			memcpy(ret_value, p.value, strlen(p.value) + 1);
			return 0;
		}
	}
	return -ENOENT;
}

/* ---- a vault's challenge ---- */

static bool is_tenant(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '.')
			return false;
	return len > 0 && len < sizeof(((struct challenge *)0)->tenant);
}

/* "https://HOST[:PORT]/[dstsv2/]TENANT[/...]" */
static int authority_take(const char *url, struct challenge *c)
{
	const char *host = url + 8, *path;
	char text[VALUE_MAX];

	if (strncasecmp(url, "https://", 8) != 0)
		return -EPROTO;
	path = strchr(host, '/');
	if (!path)
		return -EPROTO;
	(void)snprintf(text, sizeof(text), "%.*s", (int)(path - host), host);
	if (azure_host_take(text, c->authority, sizeof(c->authority)) < 0)
		return -EPROTO;
	path++;
	if (strncmp(path, "dstsv2/", 7) == 0)
		path += 7;
	if (!is_tenant(path, strcspn(path, "/")))
		return -EPROTO;
	(void)snprintf(c->tenant, sizeof(c->tenant), "%.*s", (int)strcspn(path, "/"), path);
	return 0;
}

/* "https://DOMAIN", or a scope: the same with "/.default" behind it. No port but 443. */
static int resource_take(char *url, struct challenge *c)
{
	size_t len = strlen(url);
	char host[sizeof(c->resource) - 8];

	if (len > 9 && strcmp(url + len - 9, "/.default") == 0)
		url[len - 9] = '\0';
	if (strncasecmp(url, "https://", 8) != 0 || azure_host_take(url, host, sizeof(host)) < 0 ||
	    strchr(host, ':'))
		return -EPROTO;
	(void)snprintf(c->resource, sizeof(c->resource), "https://%s", host);
	return 0;
}

int challenge_parse(const char *field, struct challenge *ret_challenge, struct err *err)
{
	struct challenge c = {0};
	char value[VALUE_MAX];

	if (auth_param(field, "Bearer", "authorization", value, sizeof(value)) < 0 &&
	    auth_param(field, "Bearer", "authorization_uri", value, sizeof(value)) < 0)
		return err_set(err, -EPROTO, "its challenge names no token service");
	if (authority_take(value, &c) < 0)
		return err_set(err, -EPROTO,
			       "its challenge's token service is not an https address with a "
			       "tenant");
	/* resource before scope, as the SDKs for C++ and .NET do */
	if (auth_param(field, "Bearer", "resource", value, sizeof(value)) < 0 &&
	    auth_param(field, "Bearer", "scope", value, sizeof(value)) < 0)
		return err_set(err, -EPROTO, "its challenge names no resource");
	if (resource_take(value, &c) < 0)
		return err_set(err, -EPROTO, "its challenge's resource is not an https host");
	*ret_challenge = c;
	return 0;
}

/* @below is @above, or a name below it. */
static bool is_or_below(const char *below, const char *above)
{
	size_t b = strlen(below), a = strlen(above);

	if (b < a || strcasecmp(below + b - a, above) != 0)
		return false;
	return b == a || below[b - a - 1] == '.';
}

static bool is_uuid(const char *text)
{
	uint8_t id[UUID_LEN];

	return uuid_decode(text, id) == 0;
}

int challenge_check(const struct challenge *c, const char *host, const char *domain,
		    const char *authority, const char *tenant, struct err *err)
{
	const char *resource = c->resource + strlen("https://");
	char name[256];

	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(host, ":"), host);
	if (!is_or_below(resource, domain) || !is_or_below(name, resource) ||
	    strcasecmp(name, resource) == 0)
		return err_set(err, -EPERM,
			       "it asks for a token for %s, which is not its own domain: no token "
			       "is sent",
			       c->resource);
	/* a configured authority gets the credential whatever the challenge names, so the authority
	 * of any cloud may be named; without one, the authority must be of the vault's cloud, or a
	 * vault could have the credential sent to another cloud */
	if (!azure_authority_known(c->authority, authority ? NULL : domain) &&
	    (!authority || strcmp(c->authority, authority) != 0))
		return azure_set_cause(
			err, AZURE_AUTHORITY,
			err_set(err, -EPERM,
				"it names the token service %s, which is not on the list of its "
				"cloud: no credential is sent (another one is set by "
				"AZURE_AUTHORITY_HOST)",
				c->authority));
	/* a tenant may also be configured by its domain name, which cannot be compared with an
	 * id */
	if (tenant && is_uuid(tenant) && is_uuid(c->tenant) && strcasecmp(tenant, c->tenant) != 0)
		return azure_set_cause(
			err, AZURE_TENANT,
			err_set(err, -EPERM,
				"it belongs to tenant %s, and AZURE_TENANT_ID is %s: no credential "
				"is sent",
				c->tenant, tenant));
	return 0;
}
