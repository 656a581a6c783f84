/* kms/azure/keys.c - the calls of scheme https, and the reads of a key for depctl (kms/README.md,
 * Requests of Azure Key Vault). */
#include "kms/azure/keys.h"

#include <errno.h>
#include <string.h>

#include "crypto/base/clock.h"
#include "kms/azure/call_internal.h"
#include "kms/azure/hosts_internal.h"
#include "kms/azure/reply_internal.h"
#include "kms/azure/sbuf_internal.h"

#define ALGORITHM "RSA-OAEP-256"
#define PAGES_MAX 100 /* of a list of versions; pages may be empty */

/* With credential=none no vault is asked; else a host on no list gets no request (kms/README.md,
 * Key ids). */
static enum kms_outcome allowed(const void *client, const struct key_id *id, struct err *err)
{
	const struct azure *azure = client;
	const struct azure_config *config = azure->config;
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

/* A call and its answer. */
struct request {
	const struct azure *azure;
	const struct key_id *id;
	struct akv_call call;
	struct http_reply reply;
	char request_id[KMS_REQUEST_ID_LEN];
};

static void request_fini_p(struct request *q)
{
	http_reply_fini_p(&q->reply);
}

static enum kms_outcome request_run(struct request *q, enum akv_operation operation,
				    struct secret *body, char *request_id, struct err *err)
{
	enum kms_outcome o = allowed(q->azure, q->id, err);

	if (o != KMS_OK)
		return o;
	q->call = (struct akv_call){
		.azure = q->azure,
		.id = q->id,
		.operation = operation,
		.next = q->call.next,
		.body = body,
		.request_id = request_id ? request_id : q->request_id,
		.deadline_ms = clock_now_ms() + q->azure->config->timeout_ms,
	};
	return akv_call(&q->call, &q->reply, err);
}

/* @r: of reading an answer 200. -EPROTO (malformed answer): misconfigured; -ENOMEM: transient. */
static enum kms_outcome outcome_of_reply(int r)
{
	return r == 0 ? KMS_OK : r == -ENOMEM ? KMS_TRANSIENT : KMS_MISCONFIGURED;
}

static enum kms_outcome get_key(const struct azure *azure, const struct key_id *id,
				struct azure_key *ret_key, char *request_id, struct err *err)
{
	CLEANUP(request_fini_p) struct request q = {.azure = azure, .id = id};
	enum kms_outcome o = request_run(&q, AKV_GET, NULL, request_id, err);

	return o == KMS_OK ? outcome_of_reply(akv_reply_key(q.reply.body, id, ret_key, err)) : o;
}

static enum kms_outcome akv_describe(const void *client, const struct key_id *id,
				     struct kms_key_info *ret_info, char *request_id,
				     struct err *err)
{
	struct azure_key key;
	enum kms_outcome o = get_key(client, id, &key, request_id, err);

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

static enum kms_outcome heap_full(struct err *err)
{
	(void)err_set(err, -ENOMEM, "no space on the secure heap");
	return KMS_TRANSIENT;
}

static enum kms_outcome akv_wrap(const void *client, const struct key_id *id, struct secret *key,
				 struct kms_wrapped *ret_wrapped, char *request_id, struct err *err)
{
	CLEANUP(request_fini_p) struct request q = {.azure = client, .id = id};
	CLEANUP(secret_free_p) struct secret *body = NULL;
	enum kms_outcome o;

	if (body_make(secret_bytes(key), secret_len(key), &body) < 0)
		return heap_full(err);
	o = request_run(&q, AKV_WRAP, body, request_id, err);
	return o == KMS_OK ? outcome_of_reply(akv_reply_wrapped(q.reply.body, id, ret_wrapped, err))
			   : o;
}

static enum kms_outcome akv_unwrap(const void *client, const struct key_id *id,
				   const uint8_t *wrapped, size_t wrapped_len,
				   struct secret **ret_key, char *request_id, struct err *err)
{
	CLEANUP(request_fini_p) struct request q = {.azure = client, .id = id};
	CLEANUP(secret_free_p) struct secret *body = NULL;
	enum kms_outcome o;

	if (body_make(wrapped, wrapped_len, &body) < 0)
		return heap_full(err);
	o = request_run(&q, AKV_UNWRAP, body, request_id, err);
	return o == KMS_OK ? outcome_of_reply(akv_reply_unwrapped(q.reply.body, id, ret_key, err))
			   : o;
}

const struct vault_kind azure_vaults = {"https", allowed, akv_describe, akv_wrap, akv_unwrap};

/* ---- keys.h ---- */

static enum kms_outcome id_take(const char *key_id, struct key_id *ret_id, struct err *err)
{
	int r = key_id_parse(key_id, ret_id, err);

	if (r == 0 && strcmp(ret_id->scheme, azure_vaults.scheme) != 0)
		r = err_set(err, -EINVAL, "not a key id of Azure's");
	return r < 0 ? KMS_MISCONFIGURED : KMS_OK;
}

enum kms_outcome azure_key_get(const struct azure *azure, const char *key_id,
			       struct azure_key *ret_key, struct err *err)
{
	struct key_id id;
	enum kms_outcome o = id_take(key_id, &id, err);

	return o == KMS_OK ? get_key(azure, &id, ret_key, NULL, err) : o;
}

static enum kms_outcome page_get(const struct azure *azure, const struct key_id *id,
				 char next[static AKV_NEXT_LEN], struct azure_version **list,
				 size_t *n, struct err *err)
{
	CLEANUP(request_fini_p) struct request q = {.azure = azure, .id = id};
	enum kms_outcome o;

	q.call.next = next[0] ? next : NULL;
	o = request_run(&q, AKV_VERSIONS, NULL, NULL, err);
	return o == KMS_OK
		       ? outcome_of_reply(akv_reply_versions(q.reply.body, id, list, n, next, err))
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

enum kms_outcome azure_key_versions(const struct azure *azure, const char *key_id,
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
		o = page_get(azure, &id, next, &list, &n, err);
	}
	if (o != KMS_OK)
		return o;
	if (n > 0)
		qsort(list, n, sizeof(*list), newest_first);
	*ret_list = STEAL(list);
	*ret_n = n;
	return KMS_OK;
}

enum kms_outcome azure_key_deleted(const struct azure *azure, const char *key_id, struct err *err)
{
	CLEANUP(request_fini_p) struct request q = {.azure = azure};
	struct key_id id;
	enum kms_outcome o = id_take(key_id, &id, err);

	id.version[0] = '\0';
	q.id = &id;
	return o == KMS_OK ? request_run(&q, AKV_DELETED, NULL, NULL, err) : o;
}
