/* tests/unit/test_policy_report.c - what acts on keys look at, warn of and record. */
#include "tests/unit/engine_fixture.h"

#include "fs/policy/act_internal.h"
#include "kms/local/edit_internal.h"

static int refresh(struct fix *f)
{
	return policy_refresh(f->e->policies, "P", &WHO, &f->err);
}

static int set_keys(struct fix *f, const char *const ids[static 2])
{
	return policy_set_keys(f->e->policies, "P", ids, &WHO, &f->err);
}

/* A version that is named is looked at, though wraps take the newest, so that a typing error shows.
 */
static void a_named_version_must_be_there(void **state)
{
	const char *const missing[2] = {KEY_A "/00000000000000000000000000000000", KEY_B};
	struct fix *f = *state;

	REFUSED(f, -ENOKEY,
		policy_create(f->e->policies, "Q", missing, POLICY_MAILBOX, "", &WHO, &f->err));
	assert_int_equal(fix_events(f, "policy-create", "ENOKEY", missing[0]), 1);
	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	REFUSED(f, -ENOKEY, set_keys(f, missing));
	assert_non_null(strstr(fix_info(f, "P").last_check, "key 1 named version: not found, "));
	assert_string_equal(fix_info(f, "P").roots[0].key_id, KEY_A);
}

static void a_named_version_must_be_enabled(void **state)
{
	char report[POLICY_OUTCOME_MAX], first[KEY_ID_MAX], key_id[KEY_ID_MAX];
	const char *const ids[2] = {first, KEY_B};
	struct fix *f = *state;
	struct key_id id;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	memcpy(first, fix_info(f, "P").roots[0].copy_key_id, KEY_ID_MAX);
	DONE(f, root_key_check(f->e->kms, first, false, report, &f->err));
	assert_non_null(strstr(report, "named version: ok\n"));
	fix_rotate(f, KEY_A, key_id);
	DONE(f, set_keys(f, ids));
	assert_string_equal(fix_info(f, "P").roots[0].copy_key_id, key_id);
	id = fix_key(first);
	DONE(f, local_key_disable(f->vaults, &id, &f->err));
	assert_int_equal(root_key_check(f->e->kms, first, false, report, &f->err), -EKEYREVOKED);
	assert_non_null(strstr(f->err.text, first));
	assert_non_null(strstr(report, "describe: ok, local://hot/keys/a/"));
	assert_non_null(strstr(report, "named version: refused, this version is disabled\n"));
	REFUSED(f, -EKEYREVOKED, set_keys(f, ids));
	DONE(f, policy_check(f->e->policies, "P", &WHO, &f->err)); /* retired: no copy needs it */
	assert_non_null(strstr(fix_info(f, "P").last_check, "key 1 named version: warning, "));
}

static void key_expires(struct fix *f, const char *uri, int64_t when)
{
	CLEANUP(edit_fini_p) struct edit edit = EDIT_NONE;
	struct key_id id = fix_key(uri);

	DONE(f, edit_begin_live(&edit, f->vaults, &id, &f->err));
	edit.key->expires = when;
	DONE(f, edit_save(&edit, "set", &f->err));
}

/* The newest version may be one that "create" refuses: the admin hears of it, and has new copies.
 */
static void refresh_and_rotate_warn_of_an_unfit_version(void **state)
{
	const struct key_id a = fix_key(KEY_A);
	struct fix *f = *state;
	struct policy_info info;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	DONE(f, refresh(f));
	assert_null(strstr(fix_info(f, "P").last_refresh, "warning"));
	assert_int_equal(fix_events(f, "policy-refresh", "warnings", ""), 0);
	key_expires(f, KEY_A, time(NULL) + 86400);
	DONE(f, refresh(f));
	DONE(f, policy_rotate(f->e->policies, "P", &WHO, &f->err));
	info = fix_info(f, "P");
	assert_non_null(strstr(info.last_refresh, "key 1 expiry: warning, the key expires on "));
	assert_non_null(strstr(info.last_refresh, "key 2 expiry: ok, none\n"));
	assert_non_null(strstr(info.last_rotate, "key 1 expiry: warning, the key expires on "));
	assert_int_equal(info.generation, 2);
	assert_int_equal(fix_events(f, "policy-rotate", "\"warnings\":\"key 1 expiry: ", ""), 1);
	DONE(f, local_deny(f->vaults, &a, LOCAL_OP_GET, &f->err)); /* cannot be looked at */
	DONE(f, refresh(f));
	assert_non_null(strstr(fix_info(f, "P").last_refresh, "key 1 describe: warning, denied, "));
	assert_int_equal(fix_events(f, "policy-refresh", "\"warnings\":\"key 1 describe: ", ""), 1);
}

/* A report is bounded; with many generations the warnings are what must stay in it. */
static void warnings_stay_in_a_report_that_overflows(void **state)
{
	struct report rep = {.spare = CHECK_WRAPPED_LEN};
	struct root_copy copies[2] = {0};
	struct fix *f = *state;

	for (unsigned i = 0; i < 1000; i++)
		report_line(&rep, "generation 1000 key 1 recorded copy", "ok");
	for (unsigned i = 0; i < 2; i++)
		(void)snprintf(copies[i].key_id, KEY_ID_MAX, "%s", KEY_PURGE);
	f->strict = true; /* which is about keys that are to be taken */
	fix_restart(f);
	check_wrapped(f->e->policies, copies, &rep);
	assert_int_equal(rep.r, 0);
	assert_non_null(strstr(rep.text, "key 2 recovery level: warning, purgeable\n"));
}

static unsigned key_events(struct fix *f, const char *event, const char *name, const char *key_id)
{
	char want[KEY_ID_MAX + 32];

	(void)snprintf(want, sizeof(want), "\"%s\":\"%s\"", name, key_id);
	return fix_events(f, event, want, "\"outcome\":\"ok\"");
}

/* An auditor reads from the act's own event under which keys a policy was, and is now. */
static void events_name_the_keys_before_and_after(void **state)
{
	struct fix *f = *state;
	char a1[KEY_ID_MAX], a2[KEY_ID_MAX], b1[KEY_ID_MAX];

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	memcpy(a1, fix_info(f, "P").roots[0].copy_key_id, KEY_ID_MAX);
	memcpy(b1, fix_info(f, "P").roots[1].copy_key_id, KEY_ID_MAX);
	assert_int_equal(key_events(f, "policy-create", "key_1", a1), 1);
	assert_int_equal(key_events(f, "policy-create", "key_2", b1), 1);
	assert_int_equal(fix_events(f, "policy-create", "_before", ""), 0);
	fix_rotate(f, KEY_A, a2);
	DONE(f, refresh(f));
	assert_int_equal(key_events(f, "policy-refresh", "key_1_before", a1), 1);
	assert_int_equal(key_events(f, "policy-refresh", "key_1", a2), 1);
	assert_int_equal(key_events(f, "policy-refresh", "key_2_before", b1), 1);
	DONE(f, policy_rotate(f->e->policies, "P", &WHO, &f->err));
	assert_int_equal(key_events(f, "policy-rotate", "key_1_before", a2), 1);
	assert_int_equal(key_events(f, "policy-rotate", "key_1", a2), 1);
	DONE(f, set_keys(f, CD));
	assert_int_equal(key_events(f, "policy-keys", "key_2_before", b1), 1);
	assert_int_equal(
		key_events(f, "policy-keys", "key_2", fix_info(f, "P").roots[1].copy_key_id), 1);
	fix_fault(f, "local://spare", KMS_DENIED, 0);
	REFUSED(f, -EACCES, refresh(f)); /* nothing was changed, so none is named */
	assert_int_equal(fix_events(f, "policy-refresh", "EACCES", "\"key_1"), 0);
}

/* The longest of everything, and quotation marks, which are two bytes each: it is written whole. */
static void no_key_id_is_too_long_for_an_event(void **state)
{
	struct fix *f = *state;
	char longest[KEY_ID_MAX], name[POLICY_NAME_MAX + 1];
	struct act a;

	memset(longest, 'k', sizeof(longest) - 1);
	longest[KEY_ID_MAX - 1] = '\0';
	memset(name, '"', sizeof(name) - 1);
	name[POLICY_NAME_MAX] = '\0';
	DONE(f, act_begin(&a, f->e->policies, "policy-test", &WHO, NULL, &f->err));
	act_name(&a, name, NULL);
	for (unsigned i = 0; i < 2; i++) {
		memcpy(a.key_ids[i], longest, KEY_ID_MAX);
		memcpy(a.key_ids_before[i], longest, KEY_ID_MAX);
	}
	memset(a.warnings, '"', sizeof(a.warnings) - 1);
	DONE(f, act_end(&a, 0));
	assert_int_equal(key_events(f, "policy-test", "key_2_before", longest), 1);
	assert_int_equal(key_events(f, "policy-test", "key_1", longest), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_named_version_must_be_there),
		T(a_named_version_must_be_enabled),
		T(refresh_and_rotate_warn_of_an_unfit_version),
		T(warnings_stay_in_a_report_that_overflows),
		T(events_name_the_keys_before_and_after),
		T(no_key_id_is_too_long_for_an_event),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group) ? 1 : 0;
}
