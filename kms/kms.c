/* kms/kms.c - the way from a key id to its kind of vault. */
#include "kms/kms.h"

#include <errno.h>
#include <string.h>

#include "crypto/base/clock.h"
#include "kms/azure/azure.h"
#include "kms/local/local.h"
#include "kms/vault/circuit.h"
#include "kms/vault/kind.h"
#include "kms/vault/path.h"

struct kms {
	char *vaults_dir; /* of the local vaults, absolute; constant after kms_new() */
	struct azure *azure;
	struct kms_observer observer;
};

/* One call: the kind of vault, the parsed id, and the vault's id of the request. */
struct call {
	const struct kms *kms;
	enum kms_operation operation;
	const struct vault_kind *kind; /* NULL: the id has not been parsed */
	const void *client;	       /* of that kind */
	uint64_t begun_us;
	struct key_id id;
	bool asked; /* the kind was called, so the call counts */
	char request_id[KMS_REQUEST_ID_LEN];
};

/* A further kind of vault adds a row here (kms/README.md, Adding a kind of vault). */
static void kind_find(struct call *c)
{
	const struct {
		const struct vault_kind *kind;
		const void *client;
	} kinds[] = {
		{&local_vaults, c->kms->vaults_dir},
		{&azure_vaults, c->kms->azure},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].kind->scheme, c->id.scheme) == 0) {
			c->kind = kinds[i].kind;
			c->client = kinds[i].client;
		}
}

static enum kms_outcome call_begin(struct call *c, const struct kms *kms,
				   enum kms_operation operation, const char *key_id,
				   struct err *err)
{
	*c = (struct call){.kms = kms, .operation = operation, .begun_us = clock_now_us()};
	if (key_id_parse(key_id, &c->id, err) < 0)
		return KMS_MISCONFIGURED;
	kind_find(c);
	if (c->kind)
		return c->kind->allowed ? c->kind->allowed(c->client, &c->id, err) : KMS_OK;
	(void)err_set(err, -EINVAL, "no key service for %s://", c->id.scheme);
	return KMS_MISCONFIGURED;
}

static enum kms_outcome call_end(const struct call *c, enum kms_outcome o, char *request_id,
				 struct err *err)
{
	char text[KEY_ID_MAX];

	if (request_id)
		memcpy(request_id, c->request_id, KMS_REQUEST_ID_LEN);
	if (c->asked)
		kms_observe(&c->kms->observer, c->id.vault, c->operation, o, c->begun_us);
	if (o != KMS_OK && c->kind) { /* else the id did not parse, and the sentence says so */
		key_id_format(&c->id, text);
		(void)err_prefix(err, kms_outcome_errno(o), "key %s", text);
	}
	return o;
}

enum kms_outcome kms_describe(struct kms *kms, const char *key_id, struct kms_key_info *ret_info,
			      char *request_id, struct err *err)
{
	struct call c;
	enum kms_outcome o = call_begin(&c, kms, KMS_DESCRIBE, key_id, err);

	c.asked = o == KMS_OK;
	if (c.asked)
		o = c.kind->describe(c.client, &c.id, ret_info, c.request_id, err);
	return call_end(&c, o, request_id, err);
}

enum kms_outcome kms_wrap(struct kms *kms, const char *key_id, struct secret *key,
			  uint8_t ret_wrapped[static KMS_WRAP_MAX], size_t *ret_wrapped_len,
			  char ret_key_id[static KEY_ID_MAX], char *request_id, struct err *err)
{
	struct kms_wrapped wrapped = {0};
	struct call c;
	enum kms_outcome o = call_begin(&c, kms, KMS_WRAP, key_id, err);

	c.asked = o == KMS_OK;
	if (c.asked)
		o = c.kind->wrap(c.client, &c.id, key, &wrapped, c.request_id, err);
	if (o == KMS_OK) {
		memcpy(ret_wrapped, wrapped.bytes, wrapped.len);
		*ret_wrapped_len = wrapped.len;
		key_id_format(&wrapped.key_id, ret_key_id);
	}
	return call_end(&c, o, request_id, err);
}

enum kms_outcome kms_unwrap(struct kms *kms, const char *key_id, const uint8_t *wrapped,
			    size_t wrapped_len, struct secret **ret_key, char *request_id,
			    struct err *err)
{
	struct call c;
	enum kms_outcome o = call_begin(&c, kms, KMS_UNWRAP, key_id, err);

	if (o == KMS_OK && !c.id.version[0]) {
		/* unwrap without a version works until the key is rotated, and is answered 400
		 * (damaged) after that (kms/README.md, Requests of Azure Key Vault) */
		(void)err_set(err, -EINVAL, "unwrap needs an id that names a version");
		o = KMS_MISCONFIGURED;
	}
	c.asked = o == KMS_OK;
	if (c.asked)
		o = c.kind->unwrap(c.client, &c.id, wrapped, wrapped_len, ret_key, c.request_id,
				   err);
	return call_end(&c, o, request_id, err);
}

int kms_new(const struct kms_config *config, struct kms **ret_kms, struct err *err)
{
	CLEANUP(kms_free_p) struct kms *kms = calloc(1, sizeof(*kms));
	const char *dir = config->vaults_dir ? config->vaults_dir : KMS_LOCAL_VAULTS_DIR;
	const struct azure_options options = {
		.vault_domains = config->vault_domains,
		.ca_file = config->ca_file,
		.credential = config->credential,
		.vault_timeout_s = config->vault_timeout_s,
		.probe_max_s = config->probe_max_s,
	};
	int r;

	if (!kms)
		return err_set(err, -ENOMEM, "no memory for the key services");
	if (!dir[0])
		return err_set(err, -EINVAL, "the name of the vaults folder is empty");
	kms->observer = (struct kms_observer){config->observe, config->observe_arg};
	kms->vaults_dir = path_absolute(dir);
	if (!kms->vaults_dir)
		return err_set(err, -errno, "vaults folder %s: no absolute path", dir);
	r = azure_new(&options, &kms->observer, &kms->azure, err);
	if (r < 0)
		return r;
	*ret_kms = STEAL(kms);
	return 0;
}

void kms_free(struct kms *kms)
{
	if (!kms)
		return;
	azure_free(kms->azure);
	free(kms->vaults_dir);
	free(kms);
}

bool kms_needs_network(const struct kms *kms)
{
	return !azure_is_off(kms->azure);
}

int kms_credential_check(const struct kms *kms, struct err *err)
{
	return azure_credential_check(kms->azure, err);
}

size_t kms_circuits(struct kms *kms, struct kms_circuit *ret_list, size_t max)
{
	return circuits_list(azure_circuits(kms->azure), ret_list, max);
}

void kms_circuits_probe(struct kms *kms)
{
	circuits_probe(azure_circuits(kms->azure));
}

struct azure *kms_azure(struct kms *kms)
{
	return kms->azure;
}
