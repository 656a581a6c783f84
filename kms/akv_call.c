/* kms/akv_call.c - one call of a vault: challenge, token, tries; AKV.md sections 5.2 and 7. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "crypto/base/clock.h"
#include "kms/akv.h"
#include "kms/sbuf.h"

#define RETRIES_MAX 3

/* ---- challenges by host, AKV.md section 9, point 2 ---- */

struct challenge_entry {
	struct challenge_entry *next;
	char vault[256];
	struct challenge challenge;
};

struct challenge_cache {
	pthread_mutex_t lock;
	struct challenge_entry *first; /* guarded by lock */
};

int challenge_cache_new(struct challenge_cache **ret_cache)
{
	struct challenge_cache *cc = calloc(1, sizeof(*cc));

	if (!cc)
		return -ENOMEM;
	(void)pthread_mutex_init(&cc->lock, NULL);
	*ret_cache = cc;
	return 0;
}

void challenge_cache_free(struct challenge_cache *cc)
{
	if (!cc)
		return;
	for (struct challenge_entry *e = cc->first, *next; e; e = next) {
		next = e->next;
		free(e);
	}
	(void)pthread_mutex_destroy(&cc->lock);
	free(cc);
}

static struct challenge_entry *entry_find_locked(struct challenge_cache *cc, const char *vault)
{
	struct challenge_entry *e = cc->first;

	while (e && strcmp(e->vault, vault) != 0)
		e = e->next;
	return e;
}

static bool challenge_find(struct challenge_cache *cc, const char *vault, struct challenge *ret)
{
	struct challenge_entry *e;

	pthread_mutex_lock(&cc->lock);
	e = entry_find_locked(cc, vault);
	if (e)
		*ret = e->challenge;
	pthread_mutex_unlock(&cc->lock);
	return e != NULL;
}

/* Without memory the vault is asked again next time. */
static void challenge_keep(struct challenge_cache *cc, const char *vault, const struct challenge *c)
{
	struct challenge_entry *e;

	pthread_mutex_lock(&cc->lock);
	e = entry_find_locked(cc, vault);
	if (!e)
		e = calloc(1, sizeof(*e));
	if (e && !e->vault[0]) {
		(void)snprintf(e->vault, sizeof(e->vault), "%s", vault);
		e->next = cc->first;
		cc->first = e;
	}
	if (e)
		e->challenge = *c;
	pthread_mutex_unlock(&cc->lock);
}

/* ---- one request ---- */

#define URL_LEN (AKV_NEXT_LEN + 300)

static void url_make(const struct akv_call *call, char out[static URL_LEN])
{
	static const char *const acts[] = {[AKV_GET] = "",
					   [AKV_VERSIONS] = "/versions",
					   [AKV_DELETED] = "",
					   [AKV_WRAP] = "/wrapkey",
					   [AKV_UNWRAP] = "/unwrapkey"};
	const struct key_id *id = call->id;

	if (call->next)
		(void)snprintf(out, URL_LEN, "https://%s%s", id->vault, call->next);
	else
		(void)snprintf(out, URL_LEN, "https://%s/%s/%s%s%s%s?api-version=%s%s", id->vault,
			       call->act == AKV_DELETED ? "deletedkeys" : "keys", id->name,
			       id->version[0] ? "/" : "", id->version, acts[call->act],
			       call->azure->config->api_version,
			       call->act == AKV_VERSIONS ? "&maxresults=25" : "");
}

/* @token: NULL: the request that is to be challenged, which carries no body either. */
static enum http_fault send_one(struct akv_call *call, struct secret *token, bool fresh,
				struct http_reply *ret_reply, struct err *err)
{
	CLEANUP(sbuf_fini_p) struct sbuf bearer = SBUF_EMPTY;
	char url[URL_LEN], uuid[37];
	struct http_field fields[2] = {{"x-ms-client-request-id", uuid}};
	struct http_request req = {.url = url, .fields = fields, .n_fields = 1, .fresh = fresh};
	enum http_fault fault;

	azure_request_uuid(uuid);
	url_make(call, url);
	req.post = call->act == AKV_WRAP || call->act == AKV_UNWRAP;
	/* every policy may have one in flight, and they share the secure heap with all keys: a
	 * vault that sends long answers slowly must not fill it */
	req.body_max = req.post ? HTTP_BODY_SHORT : HTTP_BODY_MAX;
	if (token) {
		sbuf_text(&bearer, "Bearer ");
		sbuf_add(&bearer, secret_bytes(token), secret_len(token));
		fields[req.n_fields++] = (struct http_field){"Authorization", sbuf_cstr(&bearer)};
		if (sbuf_failed(&bearer))
			return (void)err_set(err, -ENOMEM, "no room on the secure heap"), HTTP_OWN;
	}
	if (token && call->body) {
		req.body = secret_bytes(call->body);
		req.body_len = secret_len(call->body);
	}
	azure_timeouts(call->azure, call->deadline_ms, &req);
	fault = http_send(call->azure->http, &req, ret_reply, err);
	(void)snprintf(call->request_id, KMS_REQUEST_ID_LEN, "%.*s", KMS_REQUEST_ID_LEN - 1,
		       ret_reply->request_id);
	return fault;
}

static struct verdict misconfigured(void)
{
	return (struct verdict){.outcome = KMS_MISCONFIGURED};
}

static struct verdict refused(const struct akv_call *call, const struct http_reply *reply,
			      struct err *err)
{
	const char *version = getenv("DEPFS_AZURE_API_VERSION");
	struct akv_error e;
	struct verdict v;

	akv_error_parse(reply->status, reply->body, &e);
	v = akv_error_judge(&e, call->act, err);
	if (err && reply->status == 400 && version && *version)
		(void)snprintf(err->text + strlen(err->text), sizeof(err->text) - strlen(err->text),
			       "; DEPFS_AZURE_API_VERSION is %.20s",
			       call->azure->config->api_version);
	v.waits = v.retry && reply->has_retry_after;
	v.wait_ms = reply->retry_after_ms;
	return v;
}

static struct verdict challenge_take(struct akv_call *call, const struct http_reply *reply,
				     struct challenge *ret_challenge, struct err *err)
{
	const struct azure_config *config = call->azure->config;
	char domain[AZURE_DOMAIN_LEN];
	struct challenge c;

	if (!azure_domain(call->id->vault, config->domains, domain))
		return misconfigured(); /* akv_allowed() has said so before */
	if (challenge_parse(reply->www_authenticate, &c, err) < 0 ||
	    challenge_check(&c, call->id->vault, domain, config->authority, config->tenant, err) <
		    0) {
		if (err && err->cause == 0)
			err->cause = AZURE_CHALLENGE;
		return misconfigured();
	}
	challenge_keep(call->azure->challenges, call->id->vault, &c);
	*ret_challenge = c;
	return (struct verdict){.outcome = KMS_OK};
}

struct verdict akv_challenge(struct akv_call *call, struct challenge *ret_challenge,
			     struct err *err)
{
	CLEANUP(http_reply_fini_p) struct http_reply reply = {0};
	enum http_fault fault;

	if (challenge_find(call->azure->challenges, call->id->vault, ret_challenge))
		return (struct verdict){.outcome = KMS_OK};
	fault = send_one(call, NULL, false, &reply, err);
	if (fault != HTTP_ANSWERED)
		return verdict_of_fault(fault);
	if (reply.status == 401)
		return challenge_take(call, &reply, ret_challenge, err);
	if (reply.status != 200)
		return refused(call, &reply, err);
	(void)azure_blame(
		err, AZURE_STRANGE,
		err_set(err, -EPROTO, "it answers without asking who we are: no vault does"));
	return misconfigured();
}

/* ---- one try: challenge, token, and the request, which a new challenge repeats once ---- */

struct
try {
	bool fresh;	   /* on a new connection */
	bool vault_failed; /* not the token service */
	int status;
};

static struct verdict try_with_token(struct akv_call *call, struct try *t, struct secret *token,
				     struct http_reply *ret_reply, struct err *err)
{
	enum http_fault fault;

	http_reply_fini_p(ret_reply);
	fault = send_one(call, token, t->fresh, ret_reply, err);
	t->status = ret_reply->status;
	t->vault_failed = fault != HTTP_ANSWERED;
	if (fault != HTTP_ANSWERED)
		return verdict_of_fault(fault);
	if (ret_reply->status == 200)
		return (struct verdict){.outcome = KMS_OK};
	t->vault_failed = true;
	return refused(call, ret_reply, err);
}

static struct verdict try_once(struct akv_call *call, struct try *t, struct http_reply *ret_reply,
			       struct err *err)
{
	CLEANUP(secret_free_p) struct secret *old = NULL; /* the vault did not take it */
	struct challenge c;
	struct verdict v;

	t->vault_failed = true;
	v = akv_challenge(call, &c, err);
	for (unsigned i = 0; v.outcome == KMS_OK && i < 2; i++) {
		CLEANUP(secret_free_p) struct secret *token = NULL;

		t->vault_failed = false;
		v = token_get(call->azure, &c, old, call->deadline_ms, &token, err);
		if (v.outcome != KMS_OK)
			return v;
		v = try_with_token(call, t, token, ret_reply, err);
		if (ret_reply->status != 401 || i > 0)
			return v;
		if (err)
			err->text[0] = '\0';
		v = (struct verdict){.outcome = KMS_OK};
		if (ret_reply->www_authenticate[0]) /* it may have moved to a new tenant */
			v = challenge_take(call, ret_reply, &c, err);
		old = STEAL(token);
	}
	return v;
}

/* ---- tries, under the deadline ---- */

/* While another call finds out whether the vault is back. */
static bool probe_wait(const struct akv_call *call, struct circuit *circuit)
{
	uint64_t left = clock_left_ms(call->deadline_ms);

	return circuit_probe_wait(circuit,
				  left < CIRCUIT_PROBE_WAIT_MS ? left : CIRCUIT_PROBE_WAIT_MS);
}

/* @why: and the number of seconds. */
static int left_alone(struct circuit *circuit, const char *why, uint64_t wait_ms, struct err *err)
{
	struct err last;

	circuit_last(circuit, &last);
	(void)err_set(err, -EBUSY, "the vault %s %llu.%llu s%s%s", why,
		      (unsigned long long)wait_ms / 1000, (unsigned long long)wait_ms % 1000 / 100,
		      last.text[0] ? "; the last time: " : "", last.text);
	return azure_blame(err, last.cause ? last.cause : AZURE_LATER, -EBUSY);
}

/* Waits out a pause that the vault has asked for, if the call has the time. */
static int enter(struct akv_call *call, struct circuit *circuit, struct err *err)
{
	bool waited = false;
	uint64_t wait = 0;
	int r;

	for (;;) {
		r = circuit_enter(circuit, clock_now_ms(), &wait);
		if (r != -EBUSY)
			return r;
		if (!waited) {
			waited = true;
			if (probe_wait(call, circuit))
				continue;
		}
		if (wait > circuit_hold_left(circuit, clock_now_ms()))
			return left_alone(circuit, "failed again and again, and is asked again in",
					  wait, err);
		if (wait >= clock_left_ms(call->deadline_ms))
			return left_alone(circuit, "wants to be left alone for another", wait, err);
		clock_sleep_ms(wait);
	}
}

/* 0: there is no time for another try. */
static uint64_t pause_ms(const struct akv_call *call, struct circuit *circuit,
			 const struct verdict *v, const struct try *t, unsigned retry)
{
	uint64_t ms = retry_delay_ms(retry);

	if (v->waits && v->wait_ms > ms)
		ms = v->wait_ms;
	/* for all who call: a storm does not multiply; a token service has a circuit of its own */
	if (t->vault_failed && (v->waits || t->status == 429))
		circuit_hold(circuit, clock_now_ms(), ms);
	return ms < clock_left_ms(call->deadline_ms) ? ms : 0;
}

static enum circuit_end end_of(const struct verdict *v, const struct try *t)
{
	if (v->outcome != KMS_TRANSIENT || t->status == 429)
		return CIRCUIT_ANSWERED;
	return t->vault_failed ? CIRCUIT_FAILED : CIRCUIT_UNASKED;
}

static struct verdict tries(struct akv_call *call, struct circuit *circuit, bool probe,
			    struct http_reply *ret_reply, struct err *err)
{
	uint64_t begun_ms = clock_now_ms(), pause = 1;
	struct try t = {0};
	struct verdict v;
	unsigned n = 0;

	for (;;) {
		t.status = 0;
		v = try_once(call, &t, ret_reply, err);
		n++;
		if (v.outcome == KMS_TRANSIENT && t.vault_failed && err)
			circuit_blame(circuit, err);
		if (v.outcome == KMS_OK || !v.retry)
			break;
		pause = pause_ms(call, circuit, &v, &t, n - 1);
		if (probe || n > RETRIES_MAX || pause == 0)
			break;
		clock_sleep_ms(pause);
		t.fresh = true; /* the old connection may be half open */
	}
	if (v.outcome == KMS_TRANSIENT && n > 1 && err)
		(void)snprintf(err->text + strlen(err->text), sizeof(err->text) - strlen(err->text),
			       "; %u tries in %llu s", n,
			       (unsigned long long)(clock_now_ms() - begun_ms) / 1000);
	if (pause == 0 && err)
		err->r = -ETIMEDOUT; /* kms_errno() */
	circuit_leave(circuit, clock_now_ms(), end_of(&v, &t));
	return v;
}

enum kms_outcome akv_call(struct akv_call *call, struct http_reply *ret_reply, struct err *err)
{
	struct circuit *circuit = NULL;
	int r = circuit_get(call->azure->circuits, call->id->vault, &circuit);

	*ret_reply = (struct http_reply){0};
	if (r < 0)
		return (void)err_set(err, r, "out of memory"), KMS_TRANSIENT;
	r = enter(call, circuit, err);
	if (r < 0)
		return KMS_TRANSIENT;
	return tries(call, circuit, r == 1, ret_reply, err).outcome;
}
