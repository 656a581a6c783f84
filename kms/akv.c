/* kms/akv.c - the key service https://: Azure Key Vault and Managed HSM. Facts: AKV.md. */
#include "kms/akv.h"

#include <errno.h>
#include <string.h>

#include "crypto/base/clock.h"
#include "kms/sbuf.h"

#define ALGORITHM "RSA-OAEP-256"
#define PAGES_MAX 100 /* of a list; some may be empty */

/* AKV.md section 9, point 1: what is on no list gets no request at all. */
static enum kms_outcome allowed(const struct kms *kms, const struct key_id *id, struct err *err)
{
	const struct azure_config *config = kms->azure->config;
	char domain[AZURE_DOMAIN_LEN];

	if (config->kind == CREDENTIAL_NONE) {
		(void)err_set(err, -EINVAL, "Azure is switched off here (credential=none)");
		return KMS_MISCONFIGURED;
	}
	if (azure_domain(id->vault, config->domains, domain))
		return KMS_OK;
	(void)err_set(err, -EINVAL,
		      "%s is not in a domain of Azure's vaults: a private one is named by "
		      "vault_domains=",
		      id->vault);
	return KMS_MISCONFIGURED;
}

/* A call and the reading of its answer; @act decides which. */
struct act {
	const struct kms *kms;
	const struct key_id *id;
	struct akv_call call;
	struct http_reply reply;
	char request_id[KMS_REQUEST_ID_LEN];
};

static void act_fini_p(struct act *a)
{
	http_reply_fini_p(&a->reply);
}

static enum kms_outcome act_run(struct act *a, enum akv_act act, struct secret *body,
				char *request_id, struct err *err)
{
	enum kms_outcome o = allowed(a->kms, a->id, err);

	if (o != KMS_OK)
		return o;
	a->call = (struct akv_call){
		.azure = a->kms->azure,
		.id = a->id,
		.act = act,
		.next = a->call.next,
		.body = body,
		.request_id = request_id ? request_id : a->request_id,
		.deadline_ms = clock_now_ms() + a->kms->azure->config->timeout_ms,
	};
	return akv_call(&a->call, &a->reply, err);
}

/* An answer that no vault would give: -EPROTO; memory passes. */
static enum kms_outcome outcome_of_reply(int r)
{
	return r == 0 ? KMS_OK : r == -ENOMEM ? KMS_TRANSIENT : KMS_MISCONFIGURED;
}

static enum kms_outcome get_key(const struct kms *kms, const struct key_id *id,
				struct azure_key *ret_key, char *request_id, struct err *err)
{
	CLEANUP(act_fini_p) struct act a = {.kms = kms, .id = id};
	enum kms_outcome o = act_run(&a, AKV_GET, NULL, request_id, err);

	return o == KMS_OK ? outcome_of_reply(akv_reply_key(a.reply.body, id, ret_key, err)) : o;
}

static enum kms_outcome akv_describe(const struct kms *kms, const struct key_id *id,
				     struct kms_key_info *ret_info, char *request_id,
				     struct err *err)
{
	struct azure_key key;
	enum kms_outcome o = get_key(kms, id, &key, request_id, err);

	if (o == KMS_OK)
		*ret_info = key.info;
	return o;
}

/* {"alg": "RSA-OAEP-256", "value": "..."} */
static int body_make(const void *in, size_t len, struct secret **ret_body)
{
	CLEANUP(sbuf_fini_p) struct sbuf b = SBUF_EMPTY;

	sbuf_text(&b, "{\"alg\":\"" ALGORITHM "\",\"value\":\"");
	sbuf_base64url(&b, in, len);
	sbuf_text(&b, "\"}");
	return sbuf_take(&b, ret_body);
}

static enum kms_outcome no_room(struct err *err)
{
	(void)err_set(err, -ENOMEM, "no room on the secure heap");
	return KMS_TRANSIENT;
}

static enum kms_outcome akv_wrap(const struct kms *kms, const struct key_id *id, struct secret *key,
				 struct kms_wrapped *ret_wrapped, char *request_id, struct err *err)
{
	CLEANUP(act_fini_p) struct act a = {.kms = kms, .id = id};
	CLEANUP(secret_free_p) struct secret *body = NULL;
	enum kms_outcome o;

	if (body_make(secret_bytes(key), secret_len(key), &body) < 0)
		return no_room(err);
	o = act_run(&a, AKV_WRAP, body, request_id, err);
	return o == KMS_OK ? outcome_of_reply(akv_reply_wrapped(a.reply.body, id, ret_wrapped, err))
			   : o;
}

static enum kms_outcome akv_unwrap(const struct kms *kms, const struct key_id *id,
				   const uint8_t *wrapped, size_t wrapped_len,
				   struct secret **ret_key, char *request_id, struct err *err)
{
	CLEANUP(act_fini_p) struct act a = {.kms = kms, .id = id};
	CLEANUP(secret_free_p) struct secret *body = NULL;
	enum kms_outcome o;

	if (body_make(wrapped, wrapped_len, &body) < 0)
		return no_room(err);
	o = act_run(&a, AKV_UNWRAP, body, request_id, err);
	return o == KMS_OK ? outcome_of_reply(akv_reply_unwrapped(a.reply.body, id, ret_key, err))
			   : o;
}

const struct kms_service kms_azure = {"https", allowed, akv_describe, akv_wrap, akv_unwrap};

/* ---- azure_key.h: looks ---- */

static enum kms_outcome id_take(const char *key_id, struct key_id *ret_id, struct err *err)
{
	int r = key_id_parse(key_id, ret_id, err);

	if (r == 0 && strcmp(ret_id->scheme, kms_azure.scheme) != 0)
		r = err_set(err, -EINVAL, "not a key id of Azure's");
	return r < 0 ? KMS_MISCONFIGURED : KMS_OK;
}

enum kms_outcome azure_key_get(struct kms *kms, const char *key_id, struct azure_key *ret_key,
			       struct err *err)
{
	struct key_id id;
	enum kms_outcome o = id_take(key_id, &id, err);

	return o == KMS_OK ? get_key(kms, &id, ret_key, NULL, err) : o;
}

static enum kms_outcome page_get(struct kms *kms, const struct key_id *id,
				 char next[static AKV_NEXT_LEN], struct azure_version **list,
				 size_t *n, struct err *err)
{
	CLEANUP(act_fini_p) struct act a = {.kms = kms, .id = id};
	enum kms_outcome o;

	a.call.next = next[0] ? next : NULL;
	o = act_run(&a, AKV_VERSIONS, NULL, NULL, err);
	return o == KMS_OK
		       ? outcome_of_reply(akv_reply_versions(a.reply.body, id, list, n, next, err))
		       : o;
}

static int newest_first(const void *a, const void *b)
{
	const struct azure_version *x = a, *y = b;

	return (x->created < y->created) - (x->created > y->created);
}

static enum kms_outcome refuse_list(struct err *err)
{
	(void)err_set(err, -EPROTO, "the list of versions has no end");
	return KMS_MISCONFIGURED;
}

enum kms_outcome azure_key_versions(struct kms *kms, const char *key_id,
				    struct azure_version **ret_list, size_t *ret_n, struct err *err)
{
	CLEANUP(free_mem_p) struct azure_version *list = NULL;
	char next[AKV_NEXT_LEN] = "";
	struct key_id id;
	size_t n = 0;
	enum kms_outcome o = id_take(key_id, &id, err);

	id.version[0] = '\0';
	for (unsigned page = 0; o == KMS_OK && (page == 0 || next[0]); page++) {
		if (page == PAGES_MAX)
			return refuse_list(err);
		o = page_get(kms, &id, next, &list, &n, err);
	}
	if (o != KMS_OK)
		return o;
	if (n > 0)
		qsort(list, n, sizeof(*list), newest_first);
	*ret_list = STEAL(list);
	*ret_n = n;
	return KMS_OK;
}

enum kms_outcome azure_key_deleted(struct kms *kms, const char *key_id, struct err *err)
{
	CLEANUP(act_fini_p) struct act a = {.kms = kms};
	struct key_id id;
	enum kms_outcome o = id_take(key_id, &id, err);

	id.version[0] = '\0';
	a.id = &id;
	return o == KMS_OK ? act_run(&a, AKV_DELETED, NULL, NULL, err) : o;
}
