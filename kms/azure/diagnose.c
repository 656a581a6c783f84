/* kms/azure/diagnose.c - the steps of depctl doctor, each with its finding and remedy. */
#include "kms/azure/diagnose.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "crypto/base/clock.h"
#include "kms/azure/call_internal.h"
#include "kms/azure/cause_internal.h"
#include "kms/azure/credential_internal.h"
#include "kms/azure/hosts_internal.h"
#include "kms/azure/keys.h"
#include "kms/azure/remedy_internal.h"
#include "kms/azure/reply_internal.h"
#include "kms/azure/token_fetch_internal.h"

static const char *const steps[] = {
	[AZURE_STEP_DNS] = "dns",
	[AZURE_STEP_TLS] = "tls",
	[AZURE_STEP_CREDENTIAL] = "credential",
	[AZURE_STEP_TOKEN] = "token",
	[AZURE_STEP_VAULT] = "vault",
	[AZURE_STEP_KEY] = "key",
	[AZURE_STEP_PERMISSION] = "permission",
};

#define REMEDY_ID "write the id as https://VAULT.vault.azure.net/keys/NAME"
#define REMEDY_DOMAIN                                                       \
	"check the spelling of the vault's name; vault_domains= or "        \
	"DEPFS_VAULT_DOMAINS names the domain of a private cloud: not the " \
	"vault's host, but what stands behind its first dot"

const char *azure_step_name(enum azure_step step)
{
	return (size_t)step < sizeof(steps) / sizeof(steps[0]) ? steps[step] : "unknown";
}

/* One step, and where its finding goes. */
struct diagnosis {
	const struct azure *azure;
	struct key_id id;
	enum azure_step step;
	struct azure_finding *finding;
	char request_id[KMS_REQUEST_ID_LEN];
};

static void report(struct diagnosis *d, enum kms_outcome o, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void report(struct diagnosis *d, enum kms_outcome o, const char *fmt, ...)
{
	va_list args;

	d->finding->outcome = o;
	va_start(args, fmt);
	(void)vsnprintf(d->finding->text, sizeof(d->finding->text), fmt, args);
	va_end(args);
}

static void set_remedy(struct diagnosis *d, const char *text)
{
	d->finding->remedy = text;
}

/* The finding is the sentence of @err, with the remedy for its cause. */
static void report_failure(struct diagnosis *d, enum kms_outcome o, const struct err *err)
{
	report(d, o, "%s", err->text);
	set_remedy(d, azure_remedy(d->azure->config, &d->id, d->step, err));
}

/* As report_failure(), with a cause and a sentence that are given here. */
static void report_cause(struct diagnosis *d, enum kms_outcome o, unsigned cause, const char *fmt,
			 ...) __attribute__((format(printf, 4, 5)));
static void report_cause(struct diagnosis *d, enum kms_outcome o, unsigned cause, const char *fmt,
			 ...)
{
	struct err err = {.cause = cause};
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(err.text, sizeof(err.text), fmt, args);
	va_end(args);
	report_failure(d, o, &err);
}

static struct akv_call call_of(struct diagnosis *d, enum akv_operation operation)
{
	return (struct akv_call){
		.azure = d->azure,
		.id = &d->id,
		.operation = operation,
		.request_id = d->request_id,
		.deadline_ms = clock_now_ms() + d->azure->config->timeout_ms,
	};
}

/* ---- DNS, TLS ---- */

static void report_addresses(struct diagnosis *d, const char *host, const struct addrinfo *list)
{
	char text[300] = "", address[64];
	size_t len = 0;

	for (; list && len + sizeof(address) + 2 < sizeof(text); list = list->ai_next)
		if (getnameinfo(list->ai_addr, list->ai_addrlen, address, sizeof(address), NULL, 0,
				NI_NUMERICHOST) == 0)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
						len ? ", " : "", address);
	report(d, KMS_OK, "%s is %s", host, text);
}

static void step_dns(struct diagnosis *d)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	char host[256];
	int r;

	(void)snprintf(host, sizeof(host), "%.*s", (int)strcspn(d->id.vault, ":"), d->id.vault);
	r = getaddrinfo(host, NULL, &hints, &list);
	if (r != 0 && http_proxy_variable()) {
		report(d, KMS_OK, "%s does not resolve here, and is left to the proxy of %s", host,
		       http_proxy_variable());
		return;
	}
	if (r != 0) {
		report_cause(d, KMS_TRANSIENT, HTTP_DNS, "%s does not resolve: %s", host,
			     gai_strerror(r));
		return;
	}
	report_addresses(d, host, list);
	freeaddrinfo(list);
}

static void step_tls(struct diagnosis *d)
{
	CLEANUP(http_reply_fini_p) struct http_reply reply = {0};
	struct akv_call call = call_of(d, AKV_GET);
	struct http_request req = {.new_connection = true};
	struct err err = {0};
	char url[512];
	int64_t skew;

	(void)snprintf(url, sizeof(url), "https://%s/keys/%s?api-version=%s", d->id.vault,
		       d->id.name, d->azure->config->api_version);
	req.url = url;
	attempt_timeouts(d->azure->config->timeout_ms, call.deadline_ms, &req);
	if (http_send(d->azure->http, &req, &reply, &err) != HTTP_ANSWERED) {
		report_failure(d, KMS_TRANSIENT, &err);
		return;
	}
	skew = reply.date ? time(NULL) - reply.date : 0;
	if (skew > 300 || skew < -300) { /* more, and tokens and assertions are not valid */
		report_cause(d, KMS_MISCONFIGURED, AZURE_CLOCK,
			     "this machine's clock is %lld s %s the vault's",
			     (long long)(skew < 0 ? -skew : skew),
			     skew < 0 ? "behind" : "ahead of");
	} else {
		report(d, KMS_OK, "%s answers, its certificate is good", d->id.vault);
	}
}

/* ---- credential, token ---- */

static void step_credential(struct diagnosis *d)
{
	const struct azure_config *c = d->azure->config;
	struct err err = {0};

	if (credential_check(c, &err) < 0) {
		(void)err_prefix(&err, 0, "%s", credential_name(c->kind));
		(void)azure_set_cause(&err, err.cause ? err.cause : AZURE_FILE, 0);
		report_failure(d, KMS_MISCONFIGURED, &err);
		return;
	}
	report(d, KMS_OK, "%s%s%s%s%s%s%s", credential_name(c->kind), c->tenant ? ", tenant " : "",
	       c->tenant ? c->tenant : "", c->client ? ", client " : "", c->client ? c->client : "",
	       err.text[0] ? "; " : "", err.text);
}

/* Whether depfs refused the vault's challenge: malformed, or a foreign authority or tenant. */
static bool is_challenge(const struct err *err)
{
	return err->cause == AZURE_CHALLENGE || err->cause == AZURE_AUTHORITY ||
	       err->cause == AZURE_TENANT;
}

static void step_token(struct diagnosis *d)
{
	CLEANUP(secret_free_p) struct secret *token = NULL;
	struct akv_call call = call_of(d, AKV_GET);
	struct challenge c;
	struct err err = {0};
	struct verdict v = akv_challenge(&call, &c, &err);

	if (v.outcome != KMS_OK && !is_challenge(&err)) { /* the step "vault" reports it */
		report(d, KMS_OK, "not asked for: the vault does not say what it wants");
		return;
	}
	if (v.outcome == KMS_OK)
		v = token_get(d->azure->tokens, &c, NULL, call.deadline_ms, &token, &err);
	if (v.outcome != KMS_OK)
		report_failure(d, v.outcome, &err);
	else
		report(d, KMS_OK, "for %s, from %s", c.resource,
		       d->azure->config->kind == CREDENTIAL_MANAGED
			       ? "the managed identity"
			       : entra_authority(d->azure->config, &c));
}

/* ---- vault, key, permission ---- */

static enum kms_outcome ask(struct diagnosis *d, struct azure_key *ret_key, struct err *err)
{
	CLEANUP(http_reply_fini_p) struct http_reply reply = {0};
	struct akv_call call = call_of(d, AKV_GET);
	enum kms_outcome o = akv_call(&call, &reply, err);

	if (o == KMS_OK && akv_reply_key(reply.body, &d->id, ret_key, err) < 0)
		o = KMS_MISCONFIGURED;
	return o;
}

static bool is_permission(const struct err *err)
{
	return err->cause == AZURE_POLICY || err->cause == AZURE_RBAC || err->cause == AZURE_DENIED;
}

static bool is_of_key(const struct err *err)
{
	return err->cause >= AZURE_KEY_GONE && err->cause <= AZURE_KEY_DATES;
}

static void step_vault(struct diagnosis *d)
{
	struct azure_key key;
	struct err err = {0};
	enum kms_outcome o = ask(d, &key, &err);

	if (o == KMS_OK || is_permission(&err) || is_of_key(&err))
		report(d, KMS_OK, "%s takes the token", d->id.vault);
	else
		report_failure(d, o, &err);
}

static void key_gone(struct diagnosis *d, const struct err *err)
{
	char text[KEY_ID_MAX];
	struct err deleted = {0};

	key_id_format(&d->id, text);
	if (azure_key_deleted(d->azure, text, &deleted) == KMS_OK)
		report_cause(d, KMS_NOT_FOUND, AZURE_KEY_DELETED,
			     "the key is deleted, and can be recovered");
	else
		report_failure(d, KMS_NOT_FOUND, err);
}

/* Reports the first rule for root keys that the key breaks. */
static void key_judge(struct diagnosis *d, const struct kms_key_info *info)
{
	const int64_t now_s = time(NULL);
	char text[KMS_FOUND_LEN];
	int r;

	for (enum kms_rule rule = 0; rule < KMS_RULE_END; rule++) {
		r = kms_key_fit(info, rule, now_s, text);
		if (r == 0)
			continue;
		report(d, r == -EKEYREVOKED ? KMS_DENIED : KMS_MISCONFIGURED, "%s", text);
		set_remedy(d, kms_rule_remedy(rule));
		return;
	}
	report(d, KMS_OK, "%s, %s %u%s", info->id, info->kty, info->bits,
	       info->purgeable ? ", whose vault allows it to be purged" : "");
}

static void step_key(struct diagnosis *d)
{
	struct azure_key key = {0};
	struct err err = {0};
	enum kms_outcome o = ask(d, &key, &err);

	if (o == KMS_NOT_FOUND)
		key_gone(d, &err);
	else if (is_permission(&err)) /* the step "permission" reports what is missing */
		report(d, KMS_OK, "%s cannot be looked at", d->id.name);
	else if (o != KMS_OK)
		report_failure(d, o, &err);
	else
		key_judge(d, &key.info);
}

/* Calls get, wrapKey and unwrapKey, with a random value. @ret_operation: the last operation called;
 * @ret_used: the key id that it named. */
static enum kms_outcome use_key(const struct diagnosis *d, struct secret *probe,
				enum kms_operation *ret_operation, struct key_id *ret_used,
				struct err *err)
{
	CLEANUP(secret_free_p) struct secret *again = NULL;
	struct kms_key_info info;
	struct kms_wrapped wrapped;
	char request_id[KMS_REQUEST_ID_LEN];
	enum kms_outcome o;

	*ret_used = d->id;
	*ret_operation = KMS_DESCRIBE;
	o = azure_vaults.describe(d->azure, &d->id, &info, request_id, err);
	if (o != KMS_OK)
		return o;
	*ret_operation = KMS_WRAP;
	o = azure_vaults.wrap(d->azure, &d->id, probe, &wrapped, request_id, err);
	if (o != KMS_OK)
		return o;
	*ret_used = wrapped.key_id;
	*ret_operation = KMS_UNWRAP;
	return azure_vaults.unwrap(d->azure, &wrapped.key_id, wrapped.bytes, wrapped.len, &again,
				   request_id, err);
}

static void step_permission(struct diagnosis *d)
{
	CLEANUP(secret_free_p) struct secret *probe = NULL;
	enum kms_operation operation;
	struct key_id used;
	char text[KEY_ID_MAX];
	struct err err = {0};
	enum kms_outcome o;

	if (secret_new_random(32, &probe) < 0) {
		report_cause(d, KMS_TRANSIENT, HTTP_OWN, "no space on the secure heap");
		return;
	}
	o = use_key(d, probe, &operation, &used, &err);
	if (o != KMS_OK) {
		key_id_format(&used, text);
		(void)err_prefix(&err, 0, "%s: key %s", kms_operation_name(operation), text);
		report_failure(d, o, &err);
	} else {
		report(d, KMS_OK, "get, wrapKey and unwrapKey are allowed");
	}
}

void azure_diagnose(const struct azure *a, const char *key_id, enum azure_step step,
		    struct azure_finding *ret_finding)
{
	static void (*const functions[])(struct diagnosis *) = {
		[AZURE_STEP_DNS] = step_dns,
		[AZURE_STEP_TLS] = step_tls,
		[AZURE_STEP_CREDENTIAL] = step_credential,
		[AZURE_STEP_TOKEN] = step_token,
		[AZURE_STEP_VAULT] = step_vault,
		[AZURE_STEP_KEY] = step_key,
		[AZURE_STEP_PERMISSION] = step_permission,
	};
	struct diagnosis d = {.azure = a, .step = step, .finding = ret_finding};
	char domain[AZURE_DOMAIN_LEN];
	struct err err = {0};

	*ret_finding = (struct azure_finding){.outcome = KMS_OK};
	if (key_id_parse(key_id, &d.id, &err) < 0) {
		report(&d, KMS_MISCONFIGURED, "%s", err.text);
		set_remedy(&d, REMEDY_ID);
	} else if (strcmp(d.id.scheme, azure_vaults.scheme) != 0) {
		report(&d, KMS_MISCONFIGURED, "%s is no key of Azure's", key_id);
		set_remedy(&d, REMEDY_ID);
	} else if (!azure_domain(d.id.vault, d.azure->config->domains, domain)) {
		report(&d, KMS_MISCONFIGURED, "%s is not in a domain of Azure's vaults",
		       d.id.vault);
		set_remedy(&d, REMEDY_DOMAIN);
	} else {
		functions[step](&d);
	}
}
