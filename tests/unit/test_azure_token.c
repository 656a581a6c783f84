/* tests/unit/test_azure_token.c - tokens are kept, shared and renewed; a host that fails is probed.
 * The token service is a thread that speaks HTTP like the instance metadata service. */
#include "tests/unit/azure_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/base/clock.h"

/* ---- the service ---- */

struct service {
	int fd;
	pthread_t thread;
	_Atomic int status, lifetime_s, delay_ms;
	_Atomic unsigned asked;
	char url[64];
};

static void answer(struct service *s, int fd)
{
	char in[4096], body[256], out[512];
	unsigned n;
	int len;

	if (read(fd, in, sizeof(in)) <= 0) /* one request fits one read here */
		return;
	n = atomic_fetch_add(&s->asked, 1) + 1;
	clock_sleep_ms((uint64_t)atomic_load(&s->delay_ms));
	len = snprintf(body, sizeof(body), "{\"access_token\":\"token-%u\",\"expires_in\":\"%d\"}",
		       n, atomic_load(&s->lifetime_s));
	len = snprintf(out, sizeof(out),
		       "HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		       atomic_load(&s->status), len, body);
	assert_int_equal(write(fd, out, (size_t)len), len);
}

static void *serve(void *arg)
{
	struct service *s = arg;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		answer(s, fd);
		(void)close(fd); /* answered */
	}
	return NULL;
}

struct fix {
	struct service service;
	struct kms *kms;
	struct token_cache *tokens;
	struct challenge challenge;
};

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	const struct kms_config config = {.vaults_dir = "/tmp",
					  .credential = "managed-identity",
					  .vault_timeout_s = 9,
					  .probe_max_s = 1};

	assert_non_null(f);
	f->service.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->service.fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(f->service.fd, 64), 0);
	assert_int_equal(getsockname(f->service.fd, (struct sockaddr *)&at, &len), 0);
	(void)snprintf(f->service.url, sizeof(f->service.url), "http://127.0.0.1:%u",
		       ntohs(at.sin_port));
	f->service.status = 200;
	f->service.lifetime_s = 3600;
	assert_int_equal(pthread_create(&f->service.thread, NULL, serve, &f->service), 0);
	assert_int_equal(setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f->service.url, 1), 0);
	assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0); /* never used here */
	assert_int_equal(kms_new(&config, &f->kms, NULL), 0);
	f->tokens = kms_azure(f->kms)->tokens;
	(void)strcpy(f->challenge.resource, "https://vault.azure.net");
	(void)strcpy(f->challenge.authority, "login.microsoftonline.com");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	(void)shutdown(f->service.fd, SHUT_RDWR); /* accept() returns */
	assert_int_equal(pthread_join(f->service.thread, NULL), 0);
	(void)close(f->service.fd); /* nothing was written by it */
	kms_free(f->kms);
	free(f);
	return 0;
}

/* "token-N", or what stands for the outcome. @refused: the one that a vault did not take. */
static void got_instead(struct fix *f, struct secret *refused, const char *wanted)
{
	CLEANUP(secret_free_p) struct secret *token = NULL;
	struct err err = {0};
	struct verdict v =
		token_get(f->tokens, &f->challenge, refused, clock_now_ms() + 9000, &token, &err);

	if (!token) {
		assert_string_equal(kms_outcome_name(v.outcome), wanted);
		assert_true(err.text[0] != '\0');
		return;
	}
	assert_int_equal(v.outcome, KMS_OK);
	assert_int_equal(secret_len(token), strlen(wanted));
	assert_memory_equal(secret_bytes(token), wanted, strlen(wanted));
}

static void got(struct fix *f, const char *wanted)
{
	got_instead(f, NULL, wanted);
}

static void tokens_are_kept_per_resource(void **state)
{
	struct fix *f = *state;

	got(f, "token-1");
	got(f, "token-1");
	(void)strcpy(f->challenge.resource, "https://managedhsm.azure.net");
	got(f, "token-2");
	(void)strcpy(f->challenge.resource, "https://vault.azure.net");
	got(f, "token-1");
	assert_int_equal(f->service.asked, 2);
}

static void *herd(void *arg)
{
	got(arg, "token-1");
	return NULL;
}

/* 40 threads that need a token at once ask for one. */
static void a_herd_makes_one_request(void **state)
{
	struct fix *f = *state;
	pthread_t threads[40];

	f->service.delay_ms = 200;
	for (size_t i = 0; i < LENGTH(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, herd, f), 0);
	for (size_t i = 0; i < LENGTH(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(f->service.asked, 1);
}

/* While the token service is down, a token that is still valid stays in use. */
static void a_failed_refresh_leaves_the_old_token(void **state)
{
	struct fix *f = *state;

	f->service.lifetime_s = 4; /* to be renewed after 2 s */
	got(f, "token-1");
	f->service.status = 503;
	clock_sleep_ms(2100);
	got(f, "token-1");
	assert_int_equal(f->service.asked, 2);
	got(f, "token-1"); /* and it is not asked again at once */
	assert_int_equal(f->service.asked, 2);
	clock_sleep_ms(2000);
	got(f, "transient");
	f->service.status = 200;
	clock_sleep_ms(1200);
	got(f, "token-4");
}

static void a_token_that_was_refused_is_asked_for_anew(void **state)
{
	struct fix *f = *state;
	CLEANUP(secret_free_p) struct secret *refused = fix_body("token-1");

	got(f, "token-1");
	got_instead(f, refused, "token-2");
	got_instead(f, refused, "token-2"); /* a caller that comes late */
	assert_int_equal(f->service.asked, 2);
}

/* One vault that takes no token must not take it from the others while there is no new one. */
static void a_refused_token_serves_the_others(void **state)
{
	struct fix *f = *state;
	CLEANUP(secret_free_p) struct secret *refused = fix_body("token-1");

	got(f, "token-1");
	f->service.status = 503;
	got_instead(f, refused, "transient");
	got(f, "token-1");
	got_instead(f, refused, "transient");
	got(f, "token-1");
}

/* Else the caller would go on without one: "ok", and no token. */
static void a_token_that_comes_too_late_is_no_token(void **state)
{
	struct fix *f = *state;

	f->service.lifetime_s = 1;
	f->service.delay_ms = 1100;
	got(f, "transient");
	f->service.delay_ms = 0;
	clock_sleep_ms(600); /* a failure is the result of all callers for a moment */
	got(f, "token-2");
}

/* Threads that wait for a token which the first to get it finds refused. */
static void *choosy(void *arg)
{
	CLEANUP(secret_free_p) struct secret *refused = NULL;
	struct fix *f = arg;
	struct err err = {0};

	for (unsigned i = 0; i < 300; i++) {
		CLEANUP(secret_free_p) struct secret *token = NULL;
		struct verdict v = token_get(f->tokens, &f->challenge, refused,
					     clock_now_ms() + 9000, &token, &err);

		assert_int_equal(v.outcome, KMS_OK);
		assert_non_null(token);
		secret_free(refused);
		refused = STEAL(token);
	}
	return NULL;
}

static void a_token_refused_while_others_wait_is_no_success(void **state)
{
	struct fix *f = *state;
	pthread_t threads[8];

	for (size_t i = 0; i < LENGTH(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, choosy, f), 0);
	for (size_t i = 0; i < LENGTH(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void a_refused_credential_is_a_denial(void **state)
{
	struct fix *f = *state;

	f->service.status = 400;
	got(f, "denied");
}

/* ---- circuits ---- */

static void circuit_opens_probes_and_closes(void **state)
{
	CLEANUP(circuits_free_p) struct circuits *cs = NULL;
	struct kms_circuit list[2];
	struct circuit *c;
	uint64_t wait = 0, t = clock_now_ms();

	(void)state;
	assert_int_equal(circuits_new(3000, &cs), 0);
	assert_int_equal(circuit_get(cs, "v:1", &c), 0);
	for (unsigned i = 0; i < CIRCUIT_FAILURES; i++) {
		assert_int_equal(circuit_enter(c, t, &wait), 0);
		circuit_leave(c, t, CIRCUIT_FAILED);
	}
	assert_int_equal(circuit_enter(c, t, &wait), -EBUSY);
	assert_int_equal(wait, CIRCUIT_FIRST_MS);
	assert_int_equal(circuits_list(cs, list, 2), 1);
	assert_int_equal(list[0].state, KMS_CIRCUIT_OPEN);
	assert_string_equal(list[0].vault, "v:1");
	/* each probe that fails doubles the wait, up to the limit */
	for (uint64_t ms = 1000; ms < 8000; ms *= 2) {
		t += wait;
		assert_int_equal(circuit_enter(c, t, &wait), 1);
		assert_int_equal(circuit_enter(c, t, &wait), -EBUSY); /* one alone */
		circuit_leave(c, t, CIRCUIT_FAILED);
		assert_int_equal(circuit_enter(c, t, &wait), -EBUSY);
		assert_int_equal(wait, ms * 2 < 3000 ? ms * 2 : 3000);
	}
	t += wait;
	assert_int_equal(circuit_enter(c, t, &wait), 1);
	circuit_leave(c, t, CIRCUIT_UNASKED); /* no token: that says nothing about the vault */
	assert_int_equal(circuit_enter(c, t, &wait), 1);
	circuit_leave(c, t, CIRCUIT_ANSWERED);
	assert_int_equal(circuit_enter(c, t, &wait), 0);
	circuit_leave(c, t, CIRCUIT_ANSWERED);
}

static void circuit_holds_for_all_calls_and_not_for_ever(void **state)
{
	CLEANUP(circuits_free_p) struct circuits *cs = NULL;
	struct circuit *c;
	uint64_t wait = 0, t = clock_now_ms();

	(void)state;
	assert_int_equal(circuits_new(3000, &cs), 0);
	assert_int_equal(circuit_get(cs, "v", &c), 0);
	circuit_hold(c, t, 500);
	circuit_hold(c, t, 200); /* the longest counts */
	assert_int_equal(circuit_enter(c, t, &wait), -EBUSY);
	assert_int_equal(wait, 500);
	assert_int_equal(circuit_hold_left(c, t), 500);
	assert_int_equal(circuit_enter(c, t + 500, &wait), 0);
	circuit_leave(c, t + 500, CIRCUIT_ANSWERED);
	circuit_hold(c, t, UINT64_C(86400000));
	assert_int_equal(circuit_hold_left(c, t), 60000);
}

/* A circuit that is open, and the time of its probe. */
static void opened(struct circuits *cs, struct circuit **ret_circuit, uint64_t *ret_t)
{
	uint64_t wait = 0, t = clock_now_ms();

	assert_int_equal(circuit_get(cs, "v", ret_circuit), 0);
	for (unsigned i = 0; i < CIRCUIT_FAILURES; i++) {
		assert_int_equal(circuit_enter(*ret_circuit, t, &wait), 0);
		circuit_leave(*ret_circuit, t, CIRCUIT_FAILED);
	}
	*ret_t = t + CIRCUIT_FIRST_MS;
}

struct probe {
	struct circuit *circuit;
	enum circuit_end end;
};

static void *probe_run(void *arg)
{
	const struct probe *p = arg;

	clock_sleep_ms(50);
	circuit_leave(p->circuit, clock_now_ms(), p->end);
	return NULL;
}

/* All policies are proved at once: else all but one would see a round late that a vault is back. */
static void circuit_probe_is_waited_for(void **state)
{
	static const struct {
		enum circuit_end end;
		int then;
	} rows[] = {{CIRCUIT_ANSWERED, 0}, {CIRCUIT_FAILED, -EBUSY}, {CIRCUIT_UNASKED, 1}};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		CLEANUP(circuits_free_p) struct circuits *cs = NULL;
		struct probe probe = {.end = rows[i].end};
		uint64_t wait = 0, t;
		pthread_t thread;

		assert_int_equal(circuits_new(3000, &cs), 0);
		opened(cs, &probe.circuit, &t);
		assert_false(circuit_probe_wait(probe.circuit, 60000)); /* none on its way */
		assert_int_equal(circuit_enter(probe.circuit, t, &wait), 1);
		assert_false(circuit_probe_wait(probe.circuit, 20)); /* it hangs */
		assert_int_equal(pthread_create(&thread, NULL, probe_run, &probe), 0);
		assert_true(circuit_probe_wait(probe.circuit, 60000));
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_int_equal(circuit_enter(probe.circuit, t, &wait), rows[i].then);
	}
}

/* A round of checks calls each host once, even where calls failed just before, but not a host that
 * has asked for a pause (Retry-After). */
static void circuits_probe_lets_one_call_through_at_once(void **state)
{
	CLEANUP(circuits_free_p) struct circuits *cs = NULL;
	struct circuit *c;
	uint64_t wait = 0, t;

	(void)state;
	assert_int_equal(circuits_new(3000, &cs), 0);
	opened(cs, &c, &t);
	assert_int_equal(circuit_enter(c, t - 1, &wait), -EBUSY);
	circuits_probe(cs);
	assert_int_equal(circuit_enter(c, t - 1, &wait), 1);
	circuits_probe(cs);
	assert_int_equal(circuit_enter(c, t - 1, &wait), -EBUSY); /* one alone */
	circuit_leave(c, t - 1, CIRCUIT_FAILED);
	circuit_hold(c, t, 500);
	circuits_probe(cs);
	assert_int_equal(circuit_enter(c, t, &wait), -EBUSY);
	assert_int_equal(wait, 500);
}

static void retries_grow_with_jitter(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t first = retry_delay_ms(0), third = retry_delay_ms(2);

		assert_in_range(first, 640, 1041);
		assert_in_range(third, 2560, 4161);
		assert_in_range(retry_delay_ms(30), 1, 60000);
	}
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(tokens_are_kept_per_resource),
		T(a_herd_makes_one_request),
		T(a_failed_refresh_leaves_the_old_token),
		T(a_token_that_was_refused_is_asked_for_anew),
		T(a_refused_token_serves_the_others),
		T(a_token_that_comes_too_late_is_no_token),
		T(a_token_refused_while_others_wait_is_no_success),
		T(a_refused_credential_is_a_denial),
		cmocka_unit_test(circuit_opens_probes_and_closes),
		cmocka_unit_test(circuit_holds_for_all_calls_and_not_for_ever),
		cmocka_unit_test(circuit_probe_is_waited_for),
		cmocka_unit_test(circuits_probe_lets_one_call_through_at_once),
		cmocka_unit_test(retries_grow_with_jitter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
