/* tests/unit/test_keyring_wait.c - many callers, slow vaults, and the checker of access. */
#include "engine_fixture.h"

#include "fs/policy/keyring_internal.h"

#define CALLERS 50

struct caller {
	struct fix *f;
	struct wrap_ref ref;
	enum request_class class;
	struct key_wait wait;
	struct err err;
	int r;
	pthread_t thread;
};

static void *call(void *arg)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	struct caller *c = arg;

	c->r = keyring_get(c->f->e, &c->ref, c->class, &c->wait, &kek, &c->err);
	return NULL;
}

static void callers_run(struct fix *f, struct caller *callers, const struct wrap_ref *ref)
{
	for (int i = 0; i < CALLERS; i++) {
		callers[i].f = f;
		callers[i].ref = *ref;
		assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
	}
	for (int i = 0; i < CALLERS; i++)
		assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
}

static unsigned asked(struct fix *f)
{
	return fix_asked(f, "hot", "unwrapKey") + fix_asked(f, "cold", "unwrapKey");
}

static struct wrap_ref slow_policy(struct fix *f, unsigned delay_ms)
{
	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	fix_fault(f, "local://hot", KMS_OK, delay_ms);
	fix_fault(f, "local://cold", KMS_OK, delay_ms);
	return fix_ref(f, "P");
}

/* One question, whoever waits: a mail server's start is no storm on the vault. */
static void fifty_callers_ask_once(void **state)
{
	static struct caller callers[CALLERS];
	struct fix *f = *state;
	struct wrap_ref ref = slow_policy(f, 700);
	unsigned before = asked(f);

	memset(callers, 0, sizeof(callers));
	callers_run(f, callers, &ref);
	for (int i = 0; i < CALLERS; i++)
		assert_int_equal(callers[i].r, 0);
	assert_int_equal(asked(f) - before, 1);
	assert_int_equal(fix_events(f, "key-open", "", ""), 1);
}

/* Users and system share the question and part ways over the answer: one use, one event. */
static void both_classes_share_one_question(void **state)
{
	static struct caller callers[CALLERS];
	struct fix *f = *state;
	struct wrap_ref ref;
	unsigned before;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	fix_fault(f, "local://hot", KMS_DENIED, 400);
	fix_fault(f, "local://cold", KMS_DENIED, 400);
	before = asked(f);
	memset(callers, 0, sizeof(callers));
	for (int i = 0; i < CALLERS; i++)
		callers[i].class = i % 2 ? REQUEST_SYSTEM : REQUEST_USER;
	callers_run(f, callers, &ref);
	for (int i = 0; i < CALLERS; i++)
		assert_int_equal(callers[i].r, i % 2 ? 0 : -EKEYREVOKED);
	assert_int_equal(asked(f) - before, 2);
	assert_int_equal(fix_events(f, "availability-key-used", "", ""), 1);
}

static bool is_set(void *arg)
{
	return atomic_load((atomic_bool *)arg);
}

/* ^C ends the wait at once; the vault's answer is not lost for the next one. */
static void a_caller_can_leave(void **state)
{
	atomic_bool interrupted = true;
	struct fix *f = *state;
	struct caller c = {.f = f, .ref = slow_policy(f, 700)};
	unsigned before = asked(f);
	uint64_t from_ms = engine_now_ms();

	c.wait = (struct key_wait){.interrupted = is_set, .arg = &interrupted};
	(void)call(&c);
	assert_int_equal(c.r, -EINTR);
	assert_true(c.err.text[0]);
	assert_true(engine_now_ms() - from_ms < 650);
	atomic_store(&interrupted, false);
	(void)call(&c);
	assert_int_equal(c.r, 0);
	assert_int_equal(asked(f) - before, 1);
}

static void a_wait_is_bounded(void **state)
{
	struct fix *f = *state;
	struct caller c = {.f = f, .ref = slow_policy(f, 700)};

	c.wait.timeout_ms = 100;
	(void)call(&c);
	assert_int_equal(c.r, -ETIMEDOUT);
	assert_true(c.err.text[0]);
	c.wait.timeout_ms = 0;
	(void)call(&c);
	assert_int_equal(c.r, 0);
}

/* The vault call cannot be called back, so closing waits for it and for nothing else. */
static void closing_waits_for_a_vault_call(void **state)
{
	struct fix *f = *state;
	struct caller c = {.f = f, .ref = slow_policy(f, 500)};
	uint64_t from_ms = engine_now_ms();

	c.wait.timeout_ms = 50;
	(void)call(&c);
	assert_int_equal(c.r, -ETIMEDOUT);
	fix_close(f);
	assert_true(engine_now_ms() - from_ms >= 490);
	assert_true(engine_now_ms() - from_ms < 5000);
	fix_open(f);
}

/* One policy's trouble never slows another's files, and acts and looks go on meanwhile. */
static void a_slow_vault_blocks_nobody_else(void **state)
{
	struct fix *f = *state;
	struct caller slow = {.f = f};
	struct wrap_ref other;
	uint64_t from_ms;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	DONE(f, policy_create(f->e, "Q", CD, POLICY_MULTI_WORKLOAD, "", &WHO, &f->err));
	fix_fault(f, "local://hot", KMS_OK, 2000);
	fix_fault(f, "local://cold", KMS_OK, 2000);
	slow.ref = fix_ref(f, "P");
	other = fix_ref(f, "Q");
	assert_int_equal(pthread_create(&slow.thread, NULL, call, &slow), 0);
	from_ms = engine_now_ms();
	assert_int_equal(fix_get(f, &other, REQUEST_USER), 0);
	assert_int_equal(fix_peek(f, &slow.ref, REQUEST_USER), -EINPROGRESS);
	DONE(f, assign_tenant(f->e, "P", &WHO, &f->err));
	assert_int_equal(fix_info(f, "P").state, POLICY_READY);
	assert_true(engine_now_ms() - from_ms < 1500);
	assert_int_equal(pthread_join(slow.thread, NULL), 0);
	assert_int_equal(slow.r, 0);
}

/* An act may wait for a vault; whoever only looks or opens does not wait for the act. */
static void *check_policy_p(void *arg)
{
	struct fix *f = arg;

	return policy_check(f->e, "P", &WHO, NULL) == 0 ? NULL : f;
}

static void looks_do_not_wait_for_an_act(void **state)
{
	struct fix *f = *state;
	struct wrap_ref ref = slow_policy(f, 0);
	uint64_t from_ms;
	pthread_t thread;
	void *failed;

	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
	fix_fault(f, "local://hot", KMS_OK, 500);
	from_ms = engine_now_ms();
	assert_int_equal(pthread_create(&thread, NULL, check_policy_p, f), 0);
	while (engine_now_ms() - from_ms < 200) {
		assert_int_equal(fix_peek(f, &ref, REQUEST_USER), 0);
		assert_int_equal(fix_info(f, "P").state, POLICY_READY);
	}
	assert_true(engine_now_ms() - from_ms < 450);
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
}

static void checked(struct fix *f)
{
	keyring_check_all(f->e);
	for (;;) { /* until its threads have answered */
		pthread_mutex_lock(&f->e->workers.lock);
		unsigned running = f->e->workers.running;
		pthread_mutex_unlock(&f->e->workers.lock);
		if (running == 0)
			return;
		(void)usleep(5000);
	}
}

struct told {
	atomic_int times;
	uint8_t id[UUID_LEN];
};

static void on_revoked(void *arg, const uint8_t policy_id[UUID_LEN])
{
	struct told *told = arg;

	memcpy(told->id, policy_id, UUID_LEN);
	atomic_fetch_add(&told->times, 1);
}

/* Denial takes the keys away within a period and is told once; returned access opens again. */
static void the_checker_revokes_and_restores(void **state)
{
	struct fix *f = *state;
	struct told told = {0};
	struct wrap_ref ref;

	engine_on_revoked(f->e, on_revoked, &told);
	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
	fix_disable(f, KEY_A);
	fix_disable(f, KEY_B);
	assert_int_equal(fix_peek(f, &ref, REQUEST_USER), 0); /* not yet proved */
	for (int i = 0; i < 3; i++)
		checked(f);
	assert_int_equal(atomic_load(&told.times), 1);
	assert_memory_equal(told.id, ref.policy_id, UUID_LEN);
	assert_int_equal(fix_info(f, "P").state, POLICY_REVOKED);
	assert_int_equal(fix_info(f, "P").roots[1].health.outcome, KMS_DENIED);
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), -EKEYREVOKED);
	assert_int_equal(fix_events(f, "policy-state", "\"state\":\"revoked\"", ""), 1);
	assert_int_equal(fix_events(f, "availability-key-used", "", ""), 0);
	fix_enable(f, KEY_B);
	checked(f);
	assert_int_equal(fix_info(f, "P").state, POLICY_DEGRADED);
	assert_int_equal(fix_peek(f, &ref, REQUEST_USER), 0);
	fix_enable(f, KEY_A);
	checked(f);
	checked(f);
	assert_int_equal(fix_info(f, "P").state, POLICY_READY);
	assert_int_equal(fix_events(f, "policy-state", "", ""), 3);
	engine_on_revoked(f->e, NULL, NULL);
}

/* One denied, one down: none opens and somebody said no. */
static void the_checker_counts_one_denial_as_no(void **state)
{
	struct fix *f = *state;
	struct wrap_ref ref;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
	fix_fault(f, "local://hot", KMS_DENIED, 0);
	fix_fault(f, "local://cold", KMS_TRANSIENT, 0);
	checked(f);
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), -EKEYREVOKED);
}

/* An outage takes no key away that a vault had opened, and uses no availability key. */
static void an_outage_keeps_the_open_key(void **state)
{
	struct fix *f = *state;
	struct wrap_ref ref;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
	fix_fault(f, "local://hot", KMS_TRANSIENT, 0);
	fix_fault(f, "local://cold", KMS_TRANSIENT, 0);
	checked(f);
	checked(f);
	assert_int_equal(fix_peek(f, &ref, REQUEST_USER), 0);
	assert_int_equal(fix_info(f, "P").state, POLICY_DEGRADED);
	assert_int_equal(fix_events(f, "availability-key-used", "", ""), 0);
	assert_int_equal(fix_events(f, "policy-state", "\"state\":\"degraded\"", ""), 1);
	assert_int_equal(fix_events(f, "key-open", "", ""),
			 1); /* the first one; no event a period */
}

/* What the availability key opened in an outage is proved again after key_check seconds. */
static void an_outage_key_expires(void **state)
{
	struct fix *f = *state;
	struct wrap_ref ref;
	int tries = 0;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	f->key_check_s = 1;
	fix_restart(f);
	ref = fix_ref(f, "P");
	fix_fault(f, "local://hot", KMS_TRANSIENT, 0);
	fix_fault(f, "local://cold", KMS_TRANSIENT, 0);
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
	assert_int_equal(fix_peek(f, &ref, REQUEST_USER), 0);
	assert_int_equal(fix_info(f, "P").state, POLICY_DEGRADED);
	while (fix_peek(f, &ref, REQUEST_USER) == 0 && tries++ < 100)
		(void)usleep(50000);
	assert_int_equal(fix_peek(f, &ref, REQUEST_USER), -EINPROGRESS);
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
	assert_int_equal(fix_events(f, "availability-key-used", "", ""), 2);
}

/* The thread itself, not a call of ours: within a period or two the vault's key is back. */
static void the_checker_runs_by_itself(void **state)
{
	struct fix *f = *state;
	struct wrap_ref ref;
	int tries = 0;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	f->key_check_s = 1;
	fix_restart(f);
	ref = fix_ref(f, "P");
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
	fix_fault(f, "local://hot", KMS_DENIED, 0);
	fix_fault(f, "local://cold", KMS_DENIED, 0);
	while (fix_info(f, "P").state != POLICY_REVOKED && tries++ < 100)
		(void)usleep(50000);
	assert_int_equal(fix_info(f, "P").state, POLICY_REVOKED);
	assert_int_not_equal(fix_peek(f, &ref, REQUEST_USER), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(fifty_callers_ask_once),
		T(both_classes_share_one_question),
		T(a_caller_can_leave),
		T(a_wait_is_bounded),
		T(closing_waits_for_a_vault_call),
		T(a_slow_vault_blocks_nobody_else),
		T(looks_do_not_wait_for_an_act),
		T(the_checker_revokes_and_restores),
		T(the_checker_counts_one_denial_as_no),
		T(an_outage_keeps_the_open_key),
		T(an_outage_key_expires),
		T(the_checker_runs_by_itself),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group) ? 1 : 0;
}
