/* tests/unit/test_keyring_check.c - access proved again: denials, outages, and what a revocation
 * leaves. */
#include "tests/unit/engine_fixture.h"

#include "fs/keyring/keyring_internal.h"

static void checked(struct fix *f)
{
	keyring_check_all(f->e->keyring);
	while (pool_busy(f->e->keyring->pool) > 0) /* until its threads have answered */
		(void)usleep(5000);
}

struct reported {
	atomic_int times;
	uint8_t id[UUID_LEN];
};

static void on_revoked(void *arg, const uint8_t policy_id[UUID_LEN], struct revoked_files *files)
{
	struct reported *reported = arg;

	*files = (struct revoked_files){
		.open_files = 3, .handles = 5, .flushed = 4096, .data_keys = 3};

	memcpy(reported->id, policy_id, UUID_LEN);
	atomic_fetch_add(&reported->times, 1);
}

/* Denial takes the keys away within a period and is reported once; returned access opens again. */
static void the_checker_revokes_and_restores(void **state)
{
	struct fix *f = *state;
	struct reported reported = {0};
	struct wrap_ref ref;

	keyring_on_revoked(f->e->keyring, on_revoked, &reported);
	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
	fix_disable(f, KEY_A);
	fix_disable(f, KEY_B);
	assert_int_equal(fix_peek(f, &ref, REQUEST_USER), 0); /* not yet proved */
	for (int i = 0; i < 3; i++)
		checked(f);
	assert_int_equal(atomic_load(&reported.times), 1);
	assert_memory_equal(reported.id, ref.policy_id, UUID_LEN);
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
	keyring_on_revoked(f->e->keyring, NULL, NULL);
}

/* One denied, one down: none opens and one denies. */
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
	int attempts = 0;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	f->key_check_s = 1;
	fix_restart(f);
	ref = fix_ref(f, "P");
	fix_fault(f, "local://hot", KMS_TRANSIENT, 0);
	fix_fault(f, "local://cold", KMS_TRANSIENT, 0);
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
	assert_int_equal(fix_peek(f, &ref, REQUEST_USER), 0);
	assert_int_equal(fix_info(f, "P").state, POLICY_DEGRADED);
	while (fix_peek(f, &ref, REQUEST_USER) == 0 && attempts++ < 100)
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
	int attempts = 0;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	f->key_check_s = 1;
	fix_restart(f);
	ref = fix_ref(f, "P");
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
	fix_fault(f, "local://hot", KMS_DENIED, 0);
	fix_fault(f, "local://cold", KMS_DENIED, 0);
	while (fix_info(f, "P").state != POLICY_REVOKED && attempts++ < 100)
		(void)usleep(50000);
	assert_int_equal(fix_info(f, "P").state, POLICY_REVOKED);
	assert_int_not_equal(fix_peek(f, &ref, REQUEST_USER), 0);
}

/* A source of keys that answers the checker late: when the keyring is being stopped. */
struct late_source {
	struct keyring *k;
	struct policies *policies;
	atomic_bool late, asked;
};

static int late_source_ask(void *arg, const struct wrap_ref *ref, struct key_source *ret_src)
{
	struct late_source *source = arg;

	if (atomic_load(&source->late)) {
		atomic_store(&source->asked, true);
		(void)usleep(200000);
	}
	return policies_key_source(source->policies, ref, ret_src);
}

/* The check has passed the question whether the keyring closes, and still needs a second thread for
 * its second root. */
static void a_stop_waits_for_a_check_that_begins(void **state)
{
	struct fix *f = *state;
	const struct keyring_config config = {.store = f->e->store,
					      .kms = f->e->kms,
					      .audit = f->e->audit,
					      .metrics = f->e->metrics,
					      .key_check_s = 60};
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	struct late_source source = {.policies = f->e->policies};
	struct root_health health[2];
	struct wrap_ref ref;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	assert_int_equal(keyring_new(&config, &source.k, &f->err), 0);
	source.k->source = late_source_ask; /* without keyring_start(): no thread of its own */
	source.k->source_arg = &source;
	assert_int_equal(keyring_get(source.k, &ref, REQUEST_USER, NULL, &kek, &f->err), 0);
	fix_disable(f, KEY_A);
	atomic_store(&source.late, true);
	keyring_check_all(source.k);
	while (!atomic_load(&source.asked))
		(void)usleep(1000);
	keyring_stop(source.k);
	(void)keyring_state_of(source.k, ref.policy_id, health);
	assert_int_equal(health[0].outcome, KMS_DENIED); /* both roots were asked */
	assert_int_equal(health[1].outcome, KMS_OK);
	keyring_free(source.k);
}

/* Cutting the connection to the vaults does not open what their owner has closed. */
static void a_denial_outlasts_an_outage(void **state)
{
	struct fix *f = *state;
	struct wrap_ref ref, service = {.generation = 1};

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
	assert_false(keyring_denied(f->e->keyring, &ref));
	fix_disable(f, KEY_A);
	fix_disable(f, KEY_B);
	checked(f);
	assert_true(keyring_denied(f->e->keyring, &ref));
	assert_false(keyring_denied(f->e->keyring, &service));
	fix_fault(f, "local://hot", KMS_TRANSIENT, 0);
	fix_fault(f, "local://cold", KMS_TRANSIENT, 0);
	checked(f);
	REFUSED(f, -EKEYREVOKED, fix_get(f, &ref, REQUEST_USER));
	assert_int_equal(fix_get(f, &ref, REQUEST_SYSTEM), 0);
	REFUSED(f, -EKEYREVOKED, fix_get(f, &ref, REQUEST_USER)); /* nor by what that one opened */
	assert_int_equal(fix_info(f, "P").state, POLICY_REVOKED);
	fix_fault(f, "local://hot", KMS_OK, 0);
	fix_enable(f, KEY_A);
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0); /* a vault's yes, at once */
	assert_false(keyring_denied(f->e->keyring, &ref));
}

/* What a revocation did is kept for status, reported once as an event, and summed up for metrics.
 */
static void a_revocation_is_reported(void **state)
{
	struct fix *f = *state;
	struct reported reported = {0};
	struct revocation last, sum;
	struct wrap_ref ref;

	keyring_on_revoked(f->e->keyring, on_revoked, &reported);
	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	keyring_revocation(f->e->keyring, ref.policy_id, &last);
	assert_int_equal(last.count, 0);
	for (int n = 1; n <= 2; n++) {
		assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
		fix_disable(f, KEY_A);
		fix_disable(f, KEY_B);
		checked(f);
		keyring_revocation(f->e->keyring, ref.policy_id, &last);
		keyring_revocations(f->e->keyring, &sum);
		assert_int_equal(last.count, n);
		assert_int_equal(last.under_way, 0);
		assert_true(last.when > 0 && sum.when == last.when);
		assert_int_equal(last.policy_keys, 1);
		assert_int_equal(last.files.open_files, 3);
		assert_int_equal(last.files.flushed, 4096);
		assert_int_equal(sum.count, n);
		assert_int_equal(sum.policy_keys, n);
		assert_int_equal(sum.files.data_keys, 3 * n);
		assert_int_equal(sum.files.handles, 5 * n);
		fix_enable(f, KEY_A);
		fix_enable(f, KEY_B);
	}
	assert_int_equal(
		fix_events(
			f, "revocation-done", "\"policy\":\"P\"",
			"\"open_files\":3,\"handles\":5,\"cached_files\":0,\"flushed_bytes\":4096,"
			"\"lost_bytes\":0,\"data_keys_wiped\":3,"
			"\"policy_keys_wiped\":1,"),
		2);
	keyring_on_revoked(f->e->keyring, NULL, NULL);
}

/* The figures that status shows: a period, then 5 s; with slow vaults twice their deadline more. */
static void the_window_counts_what_may_pass(void **state)
{
	struct fix *f = *state;

	assert_int_equal(keyring_window_s(f->e->keyring, false), 3600 + 5);
	assert_int_equal(keyring_window_s(f->e->keyring, true), 3600 + 5 + 2 * KMS_DEADLINE_S);
}

/* Files may be open although no DEP key is: after keys were replaced, access is proved as before.
 */
static void a_policy_once_opened_stays_under_check(void **state)
{
	struct fix *f = *state;
	struct reported reported = {0};
	struct wrap_ref ref;

	keyring_on_revoked(f->e->keyring, on_revoked, &reported);
	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
	DONE(f, policy_set_keys(f->e->policies, "P", CD, &WHO, &f->err));
	assert_int_equal(fix_peek(f, &ref, REQUEST_USER), -EINPROGRESS);
	fix_disable(f, KEY_C);
	fix_disable(f, KEY_D);
	checked(f);
	assert_int_equal(atomic_load(&reported.times), 1);
	keyring_on_revoked(f->e->keyring, NULL, NULL);
}

/* Two vaults that take their time are asked at the same time, and keep no other policy's check. */
static void a_hanging_vault_delays_no_other_check(void **state)
{
	struct fix *f = *state;
	struct wrap_ref p, q;
	unsigned running;
	int attempts = 0;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	DONE(f, policy_create(f->e->policies, "Q", CD, POLICY_MULTI_WORKLOAD, "", &WHO, &f->err));
	f->key_check_s = 1;
	fix_restart(f);
	p = fix_ref(f, "P");
	q = fix_ref(f, "Q");
	assert_int_equal(fix_get(f, &p, REQUEST_USER), 0);
	assert_int_equal(fix_get(f, &q, REQUEST_USER), 0);
	fix_fault(f, "local://hot", KMS_OK, 6000);
	fix_fault(f, "local://cold", KMS_OK, 6000);
	(void)usleep(1500000); /* P's check hangs from here on, by the checker's own clock */
	fix_fault(f, "local://spare", KMS_DENIED, 0);
	fix_fault(f, "local://shelf", KMS_DENIED, 0);
	while (fix_info(f, "Q").state != POLICY_REVOKED && attempts++ < 100)
		(void)usleep(50000);
	running = pool_busy(f->e->keyring->pool);
	assert_int_equal(fix_info(f, "Q").state, POLICY_REVOKED);
	assert_true(running >= 2); /* P's two questions: neither has an answer */
	assert_int_equal(fix_peek(f, &p, REQUEST_USER), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_checker_revokes_and_restores),
		T(the_checker_counts_one_denial_as_no),
		T(an_outage_keeps_the_open_key),
		T(an_outage_key_expires),
		T(the_checker_runs_by_itself),
		T(a_stop_waits_for_a_check_that_begins),
		T(a_denial_outlasts_an_outage),
		T(a_revocation_is_reported),
		T(the_window_counts_what_may_pass),
		T(a_policy_once_opened_stays_under_check),
		T(a_hanging_vault_delays_no_other_check),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group) ? 1 : 0;
}
