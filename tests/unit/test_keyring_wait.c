/* tests/unit/test_keyring_wait.c - many callers, and slow vaults. */
#include "tests/unit/engine_fixture.h"

#include "fs/keyring/keyring_internal.h"

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

	c->r = keyring_get(c->f->e->keyring, &c->ref, c->class, &c->wait, &kek, &c->err);
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

/* One question for all callers: a mail server's start does not flood the vault. */
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

/* One policy's slow vaults leave most of the kernel's background slots to the files of others; a
 * program's open is no such request, and still joins the question. */
static void background_slots_are_left_to_others(void **state)
{
	static struct caller callers[CALLERS];
	struct fix *f = *state;
	struct wrap_ref ref = slow_policy(f, 1000);
	unsigned served = 0;

	memset(callers, 0, sizeof(callers));
	for (int i = 1; i < CALLERS; i++)
		callers[i].wait.background = true;
	callers_run(f, callers, &ref);
	for (int i = 1; i < CALLERS; i++) {
		served += callers[i].r == 0;
		assert_true(callers[i].r == 0 || callers[i].r == -EAGAIN);
	}
	assert_int_equal(callers[0].r, 0);
	assert_int_equal(served, KEYRING_BACKGROUND_MAX);
	assert_int_equal(atomic_load(&f->e->keyring->background), 0);
}

/* The kernel's pages and renames ask without waiting; a later request finds the key. */
static void asking_waits_for_nothing(void **state)
{
	struct fix *f = *state;
	struct wrap_ref ref = slow_policy(f, 1000);
	unsigned before = asked(f);
	uint64_t from_ms = clock_now_ms();

	for (int i = 0; i < 5; i++)
		keyring_ask(f->e->keyring, &ref, REQUEST_USER);
	assert_int_equal(fix_peek(f, &ref, REQUEST_USER), -EINPROGRESS);
	assert_true(clock_now_ms() - from_ms < 900);
	while (fix_peek(f, &ref, REQUEST_USER) != 0)
		assert_true(clock_now_ms() - from_ms < 20000);
	assert_int_equal(asked(f) - before, 1);
}

/* What is asked without waiting takes effect as it would for a waiting caller: in an outage users
 * get the availability key, after a denial the system alone. */
static void asking_keeps_the_availability_key(void **state)
{
	struct fix *f = *state;
	struct wrap_ref ref;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	fix_fault(f, "local://hot", KMS_DENIED, 0);
	fix_fault(f, "local://cold", KMS_DENIED, 0);
	keyring_ask(f->e->keyring, &ref, REQUEST_SYSTEM);
	for (uint64_t from_ms = clock_now_ms(); fix_peek(f, &ref, REQUEST_SYSTEM) != 0;)
		assert_true(clock_now_ms() - from_ms < 20000);
	assert_int_not_equal(fix_peek(f, &ref, REQUEST_USER), 0);
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
	uint64_t from_ms = clock_now_ms();

	c.wait = (struct key_wait){.interrupted = is_set, .arg = &interrupted};
	(void)call(&c);
	assert_int_equal(c.r, -EINTR);
	assert_true(c.err.text[0]);
	assert_true(clock_now_ms() - from_ms < 650);
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
	uint64_t from_ms = clock_now_ms();

	c.wait.timeout_ms = 50;
	(void)call(&c);
	assert_int_equal(c.r, -ETIMEDOUT);
	fix_close(f);
	assert_true(clock_now_ms() - from_ms >= 490);
	assert_true(clock_now_ms() - from_ms < 5000);
	fix_open(f);
}

/* While one policy's vault is slow, another policy's files open, and acts and reads of the control
 * files go on. */
static void a_slow_vault_delays_no_other_policy(void **state)
{
	struct fix *f = *state;
	struct caller slow = {.f = f};
	struct wrap_ref other;
	uint64_t from_ms;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	DONE(f, policy_create(f->e->policies, "Q", CD, POLICY_MULTI_WORKLOAD, "", &WHO, &f->err));
	fix_fault(f, "local://hot", KMS_OK, 2000);
	fix_fault(f, "local://cold", KMS_OK, 2000);
	slow.ref = fix_ref(f, "P");
	other = fix_ref(f, "Q");
	assert_int_equal(pthread_create(&slow.thread, NULL, call, &slow), 0);
	from_ms = clock_now_ms();
	assert_int_equal(fix_get(f, &other, REQUEST_USER), 0);
	assert_int_equal(fix_peek(f, &slow.ref, REQUEST_USER), -EINPROGRESS);
	DONE(f, assign_tenant(f->e->policies, "P", ASSIGN_FORCED, &WHO, &f->err));
	assert_int_equal(fix_info(f, "P").state, POLICY_READY);
	assert_true(clock_now_ms() - from_ms < 1500);
	assert_int_equal(pthread_join(slow.thread, NULL), 0);
	assert_int_equal(slow.r, 0);
}

/* An act may wait for a vault; reading policies and opening files do not wait for the act. */
static void *check_policy_p(void *arg)
{
	struct fix *f = arg;

	return policy_check(f->e->policies, "P", &WHO, NULL) == 0 ? NULL : f;
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
	from_ms = clock_now_ms();
	assert_int_equal(pthread_create(&thread, NULL, check_policy_p, f), 0);
	while (clock_now_ms() - from_ms < 200) {
		assert_int_equal(fix_peek(f, &ref, REQUEST_USER), 0);
		assert_int_equal(fix_info(f, "P").state, POLICY_READY);
	}
	assert_true(clock_now_ms() - from_ms < 450);
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(fifty_callers_ask_once),
		T(both_classes_share_one_question),
		T(background_slots_are_left_to_others),
		T(asking_waits_for_nothing),
		T(asking_keeps_the_availability_key),
		T(a_caller_can_leave),
		T(a_wait_is_bounded),
		T(closing_waits_for_a_vault_call),
		T(a_slow_vault_delays_no_other_policy),
		T(looks_do_not_wait_for_an_act),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group) ? 1 : 0;
}
