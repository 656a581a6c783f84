/* tests/unit/test_policy_keys.c - refresh, replace and check: copies change whole or not at all. */
#include "tests/unit/engine_fixture.h"

#include "fs/policy/act_internal.h"

static int refresh(struct fix *f)
{
	return policy_refresh(f->e->policies, "P", &WHO, &f->err);
}

static void one_version_disabled(struct fix *f, const char *key_id)
{
	struct key_id id = fix_key(key_id);

	DONE(f, local_key_disable(f->vaults, &id, &f->err));
}

/* Customer Key's roll: rotate in the vault, then refresh; the old version can go afterwards. */
static void refresh_takes_the_newest_versions(void **state)
{
	struct policy_info before, after;
	struct fix *f = *state;
	char key_id_a[KEY_ID_MAX], key_id_b[KEY_ID_MAX];
	struct wrap_ref ref;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	before = fix_info(f, "P");
	fix_rotate(f, KEY_A, key_id_a);
	fix_rotate(f, KEY_B, key_id_b);
	DONE(f, refresh(f));
	after = fix_info(f, "P");
	assert_string_equal(after.roots[0].copy_key_id, key_id_a);
	assert_string_equal(after.roots[1].copy_key_id, key_id_b);
	assert_int_equal(after.generation, 1); /* the same DEP key in new copies */
	assert_non_null(strstr(after.last_refresh, "key 1 recorded copy: ok\n"));
	assert_non_null(strstr(after.last_refresh, "key 2 copy unwrap: ok\n"));
	one_version_disabled(f, before.roots[0].copy_key_id);
	one_version_disabled(f, before.roots[1].copy_key_id);
	fix_restart(f);
	ref = fix_ref(f, "P");
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
	assert_int_equal(fix_events(f, "availability-key-used", "", ""), 0);
	assert_int_equal(fix_events(f, "policy-refresh", "\"outcome\":\"ok\"", "\"uid\":11"), 1);
}

/* Whatever the vault answers, the old copies stay, and so does what they open. */
static void refresh_that_fails_keeps_the_old_copies(void **state)
{
	static const struct {
		const char *uri;
		enum kms_outcome fault;
		int r;
	} rows[] = {
		{"local://hot", KMS_TRANSIENT, -EAGAIN},
		{"local://cold", KMS_DENIED, -EACCES},
		{"local://cold", KMS_NOT_FOUND, -ENOKEY},
		{"local://cold", KMS_DAMAGED, -EBADMSG}, /* the new copy does not open */
	};
	struct fix *f = *state;
	char key_id[KEY_ID_MAX];
	struct policy_info before;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	before = fix_info(f, "P");
	fix_rotate(f, KEY_A, key_id);
	fix_rotate(f, KEY_B, key_id);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fix_fault(f, rows[i].uri, rows[i].fault, 0);
		REFUSED(f, rows[i].r, refresh(f));
		fix_fault(f, rows[i].uri, KMS_OK, 0);
		assert_string_equal(fix_info(f, "P").roots[0].copy_key_id,
				    before.roots[0].copy_key_id);
		assert_string_equal(fix_info(f, "P").roots[1].copy_key_id,
				    before.roots[1].copy_key_id);
		assert_true(strlen(fix_info(f, "P").last_refresh) > 0);
	}
	fix_restart(f);
	assert_string_equal(fix_info(f, "P").roots[1].copy_key_id, before.roots[1].copy_key_id);
}

/* One root's old version is gone: the other's plaintext makes the new copy. */
static void refresh_heals_one_lost_copy(void **state)
{
	struct policy_info before;
	struct fix *f = *state;
	char key_id[KEY_ID_MAX];

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	before = fix_info(f, "P");
	fix_rotate(f, KEY_A, key_id);
	one_version_disabled(f, before.roots[0].copy_key_id);
	DONE(f, refresh(f));
	assert_string_equal(fix_info(f, "P").roots[0].copy_key_id, key_id);
	assert_non_null(strstr(fix_info(f, "P").last_refresh, "key 1 recorded copy: denied"));
}

/* A refresh is not a system request: with no copy to open, the availability key is not asked. */
static void refresh_never_uses_the_availability_key(void **state)
{
	struct policy_info before;
	struct fix *f = *state;
	char key_id[KEY_ID_MAX];

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	before = fix_info(f, "P");
	fix_rotate(f, KEY_A, key_id);
	fix_rotate(f, KEY_B, key_id);
	one_version_disabled(f, before.roots[0].copy_key_id);
	one_version_disabled(f, before.roots[1].copy_key_id);
	REFUSED(f, -EKEYREVOKED, refresh(f));
	assert_int_equal(fix_events(f, "availability-key-used", "", ""), 0);
}

/* A root version named by the admin does not hold a refresh back: it takes the newest. */
static void refresh_looks_past_a_version_in_the_key_id(void **state)
{
	struct fix *f = *state;
	char key_id[KEY_ID_MAX], first[KEY_ID_MAX];
	const char *ids[2] = {first, KEY_B};

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	(void)snprintf(first, sizeof(first), "%s", fix_info(f, "P").roots[0].copy_key_id);
	DONE(f, policy_create(f->e->policies, "Q", ids, POLICY_MAILBOX, NULL, &WHO, &f->err));
	fix_rotate(f, KEY_A, key_id);
	DONE(f, policy_refresh(f->e->policies, "Q", &WHO, &f->err));
	assert_string_equal(fix_info(f, "Q").roots[0].copy_key_id, key_id);
}

/* The way back when both root keys were lost: the availability key opens, as a system request. */
static void replace_recovers_from_lost_roots(void **state)
{
	struct key_id a = fix_key(KEY_A), b = fix_key(KEY_B);
	struct fix *f = *state;
	struct wrap_ref ref;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	DONE(f, local_key_delete(f->vaults, &a, &f->err));
	DONE(f, local_key_delete(f->vaults, &b, &f->err));
	REFUSED(f, -EKEYREVOKED, fix_get(f, &ref, REQUEST_USER));
	DONE(f, policy_set_keys(f->e->policies, "P", CD, &WHO, &f->err));
	assert_int_equal(fix_events(f, "availability-key-used", "\"outcome\":\"ok\"", ""), 1);
	assert_string_equal(fix_info(f, "P").roots[0].key_id, KEY_C);
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0); /* at once, not a check period later */
	assert_int_equal(fix_info(f, "P").state, POLICY_READY);
	fix_restart(f);
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
	assert_string_equal(fix_info(f, "P").roots[1].key_id, KEY_D);
}

/* The DEP key stays the same: a DEK wrapped before opens after. */
static void replace_keeps_the_dep_key(void **state)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *before = NULL;
	CLEANUP(wrap_key_put_p) struct wrap_key *after = NULL;
	uint8_t key[WRAP_KEY_LEN] = "a key", wrapped[WRAP_LEN], opened[WRAP_KEY_LEN];
	struct fix *f = *state;
	struct wrap_ref ref;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	DONE(f, keyring_get(f->e->keyring, &ref, REQUEST_USER, NULL, &before, &f->err));
	assert_int_equal(wrap_seal(before, (const uint8_t *)"x", 1, key, wrapped), 0);
	DONE(f, policy_set_keys(f->e->policies, "P", CD, &WHO, &f->err));
	DONE(f, keyring_get(f->e->keyring, &ref, REQUEST_USER, NULL, &after, &f->err));
	assert_int_equal(wrap_open(after, (const uint8_t *)"x", 1, wrapped, opened), 0);
	assert_memory_equal(opened, key, sizeof(key));
}

static void replace_is_refused_as_create_is(void **state)
{
	const char *const same_vault[2] = {KEY_A, KEY_A2}, *const soon[2] = {KEY_SOON, KEY_C};
	struct fix *f = *state;
	struct policy_info info;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	REFUSED(f, -EINVAL, policy_set_keys(f->e->policies, "P", same_vault, &WHO, &f->err));
	REFUSED(f, -EINVAL, policy_set_keys(f->e->policies, "P", soon, &WHO, &f->err));
	fix_fault(f, "local://spare", KMS_TRANSIENT, 0);
	REFUSED(f, -EAGAIN, policy_set_keys(f->e->policies, "P", CD, &WHO, &f->err));
	info = fix_info(f, "P");
	assert_string_equal(info.roots[0].key_id, KEY_A);
	assert_non_null(strstr(info.last_check, "key 1 describe: transient"));
	assert_int_equal(info.state, POLICY_READY);
}

/* A check reports what is wrong and changes nothing. */
static void check_tells_and_changes_nothing(void **state)
{
	struct policy_info before, after;
	struct fix *f = *state;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	before = fix_info(f, "P");
	DONE(f, policy_check(f->e->policies, "P", &WHO, &f->err));
	assert_non_null(strstr(fix_info(f, "P").last_check, "key 2 recorded copy: ok\n"));
	fix_disable(f, KEY_A);
	REFUSED(f, -EKEYREVOKED, policy_check(f->e->policies, "P", &WHO, &f->err));
	after = fix_info(f, "P");
	assert_non_null(strstr(after.last_check, "key 1 enabled: refused, the key is disabled\n"));
	assert_non_null(strstr(after.last_check, "key 1 recorded copy: denied"));
	assert_int_equal(after.roots[0].health.outcome, KMS_DENIED);
	assert_int_equal(after.roots[1].health.outcome, KMS_OK);
	assert_int_equal(after.state, POLICY_DEGRADED);
	assert_string_equal(after.roots[0].copy_key_id, before.roots[0].copy_key_id);
	assert_true(after.enabled);
}

/* A second generation, as `rotate` of a later issue makes it; its availability copy is another's.
 */
static void second_generation(struct fix *f)
{
	struct policy_record rec = f->e->policies->tables.policies[0]->rec;
	const struct key_id ids[2] = {fix_key(KEY_A), fix_key(KEY_B)};
	CLEANUP(free_mem_p) struct key_record *key = NULL;
	struct report rep = {0};
	const struct key_record *keys[1];
	struct act a;

	DONE(f, policy_make_keys(f->e->policies, &rec, ids, &key, &rep, &f->err));
	key->generation = rec.generation = 2;
	keys[0] = key;
	DONE(f, act_begin(&a, f->e->policies, "test", &WHO, "P", &f->err));
	memcpy(rec.wrapped_avail, a.policy->rec.wrapped_avail, WRAP_LEN);
	DONE(f, act_commit(&a, &rec, keys, 1));
	DONE(f, act_end(&a, 0));
	fix_restart(f);
}

/* Data of before needs the old generation: its copies must move to the new root versions too. */
static void refresh_renews_every_generation(void **state)
{
	struct policy_info before;
	struct fix *f = *state;
	char key_id[KEY_ID_MAX];
	struct wrap_ref ref;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	before = fix_info(f, "P");
	second_generation(f);
	fix_rotate(f, KEY_A, key_id);
	fix_rotate(f, KEY_B, key_id);
	DONE(f, refresh(f));
	assert_non_null(
		strstr(fix_info(f, "P").last_refresh, "generation 1 key 2 copy unwrap: ok"));
	assert_non_null(
		strstr(fix_info(f, "P").last_refresh, "generation 2 key 1 copy unwrap: ok"));
	one_version_disabled(f, before.roots[0].copy_key_id);
	one_version_disabled(f, before.roots[1].copy_key_id);
	fix_restart(f);
	ref = fix_ref(f, "P");
	assert_int_equal(ref.generation, 2);
	for (; ref.generation > 0; ref.generation--)
		assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
	assert_int_equal(fix_events(f, "availability-key-used", "", ""), 0);
}

/* A retired root version under the old generation proves nothing about the new one. */
static void denial_of_an_old_generation_does_not_revoke_the_new(void **state)
{
	struct policy_info before;
	struct wrap_ref newest, old;
	struct fix *f = *state;
	char key_id[KEY_ID_MAX];

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	before = fix_info(f, "P");
	fix_rotate(f, KEY_A, key_id);
	fix_rotate(f, KEY_B, key_id);
	second_generation(f); /* under the newest versions, the first one is not refreshed */
	newest = old = fix_ref(f, "P");
	old.generation = 1;
	one_version_disabled(f, before.roots[0].copy_key_id);
	one_version_disabled(f, before.roots[1].copy_key_id);
	assert_int_equal(fix_get(f, &newest, REQUEST_USER), 0);
	assert_int_equal(fix_get(f, &old, REQUEST_USER), -EKEYREVOKED);
	assert_int_equal(fix_get(f, &old, REQUEST_SYSTEM), 0);
	assert_int_equal(fix_peek(f, &newest, REQUEST_USER), 0);
	assert_int_not_equal(fix_info(f, "P").state, POLICY_REVOKED);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(refresh_takes_the_newest_versions),
		T(refresh_that_fails_keeps_the_old_copies),
		T(refresh_heals_one_lost_copy),
		T(refresh_never_uses_the_availability_key),
		T(refresh_looks_past_a_version_in_the_key_id),
		T(replace_recovers_from_lost_roots),
		T(replace_keeps_the_dep_key),
		T(replace_is_refused_as_create_is),
		T(check_tells_and_changes_nothing),
		T(refresh_renews_every_generation),
		T(denial_of_an_old_generation_does_not_revoke_the_new),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group) ? 1 : 0;
}
