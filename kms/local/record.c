/* kms/local/record.c - codec of key.json and vault.json, and the names of operations and faults. */
#include "kms/local/record_internal.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#define RECORD_FORMAT 1

DEFINE_CLEANUP(json_t *, json_decref)

static const char *const op_names[] = {"get", "wrapKey", "unwrapKey"}; /* by bit */
#define N_OPS (sizeof(op_names) / sizeof(op_names[0]))

const char *local_op_name(unsigned op)
{
	for (size_t i = 0; i < N_OPS; i++)
		if (op == 1u << i)
			return op_names[i];
	return "unknown";
}

unsigned local_op_parse(const char *name)
{
	for (size_t i = 0; i < N_OPS; i++)
		if (strcasecmp(name, op_names[i]) == 0)
			return 1u << i;
	return 0;
}

void local_ops_format(unsigned ops, char out[static LOCAL_OPS_TEXT_LEN])
{
	size_t len = 0;

	(void)snprintf(out, LOCAL_OPS_TEXT_LEN, "none");
	for (size_t i = 0; i < N_OPS; i++)
		if (ops & 1u << i)
			len += (size_t)snprintf(out + len, LOCAL_OPS_TEXT_LEN - len, "%s%s",
						len ? "," : "", op_names[i]);
}

static const struct {
	enum kms_outcome outcome;
	const char *name;
} faults[] = {
	{KMS_OK, "none"},	  {KMS_TRANSIENT, "transient"},
	{KMS_DAMAGED, "damaged"}, {KMS_NOT_FOUND, "not-found"},
	{KMS_DENIED, "denied"},
};

const char *local_fault_name(enum kms_outcome outcome)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (faults[i].outcome == outcome)
			return faults[i].name;
	return "unknown";
}

int local_fault_parse(const char *name, enum kms_outcome *ret_outcome)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (strcmp(faults[i].name, name) == 0) {
			*ret_outcome = faults[i].outcome;
			return 0;
		}
	return -EINVAL;
}

static int parse(const char *in, size_t in_len, json_t **ret_root, struct err *err)
{
	json_error_t why;
	json_t *root = json_loadb(in, in_len, JSON_REJECT_DUPLICATES, &why);

	if (!root)
		return err_set(err, -EBADMSG, "line %d: does not parse as JSON", why.line);
	*ret_root = root;
	return 0;
}

static int ops_decode(json_t *array, unsigned *ret_ops, struct err *err)
{
	unsigned ops = 0;
	size_t i;
	json_t *item;

	if (!json_is_array(array))
		return err_set(err, -EBADMSG, "a list of operations is not a list");
	json_array_foreach(array, i, item)
	{
		unsigned op = json_is_string(item) ? local_op_parse(json_string_value(item)) : 0;

		if (op == 0)
			return err_set(err, -EBADMSG, "a list of operations holds an unknown one");
		ops |= op;
	}
	*ret_ops = ops;
	return 0;
}

static int fault_decode(json_t *object, struct local_fault *ret_fault, struct err *err)
{
	const char *outcome;
	json_int_t delay_ms;

	if (json_unpack(object, "{s:s, s:I !}", "outcome", &outcome, "delay_ms", &delay_ms) < 0)
		return err_set(err, -EBADMSG, "fault is not made of outcome and delay_ms");
	if (local_fault_parse(outcome, &ret_fault->outcome) < 0)
		return err_set(err, -EBADMSG, "fault: the outcome is not known");
	if (delay_ms < 0 || delay_ms > LOCAL_DELAY_MAX_MS)
		return err_set(err, -EBADMSG, "fault: delay_ms is out of range");
	ret_fault->delay_ms = (unsigned)delay_ms;
	return 0;
}

static int rules_decode(json_t *denied, json_t *fault, struct local_rules *ret_rules,
			struct err *err)
{
	int r = ops_decode(denied, &ret_rules->denied, err);

	return r < 0 ? r : fault_decode(fault, &ret_rules->fault, err);
}

static bool is_hex(const char *text, size_t len)
{
	return strlen(text) == len && strspn(text, "0123456789abcdef") == len;
}

static int version_decode(json_t *object, struct local_version *ret_version, struct err *err)
{
	const char *version, *hash;
	json_int_t created;
	int enabled;

	if (json_unpack(object, "{s:s, s:I, s:b, s:s !}", "version", &version, "created", &created,
			"enabled", &enabled, "sha256", &hash) < 0)
		return err_set(err, -EBADMSG,
			       "a version is not made of version, created, enabled, sha256");
	if (!is_hex(version, 32))
		return err_set(err, -EBADMSG, "a version is not 32 hex digits in lower case");
	if (hash[0] && !is_hex(hash, 64))
		return err_set(err, -EBADMSG, "a sha256 is not 64 hex digits in lower case");
	memcpy(ret_version->version, version, 33);
	memcpy(ret_version->sha256, hash, strlen(hash) + 1);
	ret_version->created = created;
	ret_version->enabled = enabled != 0;
	return 0;
}

static int versions_decode(json_t *array, struct local_key *key, struct err *err)
{
	size_t n = json_array_size(array); /* 0 of what is not an array */

	if (n == 0 || n > LOCAL_VERSIONS_MAX)
		return err_set(err, -EBADMSG, "versions is not a list of 1 to %d",
			       LOCAL_VERSIONS_MAX);
	key->versions = calloc(n, sizeof(*key->versions));
	if (!key->versions)
		return err_set(err, -ENOMEM, "no memory");
	for (; key->n_versions < n; key->n_versions++) {
		int r = version_decode(json_array_get(array, key->n_versions),
				       &key->versions[key->n_versions], err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The texts of a record are printed, also in JSON, so only what local_key_encode() writes is
 * taken. */
static int texts_decode(struct local_key *key, const char *name, const char *kty, const char *level,
			const char *folder, struct err *err)
{
	if (strcasecmp(name, folder) != 0)
		return err_set(err, -EBADMSG, "name is not that of the folder");
	if (strcmp(kty, "RSA") != 0 && strcmp(kty, "EC") != 0)
		return err_set(err, -EBADMSG, "kty is neither RSA nor EC");
	if (strlen(level) >= sizeof(key->recovery_level))
		return err_set(err, -EBADMSG, "recovery_level is too long");
	for (const char *c = level; *c; c++)
		if (!isalpha((unsigned char)*c) && *c != '+')
			return err_set(err, -EBADMSG, "recovery_level holds more than words");
	(void)snprintf(key->name, sizeof(key->name), "%s", name);
	(void)snprintf(key->kty, sizeof(key->kty), "%s", kty);
	(void)snprintf(key->recovery_level, sizeof(key->recovery_level), "%s", level);
	return 0;
}

static int bits_decode(struct local_key *key, json_int_t size, struct err *err)
{
	bool rsa = strcmp(key->kty, "RSA") == 0;

	if (rsa ? size != 2048 && size != 3072 && size != 4096 : size != 256)
		return err_set(err, -EBADMSG, "size is none that the key type has");
	key->bits = (unsigned)size;
	return 0;
}

static int key_decode_root(json_t *root, const char *folder, struct local_key *key, struct err *err)
{
	const char *name, *kty, *level;
	json_int_t format, size, created, not_before, expires, deleted;
	json_t *ops, *denied, *fault, *versions;
	json_error_t why;
	int enabled, r;

	if (json_unpack_ex(
		    root, &why, 0,
		    "{s:I, s:s, s:s, s:I, s:o, s:b, s:I, s:I, s:I, s:I, s:s, s:o, s:o, s:o !}",
		    "format", &format, "name", &name, "kty", &kty, "size", &size, "key_ops", &ops,
		    "enabled", &enabled, "created", &created, "not_before", &not_before, "expires",
		    &expires, "deleted", &deleted, "recovery_level", &level, "denied", &denied,
		    "fault", &fault, "versions", &versions) < 0)
		return err_set(err, -EBADMSG, "a field is missing, unknown or of a wrong type");
	if (format != RECORD_FORMAT)
		return err_set(err, -EBADMSG, "format is not %d", RECORD_FORMAT);
	key->enabled = enabled != 0;
	key->created = created;
	key->not_before = not_before;
	key->expires = expires;
	key->deleted = deleted;
	r = texts_decode(key, name, kty, level, folder, err);
	if (r < 0)
		return r;
	r = bits_decode(key, size, err);
	if (r < 0)
		return r;
	r = ops_decode(ops, &key->ops, err);
	if (r < 0)
		return r;
	r = rules_decode(denied, fault, &key->rules, err);
	return r < 0 ? r : versions_decode(versions, key, err);
}

int local_key_decode(const char *in, size_t in_len, const char *name, struct local_key **ret_key,
		     struct err *err)
{
	CLEANUP(local_key_free_p) struct local_key *key = calloc(1, sizeof(*key));
	CLEANUP(json_decref_p) json_t *root = NULL;
	int r;

	if (!key)
		return err_set(err, -ENOMEM, "no memory");
	r = parse(in, in_len, &root, err);
	if (r < 0)
		return r;
	r = key_decode_root(root, name, key, err);
	if (r < 0)
		return r;
	*ret_key = STEAL(key);
	return 0;
}

void local_key_free(struct local_key *key)
{
	if (!key)
		return;
	free(key->versions);
	free(key);
}

const struct local_version *local_key_version(const struct local_key *key, const char *version)
{
	if (!version[0])
		return &key->versions[key->n_versions - 1];
	for (size_t i = 0; i < key->n_versions; i++)
		if (strcmp(key->versions[i].version, version) == 0)
			return &key->versions[i];
	return NULL;
}

int local_rules_decode(const char *in, size_t in_len, struct local_rules *ret_rules,
		       struct err *err)
{
	CLEANUP(json_decref_p) json_t *root = NULL;
	struct local_rules rules = {0};
	json_t *denied, *fault;
	json_int_t format;
	int r;

	r = parse(in, in_len, &root, err);
	if (r < 0)
		return r;
	if (json_unpack(root, "{s:I, s:o, s:o !}", "format", &format, "denied", &denied, "fault",
			&fault) < 0)
		return err_set(err, -EBADMSG, "a field is missing, unknown or of a wrong type");
	if (format != RECORD_FORMAT)
		return err_set(err, -EBADMSG, "format is not %d", RECORD_FORMAT);
	r = rules_decode(denied, fault, &rules, err);
	if (r < 0)
		return r;
	*ret_rules = rules;
	return 0;
}

/* NULL: no memory; json_pack() then fails, which its caller checks. */
static json_t *ops_encode(unsigned ops)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < N_OPS; i++)
		if (ops & 1u << i && json_array_append_new(array, json_string(op_names[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *fault_encode(const struct local_fault *fault)
{
	return json_pack("{s:s, s:I}", "outcome", local_fault_name(fault->outcome), "delay_ms",
			 (json_int_t)fault->delay_ms);
}

static json_t *versions_encode(const struct local_key *key)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < key->n_versions; i++) {
		const struct local_version *v = &key->versions[i];
		json_t *item = json_pack("{s:s, s:I, s:b, s:s}", "version", v->version, "created",
					 (json_int_t)v->created, "enabled", v->enabled, "sha256",
					 v->sha256);

		if (json_array_append_new(array, item) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static int print(json_t *root, char **ret_text)
{
	char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;

	if (!text)
		return -ENOMEM;
	*ret_text = text;
	return 0;
}

int local_key_encode(const struct local_key *key, char **ret_text)
{
	CLEANUP(json_decref_p) json_t *root = NULL;

	root = json_pack("{s:i, s:s, s:s, s:I, s:o, s:b, s:I, s:I, s:I, s:I, s:s, s:o, s:o, s:o}",
			 "format", RECORD_FORMAT, "name", key->name, "kty", key->kty, "size",
			 (json_int_t)key->bits, "key_ops", ops_encode(key->ops), "enabled",
			 key->enabled, "created", (json_int_t)key->created, "not_before",
			 (json_int_t)key->not_before, "expires", (json_int_t)key->expires,
			 "deleted", (json_int_t)key->deleted, "recovery_level", key->recovery_level,
			 "denied", ops_encode(key->rules.denied), "fault",
			 fault_encode(&key->rules.fault), "versions", versions_encode(key));
	return print(root, ret_text);
}

int local_rules_encode(const struct local_rules *rules, char **ret_text)
{
	CLEANUP(json_decref_p) json_t *root = NULL;

	root = json_pack("{s:i, s:o, s:o}", "format", RECORD_FORMAT, "denied",
			 ops_encode(rules->denied), "fault", fault_encode(&rules->fault));
	return print(root, ret_text);
}
