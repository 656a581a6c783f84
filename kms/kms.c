/* kms/kms.c - outcomes and their errnos, and the way from a key id to its service. */
#include "kms.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "local.h"
#include "service.h"

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

const char *kms_operation_name(enum kms_operation op)
{
	static const char *const names[] = {"get", "wrapKey", "unwrapKey", "token"};

	return (size_t)op < sizeof(names) / sizeof(names[0]) ? names[op] : "unknown";
}

static enum kms_outcome azure_refuse(struct err *err)
{
	(void)err_set(err, -EINVAL, "Azure Key Vault is not supported by this version");
	return KMS_MISCONFIGURED;
}

static enum kms_outcome azure_describe(const struct kms *kms, const struct key_id *id,
				       struct kms_key_info *ret_info, char *request_id,
				       struct err *err)
{
	(void)kms, (void)id, (void)ret_info, (void)request_id;
	return azure_refuse(err);
}

static enum kms_outcome azure_wrap(const struct kms *kms, const struct key_id *id,
				   struct secret *key, struct kms_wrapped *ret_wrapped,
				   char *request_id, struct err *err)
{
	(void)kms, (void)id, (void)key, (void)ret_wrapped, (void)request_id;
	return azure_refuse(err);
}

static enum kms_outcome azure_unwrap(const struct kms *kms, const struct key_id *id,
				     const uint8_t *wrapped, size_t wrapped_len,
				     struct secret **ret_key, char *request_id, struct err *err)
{
	(void)kms, (void)id, (void)wrapped, (void)wrapped_len, (void)ret_key, (void)request_id;
	return azure_refuse(err);
}

static const struct kms_service kms_azure = {"https", azure_describe, azure_wrap, azure_unwrap};

static const struct kms_service *const services[] = {&kms_local, &kms_azure};

/* A call on its way: the service, the parsed id, and where the vault's request id goes. */
struct call {
	const struct kms *kms;
	enum kms_operation operation;
	const struct kms_service *service;
	uint64_t begun_us;
	struct key_id id;
	char request_id[KMS_REQUEST_ID_LEN];
};

static uint64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail with this clock */
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static enum kms_outcome call_begin(struct call *c, const struct kms *kms,
				   enum kms_operation operation, const char *key_id,
				   struct err *err)
{
	*c = (struct call){.kms = kms, .operation = operation, .begun_us = now_us()};
	if (key_id_parse(key_id, &c->id, err) < 0)
		return KMS_MISCONFIGURED;
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (strcmp(services[i]->scheme, c->id.scheme) == 0)
			c->service = services[i];
	if (c->service)
		return KMS_OK;
	(void)err_set(err, -EINVAL, "no key service for %s://", c->id.scheme);
	return KMS_MISCONFIGURED;
}

static void call_observe(const struct call *c, enum kms_outcome o)
{
	const struct kms_observed seen = {
		.vault = c->id.vault,
		.operation = c->operation,
		.outcome = o,
		.duration_us = now_us() - c->begun_us,
	};

	if (c->kms->observe)
		c->kms->observe(c->kms->observe_arg, &seen);
}

static enum kms_outcome call_end(const struct call *c, enum kms_outcome o, char *request_id,
				 struct err *err)
{
	char text[KEY_ID_MAX];

	if (request_id)
		memcpy(request_id, c->request_id, KMS_REQUEST_ID_LEN);
	if (c->service)
		call_observe(c, o);
	if (o != KMS_OK && c->service) { /* else the id did not parse, and the sentence says so */
		key_id_format(&c->id, text);
		(void)err_prefix(err, kms_outcome_errno(o), "key %s", text);
	}
	return o;
}

enum kms_outcome kms_describe(struct kms *kms, const char *key_id, struct kms_key_info *ret_info,
			      struct err *err)
{
	struct call c;
	enum kms_outcome o = call_begin(&c, kms, KMS_DESCRIBE, key_id, err);

	if (o == KMS_OK)
		o = c.service->describe(kms, &c.id, ret_info, c.request_id, err);
	return call_end(&c, o, NULL, err);
}

enum kms_outcome kms_wrap(struct kms *kms, const char *key_id, struct secret *key,
			  uint8_t ret_wrapped[static KMS_WRAP_MAX], size_t *ret_wrapped_len,
			  char ret_kid[static KEY_ID_MAX], char *request_id, struct err *err)
{
	struct kms_wrapped wrapped = {0};
	struct call c;
	enum kms_outcome o = call_begin(&c, kms, KMS_WRAP, key_id, err);

	if (o == KMS_OK)
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
	if (o == KMS_OK)
		o = c.service->unwrap(kms, &c.id, wrapped, wrapped_len, ret_key, c.request_id, err);
	return call_end(&c, o, request_id, err);
}

/* The daemon goes to "/" when it goes to the background, so a relative folder is pinned down now.
 */
static char *path_absolute(const char *path)
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

	if (!kms)
		return err_set(err, -ENOMEM, "no memory for the key services");
	if (!dir[0])
		return err_set(err, -EINVAL, "the name of the vaults folder is empty");
	kms->observe = config->observe;
	kms->observe_arg = config->observe_arg;
	kms->vaults_dir = path_absolute(dir);
	if (!kms->vaults_dir)
		return err_set(err, -errno, "vaults folder %s: no absolute path", dir);
	*ret_kms = STEAL(kms);
	return 0;
}

void kms_free(struct kms *kms)
{
	if (!kms)
		return;
	free(kms->vaults_dir);
	free(kms);
}
