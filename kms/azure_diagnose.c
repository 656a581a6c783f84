/* kms/azure_diagnose.c - azure_diagnose(): one step on the way to a root key at a time. */
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "crypto/base/clock.h"
#include "kms/akv.h"

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

/* One diagnosis on its way. */
struct walk {
	struct kms *kms;
	struct azure *azure;
	struct key_id id;
	enum azure_step step;
	struct azure_finding *found;
	char request_id[KMS_REQUEST_ID_LEN];
};

static void said(struct walk *w, enum kms_outcome o, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void said(struct walk *w, enum kms_outcome o, const char *fmt, ...)
{
	va_list args;

	w->found->outcome = o;
	va_start(args, fmt);
	(void)vsnprintf(w->found->text, sizeof(w->found->text), fmt, args);
	va_end(args);
}

/* That a remedy of its own belongs to. */
static void remedy(struct walk *w, const char *text)
{
	w->found->remedy = text;
}

/* The step ends with what @err says. */
static void failed(struct walk *w, enum kms_outcome o, const struct err *err)
{
	said(w, o, "%s", err->text);
	remedy(w, azure_remedy(w->azure->config, &w->id, w->step, err));
}

/* The same, of what is found here. */
static void found(struct walk *w, enum kms_outcome o, unsigned cause, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static void found(struct walk *w, enum kms_outcome o, unsigned cause, const char *fmt, ...)
{
	struct err err = {.cause = cause};
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(err.text, sizeof(err.text), fmt, args);
	va_end(args);
	failed(w, o, &err);
}

static struct akv_call call_of(struct walk *w, enum akv_act act)
{
	return (struct akv_call){
		.azure = w->azure,
		.id = &w->id,
		.act = act,
		.request_id = w->request_id,
		.deadline_ms = clock_now_ms() + w->azure->config->timeout_ms,
	};
}

/* ---- DNS, TLS ---- */

static void addresses_say(struct walk *w, const char *host, const struct addrinfo *list)
{
	char text[300] = "", address[64];
	size_t len = 0;

	for (; list && len + sizeof(address) + 2 < sizeof(text); list = list->ai_next)
		if (getnameinfo(list->ai_addr, list->ai_addrlen, address, sizeof(address), NULL, 0,
				NI_NUMERICHOST) == 0)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
						len ? ", " : "", address);
	said(w, KMS_OK, "%s is %s", host, text);
}

static void step_dns(struct walk *w)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	char host[256];
	int r;

	(void)snprintf(host, sizeof(host), "%.*s", (int)strcspn(w->id.vault, ":"), w->id.vault);
	r = getaddrinfo(host, NULL, &hints, &list);
	if (r != 0 && http_proxy_variable()) {
		said(w, KMS_OK, "%s does not resolve here, and is left to the proxy of %s", host,
		     http_proxy_variable());
		return;
	}
	if (r != 0) {
		found(w, KMS_TRANSIENT, HTTP_DNS, "%s does not resolve: %s", host, gai_strerror(r));
		return;
	}
	addresses_say(w, host, list);
	freeaddrinfo(list);
}

static void step_tls(struct walk *w)
{
	CLEANUP(http_reply_fini_p) struct http_reply reply = {0};
	struct akv_call call = call_of(w, AKV_GET);
	struct http_request req = {.fresh = true};
	struct err err = {0};
	char url[512];
	int64_t skew;

	(void)snprintf(url, sizeof(url), "https://%s/keys/%s?api-version=%s", w->id.vault,
		       w->id.name, w->azure->config->api_version);
	req.url = url;
	azure_timeouts(w->azure, call.deadline_ms, &req);
	if (http_send(w->azure->http, &req, &reply, &err) != HTTP_ANSWERED) {
		failed(w, KMS_TRANSIENT, &err);
		return;
	}
	skew = reply.date ? time(NULL) - reply.date : 0;
	if (skew > 300 || skew < -300) { /* tokens and assertions will not be valid */
		found(w, KMS_MISCONFIGURED, AZURE_CLOCK,
		      "this machine's clock is %lld s %s the vault's",
		      (long long)(skew < 0 ? -skew : skew), skew < 0 ? "behind" : "ahead of");
	} else {
		said(w, KMS_OK, "%s answers, its certificate is good", w->id.vault);
	}
}

/* ---- credential, token ---- */

static void step_credential(struct walk *w)
{
	const struct azure_config *c = w->azure->config;
	struct err err = {0};

	if (azure_credential_check(c, &err) < 0) {
		(void)err_prefix(&err, 0, "%s", credential_name(c->kind));
		(void)azure_blame(&err, err.cause ? err.cause : AZURE_FILE, 0);
		failed(w, KMS_MISCONFIGURED, &err);
		return;
	}
	said(w, KMS_OK, "%s%s%s%s%s%s%s", credential_name(c->kind), c->tenant ? ", tenant " : "",
	     c->tenant ? c->tenant : "", c->client ? ", client " : "", c->client ? c->client : "",
	     err.text[0] ? "; " : "", err.text);
}

/* The vault asks for a token that is not asked for. */
static bool is_challenge(const struct err *err)
{
	return err->cause == AZURE_CHALLENGE || err->cause == AZURE_AUTHORITY ||
	       err->cause == AZURE_TENANT;
}

static void step_token(struct walk *w)
{
	CLEANUP(secret_free_p) struct secret *token = NULL;
	struct akv_call call = call_of(w, AKV_GET);
	struct challenge c;
	struct err err = {0};
	struct verdict v = akv_challenge(&call, &c, &err);

	if (v.outcome != KMS_OK && !is_challenge(&err)) { /* the vault's own refusal */
		said(w, KMS_OK, "not asked for: the vault does not say what it wants");
		return;
	}
	if (v.outcome == KMS_OK)
		v = token_get(w->azure, &c, NULL, call.deadline_ms, &token, &err);
	if (v.outcome != KMS_OK)
		failed(w, v.outcome, &err);
	else
		said(w, KMS_OK, "for %s, from %s", c.resource,
		     w->azure->config->kind == CREDENTIAL_MANAGED ? "the managed identity"
								  : token_authority(w->azure, &c));
}

/* ---- vault, key, permission ---- */

static enum kms_outcome ask(struct walk *w, struct azure_key *ret_key, struct err *err)
{
	CLEANUP(http_reply_fini_p) struct http_reply reply = {0};
	struct akv_call call = call_of(w, AKV_GET);
	enum kms_outcome o = akv_call(&call, &reply, err);

	if (o == KMS_OK && akv_reply_key(reply.body, &w->id, ret_key, err) < 0)
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

static void step_vault(struct walk *w)
{
	struct azure_key key;
	struct err err = {0};
	enum kms_outcome o = ask(w, &key, &err);

	if (o == KMS_OK || is_permission(&err) || is_of_key(&err))
		said(w, KMS_OK, "%s takes the token", w->id.vault);
	else
		failed(w, o, &err);
}

static void key_gone(struct walk *w, const struct err *err)
{
	char text[KEY_ID_MAX];
	struct err deleted = {0};

	key_id_format(&w->id, text);
	if (azure_key_deleted(w->kms, text, &deleted) == KMS_OK)
		found(w, KMS_NOT_FOUND, AZURE_KEY_DELETED,
		      "the key is deleted, and can be recovered");
	else
		failed(w, KMS_NOT_FOUND, err);
}

/* The first rule of DESIGN section 5 that it breaks. */
static void key_judge(struct walk *w, const struct kms_key_info *info)
{
	const int64_t now_s = time(NULL);
	char found[KMS_FOUND_LEN];
	int r;

	for (enum kms_rule rule = 0; rule < KMS_RULE_END; rule++) {
		r = kms_key_fit(info, rule, now_s, found);
		if (r == 0)
			continue;
		said(w, r == -EKEYREVOKED ? KMS_DENIED : KMS_MISCONFIGURED, "%s", found);
		remedy(w, kms_rule_remedy(rule));
		return;
	}
	said(w, KMS_OK, "%s, %s %u%s", info->id, info->kty, info->bits,
	     info->purgeable ? ", whose vault allows it to be purged" : "");
}

static void step_key(struct walk *w)
{
	struct azure_key key = {0};
	struct err err = {0};
	enum kms_outcome o = ask(w, &key, &err);

	if (o == KMS_NOT_FOUND)
		key_gone(w, &err);
	else if (is_permission(&err)) /* the next step says what is missing */
		said(w, KMS_OK, "%s cannot be looked at", w->id.name);
	else if (o != KMS_OK)
		failed(w, o, &err);
	else
		key_judge(w, &key.info);
}

static void step_permission(struct walk *w)
{
	CLEANUP(secret_free_p) struct secret *probe = NULL;
	CLEANUP(secret_free_p) struct secret *again = NULL;
	struct kms_key_info info;
	uint8_t wrapped[KMS_WRAP_MAX];
	char text[KEY_ID_MAX], kid[KEY_ID_MAX];
	struct err err = {0};
	const char *what = "get";
	size_t len;
	enum kms_outcome o;

	key_id_format(&w->id, text);
	if (secret_new_random(32, &probe) < 0) {
		found(w, KMS_TRANSIENT, HTTP_OWN, "no room on the secure heap");
		return;
	}
	o = kms_describe(w->kms, text, &info, NULL, &err);
	if (o == KMS_OK) {
		what = "wrapKey";
		o = kms_wrap(w->kms, text, probe, wrapped, &len, kid, NULL, &err);
	}
	if (o == KMS_OK) {
		what = "unwrapKey";
		o = kms_unwrap(w->kms, kid, wrapped, len, &again, NULL, &err);
	}
	if (o != KMS_OK) {
		(void)err_prefix(&err, 0, "%s", what);
		failed(w, o, &err);
	} else {
		said(w, KMS_OK, "get, wrapKey and unwrapKey are allowed");
	}
}

void azure_diagnose(struct kms *kms, const char *key_id, enum azure_step step,
		    struct azure_finding *ret_finding)
{
	static void (*const walks[])(struct walk *) = {
		[AZURE_STEP_DNS] = step_dns,
		[AZURE_STEP_TLS] = step_tls,
		[AZURE_STEP_CREDENTIAL] = step_credential,
		[AZURE_STEP_TOKEN] = step_token,
		[AZURE_STEP_VAULT] = step_vault,
		[AZURE_STEP_KEY] = step_key,
		[AZURE_STEP_PERMISSION] = step_permission,
	};
	struct walk w = {.kms = kms, .azure = kms->azure, .step = step, .found = ret_finding};
	char domain[AZURE_DOMAIN_LEN];
	struct err err = {0};

	*ret_finding = (struct azure_finding){.outcome = KMS_OK};
	if (key_id_parse(key_id, &w.id, &err) < 0) {
		said(&w, KMS_MISCONFIGURED, "%s", err.text);
		remedy(&w, REMEDY_ID);
	} else if (strcmp(w.id.scheme, kms_azure.scheme) != 0) {
		said(&w, KMS_MISCONFIGURED, "%s is no key of Azure's", key_id);
		remedy(&w, REMEDY_ID);
	} else if (!azure_domain(w.id.vault, w.azure->config->domains, domain)) {
		said(&w, KMS_MISCONFIGURED, "%s is not in a domain of Azure's vaults", w.id.vault);
		remedy(&w, REMEDY_DOMAIN);
	} else {
		walks[step](&w);
	}
}
