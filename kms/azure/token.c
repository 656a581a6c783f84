/* kms/azure/token.c - the cache of access tokens: one fetch at a time for each, refreshed ahead. */
#include "kms/azure/token_internal.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "crypto/base/clock.h"
#include "kms/azure/cause_internal.h"
#include "kms/azure/token_fetch_internal.h"

#define RETRY_REFRESH_MS 30000 /* after a refresh that failed, while the old token is valid */
/* For this time a failed fetch is the result of all callers: those that waited for it must not send
 * a request each. */
#define FAILED_MS 500

/*
 * One token. Its key is all that it depends on: tenant and client of the configuration, authority
 * and resource of the challenge.
 *
 * state     holds                       moves on
 * empty     nothing                     a call: fetching
 * fetching  maybe an older token        the fetch ends: good, or failed
 * good      a token until expires_ms    refresh_ms: the next call fetches
 * failed    verdict and sentence        FAILED_MS later: empty
 *
 * Where a fetch fails while an older token is valid, the entry stays good, and is fetched again
 * after RETRY_REFRESH_MS.
 */
struct entry {
	struct entry *next;
	char authority[256], tenant[64], client[64], resource[256]; /* constant */
	/* all guarded by token_cache.lock */
	struct secret *token;
	uint64_t expires_ms, refresh_ms;
	bool fetching;
	uint64_t fetches;	/* how many have ended */
	struct verdict failure; /* of the newest fetch; KMS_OK: it did not fail */
	uint64_t failed_until_ms;
	struct err failed_err;
};

struct token_cache {
	const struct azure_config *config;
	struct http *http;
	struct circuits *circuits;
	const struct kms_observer *observer;
	pthread_mutex_t lock;
	pthread_cond_t ended; /* of a fetch, of any entry */
	struct entry *first;  /* guarded by lock; none is removed before token_cache_free() */
};

int token_cache_new(const struct azure_config *config, struct http *http, struct circuits *circuits,
		    const struct kms_observer *observer, struct token_cache **ret_cache)
{
	struct token_cache *tc = calloc(1, sizeof(*tc));

	if (!tc)
		return -ENOMEM;
	tc->config = config;
	tc->http = http;
	tc->circuits = circuits;
	tc->observer = observer;
	(void)pthread_mutex_init(&tc->lock, NULL);
	(void)pthread_cond_init(&tc->ended, NULL);
	*ret_cache = tc;
	return 0;
}

void token_cache_free(struct token_cache *tc)
{
	if (!tc)
		return;
	for (struct entry *e = tc->first, *next; e; e = next) {
		next = e->next;
		secret_free(e->token);
		free(e);
	}
	(void)pthread_cond_destroy(&tc->ended);
	(void)pthread_mutex_destroy(&tc->lock);
	free(tc);
}

static void entry_name(const struct azure_config *config, const struct challenge *c,
		       struct entry *e)
{
	(void)snprintf(e->authority, sizeof(e->authority), "%s", entra_authority(config, c));
	(void)snprintf(e->tenant, sizeof(e->tenant), "%s", config->tenant ? config->tenant : "");
	(void)snprintf(e->client, sizeof(e->client), "%s", config->client ? config->client : "");
	(void)snprintf(e->resource, sizeof(e->resource), "%s", c->resource);
}

static bool entry_is(const struct entry *e, const struct entry *name)
{
	return strcmp(e->authority, name->authority) == 0 && strcmp(e->tenant, name->tenant) == 0 &&
	       strcmp(e->client, name->client) == 0 && strcmp(e->resource, name->resource) == 0;
}

static struct entry *find_locked(struct token_cache *tc, const struct challenge *c)
{
	struct entry name = {0}, *e = tc->first;

	entry_name(tc->config, c, &name);
	while (e && !entry_is(e, &name))
		e = e->next;
	if (e)
		return e;
	e = malloc(sizeof(*e));
	if (!e)
		return NULL;
	*e = name;
	e->next = tc->first;
	tc->first = e;
	return e;
}

static bool is_refused_locked(const struct entry *e, struct secret *refused)
{
	return refused && e->token && secret_len(e->token) == secret_len(refused) &&
	       CRYPTO_memcmp(secret_bytes(e->token), secret_bytes(refused), secret_len(refused)) ==
		       0;
}

/* Whether the entry's token can be given without a fetch. */
static bool ready_locked(const struct entry *e, uint64_t now_ms)
{
	return e->token && now_ms < (e->fetching ? e->expires_ms : e->refresh_ms);
}

static struct verdict fetch(const struct token_cache *tc, const struct challenge *c,
			    uint64_t deadline_ms, struct new_token *ret_token, struct err *err)
{
	const struct token_request request = {tc->config, tc->http, c, deadline_ms};
	bool managed = tc->config->kind == CREDENTIAL_MANAGED;
	const char *host = managed ? "managed-identity" : entra_authority(tc->config, c);
	uint64_t begun_us = clock_now_us(), wait_ms = 0;
	struct circuit *circuit = NULL;
	struct verdict v = {.outcome = KMS_TRANSIENT, .retry = true};
	struct err last;

	if (circuit_get(tc->circuits, host, &circuit) < 0)
		return (void)err_set(err, -ENOMEM, "out of memory"), v;
	if (circuit_enter(circuit, clock_now_ms(), &wait_ms) < 0) {
		circuit_failure(circuit, &last);
		(void)err_set(err, -EAGAIN,
			      "token service %s failed again and again: it is asked again in %llu "
			      "ms%s%s",
			      host, (unsigned long long)wait_ms,
			      last.text[0] ? "; the last time: " : "", last.text);
		(void)azure_set_cause(err, last.cause ? last.cause : AZURE_LATER | AZURE_OF_TOKEN,
				      0);
		v.waits = true;
		v.wait_ms = wait_ms;
		return v;
	}
	v = managed ? managed_fetch(&request, ret_token, err)
		    : entra_fetch(&request, ret_token, err);
	err->cause |= AZURE_OF_TOKEN;
	if (v.outcome == KMS_TRANSIENT && !v.unasked)
		circuit_set_failure(circuit, err);
	if (v.waits)
		circuit_hold(circuit, clock_now_ms(), v.wait_ms);
	circuit_leave(circuit, clock_now_ms(),
		      v.unasked			   ? CIRCUIT_UNASKED
		      : v.outcome == KMS_TRANSIENT ? CIRCUIT_FAILED
						   : CIRCUIT_ANSWERED);
	if (!v.unasked)
		kms_observe(tc->observer, host, KMS_TOKEN, v.outcome, begun_us);
	return v;
}

static void refresh_locked(struct entry *e, struct new_token *got, uint64_t asked_ms)
{
	secret_free(e->token);
	e->token = STEAL(got->token);
	e->refresh_ms = asked_ms + (uint64_t)got->refresh_s * 1000;
	e->expires_ms = asked_ms + (uint64_t)got->lifetime_s * 1000;
	e->failure = (struct verdict){.outcome = KMS_OK};
	e->failed_until_ms = 0;
}

static void fail_locked(struct entry *e, struct verdict v, const struct err *err, uint64_t now_ms)
{
	e->failure = v;
	e->failed_err = *err;
	e->failed_until_ms = now_ms + FAILED_MS;
	e->refresh_ms = now_ms + RETRY_REFRESH_MS;
	if (e->refresh_ms > e->expires_ms)
		e->refresh_ms = e->expires_ms;
}

/* A token whose lifetime had passed before the answer came is a failure. */
static struct verdict refuse_old(struct new_token *got, uint64_t asked_ms, struct err *err)
{
	if (clock_now_ms() - asked_ms < (uint64_t)got->lifetime_s * 1000)
		return (struct verdict){.outcome = KMS_OK};
	secret_free(STEAL(got->token));
	(void)err_set(err, -EAGAIN, "token service: the token had run out when it came");
	return (struct verdict){.outcome = KMS_TRANSIENT, .retry = true};
}

/* Drops the lock while the request is under way. */
static void fetch_locked(struct token_cache *tc, const struct challenge *c, struct entry *e,
			 uint64_t deadline_ms)
{
	struct new_token got = {0};
	struct err err = {0};
	uint64_t asked_ms = clock_now_ms();
	struct verdict v;

	e->fetching = true;
	pthread_mutex_unlock(&tc->lock);
	v = fetch(tc, c, deadline_ms, &got, &err);
	if (v.outcome == KMS_OK)
		v = refuse_old(&got, asked_ms, &err);
	pthread_mutex_lock(&tc->lock);
	e->fetching = false;
	e->fetches++;
	if (v.outcome == KMS_OK)
		refresh_locked(e, &got, asked_ms);
	else
		fail_locked(e, v, &err, clock_now_ms());
	pthread_cond_broadcast(&tc->ended);
}

static struct verdict failed(const struct entry *e, struct err *err)
{
	if (err)
		*err = e->failed_err;
	return e->failure;
}

static struct verdict give_locked(const struct entry *e, struct secret **ret_token, struct err *err)
{
	if (secret_new_from(secret_bytes(e->token), secret_len(e->token), ret_token) == 0)
		return (struct verdict){.outcome = KMS_OK};
	(void)err_set(err, -ENOMEM, "no space on the secure heap");
	return (struct verdict){.outcome = KMS_TRANSIENT, .retry = true};
}

/* Waits or fetches until the entry has a token to give, or a fetch that this caller has waited for,
 * or that ended within FAILED_MS, has failed. */
static struct verdict get_locked(struct token_cache *tc, const struct challenge *c,
				 struct secret *refused, uint64_t deadline_ms,
				 struct secret **ret_token, struct err *err)
{
	struct entry *e = find_locked(tc, c);
	uint64_t fetches = e ? e->fetches : 0;

	if (!e) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return (struct verdict){.outcome = KMS_TRANSIENT, .retry = true};
	}
	for (;;) {
		uint64_t now_ms = clock_now_ms();
		bool fetched = e->fetches > fetches; /* since this caller came */
		bool bad = is_refused_locked(e, refused);

		/* a token service that keeps its tokens may give the refused one again */
		if (ready_locked(e, now_ms) && (!bad || (fetched && e->failure.outcome == KMS_OK)))
			return give_locked(e, ret_token, err);
		if (now_ms < e->failed_until_ms ||
		    (fetched && (!e->token || bad) && e->failure.outcome != KMS_OK))
			return failed(e, err);
		if (!e->fetching) {
			fetch_locked(tc, c, e, deadline_ms);
			/* after a failure the older token may still be valid */
			if (e->failure.outcome == KMS_OK ||
			    (e->token && !is_refused_locked(e, refused) &&
			     clock_now_ms() < e->expires_ms))
				return give_locked(e, ret_token, err);
			return failed(e, err);
		}
		if (now_ms >= deadline_ms) {
			(void)err_set(err, -ETIMEDOUT, "no token within the time of the call");
			return (struct verdict){.outcome = KMS_TRANSIENT};
		}
		(void)clock_cond_wait(&tc->ended, &tc->lock, deadline_ms);
	}
}

struct verdict token_get(struct token_cache *tc, const struct challenge *c, struct secret *refused,
			 uint64_t deadline_ms, struct secret **ret_token, struct err *err)
{
	struct verdict v;

	pthread_mutex_lock(&tc->lock);
	v = get_locked(tc, c, refused, deadline_ms, ret_token, err);
	pthread_mutex_unlock(&tc->lock);
	return v;
}
