/* kms/azure/call.c - one call to a vault: challenge, token, and attempts under one deadline. */
#include "kms/azure/call_internal.h"

#include <errno.h>
#include <string.h>

#include "crypto/base/clock.h"
#include "kms/azure/cause_internal.h"
#include "kms/azure/hosts_internal.h"
#include "kms/azure/reply_internal.h"
#include "kms/azure/sbuf_internal.h"

#define RETRIES_MAX 3

/* ---- one request ---- */

#define URL_LEN (AKV_NEXT_LEN + 300)

static void url_make(const struct akv_call *call, char out[static URL_LEN])
{
	static const char *const paths[] = {[AKV_GET] = "",
					    [AKV_VERSIONS] = "/versions",
					    [AKV_DELETED] = "",
					    [AKV_WRAP] = "/wrapkey",
					    [AKV_UNWRAP] = "/unwrapkey"};
	const struct key_id *id = call->id;

	if (call->next)
		(void)snprintf(out, URL_LEN, "https://%s%s", id->vault, call->next);
	else
		(void)snprintf(out, URL_LEN, "https://%s/%s/%s%s%s%s?api-version=%s%s", id->vault,
			       call->operation == AKV_DELETED ? "deletedkeys" : "keys", id->name,
			       id->version[0] ? "/" : "", id->version, paths[call->operation],
			       call->azure->config->api_version,
			       call->operation == AKV_VERSIONS ? "&maxresults=25" : "");
}

enum connection {
	CONNECTION_ANY, /* an idle one, or else a new one */
	CONNECTION_NEW,
};

/* @token: NULL: the request that the vault answers with its challenge; it has no body either. */
static enum http_fault send_one(struct akv_call *call, struct secret *token,
				enum connection connection, struct http_reply *ret_reply,
				struct err *err)
{
	CLEANUP(sbuf_fini_p) struct sbuf bearer = SBUF_EMPTY;
	char url[URL_LEN], uuid[UUID_TEXT_LEN];
	struct http_field fields[2] = {{"x-ms-client-request-id", uuid}};
	struct http_request req = {.url = url,
				   .fields = fields,
				   .n_fields = 1,
				   .new_connection = connection == CONNECTION_NEW};
	enum http_fault fault;

	request_uuid(uuid);
	url_make(call, url);
	req.post = call->operation == AKV_WRAP || call->operation == AKV_UNWRAP;
	/* each policy may have a request under way, and their answers lie on the secure heap with
	 * all keys: a vault that sends long answers slowly must not fill it */
	req.body_max = req.post ? HTTP_BODY_SHORT : HTTP_BODY_MAX;
	if (token) {
		sbuf_text(&bearer, "Bearer ");
		sbuf_add(&bearer, secret_bytes(token), secret_len(token));
		fields[req.n_fields++] = (struct http_field){"Authorization", sbuf_cstr(&bearer)};
		if (sbuf_failed(&bearer))
			return (void)err_set(err, -ENOMEM, "no space on the secure heap"), HTTP_OWN;
	}
	if (token && call->body) {
		req.body = secret_bytes(call->body);
		req.body_len = secret_len(call->body);
	}
	attempt_timeouts(call->azure->config->timeout_ms, call->deadline_ms, &req);
	fault = http_send(call->azure->http, &req, ret_reply, err);
	(void)snprintf(call->request_id, KMS_REQUEST_ID_LEN, "%.*s", KMS_REQUEST_ID_LEN - 1,
		       ret_reply->request_id);
	return fault;
}

static struct verdict refused(const struct akv_call *call, const struct http_reply *reply,
			      struct err *err)
{
	const struct azure_config *config = call->azure->config;
	struct akv_error e;
	struct verdict v;

	akv_error_parse(reply->status, reply->body, &e);
	v = akv_error_judge(&e, call->operation, err);
	if (reply->status == 400 && config->api_version_is_set)
		err_add(err, "; DEPFS_AZURE_API_VERSION is %.20s", config->api_version);
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
		return verdict_misconfigured(); /* allowed() in keys.c has refused it before */
	if (challenge_parse(reply->www_authenticate, &c, err) < 0 ||
	    challenge_check(&c, call->id->vault, domain, config->authority, config->tenant, err) <
		    0) {
		if (err && err->cause == 0)
			err->cause = AZURE_CHALLENGE;
		return verdict_misconfigured();
	}
	challenge_cache_keep(call->azure->challenges, call->id->vault, &c);
	*ret_challenge = c;
	return (struct verdict){.outcome = KMS_OK};
}

struct verdict akv_challenge(struct akv_call *call, struct challenge *ret_challenge,
			     struct err *err)
{
	CLEANUP(http_reply_fini_p) struct http_reply reply = {0};
	enum http_fault fault;

	if (challenge_cache_find(call->azure->challenges, call->id->vault, ret_challenge))
		return (struct verdict){.outcome = KMS_OK};
	fault = send_one(call, NULL, CONNECTION_ANY, &reply, err);
	if (fault != HTTP_ANSWERED)
		return verdict_of_fault(fault);
	if (reply.status == 401)
		return challenge_take(call, &reply, ret_challenge, err);
	if (reply.status != 200)
		return refused(call, &reply, err);
	(void)azure_set_cause(
		err, AZURE_STRANGE,
		err_set(err, -EPROTO, "it answers without asking who we are: no vault does"));
	return verdict_misconfigured();
}

/* ---- one attempt: challenge, token, and the request, which a 401 repeats once ---- */

struct attempt {
	enum connection connection;
	bool vault_failed; /* a failure is the vault's, not the token service's */
	int status;
};

static struct verdict attempt_with_token(struct akv_call *call, struct attempt *a,
					 struct secret *token, struct http_reply *ret_reply,
					 struct err *err)
{
	enum http_fault fault;

	http_reply_fini_p(ret_reply);
	fault = send_one(call, token, a->connection, ret_reply, err);
	a->status = ret_reply->status;
	a->vault_failed = fault != HTTP_ANSWERED;
	if (fault != HTTP_ANSWERED)
		return verdict_of_fault(fault);
	if (ret_reply->status == 200)
		return (struct verdict){.outcome = KMS_OK};
	a->vault_failed = true;
	return refused(call, ret_reply, err);
}

static struct verdict attempt_once(struct akv_call *call, struct attempt *a,
				   struct http_reply *ret_reply, struct err *err)
{
	CLEANUP(secret_free_p) struct secret *old = NULL; /* the vault answered it with 401 */
	struct challenge c;
	struct verdict v;

	a->vault_failed = true;
	v = akv_challenge(call, &c, err);
	for (unsigned i = 0; v.outcome == KMS_OK && i < 2; i++) {
		CLEANUP(secret_free_p) struct secret *token = NULL;

		a->vault_failed = false;
		v = token_get(call->azure->tokens, &c, old, call->deadline_ms, &token, err);
		if (v.outcome != KMS_OK)
			return v;
		v = attempt_with_token(call, a, token, ret_reply, err);
		if (ret_reply->status != 401 || i > 0)
			return v;
		if (err)
			err->text[0] = '\0';
		v = (struct verdict){.outcome = KMS_OK};
		if (ret_reply->www_authenticate[0]) /* the vault may have a new tenant */
			v = challenge_take(call, ret_reply, &c, err);
		old = STEAL(token);
	}
	return v;
}

/* ---- attempts, under the deadline ---- */

/* Waits for the end of a probe, which another call makes. */
static bool probe_wait(const struct akv_call *call, struct circuit *circuit)
{
	uint64_t left = clock_left_ms(call->deadline_ms);

	return circuit_probe_wait(circuit,
				  left < CIRCUIT_PROBE_WAIT_MS ? left : CIRCUIT_PROBE_WAIT_MS);
}

/* The sentence is "the vault", @why and the number of seconds. */
static int refuse_unasked(struct circuit *circuit, const char *why, uint64_t wait_ms,
			  struct err *err)
{
	struct err last;

	circuit_failure(circuit, &last);
	(void)err_set(err, -EBUSY, "the vault %s %llu.%llu s%s%s", why,
		      (unsigned long long)wait_ms / 1000, (unsigned long long)wait_ms % 1000 / 100,
		      last.text[0] ? "; the last time: " : "", last.text);
	return azure_set_cause(err, last.cause ? last.cause : AZURE_LATER, -EBUSY);
}

/* Enters the circuit, after a pause that the vault has asked for if the deadline allows one. */
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
			return refuse_unasked(circuit,
					      "failed again and again, and is asked again in", wait,
					      err);
		if (wait >= clock_left_ms(call->deadline_ms))
			return refuse_unasked(circuit, "wants to be left alone for another", wait,
					      err);
		clock_sleep_ms(wait);
	}
}

/* Return: ms until the next attempt; 0: the deadline leaves no time for one. */
static uint64_t pause_ms(const struct akv_call *call, struct circuit *circuit,
			 const struct verdict *v, const struct attempt *a, unsigned retry)
{
	uint64_t ms = retry_delay_ms(retry);

	if (v->waits && v->wait_ms > ms)
		ms = v->wait_ms;
	/* holds all calls to the vault, so that their retries do not add up; a token service has a
	 * circuit of its own */
	if (a->vault_failed && (v->waits || a->status == 429))
		circuit_hold(circuit, clock_now_ms(), ms);
	return ms < clock_left_ms(call->deadline_ms) ? ms : 0;
}

static enum circuit_end end_of(const struct verdict *v, const struct attempt *a)
{
	if (v->outcome != KMS_TRANSIENT || a->status == 429)
		return CIRCUIT_ANSWERED;
	return a->vault_failed ? CIRCUIT_FAILED : CIRCUIT_UNASKED;
}

static struct verdict attempts(struct akv_call *call, struct circuit *circuit, bool probe,
			       struct http_reply *ret_reply, struct err *err)
{
	uint64_t begun_ms = clock_now_ms(), pause = 1;
	struct attempt a = {.connection = CONNECTION_ANY};
	struct verdict v;
	unsigned n = 0;

	for (;;) {
		a.status = 0;
		v = attempt_once(call, &a, ret_reply, err);
		n++;
		if (v.outcome == KMS_TRANSIENT && a.vault_failed && err)
			circuit_set_failure(circuit, err);
		if (v.outcome == KMS_OK || !v.retry)
			break;
		pause = pause_ms(call, circuit, &v, &a, n - 1);
		if (probe || n > RETRIES_MAX || pause == 0)
			break;
		clock_sleep_ms(pause);
		a.connection = CONNECTION_NEW; /* the old one may be half open */
	}
	if (v.outcome == KMS_TRANSIENT && n > 1)
		err_add(err, "; %u tries in %llu s", n,
			(unsigned long long)(clock_now_ms() - begun_ms) / 1000);
	if (pause == 0 && err)
		err->r = -ETIMEDOUT; /* kms_errno() gives it to the caller */
	circuit_leave(circuit, clock_now_ms(), end_of(&v, &a));
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
	return attempts(call, circuit, r == 1, ret_reply, err).outcome;
}
