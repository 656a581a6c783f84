/* kms/kms.c - outcomes and their errnos, and the way from a key id to its service. */
#include "kms/kms.h"

#include <errno.h>
#include <string.h>

#include "crypto/base/clock.h"
#include "kms/azure.h"
#include "kms/local.h"
#include "kms/service.h"
#include "kms/wipe.h"

/* STYLE section 4; tests/unit/test_kms_id.c walks it row by row. */
static const struct {
	const char *name;
	int r;
} outcomes[] = {
	[KMS_OK] = {"ok", 0},
	[KMS_DENIED] = {"denied", -EACCES},
	[KMS_TRANSIENT] = {"transient", -EAGAIN},
	[KMS_NOT_FOUND] = {"not found", -ENOKEY},
	[KMS_DAMAGED] = {"damaged", -EBADMSG},
	[KMS_MISCONFIGURED] = {"misconfigured", -EINVAL},
};

const char *kms_outcome_name(enum kms_outcome o)
{
	return (size_t)o < sizeof(outcomes) / sizeof(outcomes[0]) ? outcomes[o].name : "unknown";
}

int kms_outcome_errno(enum kms_outcome o)
{
	return (size_t)o < sizeof(outcomes) / sizeof(outcomes[0]) ? outcomes[o].r : -EINVAL;
}

int kms_errno(enum kms_outcome o, const struct err *said)
{
	bool finer = (o == KMS_DENIED && said->r == -EKEYREVOKED) ||
		     (o == KMS_MISCONFIGURED && said->r == -EPROTO) ||
		     (o == KMS_TRANSIENT && said->r == -ETIMEDOUT);

	return finer ? said->r : kms_outcome_errno(o);
}

const char *kms_operation_name(enum kms_operation op)
{
	static const char *const names[] = {"get", "wrapKey", "unwrapKey", "token"};

	return (size_t)op < sizeof(names) / sizeof(names[0]) ? names[op] : "unknown";
}

static const struct kms_service *const services[] = {&kms_local, &kms_azure};

/* A call on its way: the service, the parsed id, and where the vault's request id goes. */
struct call {
	const struct kms *kms;
	enum kms_operation operation;
	const struct kms_service *service;
	uint64_t begun_us;
	struct key_id id;
	bool asked; /* the service, by the caller */
	char request_id[KMS_REQUEST_ID_LEN];
};

static enum kms_outcome call_begin(struct call *c, const struct kms *kms,
				   enum kms_operation operation, const char *key_id,
				   struct err *err)
{
	*c = (struct call){.kms = kms, .operation = operation, .begun_us = clock_now_us()};
	if (key_id_parse(key_id, &c->id, err) < 0)
		return KMS_MISCONFIGURED;
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (strcmp(services[i]->scheme, c->id.scheme) == 0)
			c->service = services[i];
	if (c->service)
		return c->service->allowed ? c->service->allowed(kms, &c->id, err) : KMS_OK;
	(void)err_set(err, -EINVAL, "no key service for %s://", c->id.scheme);
	return KMS_MISCONFIGURED;
}

void kms_observe_call(const struct kms *kms, const char *vault, enum kms_operation operation,
		      enum kms_outcome outcome, uint64_t begun_us)
{
	const struct kms_observed seen = {
		.vault = vault,
		.operation = operation,
		.outcome = outcome,
		.duration_us = clock_now_us() - begun_us,
	};

	if (kms->observe)
		kms->observe(kms->observe_arg, &seen);
}

static enum kms_outcome call_end(const struct call *c, enum kms_outcome o, char *request_id,
				 struct err *err)
{
	char text[KEY_ID_MAX];

	if (request_id)
		memcpy(request_id, c->request_id, KMS_REQUEST_ID_LEN);
	if (c->asked)
		kms_observe_call(c->kms, c->id.vault, c->operation, o, c->begun_us);
	if (o != KMS_OK && c->service) { /* else the id did not parse, and the sentence says so */
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
		o = c.service->describe(kms, &c.id, ret_info, c.request_id, err);
	return call_end(&c, o, request_id, err);
}

enum kms_outcome kms_wrap(struct kms *kms, const char *key_id, struct secret *key,
			  uint8_t ret_wrapped[static KMS_WRAP_MAX], size_t *ret_wrapped_len,
			  char ret_kid[static KEY_ID_MAX], char *request_id, struct err *err)
{
	struct kms_wrapped wrapped = {0};
	struct call c;
	enum kms_outcome o = call_begin(&c, kms, KMS_WRAP, key_id, err);

	c.asked = o == KMS_OK;
	if (c.asked)
		o = c.service->wrap(kms, &c.id, key, &wrapped, c.request_id, err);
	if (o == KMS_OK) {
		memcpy(ret_wrapped, wrapped.bytes, wrapped.len);
		*ret_wrapped_len = wrapped.len;
		key_id_format(&wrapped.kid, ret_kid);
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
		/* would open until the first rotation and be damage after it, AKV.md section 1 */
		(void)err_set(err, -EINVAL, "unwrap needs an id that names a version");
		o = KMS_MISCONFIGURED;
	}
	c.asked = o == KMS_OK;
	if (c.asked)
		o = c.service->unwrap(kms, &c.id, wrapped, wrapped_len, ret_key, c.request_id, err);
	return call_end(&c, o, request_id, err);
}

/* The daemon goes to "/" when it goes to the background, so a relative path is pinned down now. */
char *kms_path_absolute(const char *path)
{
	CLEANUP(free_mem_p) char *cwd = NULL;
	char *abs = NULL;

	if (path[0] == '/')
		return strdup(path);
	cwd = getcwd(NULL, 0);
	if (!cwd || asprintf(&abs, "%s/%s", cwd, path) < 0)
		return NULL;
	return abs;
}

int kms_new(const struct kms_config *config, struct kms **ret_kms, struct err *err)
{
	CLEANUP(kms_free_p) struct kms *kms = calloc(1, sizeof(*kms));
	const char *dir = config->vaults_dir ? config->vaults_dir : LOCAL_VAULTS_DIR;
	int r;

	if (!kms)
		return err_set(err, -ENOMEM, "no memory for the key services");
	if (!dir[0])
		return err_set(err, -EINVAL, "the name of the vaults folder is empty");
	kms->observe = config->observe;
	kms->observe_arg = config->observe_arg;
	kms->vaults_dir = kms_path_absolute(dir);
	if (!kms->vaults_dir)
		return err_set(err, -errno, "vaults folder %s: no absolute path", dir);
	wipe_setup_json();
	r = azure_new(kms, config, &kms->azure, err);
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
	return kms->azure->config->kind != CREDENTIAL_NONE;
}

size_t kms_circuits(struct kms *kms, struct kms_circuit *ret_list, size_t max)
{
	return circuits_list(kms->azure->circuits, ret_list, max);
}

void kms_circuits_probe(struct kms *kms)
{
	circuits_probe(kms->azure->circuits);
}

const char *kms_circuit_state_name(enum kms_circuit_state state)
{
	static const char *const names[] = {"closed", "open", "half-open"};

	return (size_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}
