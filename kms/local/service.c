/* kms/local/service.c - the calls of scheme local: software vaults that answer the way Key Vault
 * does; kms/README.md, Local vaults. */
#include "kms/local/local.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "crypto/base/clock.h"
#include "crypto/oaep.h"
#include "kms/local/vault_internal.h"

#define DEADLINE_MS (KMS_DEADLINE_S * 1000u)

/* What one call reads of the vault. Each call reads the files anew, so that a change by `depctl
 * key` counts at once. */
struct view {
	struct local_dir vault, key_dir;
	int vault_r, rules_r, key_r; /* results of reading; each is set when the one before is 0 */
	struct local_rules rules;    /* of the vault */
	struct local_key *key;
	const struct local_version *version; /* set by view_judge() */
};

static void view_fini_p(struct view *v)
{
	local_key_free(v->key);
	local_dir_close_p(&v->key_dir);
	local_dir_close_p(&v->vault);
}

static void view_load(struct view *v, const char *vaults_dir, const struct key_id *id,
		      struct err *err)
{
	*v = (struct view){.vault = LOCAL_DIR_NONE, .key_dir = LOCAL_DIR_NONE};
	v->vault_r = vault_open(vaults_dir, id->vault, &v->vault, err);
	if (v->vault_r < 0)
		return;
	v->rules_r = vault_rules_load(&v->vault, &v->rules, err);
	if (v->rules_r < 0)
		return;
	v->key_r = key_open(&v->vault, id->name, &v->key_dir, &v->key, err);
}

static unsigned view_delay_ms(const struct view *v)
{
	unsigned ms = v->rules.fault.delay_ms + (v->key ? v->key->rules.fault.delay_ms : 0);

	return ms < DEADLINE_MS ? ms : DEADLINE_MS;
}

static enum kms_outcome refuse(enum kms_outcome o, struct err *err, const char *sentence)
{
	(void)err_set(err, kms_outcome_errno(o), "%s", sentence);
	return o;
}

/* @r: of reading a file of the vault; its sentence is set. Any error but a missing or malformed
 * file (EACCES, EIO, no memory) is a fault of the machine, and may pass. */
static enum kms_outcome outcome_of_read(int r)
{
	switch (r) {
	case 0:
		return KMS_OK;
	case -ENOENT:
		return KMS_NOT_FOUND;
	case -EBADMSG:
		return KMS_MISCONFIGURED;
	default:
		return KMS_TRANSIENT;
	}
}

/* Faults and denials that were set by hand on a vault or a key. */
static enum kms_outcome rules_judge(const struct local_rules *rules, unsigned op, struct err *err)
{
	switch (rules->fault.outcome) {
	case KMS_TRANSIENT:
		return refuse(KMS_TRANSIENT, err, "no answer (fault set by hand)");
	case KMS_NOT_FOUND:
		return refuse(KMS_NOT_FOUND, err, "not found (fault set by hand)");
	case KMS_DENIED:
		return refuse(KMS_DENIED, err, "access denied (fault set by hand)");
	case KMS_DAMAGED:
		if (op == LOCAL_OP_UNWRAP)
			return refuse(KMS_DAMAGED, err, "does not open (fault set by hand)");
		break;
	default:
		break;
	}
	if (rules->denied & op) {
		(void)err_set(err, -EACCES, "%s is denied", local_op_name(op));
		return KMS_DENIED;
	}
	return KMS_OK;
}

/* As Key Vault: no wrap outside nbf..exp, but unwrap, so that old data opens (kms/README.md,
 * Keys). */
static enum kms_outcome window_judge(const struct local_key *key, struct err *err)
{
	int64_t now = time(NULL);

	if (key->not_before != 0 && now < key->not_before)
		return refuse(KMS_MISCONFIGURED, err, "the key is not valid yet");
	if (key->expires != 0 && now >= key->expires)
		return refuse(KMS_MISCONFIGURED, err, "the key has expired");
	return KMS_OK;
}

static enum kms_outcome disabled(struct err *err, const char *what)
{
	(void)err_set(err, -EKEYREVOKED, "the %s is disabled", what);
	return KMS_DENIED;
}

/* State and type of a key; checked for wrap and unwrap only. */
static enum kms_outcome use_judge(const struct view *v, unsigned op, struct err *err)
{
	if (!v->key->enabled)
		return disabled(err, "key");
	if (!v->version->enabled)
		return disabled(err, "key version");
	if (strcmp(v->key->kty, "RSA") != 0)
		return refuse(KMS_MISCONFIGURED, err, "a key of type EC wraps nothing");
	if (!(v->key->ops & op)) {
		(void)err_set(err, -EINVAL, "the key is not made for %s", local_op_name(op));
		return KMS_MISCONFIGURED;
	}
	return op == LOCAL_OP_WRAP ? window_judge(v->key, err) : KMS_OK;
}

/* The rules, in the order in which Key Vault applies them: permission, then existence, then
 * state. */
static enum kms_outcome view_judge(struct view *v, const struct key_id *id, unsigned op,
				   struct err *err)
{
	enum kms_outcome o;

	if (v->vault_r < 0)
		return KMS_TRANSIENT; /* a missing vault is like one that cannot be reached */
	if (v->rules_r < 0)
		return outcome_of_read(v->rules_r);
	if (view_delay_ms(v) == DEADLINE_MS)
		return (void)err_set(err, -ETIMEDOUT, "no answer within 30 s"), KMS_TRANSIENT;
	o = rules_judge(&v->rules, op, err);
	if (o != KMS_OK)
		return (void)err_prefix(err, 0, "vault %s", id->vault), o;
	if (v->key_r < 0)
		return outcome_of_read(v->key_r);
	if (v->key->deleted != 0)
		return refuse(KMS_NOT_FOUND, err, "the key is deleted; it can be recovered");
	o = rules_judge(&v->key->rules, op, err);
	if (o != KMS_OK)
		return o;
	v->version = local_key_version(v->key, id->version);
	if (!v->version)
		return refuse(KMS_NOT_FOUND, err, "the key has no such version");
	return op == LOCAL_OP_GET ? KMS_OK : use_judge(v, op, err);
}

static enum kms_outcome view_open(struct view *v, const char *vaults_dir, const struct key_id *id,
				  unsigned op, char *request_id, struct err *err)
{
	unsigned ms;

	if (request_id_new(request_id) < 0)
		return refuse(KMS_TRANSIENT, err, "no randomness for a request id");
	view_load(v, vaults_dir, id, err);
	ms = view_delay_ms(v);
	if (ms > 0) { /* the state at the time of the answer counts */
		view_fini_p(v);
		if (err)
			err->text[0] = '\0';
		clock_sleep_ms(ms);
		view_load(v, vaults_dir, id, err);
	}
	return view_judge(v, id, op, err);
}

/* Every call ends here, with a line in the vault's log. */
static enum kms_outcome view_close(const struct view *v, const struct key_id *id, unsigned op,
				   enum kms_outcome o, const char *request_id)
{
	struct key_id used = *id;

	if (v->version)
		memcpy(used.version, v->version->version, sizeof(v->version->version));
	if (v->vault.fd >= 0)
		vault_log(&v->vault, local_op_name(op), &used, kms_outcome_name(o), request_id);
	return o;
}

static int pem_read(const struct view *v, struct secret **ret_pem, struct err *err)
{
	CLEANUP(close_fd_p) int fd = -1;
	CLEANUP(secret_free_p) struct secret *pem = NULL;
	char name[LOCAL_PEM_NAME_LEN];
	size_t len;
	int r;

	pem_name(v->version->version, name);
	r = file_open(&v->key_dir, name, LOCAL_PEM_MAX, &fd, &len, err);
	if (r < 0)
		return r;
	if (len == 0)
		return err_set(err, -EBADMSG, "file %s/%s is empty", v->key_dir.path, name);
	r = secret_new(len, &pem);
	if (r < 0)
		return err_set(err, r, "no space on the secure heap");
	r = file_fill(fd, secret_bytes(pem), len);
	if (r < 0)
		return err_set(err, r, "file %s/%s: %s", v->key_dir.path, name, strerror(-r));
	*ret_pem = STEAL(pem);
	return 0;
}

/* A bit flipped in the file must not look like a damaged wrapped key. */
static int pem_check(const struct view *v, struct secret *pem, struct err *err)
{
	char hash[65];

	if (pem_hash(pem, hash) < 0)
		return err_set(err, -EIO, "OpenSSL refuses to hash");
	if (strcmp(hash, v->version->sha256) != 0)
		return err_set(err, -EBADMSG, "not the bytes that were stored");
	return 0;
}

/* The private key is parsed for each call and freed after it: calls are rare, about one a minute
 * for each policy, and a key that is not kept cannot be used after a disable or a delete. */
static enum kms_outcome view_key(const struct view *v, struct rsa_key **ret_key, struct err *err)
{
	CLEANUP(secret_free_p) struct secret *pem = NULL;
	int r = pem_read(v, &pem, err);

	if (r < 0)
		return outcome_of_read(r);
	r = pem_check(v, pem, err);
	if (r == 0)
		r = rsa_key_from_pem(secret_bytes(pem), secret_len(pem), ret_key, err);
	if (r < 0)
		(void)err_prefix(err, r, "file %s/%s.pem", v->key_dir.path, v->version->version);
	return outcome_of_read(r);
}

static void info_fill(const struct view *v, const struct key_id *id, struct kms_key_info *info)
{
	const struct local_key *key = v->key;
	struct key_id full = *id;

	memcpy(full.name, key->name, sizeof(key->name));
	memcpy(full.version, v->version->version, sizeof(v->version->version));
	key_id_format(&full, info->id);
	memcpy(info->kty, key->kty, sizeof(key->kty));
	memcpy(info->recovery_level, key->recovery_level, sizeof(key->recovery_level));
	info->bits = key->bits;
	info->can_wrap = (key->ops & LOCAL_OP_WRAP) != 0;
	info->can_unwrap = (key->ops & LOCAL_OP_UNWRAP) != 0;
	info->enabled = key->enabled && v->version->enabled;
	info->expires = key->expires;
	info->not_before = key->not_before;
	info->purgeable = strstr(key->recovery_level, "Purgeable") != NULL;
}

/* Describing a disabled key answers, as Key Vault does: `enabled` is one of its attributes. */
static enum kms_outcome local_describe(const void *client, const struct key_id *id,
				       struct kms_key_info *ret_info, char *request_id,
				       struct err *err)
{
	CLEANUP(view_fini_p) struct view v = {.vault = LOCAL_DIR_NONE, .key_dir = LOCAL_DIR_NONE};
	enum kms_outcome o = view_open(&v, client, id, LOCAL_OP_GET, request_id, err);

	if (o == KMS_OK) {
		memset(ret_info, 0, sizeof(*ret_info));
		info_fill(&v, id, ret_info);
	}
	return view_close(&v, id, LOCAL_OP_GET, o, request_id);
}

/* A failure of OpenSSL that the bytes did not cause: a lack of memory may pass, others do not. */
static enum kms_outcome outcome_of_crypto(int r, struct err *err)
{
	if (r == -ENOMEM)
		return refuse(KMS_TRANSIENT, err, "no space on the secure heap");
	return refuse(KMS_MISCONFIGURED, err, "OpenSSL refuses the operation");
}

static enum kms_outcome view_wrap(const struct view *v, const struct key_id *id, struct secret *key,
				  struct kms_wrapped *ret_wrapped, struct err *err)
{
	CLEANUP(rsa_key_free_p) struct rsa_key *rsa = NULL;
	enum kms_outcome o = view_key(v, &rsa, err);
	int r;

	if (o != KMS_OK)
		return o;
	r = oaep_wrap(rsa, secret_bytes(key), secret_len(key), ret_wrapped->bytes,
		      &ret_wrapped->len);
	if (r < 0)
		return outcome_of_crypto(r, err);
	ret_wrapped->key_id = *id;
	memcpy(ret_wrapped->key_id.name, v->key->name, sizeof(v->key->name));
	memcpy(ret_wrapped->key_id.version, v->version->version, sizeof(v->version->version));
	return KMS_OK;
}

static enum kms_outcome local_wrap(const void *client, const struct key_id *id, struct secret *key,
				   struct kms_wrapped *ret_wrapped, char *request_id,
				   struct err *err)
{
	CLEANUP(view_fini_p) struct view v = {.vault = LOCAL_DIR_NONE, .key_dir = LOCAL_DIR_NONE};
	enum kms_outcome o = view_open(&v, client, id, LOCAL_OP_WRAP, request_id, err);

	if (o == KMS_OK)
		o = view_wrap(&v, id, key, ret_wrapped, err);
	return view_close(&v, id, LOCAL_OP_WRAP, o, request_id);
}

static enum kms_outcome view_unwrap(const struct view *v, const uint8_t *wrapped,
				    size_t wrapped_len, struct secret **ret_key, struct err *err)
{
	CLEANUP(rsa_key_free_p) struct rsa_key *rsa = NULL;
	enum kms_outcome o = view_key(v, &rsa, err);
	int r;

	if (o != KMS_OK)
		return o;
	r = oaep_unwrap(rsa, wrapped, wrapped_len, ret_key);
	if (r == -EBADMSG)
		return refuse(KMS_DAMAGED, err, "the wrapped key does not open with this version");
	return r < 0 ? outcome_of_crypto(r, err) : KMS_OK;
}

static enum kms_outcome local_unwrap(const void *client, const struct key_id *id,
				     const uint8_t *wrapped, size_t wrapped_len,
				     struct secret **ret_key, char *request_id, struct err *err)
{
	CLEANUP(view_fini_p) struct view v = {.vault = LOCAL_DIR_NONE, .key_dir = LOCAL_DIR_NONE};
	enum kms_outcome o = view_open(&v, client, id, LOCAL_OP_UNWRAP, request_id, err);

	if (o == KMS_OK)
		o = view_unwrap(&v, wrapped, wrapped_len, ret_key, err);
	return view_close(&v, id, LOCAL_OP_UNWRAP, o, request_id);
}

const struct vault_kind local_vaults = {"local", NULL, local_describe, local_wrap, local_unwrap};
