/* kms/vault/key_id.c - key ids by the rules of kms/README.md, Key ids. */
#include "kms/vault/key_id.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define VERSION_LEN	    32
#define LOCAL_VAULT_LEN_MAX 63

/* A piece of the text that is parsed; not terminated. */
struct part {
	const char *at;
	size_t len;
};

static bool part_is(struct part p, const char *word)
{
	return p.len == strlen(word) && strncasecmp(p.at, word, p.len) == 0;
}

/* The piece up to the next '/' or the end; @at moves behind the slash, to NULL when there is
 * none. */
static struct part part_take(const char **at)
{
	struct part p = {*at, strcspn(*at, "/")};

	*at = p.at[p.len] == '/' ? p.at + p.len + 1 : NULL;
	return p;
}

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

static int part_check_chars(struct part p, const char *what, struct err *err)
{
	for (size_t i = 0; i < p.len; i++)
		if (!is_name_char(p.at[i]))
			return err_set(err, -EINVAL, "%s: '%c' is not a letter, digit, '-' or '_'",
				       what, p.at[i]);
	return 0;
}

static int part_copy(struct part p, char *out, size_t out_len, const char *what, struct err *err)
{
	if (p.len == 0)
		return err_set(err, -EINVAL, "%s is empty", what);
	if (p.len >= out_len)
		return err_set(err, -EINVAL, "%s is longer than %zu characters", what, out_len - 1);
	memcpy(out, p.at, p.len);
	out[p.len] = '\0';
	return 0;
}

static void lower(char *s)
{
	for (; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

/* Refuses characters that no part of an id may hold; called first, so that the sentences of later
 * checks may quote any part. */
static int text_check(const char *text, struct err *err)
{
	size_t len = strnlen(text, KEY_ID_MAX);

	if (len == KEY_ID_MAX)
		return err_set(err, -EINVAL, "key id is longer than %d characters", KEY_ID_MAX - 1);
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return err_set(err, -EINVAL,
				       "key id: character %zu is a blank, a control character or "
				       "not ASCII",
				       i + 1);
	if (strchr(text, '?'))
		return err_set(err, -EINVAL, "key id: a query ('?') is not allowed");
	if (strchr(text, '#'))
		return err_set(err, -EINVAL, "key id: a fragment ('#') is not allowed");
	if (strchr(text, '@'))
		return err_set(err, -EINVAL, "key id: a user name ('@') is not allowed");
	return 0;
}

/* ":443" is dropped and leading zeros go, so that one vault has one spelling. */
static int port_normalise(char *host, size_t host_len, char *colon, struct err *err)
{
	size_t digits = strspn(colon + 1, "0123456789");
	unsigned long port;

	if (digits == 0 || digits > 5 || colon[1 + digits] != '\0')
		return err_set(err, -EINVAL, "vault host: '%s' is not a port", colon + 1);
	port = strtoul(colon + 1, NULL, 10);
	if (port == 0 || port > 65535)
		return err_set(err, -EINVAL, "vault host: %lu is not a port", port);
	memset(colon, 0, host_len - (size_t)(colon - host)); /* equal ids are equal bytes */
	if (port != 443)
		(void)snprintf(colon, host_len - (size_t)(colon - host), ":%lu", port);
	return 0;
}

/* RFC 1123 names: labels of letters, digits and inner hyphens, 63 characters at most. A trailing
 * dot is refused: it would be a second spelling of one host, and a policy's two root keys must lie
 * in two vaults. */
static int host_check(char *host, size_t host_len, struct err *err)
{
	char *colon = strchr(host, ':');
	const char *at = host;

	if (colon) {
		int r = port_normalise(host, host_len, colon, err);

		if (r < 0)
			return r;
		colon = strchr(host, ':');
	}
	for (;;) {
		size_t len = strcspn(at, ".:");

		if (len == 0 || len > 63 || at[0] == '-' || at[len - 1] == '-')
			return err_set(err, -EINVAL, "vault host '%s' is not a host name", host);
		for (size_t i = 0; i < len; i++)
			if (!isalnum((unsigned char)at[i]) && at[i] != '-')
				return err_set(err, -EINVAL, "vault host: '%c' is not allowed",
					       at[i]);
		if (at[len] != '.')
			return 0;
		at += len + 1;
	}
}

static int local_vault_check(const char *vault, struct err *err)
{
	struct part p = {vault, strlen(vault)};

	if (p.len > LOCAL_VAULT_LEN_MAX)
		return err_set(err, -EINVAL, "vault name is longer than %d characters",
			       LOCAL_VAULT_LEN_MAX);
	if (!isalnum((unsigned char)vault[0]))
		return err_set(err, -EINVAL, "vault name starts with neither letter nor digit");
	return part_check_chars(p, "vault name", err);
}

/* "SCHEME://VAULT"; @ret_rest: what follows the vault's slash, NULL when nothing does. */
static int vault_parse(const char *text, struct key_id *id, const char **ret_rest, struct err *err)
{
	struct part scheme, vault;
	const char *sep;
	int r;

	r = text_check(text, err);
	if (r < 0)
		return r;
	sep = strstr(text, "://");
	if (!sep)
		return err_set(err, -EINVAL, "key id is not of the form SCHEME://VAULT/keys/NAME");
	scheme = (struct part){text, (size_t)(sep - text)};
	if (!part_is(scheme, "local") && !part_is(scheme, "https"))
		return err_set(err, -EINVAL, "key id: scheme '%.*s' is neither https nor local",
			       (int)scheme.len, scheme.at);
	*ret_rest = sep + 3;
	vault = part_take(ret_rest);
	r = part_copy(vault, id->vault, sizeof(id->vault), "vault name", err);
	if (r < 0)
		return r;
	memcpy(id->scheme, scheme.at, scheme.len); /* both words fit, and id is zeroed */
	lower(id->scheme);
	lower(id->vault);
	if (strcmp(id->scheme, "local") == 0)
		return local_vault_check(id->vault, err);
	return host_check(id->vault, sizeof(id->vault), err);
}

static int name_parse(struct part p, struct key_id *id, struct err *err)
{
	int r = part_copy(p, id->name, sizeof(id->name), "key name", err);

	return r < 0 ? r : part_check_chars(p, "key name", err);
}

static int version_parse(struct part p, struct key_id *id, struct err *err)
{
	int r;

	if (p.len == 0)
		return err_set(err, -EINVAL, "key version is empty: no '/' stands behind the name");
	r = part_copy(p, id->version, sizeof(id->version), "key version", err);
	if (r < 0)
		return r;
	if (p.len != VERSION_LEN || strspn(id->version, "0123456789abcdefABCDEF") != VERSION_LEN)
		return err_set(err, -EINVAL, "key version '%s' is not %d hex digits", id->version,
			       VERSION_LEN);
	lower(id->version);
	return 0;
}

/* "keys/NAME[/VERSION]" */
static int rest_parse(const char *rest, struct key_id *id, struct err *err)
{
	struct part collection = part_take(&rest);
	int r;

	if (!part_is(collection, "keys"))
		return err_set(err, -EINVAL, "key id: '%.*s' stands where 'keys' is expected",
			       (int)collection.len, collection.at);
	if (!rest)
		return err_set(err, -EINVAL, "key id names no key after 'keys'");
	r = name_parse(part_take(&rest), id, err);
	if (r < 0 || !rest)
		return r;
	r = version_parse(part_take(&rest), id, err);
	if (r == 0 && rest)
		return err_set(err, -EINVAL, "key id goes on after the version");
	return r;
}

int key_id_parse(const char *text, struct key_id *ret_id, struct err *err)
{
	struct key_id id = {0};
	const char *rest;
	int r;

	r = vault_parse(text, &id, &rest, err);
	if (r < 0)
		return r;
	if (!rest)
		return err_set(err, -EINVAL,
			       "key id names a vault but no key: /keys/NAME is missing");
	r = rest_parse(rest, &id, err);
	if (r < 0)
		return r;
	*ret_id = id;
	return 0;
}

int key_id_parse_vault(const char *text, const char *scheme, struct key_id *ret_id, struct err *err)
{
	struct key_id id = {0};
	const char *rest;
	int r;

	r = vault_parse(text, &id, &rest, err);
	if (r < 0)
		return r;
	if (strcmp(id.scheme, scheme) != 0)
		return err_set(err, -EINVAL, "only %s:// vaults are managed here", scheme);
	if (rest && *rest) { /* "SCHEME://VAULT/" means the vault too */
		r = rest_parse(rest, &id, err);
		if (r < 0)
			return r;
	}
	*ret_id = id;
	return 0;
}

void key_id_format(const struct key_id *id, char out[static KEY_ID_MAX])
{
	(void)snprintf(out, KEY_ID_MAX, "%s://%s%s%s%s%s", id->scheme, id->vault,
		       id->name[0] ? "/keys/" : "", id->name, id->version[0] ? "/" : "",
		       id->version);
}

bool key_id_same_key(const struct key_id *a, const struct key_id *b)
{
	return strcmp(a->scheme, b->scheme) == 0 && strcmp(a->vault, b->vault) == 0 &&
	       strcasecmp(a->name, b->name) == 0; /* kms/README.md, Key ids */
}
