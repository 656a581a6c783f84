/* tests/unit/test_policy.c - policies made and changed: each refusal.
 */
#include "tests/unit/engine_fixture.h"

static size_t count(struct fix *f)
{
	struct policy_info *list;
	size_t n;

	assert_int_equal(policy_list(f->e->policies, &list, &n), 0);
	free(list);
	return n;
}

static int create(struct fix *f, const char *name, const char *key1, const char *key2)
{
	const char *const ids[2] = {key1, key2};

	return policy_create(f->e->policies, name, ids, POLICY_MULTI_WORKLOAD, "", &WHO, &f->err);
}

/* The usual case: everything that was given is there, under name and id. */
static void create_makes_a_ready_policy(void **state)
{
	struct fix *f = *state;
	struct policy_info info, again;
	char id[UUID_TEXT_LEN];

	DONE(f, policy_create(f->e->policies, "EUR Policy", AB, POLICY_MAILBOX, "for Europe", &WHO,
			      &f->err));
	info = fix_info(f, "eur pOLICY");
	assert_string_equal(info.name, "EUR Policy");
	assert_string_equal(info.description, "for Europe");
	assert_int_equal(info.kind, POLICY_MAILBOX);
	assert_int_equal(info.state, POLICY_READY);
	assert_true(info.enabled && !info.assigned_tenant && info.generation == 1);
	assert_string_equal(info.roots[0].key_id, KEY_A);
	assert_non_null(strstr(info.roots[1].copy_key_id, KEY_B "/"));
	uuid_encode(info.id, id);
	again = fix_info(f, id);
	assert_memory_equal(&info, &again, sizeof(info));
	assert_int_equal(fix_events(f, "policy-create", "\"uid\":11,\"gid\":22,\"pid\":33",
				    "\"outcome\":\"ok\""),
			 1);
	assert_int_equal(fix_events(f, "policy-create", "EUR Policy", id), 1);
}

/* Each check by name, so that the admin sees what was looked at. */
static void create_reports_every_check(void **state)
{
	static const char *const lines[] = {
		"vaults: ok, hot and cold\n",
		"key 1 type: ok, RSA 2048\n",
		"key 2 operations: ok\n",
		"key 1 enabled: ok\n",
		"key 1 expiry: ok, year 9999\n",
		"key 2 expiry: ok, none\n",
		"key 2 recovery level: ok, " LOCAL_LEVEL_DEFAULT "\n",
		"key 1 wrap: ok\n",
		"key 2 unwrap: ok\n",
		"key 1 copy wrap: ok\n",
		"key 2 copy unwrap: ok\n",
		"availability copy: ok\n",
	};
	struct fix *f = *state;
	struct policy_info info;

	DONE(f, create(f, "P", KEY_9999, KEY_B));
	info = fix_info(f, "P");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!strstr(info.last_check, lines[i]))
			fail_msg("no line %s in:\n%s", lines[i], info.last_check);
}

static void names_that_break_a_rule_are_refused(void **state)
{
	struct fix *f = *state;
	char longest[POLICY_NAME_MAX + 2];

	memset(longest, 'x', sizeof(longest));
	longest[POLICY_NAME_MAX + 1] = '\0';
	REFUSED(f, -ENAMETOOLONG, create(f, longest, KEY_A, KEY_B));
	REFUSED(f, -EINVAL, create(f, "", KEY_A, KEY_B));
	REFUSED(f, -EINVAL, create(f, " x", KEY_A, KEY_B));
	REFUSED(f, -EINVAL, create(f, "x ", KEY_A, KEY_B));
	REFUSED(f, -EINVAL, create(f, "x\t", KEY_A, KEY_B));
	REFUSED(f, -EINVAL, create(f, "a/b", KEY_A, KEY_B));
	REFUSED(f, -EINVAL, create(f, "a\nb", KEY_A, KEY_B));
	REFUSED(f, -EINVAL, create(f, "a\x7f", KEY_A, KEY_B));
	REFUSED(f, -EINVAL, create(f, "a\xc2\x85z", KEY_A, KEY_B)); /* U+0085 */
	REFUSED(f, -EINVAL, create(f, ".", KEY_A, KEY_B));
	REFUSED(f, -EINVAL, create(f, "..", KEY_A, KEY_B));
	REFUSED(f, -EINVAL, create(f, "None", KEY_A, KEY_B));
	REFUSED(f, -EINVAL, create(f, "01234567-89AB-cdef-0123-456789abcdef", KEY_A, KEY_B));
	assert_int_equal(count(f), 0);
	longest[POLICY_NAME_MAX] = '\0';
	assert_int_equal(policy_name_check(longest, &f->err), 0);
	assert_int_equal(policy_name_check("Zürich 本", &f->err), 0);
}

/* RFC 3629: what is no UTF-8 in any decoder's eyes. */
static void names_that_are_not_utf8_are_refused(void **state)
{
	static const char *const bad[] = {
		"a\x80",	  "a\xc0\xaf",	       "a\xc1\xbf",	    "a\xe0\x80\xaf",
		"a\xed\xa0\x80",  "a\xf0\x80\x80\xaf", "a\xf4\x90\x80\x80", "a\xf5\x80\x80\x80",
		"a\xc3",	  "a\xe2\x82",	       "a\xf0\x9f\x98",	    "a\xff",
		"a\xe2\x80\xa8z", /* U+2028 breaks a line */
		"a\xe2\x80\xaez", /* U+202E turns the rest around */
		"a\xe2\x80\x8fz", "a\xe2\x81\xa6z",    "a\xd8\x9cz",
	};
	struct fix *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		REFUSED(f, -EINVAL, policy_name_check(bad[i], &f->err));
	DONE(f, policy_name_check("\xf0\x9f\x98\x80 \xed\x9f\xbf \xee\x80\x80", &f->err));
}

static void a_name_is_taken_in_any_case(void **state)
{
	struct fix *f = *state;

	DONE(f, create(f, "Policy", KEY_A, KEY_B));
	REFUSED(f, -EEXIST, create(f, "pOLICY", KEY_A, KEY_B));
	REFUSED(f, -EEXIST, policy_create_draft(f->e->policies, "POLICY", &WHO, &f->err));
	assert_int_equal(count(f), 1);
}

/* One row a check; nothing is left behind by any of them. */
static void unfit_keys_are_refused_by_name(void **state)
{
	static const struct {
		const char *key1, *key2;
		int r;
		const char *says;
	} rows[] = {
		{KEY_A, KEY_A2, -EINVAL, "two vaults"},
		{KEY_A, KEY_A, -EINVAL, "two vaults"},
		{KEY_EC, KEY_B, -EINVAL, "not RSA"},
		{KEY_WRAP, KEY_B, -EINVAL, "unwrapKey"},
		{KEY_B, KEY_SOON, -EINVAL, "expiry"},
		{KEY_B, "local://hot/keys/nothing", -ENOKEY, "nothing"},
		{KEY_A, "local://cold/keys/", -EINVAL, "key 2"},
		{KEY_A, "ftp://cold/keys/b", -EINVAL, "ftp"},
		{KEY_A, "", -EINVAL, "key 2"},
	};
	struct fix *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned before = fix_events(f, "policy-create", "", rows[i].says);
		int r = create(f, "P", rows[i].key1, rows[i].key2);

		if (r != rows[i].r || !strstr(f->err.text, rows[i].says))
			fail_msg("row %zu: %s: %s", i, errno_name(r), f->err.text);
		assert_int_equal(fix_events(f, "policy-create", "", rows[i].says), before + 1);
	}
	assert_int_equal(count(f), 0);
	fix_restart(f);
	assert_int_equal(count(f), 0);
}

/* The vault's own answer is the verdict. */
static void a_vault_that_refuses_gives_its_errno(void **state)
{
	struct fix *f = *state;

	fix_disable(f, KEY_A);
	REFUSED(f, -EKEYREVOKED, create(f, "P", KEY_A, KEY_B));
	fix_enable(f, KEY_A);
	fix_fault(f, "local://cold", KMS_TRANSIENT, 0);
	REFUSED(f, -EAGAIN, create(f, "P", KEY_A, KEY_B));
	fix_fault(f, "local://cold", KMS_DENIED, 0);
	REFUSED(f, -EACCES, create(f, "P", KEY_A, KEY_B));
	fix_fault(f, "local://cold", KMS_DAMAGED, 0); /* wraps, but does not open again */
	REFUSED(f, -EBADMSG, create(f, "P", KEY_A, KEY_B));
	fix_fault(f, "local://cold", KMS_OK, 0);
	DONE(f, create(f, "P", KEY_A, KEY_B));
}

static void a_purgeable_key_warns_and_strict_refuses(void **state)
{
	struct fix *f = *state;

	DONE(f, create(f, "P", KEY_PURGE, KEY_B));
	assert_non_null(
		strstr(fix_info(f, "P").last_check, "key 1 recovery level: warning, purgeable\n"));
	f->strict = true;
	fix_restart(f);
	REFUSED(f, -EINVAL, create(f, "Q", KEY_PURGE, KEY_B));
	assert_int_equal(count(f), 1);
}

/* Ids come from `echo` and from people: blanks around them mean nothing. */
static void key_ids_are_trimmed(void **state)
{
	struct fix *f = *state;

	DONE(f, create(f, "P", "  " KEY_A "\n", KEY_B " "));
	assert_string_equal(fix_info(f, "P").roots[0].key_id, KEY_A);
}

/* mkdir, then key_ids: a draft can do nothing until it has keys. */
static void a_draft_is_completed_by_its_keys(void **state)
{
	struct fix *f = *state;

	DONE(f, policy_create_draft(f->e->policies, "D", &WHO, &f->err));
	assert_int_equal(fix_info(f, "D").state, POLICY_DRAFT);
	DONE(f, policy_set_kind(f->e->policies, "D", POLICY_MAILBOX, &WHO, &f->err));
	REFUSED(f, -EINVAL, policy_enable(f->e->policies, "D", &WHO, &f->err));
	REFUSED(f, -EINVAL, policy_refresh(f->e->policies, "D", &WHO, &f->err));
	REFUSED(f, -EINVAL, policy_check(f->e->policies, "D", &WHO, &f->err));
	fix_restart(f);
	fix_disable(f, KEY_B);
	REFUSED(f, -EKEYREVOKED, policy_set_keys(f->e->policies, "D", AB, &WHO, &f->err));
	assert_int_equal(fix_info(f, "D").state, POLICY_DRAFT);
	assert_non_null(strstr(fix_info(f, "D").last_check, "key 2 enabled: refused, "));
	fix_enable(f, KEY_B);
	DONE(f, policy_set_keys(f->e->policies, "D", AB, &WHO, &f->err));
	assert_int_equal(fix_info(f, "D").state, POLICY_READY);
	assert_true(fix_info(f, "D").roots[1].health.when != 0);
	assert_true(fix_info(f, "D").enabled && fix_info(f, "D").kind == POLICY_MAILBOX);
	REFUSED(f, -EBUSY,
		policy_set_kind(f->e->policies, "D", POLICY_MULTI_WORKLOAD, &WHO, &f->err));
	DONE(f,
	     policy_set_kind(f->e->policies, "D", POLICY_MAILBOX, &WHO, &f->err)); /* idempotent */
}

static void a_draft_is_removed_without_a_trace(void **state)
{
	struct fix *f = *state;

	DONE(f, policy_create_draft(f->e->policies, "D", &WHO, &f->err));
	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	DONE(f, policy_remove(f->e->policies, "D", REMOVE_KEEP, &WHO, &f->err));
	REFUSED(f, -ENOENT, policy_remove(f->e->policies, "D", REMOVE_KEEP, &WHO, &f->err));
	fix_restart(f);
	assert_int_equal(count(f), 1);
}

static void rename_and_describe_change_that_alone(void **state)
{
	struct policy_info before, after;
	struct fix *f = *state;
	char text[POLICY_DESCRIPTION_MAX + 2];

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	fix_policy(f, "Q", POLICY_MULTI_WORKLOAD);
	before = fix_info(f, "P");
	REFUSED(f, -EEXIST, policy_rename(f->e->policies, "P", "q", &WHO, &f->err));
	REFUSED(f, -EINVAL, policy_rename(f->e->policies, "P", "a/b", &WHO, &f->err));
	memset(text, 'x', sizeof(text));
	text[POLICY_DESCRIPTION_MAX + 1] = '\0';
	REFUSED(f, -EINVAL, policy_describe(f->e->policies, "P", text, &WHO, &f->err));
	REFUSED(f, -EINVAL, policy_describe(f->e->policies, "P", "two\nlines", &WHO, &f->err));
	DONE(f, policy_rename(f->e->policies, "P", "p", &WHO,
			      &f->err)); /* its own name in another case */
	DONE(f, policy_rename(f->e->policies, "P", "New", &WHO, &f->err));
	DONE(f, policy_describe(f->e->policies, "New", "text", &WHO, &f->err));
	fix_restart(f);
	REFUSED(f, -ENOENT, policy_rename(f->e->policies, "P", "X", &WHO, &f->err));
	after = fix_info(f, "new");
	assert_string_equal(after.name, "New");
	assert_string_equal(after.description, "text");
	memcpy(after.name, before.name, sizeof(after.name));
	memcpy(after.description, before.description, sizeof(after.description));
	memcpy(after.last_check, before.last_check, sizeof(after.last_check));
	for (unsigned i = 0; i < 2; i++) {
		assert_true(before.roots[i].health.when != 0); /* proved as it was made */
		after.roots[i].health.when = before.roots[i].health.when; /* not asked since */
	}
	assert_true(before.state == POLICY_READY && before.proved != 0);
	assert_true(after.state == POLICY_UNPROVED && after.proved == 0);
	after.state = before.state;
	after.proved = before.proved;
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(fix_events(f, "policy-rename", "\"policy\":\"p\"", "\"new_name\":\"New\""),
			 1);
}

/* A look-up of what does not exist never means all. */
static void unknown_policies_are_enoent_everywhere(void **state)
{
	static const char *const unknown[] = {"X", "", "01234567-89ab-cdef-0123-456789abcdef"};
	struct fix *f = *state;
	struct policy_info info;

	fix_policy(f, "P", POLICY_MAILBOX);
	for (size_t i = 0; i < 3; i++) {
		const char *p = unknown[i];

		REFUSED(f, -ENOENT, policy_get(f->e->policies, p, &info, &f->err));
		REFUSED(f, -ENOENT, policy_set_keys(f->e->policies, p, AB, &WHO, &f->err));
		REFUSED(f, -ENOENT,
			policy_set_kind(f->e->policies, p, POLICY_MAILBOX, &WHO, &f->err));
		REFUSED(f, -ENOENT, policy_rename(f->e->policies, p, "Y", &WHO, &f->err));
		REFUSED(f, -ENOENT, policy_describe(f->e->policies, p, "", &WHO, &f->err));
		REFUSED(f, -ENOENT, policy_enable(f->e->policies, p, &WHO, &f->err));
		REFUSED(f, -ENOENT, policy_disable(f->e->policies, p, &WHO, &f->err));
		REFUSED(f, -ENOENT, policy_refresh(f->e->policies, p, &WHO, &f->err));
		REFUSED(f, -ENOENT, policy_check(f->e->policies, p, &WHO, &f->err));
		REFUSED(f, -ENOENT, policy_remove(f->e->policies, p, REMOVE_KEEP, &WHO, &f->err));
		REFUSED(f, -ENOENT, assign_tenant(f->e->policies, p, ASSIGN_PROVED, &WHO, &f->err));
		REFUSED(f, -ENOENT,
			assign_mailbox(f->e->policies, "u1", p, ASSIGN_PROVED, &WHO, &f->err));
	}
	assert_true(fix_info(f, "P").enabled);
}

static void list_is_by_name_and_survives_a_restart(void **state)
{
	static const char *const names[] = {"a", "B", "c", "D"};
	struct policy_info *list;
	struct fix *f = *state;
	size_t n;

	fix_policy(f, "D", POLICY_MAILBOX);
	fix_policy(f, "a", POLICY_MULTI_WORKLOAD);
	DONE(f, policy_create_draft(f->e->policies, "c", &WHO, &f->err));
	fix_policy(f, "x", POLICY_MULTI_WORKLOAD);
	DONE(f, policy_rename(f->e->policies, "x", "B", &WHO, &f->err));
	for (int round = 0; round < 2; round++) {
		assert_int_equal(policy_list(f->e->policies, &list, &n), 0);
		assert_int_equal(n, 4);
		for (size_t i = 0; i < n; i++)
			assert_string_equal(list[i].name, names[i]);
		free(list);
		fix_restart(f);
	}
}

/* Readers that cache ask for one number. */
static void every_change_is_counted(void **state)
{
	struct fix *f = *state;
	uint64_t no = policy_change_no(f->e->policies);

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	assert_true(policy_change_no(f->e->policies) > no);
	no = policy_change_no(f->e->policies);
	DONE(f, policy_describe(f->e->policies, "P", "x", &WHO, &f->err));
	assert_true(policy_change_no(f->e->policies) > no);
	no = policy_change_no(f->e->policies);
	DONE(f, policy_describe(f->e->policies, "P", "x", &WHO, &f->err)); /* no change */
	assert_int_equal(policy_change_no(f->e->policies), no);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(create_makes_a_ready_policy),
		T(create_reports_every_check),
		T(names_that_break_a_rule_are_refused),
		T(names_that_are_not_utf8_are_refused),
		T(a_name_is_taken_in_any_case),
		T(unfit_keys_are_refused_by_name),
		T(a_vault_that_refuses_gives_its_errno),
		T(a_purgeable_key_warns_and_strict_refuses),
		T(key_ids_are_trimmed),
		T(a_draft_is_completed_by_its_keys),
		T(a_draft_is_removed_without_a_trace),
		T(rename_and_describe_change_that_alone),
		T(unknown_policies_are_enoent_everywhere),
		T(list_is_by_name_and_survives_a_restart),
		T(every_change_is_counted),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group) ? 1 : 0;
}
