/* kms/azure/reply.c - answers 200 of a vault, whose shapes are in kms/README.md, Requests of Azure
 * Key Vault. */
#include "kms/azure/reply_internal.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "kms/azure/hosts_internal.h"
#include "kms/azure/json_internal.h"
#include "kms/azure/sbuf_internal.h"

#define MODULUS_MAX 2048 /* bytes; a root key has 512 at most */

int akv_key_id_check(const char *text, const struct key_id *asked, struct key_id *ret_key_id,
		     struct err *err)
{
	struct key_id id;

	if (!text || key_id_parse(text, &id, NULL) < 0)
		return err_set(err, -EPROTO, "the answer names no key id");
	if (!key_id_same_key(&id, asked))
		return err_set(err, -EPROTO, "the answer is about another key or vault");
	if (!id.version[0])
		return err_set(err, -EPROTO, "the answer names no key version");
	if (asked->version[0] && strcmp(asked->version, id.version) != 0)
		return err_set(err, -EPROTO, "the answer is about another version of the key");
	*ret_key_id = id;
	return 0;
}

/* ---- a key bundle ---- */

/* These words are printed, so they may hold letters, digits and a few signs only. */
static int word_take(const char *text, char *out, size_t out_len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789+-_. ";
	size_t len = text ? strlen(text) : 0;

	if (len >= out_len || (text && strspn(text, allowed) != len))
		return -EPROTO;
	memcpy(out, text ? text : "", len + 1);
	return 0;
}

static int64_t time_take(const json_t *attributes, const char *name)
{
	int64_t when = json_number(attributes, name);

	return when > 0 ? when : 0;
}

/* A limit that cannot be read is an error: an expiry date taken for none would pass every check. */
static int limit_take(const json_t *attributes, const char *name, int64_t *ret_when)
{
	const json_t *value = json_object_get(attributes, name);
	int64_t when = json_number(attributes, name);

	*ret_when = 0;
	if (!value || json_is_null(value))
		return 0;
	if (when < 0 && !json_is_integer(value))
		return -EPROTO;
	*ret_when = when > 0 ? when : 1; /* 1970: long ago; 0 would mean none */
	return 0;
}

/* True for all but the recovery levels that Key Vault documents as not purgeable. */
static bool is_purgeable(const char *recovery_level)
{
	static const char *const kept[] = {"Recoverable", "Recoverable+ProtectedSubscription",
					   "CustomizedRecoverable",
					   "CustomizedRecoverable+ProtectedSubscription"};

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (strcmp(kept[i], recovery_level) == 0)
			return false;
	return true;
}

/* @n: the modulus of an RSA key, base64url, big endian; leading zeros do not count. */
static unsigned modulus_bits(const char *n)
{
	uint8_t bytes[MODULUS_MAX];
	size_t len, i = 0;

	if (!n || base64url_decode(n, strlen(n), bytes, sizeof(bytes), &len) < 0)
		return 0;
	while (i < len && bytes[i] == 0)
		i++;
	if (i == len)
		return 0;
	/* clz counts the leading zeros of 32 bits, of which the byte fills the last 8 */
	return (unsigned)(8 * (len - i)) - ((unsigned)__builtin_clz(bytes[i]) - 24);
}

static int ops_take(const json_t *ops, struct azure_key *key)
{
	size_t i, len = 0;
	const json_t *item;

	json_array_foreach(ops, i, item)
	{
		const char *op = json_string_value(item);
		char word[32];

		if (!op || word_take(op, word, sizeof(word)) < 0)
			return -EPROTO;
		key->info.can_wrap |= strcmp(op, "wrapKey") == 0;
		key->info.can_unwrap |= strcmp(op, "unwrapKey") == 0;
		if (len + strlen(word) + 2 > sizeof(key->operations))
			return -EPROTO;
		len += (size_t)sprintf(key->operations + len, "%s%s", len ? "," : "", word);
	}
	return 0;
}

static int attributes_take(const json_t *a, struct azure_key *key)
{
	struct kms_key_info *info = &key->info;
	int64_t days = json_number(a, "recoverableDays");

	if (word_take(json_text(a, "recoveryLevel"), info->recovery_level,
		      sizeof(info->recovery_level)) < 0 ||
	    word_take(json_text(a, "hsmPlatform"), key->hsm_platform, sizeof(key->hsm_platform)) <
		    0 ||
	    limit_take(a, "exp", &info->expires) < 0 || limit_take(a, "nbf", &info->not_before) < 0)
		return -EPROTO;
	info->enabled = json_is_true(json_object_get(a, "enabled"));
	info->purgeable = is_purgeable(info->recovery_level);
	key->created = time_take(a, "created");
	key->updated = time_take(a, "updated");
	key->recoverable_days = days > 0 && days <= 90 ? (int)days : 0;
	key->exportable = json_is_true(json_object_get(a, "exportable"));
	return 0;
}

int akv_reply_key(struct secret *body, const struct key_id *asked, struct azure_key *ret_key,
		  struct err *err)
{
	CLEANUP(json_decref_p) json_t *root = NULL;
	struct azure_key key = {0};
	const json_t *k, *a;
	struct key_id key_id;
	int r = json_take_object(body, &root, err);

	if (r < 0)
		return r;
	k = json_object_get(root, "key");
	a = json_object_get(root, "attributes");
	r = akv_key_id_check(json_text(k, "kid"), asked, &key_id, err);
	if (r < 0)
		return r;
	if (!json_text(k, "kty") || !json_is_object(a) ||
	    word_take(json_text(k, "kty"), key.info.kty, sizeof(key.info.kty)) < 0 ||
	    ops_take(json_object_get(k, "key_ops"), &key) < 0 || attributes_take(a, &key) < 0)
		return err_set(err, -EPROTO, "the answer does not describe a key");
	key_id_format(&key_id, key.info.id);
	key.info.bits = strncmp(key.info.kty, "RSA", 3) == 0 ? modulus_bits(json_text(k, "n")) : 0;
	*ret_key = key;
	return 0;
}

/* ---- wrap and unwrap ---- */

int akv_reply_wrapped(struct secret *body, const struct key_id *asked,
		      struct kms_wrapped *ret_wrapped, struct err *err)
{
	CLEANUP(json_decref_p) json_t *root = NULL;
	struct kms_wrapped w = {0};
	const char *value;
	int r = json_take_object(body, &root, err);

	if (r == 0)
		r = akv_key_id_check(json_text(root, "kid"), asked, &w.key_id, err);
	if (r < 0)
		return r;
	value = json_text(root, "value");
	if (!value || base64url_decode(value, strlen(value), w.bytes, sizeof(w.bytes), &w.len) < 0)
		return err_set(err, -EPROTO, "the answer holds no wrapped key");
	if (w.len != 256 && w.len != 384 && w.len != 512)
		return err_set(err, -EPROTO,
			       "the wrapped key has %zu bytes, which no RSA key of 2048, 3072 or "
			       "4096 bits makes",
			       w.len);
	*ret_wrapped = w;
	return 0;
}

int akv_reply_unwrapped(struct secret *body, const struct key_id *asked, struct secret **ret_key,
			struct err *err)
{
	CLEANUP(json_decref_p) json_t *root = NULL;
	CLEANUP(secret_free_p) struct secret *key = NULL;
	const char *value;
	struct key_id key_id;
	size_t len = 0;
	int r = json_take_object(body, &root, err);

	if (r == 0)
		r = akv_key_id_check(json_text(root, "kid"), asked, &key_id, err);
	if (r < 0)
		return r;
	value = json_text(root, "value");
	if (!value || !*value || strlen(value) > 1024)
		return err_set(err, -EPROTO, "the answer holds no unwrapped key");
	r = secret_new(strlen(value), &key);
	if (r < 0)
		return err_set(err, r, "no space on the secure heap");
	r = base64url_decode(value, strlen(value), secret_bytes(key), secret_len(key), &len);
	if (r < 0 || len == 0)
		return err_set(err, -EPROTO, "the answer's unwrapped key is not base64url");
	secret_shrink(key, len);
	*ret_key = STEAL(key);
	return 0;
}

/* ---- versions ---- */

static int version_add(const json_t *item, const struct key_id *asked, struct azure_version **list,
		       size_t *n, struct err *err)
{
	const json_t *a = json_object_get(item, "attributes");
	struct azure_version *longer,
		v = {
			.enabled = json_is_true(json_object_get(a, "enabled")),
			.created = time_take(a, "created"),
		};
	struct key_id key_id;
	int r = akv_key_id_check(json_text(item, "kid"), asked, &key_id, err);

	if (r < 0)
		return r;
	if (*n >= AZURE_VERSIONS_MAX)
		return err_set(err, -EPROTO, "the key has more than %d versions",
			       AZURE_VERSIONS_MAX);
	if (limit_take(a, "exp", &v.expires) < 0 || limit_take(a, "nbf", &v.not_before) < 0)
		return err_set(err, -EPROTO, "the answer does not describe the key's versions");
	longer = realloc(*list, (*n + 1) * sizeof(**list));
	if (!longer)
		return err_set(err, -ENOMEM, "out of memory");
	*list = longer;
	(void)snprintf(v.version, sizeof(v.version), "%s", key_id.version);
	longer[(*n)++] = v;
	return 0;
}

/* depfs's own rule: a further page must lie in the vault that was asked, or a token would go to
 * another host. */
static int next_take(const char *url, const struct key_id *asked, char ret_next[AKV_NEXT_LEN],
		     struct err *err)
{
	char text[AKV_NEXT_LEN], host[256];
	const char *path = url && strlen(url) > 8 ? strchr(url + 8, '/') : NULL;

	ret_next[0] = '\0';
	if (!url || !*url)
		return 0;
	if (path && strlen(url) < sizeof(text)) {
		(void)snprintf(text, sizeof(text), "%.*s", (int)(path - url), url);
		if (strncasecmp(text, "https://", 8) == 0 &&
		    azure_host_take(text, host, sizeof(host)) == 0 &&
		    strcmp(host, asked->vault) == 0 && !strpbrk(path, " \t\r\n\"<>\\#@")) {
			memcpy(ret_next, path, strlen(path) + 1);
			return 0;
		}
	}
	return err_set(err, -EPROTO, "the list goes on elsewhere than in its vault: not followed");
}

int akv_reply_versions(struct secret *body, const struct key_id *asked, struct azure_version **list,
		       size_t *n, char ret_next[static AKV_NEXT_LEN], struct err *err)
{
	CLEANUP(json_decref_p) json_t *root = NULL;
	const json_t *item, *value;
	size_t i;
	int r = json_take_object(body, &root, err);

	if (r < 0)
		return r;
	value = json_object_get(root, "value");
	if (!json_is_array(value))
		return err_set(err, -EPROTO, "the answer is no list");
	json_array_foreach(value, i, item)
	{
		r = version_add(item, asked, list, n, err);
		if (r < 0)
			return r;
	}
	return next_take(json_text(root, "nextLink"), asked, ret_next, err);
}
