/* kms/azure/token_reply.c - answers of token services: tokens and refusals (kms/README.md,
 * Tokens). */
#include "kms/azure/token_fetch_internal.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "kms/azure/cause_internal.h"
#include "kms/azure/json_internal.h"

#define TOKEN_MAX	 (16u * 1024) /* bytes */
#define LIFETIME_UNKNOWN 300	      /* s, where an answer does not say */
#define LIFETIME_MAX	 (7 * 86400)
#define SKEW_S		 300

/* A token becomes a header field, so it must hold no blank and no control character. */
static bool is_token(const char *text)
{
	size_t len = strnlen(text, TOKEN_MAX);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len > 0 && len < TOKEN_MAX;
}

static int64_t lifetime_of(const json_t *root, int64_t date)
{
	int64_t s = json_number(root, "expires_in");
	int64_t on = json_number(root, "expires_on");

	if (s <= 0 && on > 0) /* App Service sends expires_on only, by the clock of its Date */
		s = on - (date ? date : time(NULL));
	if (s <= 0)
		s = LIFETIME_UNKNOWN;
	return s < LIFETIME_MAX ? s : LIFETIME_MAX;
}

/* refresh_in when sent; else half of a lifetime of two hours or more, or of ten minutes or less;
 * else five minutes before the end, as MSAL does. */
static int64_t refresh_of(const json_t *root, int64_t lifetime_s)
{
	int64_t s = json_number(root, "refresh_in");

	if (s > 0 && s < lifetime_s)
		return s;
	if (lifetime_s >= 7200 || lifetime_s <= 600)
		return lifetime_s / 2;
	return lifetime_s - 300;
}

int token_reply_parse(struct secret *body, int64_t date, struct new_token *ret_token,
		      struct err *err)
{
	CLEANUP(json_decref_p) json_t *root = NULL;
	struct new_token got = {0};
	const char *token, *type;
	int r = json_take_object(body, &root, err);

	if (r < 0)
		return r;
	token = json_text(root, "access_token");
	type = json_text(root, "token_type");
	if (!token || !is_token(token))
		return err_set(err, -EPROTO, "the answer holds no access token");
	if (type && strcasecmp(type, "Bearer") != 0)
		return err_set(err, -EPROTO, "the answer's token is not of type Bearer");
	got.lifetime_s = lifetime_of(root, date);
	got.refresh_s = refresh_of(root, got.lifetime_s);
	r = secret_new_from(token, strlen(token), &got.token);
	if (r < 0)
		return err_set(err, r, "no space on the secure heap");
	*ret_token = got;
	return 0;
}

/* ---- refusals ---- */

/* The member "error" decides the outcome, else (no row for it) the HTTP status. The AADSTS numbers
 * do not, since they may change (kms/README.md, Tokens). */
static const struct {
	const char *error;
	enum kms_outcome outcome;
} errors[] = {
	{"invalid_client", KMS_DENIED},
	{"unauthorized_client", KMS_DENIED},
	{"access_denied", KMS_DENIED},
	{"invalid_grant", KMS_DENIED},
	{"temporarily_unavailable", KMS_TRANSIENT},
	{"server_error", KMS_TRANSIENT},
};

#define ANY_KIND CREDENTIAL_NONE

/* AADSTS numbers, for the sentence and the remedy only. The first row that fits counts. */
static const struct number {
	int64_t number;
	enum credential_kind kind;
	enum azure_cause cause;
	const char *meaning;
} numbers[] = {
	{7000215, ANY_KIND, AZURE_CREDENTIAL, "the client secret is wrong"},
	{7000222, ANY_KIND, AZURE_CREDENTIAL, "the client secret has expired: make a new one"},
	{700016, ANY_KIND, AZURE_CLIENT,
	 "the tenant has no such application: check AZURE_CLIENT_ID"},
	{700027, ANY_KIND, AZURE_CREDENTIAL,
	 "the certificate is not registered with the application"},
	{700024, CREDENTIAL_WORKLOAD, AZURE_TOKEN_FILE_OLD,
	 "the token in AZURE_FEDERATED_TOKEN_FILE has expired: does the cluster still renew it?"},
	{700024, ANY_KIND, AZURE_CLOCK,
	 "the assertion's time does not fit: check this machine's clock"},
	{50027, CREDENTIAL_WORKLOAD, AZURE_FILE,
	 "the file that AZURE_FEDERATED_TOKEN_FILE names holds no valid token"},
	{700213, ANY_KIND, AZURE_CREDENTIAL,
	 "the application has no federated identity for this token"},
	{70021, ANY_KIND, AZURE_CREDENTIAL,
	 "the application has no federated identity for this token"},
	{700211, ANY_KIND, AZURE_CREDENTIAL, "the application does not know this token's issuer"},
	{90002, ANY_KIND, AZURE_NO_TENANT, "there is no such tenant: check AZURE_TENANT_ID"},
	{500011, ANY_KIND, AZURE_RESOURCE,
	 "the tenant has no such resource: is it the right cloud?"},
};

static const struct number *number_find(int64_t number, enum credential_kind kind)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (numbers[i].number == number &&
		    (numbers[i].kind == ANY_KIND || numbers[i].kind == kind))
			return &numbers[i];
	return NULL;
}

/* The cause where no row of numbers[] fits. */
static enum azure_cause cause_of(const struct verdict *v, int status, enum credential_kind kind)
{
	if (v->outcome == KMS_TRANSIENT)
		return AZURE_LATER;
	if (v->outcome != KMS_DENIED)
		return AZURE_STRANGE;
	if (kind != CREDENTIAL_MANAGED)
		return AZURE_CREDENTIAL;
	return status == 401 || status == 403 ? AZURE_HEADER : AZURE_IDENTITY;
}

static struct verdict verdict_of_status(int status)
{
	if (status == 404 || status == 408 || status == 410 || status == 429 || status >= 500)
		return (struct verdict){.outcome = KMS_TRANSIENT, .retry = true};
	if (status == 400 || status == 401 || status == 403)
		return (struct verdict){.outcome = KMS_DENIED};
	return (struct verdict){.outcome = KMS_MISCONFIGURED};
}

static struct verdict verdict_of_error(const struct http_reply *reply, const char *error)
{
	struct verdict v = verdict_of_status(reply->status);

	for (size_t i = 0; v.outcome != KMS_TRANSIENT && i < sizeof(errors) / sizeof(errors[0]);
	     i++)
		if (error && strcmp(errors[i].error, error) == 0) {
			v.outcome = errors[i].outcome;
			v.retry = v.outcome == KMS_TRANSIENT;
		}
	v.waits = v.retry && reply->has_retry_after;
	v.wait_ms = reply->retry_after_ms;
	return v;
}

static bool is_word(const char *text)
{
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && *text != '_')
			return false;
	return true;
}

struct verdict token_refuse(const struct http_reply *reply, const char *service,
			    enum credential_kind kind, struct err *err)
{
	CLEANUP(json_decref_p) json_t *root = NULL;
	const struct number *known;
	const char *error = NULL;
	int64_t number = 0, skew = reply->date ? time(NULL) - reply->date : 0;
	struct verdict v;

	if (json_take_object(reply->body, &root, NULL) == 0) {
		error = json_text(root, "error");
		number =
			json_integer_value(json_array_get(json_object_get(root, "error_codes"), 0));
	}
	if (error && (strlen(error) > 60 || !is_word(error)))
		error = NULL;
	v = verdict_of_error(reply, error);
	known = number_find(number, kind);
	(void)err_set(err, kms_outcome_errno(v.outcome), "token service %s: answered %d%s%s",
		      service, reply->status, error ? " " : "", error ? error : "");
	if (number > 0)
		err_add(err, " (AADSTS%" PRId64 ")%s%s", number, known ? ", " : "",
			known ? known->meaning : "");
	(void)azure_set_cause(err, known ? known->cause : cause_of(&v, reply->status, kind), 0);
	if (skew > SKEW_S || skew < -SKEW_S)
		err_add(err, "; this machine's clock is %" PRId64 " s %s the service's",
			skew < 0 ? -skew : skew, skew < 0 ? "behind" : "ahead of");
	return v;
}
