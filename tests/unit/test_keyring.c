/* tests/unit/test_keyring.c - the table in fs/README.md, Opening a DEP key, row by row, for
 * users and for the system. */
#include "tests/unit/engine_fixture.h"

#include "fs/keyring/keyring_internal.h"
#include "fs/policy/policies_internal.h"

enum opened {
	BY_VAULT,
	BY_AVAILABILITY,
	REFUSED
};

/* Each row in a new engine: nothing is cached, nothing is known. */
struct row {
	enum kms_outcome hot, cold;
	enum opened user, system;
	bool copy_damaged;
};

static const struct row rows[] = {
	/* either opens: use it */
	{KMS_OK, KMS_OK, BY_VAULT, BY_VAULT, false},
	{KMS_TRANSIENT, KMS_OK, BY_VAULT, BY_VAULT, false},
	{KMS_OK, KMS_DENIED, BY_VAULT, BY_VAULT, false},
	{KMS_NOT_FOUND, KMS_OK, BY_VAULT, BY_VAULT, false},
	/* both system errors: availability key, for both */
	{KMS_TRANSIENT, KMS_TRANSIENT, BY_AVAILABILITY, BY_AVAILABILITY, false},
	/* any denied, none opens: revoked for users */
	{KMS_DENIED, KMS_DENIED, REFUSED, BY_AVAILABILITY, false},
	{KMS_DENIED, KMS_TRANSIENT, REFUSED, BY_AVAILABILITY, false},
	{KMS_TRANSIENT, KMS_DENIED, REFUSED, BY_AVAILABILITY, false},
	{KMS_NOT_FOUND, KMS_TRANSIENT, REFUSED, BY_AVAILABILITY, false},
	{KMS_NOT_FOUND, KMS_DENIED, REFUSED, BY_AVAILABILITY, false},
	{KMS_DAMAGED, KMS_DENIED, REFUSED, BY_AVAILABILITY, true},
	/* a damaged copy: another copy, and an event; the availability copy is one */
	{KMS_DAMAGED, KMS_OK, BY_VAULT, BY_VAULT, true},
	{KMS_DAMAGED, KMS_TRANSIENT, BY_AVAILABILITY, BY_AVAILABILITY, true},
	{KMS_DAMAGED, KMS_DAMAGED, BY_AVAILABILITY, BY_AVAILABILITY, true},
};

static void row_try(struct fix *f, size_t i, const struct wrap_ref *ref, enum request_class class)
{
	enum opened expected = class == REQUEST_USER ? rows[i].user : rows[i].system;
	unsigned avail = fix_events(f, "availability-key-used", "", "");
	unsigned damaged = fix_events(f, "key-copy-damaged", "", "");
	int r;

	fix_restart(f);
	assert_int_equal(fix_peek(f, ref, class), -EINPROGRESS);
	r = fix_get(f, ref, class);
	if (r != (expected == REFUSED ? -EKEYREVOKED : 0))
		fail_msg("row %zu, class %d: %s: %s", i, class, errno_name(r), f->err.text);
	if (r < 0 && !strstr(f->err.text, "P"))
		fail_msg("row %zu: the sentence names no policy: %s", i, f->err.text);
	assert_int_equal(fix_peek(f, ref, class), r == 0 ? 0 : -EINPROGRESS);
	assert_int_equal(fix_events(f, "availability-key-used", "", ""),
			 avail + (expected == BY_AVAILABILITY));
	if (rows[i].copy_damaged && expected != BY_VAULT)
		assert_true(fix_events(f, "key-copy-damaged", "", "") > damaged);
}

static void opening_a_dep_key_follows_the_table_row_by_row(void **state)
{
	struct fix *f = *state;
	struct wrap_ref ref;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fix_fault(f, "local://hot", rows[i].hot, 0);
		fix_fault(f, "local://cold", rows[i].cold, 0);
		row_try(f, i, &ref, REQUEST_USER);
		row_try(f, i, &ref, REQUEST_SYSTEM);
	}
}

/* The same by an admin's hand instead of a fault: disable, deny, delete. */
static void denials_of_every_sort_revoke(void **state)
{
	struct key_id a = fix_key(KEY_A), hot = fix_key("local://hot");
	struct fix *f = *state;
	struct wrap_ref ref;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	fix_fault(f, "local://cold", KMS_TRANSIENT, 0);
	fix_disable(f, KEY_A);
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), -EKEYREVOKED);
	fix_enable(f, KEY_A);
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0); /* access is back: at once */
	fix_restart(f);
	DONE(f, local_deny(f->vaults, &hot, LOCAL_OP_UNWRAP, &f->err));
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), -EKEYREVOKED);
	DONE(f, local_allow(f->vaults, &hot, LOCAL_OP_UNWRAP, &f->err));
	DONE(f, local_key_delete(f->vaults, &a, &f->err));
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), -EKEYREVOKED);
	DONE(f, local_key_recover(f->vaults, &a, &f->err));
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
}

/* What the availability key opened for the system after a denial opens nothing for a user. */
static void system_key_is_not_served_to_users(void **state)
{
	struct fix *f = *state;
	struct wrap_ref ref;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	fix_fault(f, "local://hot", KMS_DENIED, 0);
	fix_fault(f, "local://cold", KMS_DENIED, 0);
	assert_int_equal(fix_get(f, &ref, REQUEST_SYSTEM), 0);
	assert_int_equal(fix_peek(f, &ref, REQUEST_SYSTEM), 0);
	assert_int_equal(fix_peek(f, &ref, REQUEST_USER), -EINPROGRESS);
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), -EKEYREVOKED);
	assert_int_equal(fix_info(f, "P").state, POLICY_REVOKED);
}

/* Retries in a loop are no storm on the vault, yet a request now and then always asks. */
static void a_revoked_policy_is_not_asked_in_a_storm(void **state)
{
	struct fix *f = *state;
	unsigned before;
	struct wrap_ref ref;
	int from_memory = 0;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	fix_fault(f, "local://hot", KMS_DENIED, 0);
	fix_fault(f, "local://cold", KMS_DENIED, 0);
	before = fix_asked(f, "hot", "unwrapKey");
	for (int i = 0; i < 1000; i++) {
		if (fix_peek(f, &ref, REQUEST_USER) == -EKEYREVOKED)
			from_memory++;
		else
			assert_int_equal(fix_get(f, &ref, REQUEST_USER), -EKEYREVOKED);
	}
	assert_true(from_memory > 500);
	assert_true(fix_asked(f, "hot", "unwrapKey") - before < 500);
	assert_int_equal(fix_peek(f, &ref, REQUEST_SYSTEM), -EINPROGRESS);
}

static void unknown_keys_are_enokey(void **state)
{
	struct wrap_ref none = {.policy_id = {1}, .generation = 1};
	struct wrap_ref service = {.generation = 2};
	struct fix *f = *state;
	struct wrap_ref ref;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	DONE(f, policy_create_draft(f->e->policies, "D", &WHO, &f->err));
	REFUSED(f, -ENOKEY, fix_get(f, &none, REQUEST_SYSTEM));
	REFUSED(f, -ENOKEY, fix_get(f, &service, REQUEST_SYSTEM));
	ref = fix_ref(f, "D");
	REFUSED(f, -ENOKEY, fix_get(f, &ref, REQUEST_SYSTEM));
	ref = fix_ref(f, "P");
	ref.generation = 2;
	REFUSED(f, -ENOKEY, fix_get(f, &ref, REQUEST_SYSTEM));
	ref.generation = 0;
	REFUSED(f, -ENOKEY, fix_get(f, &ref, REQUEST_SYSTEM));
	service.generation = 1;
	assert_int_equal(fix_peek(f, &service, REQUEST_USER), 0); /* always open */
	assert_int_equal(fix_get(f, &service, REQUEST_USER), 0);
}

/* "key-open" reports each question to a vault; a hit in the cache asks none and reports none. */
static void each_opening_is_an_event(void **state)
{
	struct fix *f = *state;
	struct wrap_ref ref;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	for (int i = 0; i < 10; i++)
		assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
	assert_int_equal(fix_events(f, "key-open", "\"outcome\":\"ok\"", "\"generation\":1"), 1);
	assert_int_equal(fix_events(f, "key-open", "\"policy\":\"P\"", "\"key_id\":\"local://"), 1);
	assert_int_equal(fix_events(f, "key-open", "\"request_id\":\"", ""), 1);
}

/* Customer Key: one of the two at random, so that both are known to work. */
static void either_root_comes_first_sometimes(void **state)
{
	struct fix *f = *state;
	unsigned hot, cold;
	struct wrap_ref ref;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	hot = fix_asked(f, "hot", "unwrapKey");
	cold = fix_asked(f, "cold", "unwrapKey");
	for (int i = 0; i < 40; i++) { /* one-sided once in 2^39 runs */
		keyring_forget(f->e->keyring, ref.policy_id);
		assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
	}
	hot = fix_asked(f, "hot", "unwrapKey") - hot;
	cold = fix_asked(f, "cold", "unwrapKey") - cold;
	assert_int_equal(hot + cold, 40);
	assert_true(hot > 0 && cold > 0);
}

/* Bad bytes in a record's copy (not a vault's fault setting): the other copy is used. */
static void a_key_that_cannot_be_opened_by_anything_is_ebadmsg(void **state)
{
	struct fix *f = *state;
	struct tables *t = &f->e->policies->tables;
	struct wrap_ref ref;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	t->policies[0]->keys[0]->roots[0].wrapped[100] ^= 1;
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
	keyring_forget(f->e->keyring, ref.policy_id);
	t->policies[0]->keys[0]->roots[1].wrapped[100] ^= 1;
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0); /* the availability copy */
	keyring_forget(f->e->keyring, ref.policy_id);
	t->policies[0]->keys[0]->avail_copy[7] ^= 1;
	REFUSED(f, -EBADMSG, fix_get(f, &ref, REQUEST_USER));
	REFUSED(f, -EBADMSG, fix_get(f, &ref, REQUEST_SYSTEM));
	assert_true(fix_events(f, "key-copy-damaged", "\"copy\":\"availability\"", "") >= 2);
	assert_true(fix_events(f, "key-copy-damaged", KEY_A, "") >= 1);
}

/* The figure for the report; the claim is only that the hot path asks no vault. */
static void peek_is_from_memory(void **state)
{
	struct fix *f = *state;
	struct timespec from, to;
	struct wrap_ref ref;
	unsigned hot;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
	hot = fix_asked(f, "hot", "") + fix_asked(f, "cold", "");
	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < 1000000; i++)
		assert_true(fix_peek(f, &ref, REQUEST_USER) == 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &to);
	assert_int_equal(fix_asked(f, "hot", "") + fix_asked(f, "cold", ""), hot);
	print_message("keyring_peek and put: %.0f ns\n", ((double)(to.tv_sec - from.tv_sec) * 1e9 +
							  (double)(to.tv_nsec - from.tv_nsec)) /
								 1e6);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(opening_a_dep_key_follows_the_table_row_by_row),
		T(denials_of_every_sort_revoke),
		T(system_key_is_not_served_to_users),
		T(a_revoked_policy_is_not_asked_in_a_storm),
		T(unknown_keys_are_enokey),
		T(each_opening_is_an_event),
		T(either_root_comes_first_sometimes),
		T(a_key_that_cannot_be_opened_by_anything_is_ebadmsg),
		T(peek_is_from_memory),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group) ? 1 : 0;
}
