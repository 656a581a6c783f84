/* kms/azure_diagnose.c - azure_diagnose(): one step on the way to a root key at a time. */
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "akv.h"
#include "crypto/clock.h"

static const struct {
	const char *name;
	const char *remedy;
} steps[] = {
	[AZURE_STEP_DNS] =
		{"dns", "check the vault's name, /etc/resolv.conf, and the private DNS zone of a "
			"private endpoint; a vault that was deleted loses its name"},
	[AZURE_STEP_TLS] = {"tls",
			    "let this machine reach the vault on its port, and name the "
			    "authority of its certificate by ca_file= if it is a private one"},
	[AZURE_STEP_CREDENTIAL] = {"credential",
				   "name another kind by credential= or DEPFS_CREDENTIAL"},
	[AZURE_STEP_TOKEN] = {"token",
			      "check tenant, client and credential in Entra, and that this "
			      "machine reaches the token service"},
	[AZURE_STEP_VAULT] = {"vault", "let this machine's address, or its private endpoint, in at "
				       "the vault's network settings"},
	[AZURE_STEP_KEY] = {"key", "check the key's name, and recover it if it was deleted"},
	[AZURE_STEP_PERMISSION] =
		{"permission", "give the application get, wrapKey and unwrapKey (or the role Key "
			       "Vault Crypto Service Encryption User) on the key"},
};

/* What is wrong with a credential lies in the file that its variable names. */
static const char *const credential_remedies[] = {
	[CREDENTIAL_NONE] = NULL,
	[CREDENTIAL_SECRET] = "write the secret into the file that DEPFS_CLIENT_SECRET_FILE names, "
			      "with mode 0600 and owned by the user who runs depfs",
	[CREDENTIAL_CERTIFICATE] =
		"let AZURE_CLIENT_CERTIFICATE_PATH name a PEM file with an RSA private key and its "
		"certificate, with mode 0600 and owned by the user who runs depfs; "
		"AZURE_CLIENT_CERTIFICATE_PASSWORD opens an encrypted one",
	[CREDENTIAL_WORKLOAD] = "let AZURE_FEDERATED_TOKEN_FILE name the token that the cluster "
				"gives: check the pod's service account",
	[CREDENTIAL_MANAGED] = NULL,
};

#define REMEDY_ID "write the id as https://VAULT.vault.azure.net/keys/NAME"
#define REMEDY_DOMAIN                                                \
	"check the spelling of the vault's name; vault_domains= or " \
	"DEPFS_VAULT_DOMAINS names the domain of a private cloud"
#define REMEDY_PROXY                                                              \
	"check the proxy that the variable names, or except the host from it by " \
	"no_proxy"
#define REMEDY_CLOCK "set this machine's clock"
#define REMEDY_TENANT                                                       \
	"let AZURE_TENANT_ID be the tenant that the vault belongs to, and " \
	"set this machine's clock"
#define REMEDY_GONE "check the vault's name, and recover it if it was deleted"
#define REMEDY_LATER                                                        \
	"try again later; if it lasts, look at the vault's metrics and at " \
	"Azure's service health"
#define REMEDY_NO_VAULT                                                        \
	"what answers there is no key vault: check the vault's name, DNS and " \
	"what stands between"

const char *azure_step_name(enum azure_step step)
{
	return (size_t)step < sizeof(steps) / sizeof(steps[0]) ? steps[step].name : "unknown";
}

/* One diagnosis on its way. */
struct walk {
	struct kms *kms;
	struct azure *azure;
	struct key_id id;
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

/* Of what was said last, where the step's own remedy is not the one. */
static void remedy(struct walk *w, const char *text)
{
	w->found->remedy = text;
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
		said(w, KMS_TRANSIENT, "%s does not resolve: %s", host, gai_strerror(r));
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
		said(w, KMS_TRANSIENT, "%s", err.text);
		remedy(w, http_proxy_variable() ? REMEDY_PROXY : NULL);
		return;
	}
	skew = reply.date ? time(NULL) - reply.date : 0;
	if (skew > 300 || skew < -300) { /* tokens and assertions will not be valid */
		said(w, KMS_MISCONFIGURED, "this machine's clock is %lld s %s the vault's",
		     (long long)(skew < 0 ? -skew : skew), skew < 0 ? "behind" : "ahead of");
		remedy(w, REMEDY_CLOCK);
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
		said(w, KMS_MISCONFIGURED, "%s: %s", credential_name(c->kind), err.text);
		remedy(w, credential_remedies[c->kind]);
		return;
	}
	said(w, KMS_OK, "%s%s%s%s%s%s%s", credential_name(c->kind), c->tenant ? ", tenant " : "",
	     c->tenant ? c->tenant : "", c->client ? ", client " : "", c->client ? c->client : "",
	     err.text[0] ? "; " : "", err.text);
}

static void step_token(struct walk *w)
{
	CLEANUP(secret_free_p) struct secret *token = NULL;
	struct akv_call call = call_of(w, AKV_GET);
	struct challenge c;
	struct err err = {0};
	struct verdict v = akv_challenge(&call, &c, &err);

	if (v.outcome != KMS_OK && v.outcome != KMS_MISCONFIGURED) { /* the vault's own refusal */
		said(w, KMS_OK, "not asked for: the vault does not say what it wants");
		return;
	}
	if (v.outcome == KMS_OK)
		v = token_get(w->azure, &c, NULL, call.deadline_ms, &token, &err);
	if (v.outcome != KMS_OK) {
		said(w, v.outcome, "%s", err.text);
		remedy(w,
		       v.outcome == KMS_TRANSIENT && http_proxy_variable() ? REMEDY_PROXY : NULL);
	} else {
		said(w, KMS_OK, "for %s, from %s", c.resource,
		     w->azure->config->kind == CREDENTIAL_MANAGED ? "the managed identity"
								  : token_authority(w->azure, &c));
	}
}

/* ---- vault, key, permission ---- */

/* What the vault says to "get"; @ret_error: its codes where it refuses. */
static enum kms_outcome ask(struct walk *w, struct azure_key *ret_key, struct akv_error *ret_error,
			    struct err *err)
{
	CLEANUP(http_reply_fini_p) struct http_reply reply = {0};
	struct akv_call call = call_of(w, AKV_GET);
	enum kms_outcome o = akv_call(&call, &reply, err);

	akv_error_parse(reply.status, reply.body, ret_error);
	if (o == KMS_OK && akv_reply_key(reply.body, &w->id, ret_key, err) < 0)
		o = KMS_MISCONFIGURED;
	return o;
}

static bool is_network_rule(const struct akv_error *e)
{
	return strcmp(e->inner, "ForbiddenByFirewall") == 0 ||
	       strcmp(e->inner, "ForbiddenByConnection") == 0;
}

/* NULL: the step's own, which is about who is let in. */
static const char *vault_remedy(enum kms_outcome o, const struct akv_error *e)
{
	if (e->status == 401)
		return REMEDY_TENANT;
	if (o == KMS_NOT_FOUND)
		return REMEDY_GONE;
	if (o == KMS_TRANSIENT)
		return REMEDY_LATER;
	return o == KMS_MISCONFIGURED ? REMEDY_NO_VAULT : NULL;
}

static void step_vault(struct walk *w)
{
	struct azure_key key;
	struct akv_error e;
	struct err err = {0};
	enum kms_outcome o = ask(w, &key, &e, &err);
	bool key_level = (e.status == 403 && !is_network_rule(&e)) ||
			 (e.status == 404 && strcmp(e.code, "VaultNotFound") != 0);

	if (o == KMS_OK || key_level) {
		said(w, KMS_OK, "%s takes the token", w->id.vault);
	} else {
		said(w, o, "%s", err.text);
		remedy(w, vault_remedy(o, &e));
	}
}

static void key_gone(struct walk *w, const struct err *err)
{
	char text[KEY_ID_MAX];
	struct err deleted = {0};

	key_id_format(&w->id, text);
	if (azure_key_deleted(w->kms, text, &deleted) == KMS_OK)
		said(w, KMS_NOT_FOUND, "the key is deleted, and can be recovered");
	else
		said(w, KMS_NOT_FOUND, "%s", err->text);
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
	struct akv_error e;
	struct err err = {0};
	enum kms_outcome o = ask(w, &key, &e, &err);

	if (o == KMS_NOT_FOUND)
		key_gone(w, &err);
	else if (e.status == 403) /* the next step says what is missing */
		said(w, KMS_OK, "%s cannot be looked at", w->id.name);
	else if (o != KMS_OK)
		said(w, o, "%s", err.text);
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
		said(w, KMS_TRANSIENT, "no room on the secure heap");
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
	if (o != KMS_OK)
		said(w, o, "%s: %s", what, err.text);
	else
		said(w, KMS_OK, "get, wrapKey and unwrapKey are allowed");
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
	struct walk w = {.kms = kms, .azure = kms->azure, .found = ret_finding};
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
	if (ret_finding->outcome != KMS_OK && !ret_finding->remedy)
		ret_finding->remedy = steps[step].remedy;
}
