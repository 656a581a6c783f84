/* kms/azure/token_entra.c - tokens by client secret, certificate or workload identity;
 * kms/README.md, Tokens. */
#include "kms/azure/token_fetch_internal.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "kms/azure/assertion_internal.h"
#include "kms/azure/cause_internal.h"
#include "kms/azure/sbuf_internal.h"
#include "kms/azure/secret_file_internal.h"

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

const char *entra_authority(const struct azure_config *config, const struct challenge *challenge)
{
	if (config->authority)
		return config->authority;
	/* login.windows.net is the former name of the public cloud's authority, which older vaults
	 * still send */
	return strcmp(challenge->authority, "login.windows.net") == 0 ? "login.microsoftonline.com"
								      : challenge->authority;
}

static int add_secret(const struct azure_config *c, struct sbuf *form, struct err *err)
{
	CLEANUP(secret_free_p) struct secret *file = NULL;
	struct secret *secret = c->client_secret;
	int r;

	if (!secret) {
		r = secret_file_read(c->client_secret_file, CREDENTIAL_FILE_MAX,
				     SECRET_FILE_PRIVATE, &file, err);
		if (r < 0)
			return err_prefix(err, r, "DEPFS_CLIENT_SECRET_FILE");
		secret = file;
	}
	sbuf_form(form, "client_secret", secret_bytes(secret), secret_len(secret));
	return 0;
}

static int add_assertion(const struct azure_config *c, const char *url, struct sbuf *form,
			 struct err *err)
{
	CLEANUP(secret_free_p) struct secret *jwt = NULL;
	int r;

	if (c->kind == CREDENTIAL_CERTIFICATE) {
		r = assertion_make(c, url, time(NULL), &jwt, err);
	} else {
		r = secret_file_read(c->federated_file, CREDENTIAL_FILE_MAX,
				     SECRET_FILE_SHORT_LIVED, &jwt, err);
		if (r < 0)
			(void)err_prefix(err, r, "AZURE_FEDERATED_TOKEN_FILE");
	}
	if (r < 0)
		return r;
	sbuf_form(form, "client_assertion_type", ASSERTION_TYPE, strlen(ASSERTION_TYPE));
	sbuf_form(form, "client_assertion", secret_bytes(jwt), secret_len(jwt));
	return 0;
}

static int form_make(const struct token_request *request, const char *url, struct sbuf *form,
		     struct err *err)
{
	const struct azure_config *config = request->config;
	char scope[300];

	(void)snprintf(scope, sizeof(scope), "%s/.default", request->challenge->resource);
	sbuf_form(form, "grant_type", "client_credentials", strlen("client_credentials"));
	sbuf_form(form, "client_id", config->client, strlen(config->client));
	sbuf_form(form, "scope", scope, strlen(scope));
	return config->kind == CREDENTIAL_SECRET ? add_secret(config, form, err)
						 : add_assertion(config, url, form, err);
}

/* @r: of reading the credential. A missing or unfit file is a fault of this machine and no denial
 * by an administrator, so it must not revoke a policy. A file that is just being replaced, or a
 * lack of memory, may pass within the call. */
static struct verdict verdict_of_credential(int r)
{
	return (struct verdict){
		.outcome = KMS_TRANSIENT,
		.retry = r == -ENOMEM || r == -EIO || r == -EINTR,
		.unasked = true,
	};
}

struct verdict entra_fetch(const struct token_request *request, struct new_token *ret_token,
			   struct err *err)
{
	CLEANUP(sbuf_fini_p) struct sbuf form = SBUF_EMPTY;
	CLEANUP(secret_free_p) struct secret *body = NULL;
	CLEANUP(http_reply_fini_p) struct http_reply reply = {0};
	const struct azure_config *config = request->config;
	const char *authority = entra_authority(config, request->challenge);
	char url[512], uuid[UUID_TEXT_LEN];
	const struct http_field fields[] = {{"client-request-id", uuid}};
	struct http_request req = {
		.url = url, .fields = fields, .n_fields = 1, .post = true, .form = true};
	enum http_fault fault;
	int r;

	request_uuid(uuid);
	(void)snprintf(url, sizeof(url), "https://%s/%s/oauth2/v2.0/token", authority,
		       config->tenant);
	r = form_make(request, url, &form, err);
	if (r < 0)
		return (void)azure_set_cause(err, r == -ENOMEM ? HTTP_OWN : AZURE_FILE, r),
		       verdict_of_credential(r);
	r = sbuf_take(&form, &body);
	if (r < 0)
		return (void)err_set(err, r, "no space on the secure heap"),
		       verdict_of_credential(r);
	req.body = secret_bytes(body);
	req.body_len = secret_len(body);
	attempt_timeouts(config->timeout_ms, request->deadline_ms, &req);
	fault = http_send(request->http, &req, &reply, err);
	if (fault != HTTP_ANSWERED) {
		(void)err_prefix(err, 0, "token service");
		return verdict_of_fault(fault);
	}
	if (reply.status != 200)
		return token_refuse(&reply, authority, config->kind, err);
	r = token_reply_parse(reply.body, reply.date, ret_token, err);
	if (r < 0) {
		(void)err_prefix(err, r, "token service %s", authority);
		return (struct verdict){.outcome =
						r == -ENOMEM ? KMS_TRANSIENT : KMS_MISCONFIGURED};
	}
	return (struct verdict){.outcome = KMS_OK};
}
