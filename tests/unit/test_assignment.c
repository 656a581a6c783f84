/* tests/unit/test_assignment.c - tenant and mailboxes: which policy covers what, and each refusal.
 */
#include "tests/unit/engine_fixture.h"

#include "fs/policy/policies_internal.h"

static enum target_source target(struct fix *f, const char *path, struct wrap_ref *ret_ref)
{
	const struct scope *s;

	assert_int_equal(scope_of_path(f->e->scopes, path, &s), 0);
	return target_resolve(f->e->policies, s, ret_ref);
}

static void covered(struct fix *f, const char *path, enum target_source source, const char *p)
{
	struct wrap_ref ref, expected = {.generation = 1};

	if (p)
		expected = fix_ref(f, p);
	assert_int_equal(target(f, path, &ref), source);
	assert_true(wrap_ref_equal(&ref, &expected));
}

/* Resolution for new data (fs/README.md, Workloads). */
static void mailbox_wins_over_tenant_over_service(void **state)
{
	struct fix *f = *state;

	fix_policy(f, "M", POLICY_MAILBOX);
	fix_policy(f, "T", POLICY_MULTI_WORKLOAD);
	covered(f, "mailbox/u1/x", TARGET_SERVICE, NULL);
	DONE(f, assign_tenant(f->e->policies, "T", ASSIGN_PROVED, &WHO, &f->err));
	DONE(f, assign_mailbox(f->e->policies, "u1", "M", ASSIGN_PROVED, &WHO, &f->err));
	for (int round = 0; round < 2; round++) {
		covered(f, "mailbox/u1/x", TARGET_MAILBOX, "M");
		covered(f, "mailbox/u2/x", TARGET_TENANT, "T");
		covered(f, "mailbox/x", TARGET_TENANT, "T");
		covered(f, "signals/x", TARGET_TENANT, "T");
		covered(f, "chat/x", TARGET_TENANT, "T");
		covered(f, "edm/x", TARGET_TENANT, "T");
		covered(f, "planner/x", TARGET_SERVICE, NULL);
		covered(f, "x", TARGET_SERVICE, NULL);
		fix_restart(f);
	}
	DONE(f, unassign_mailbox(f->e->policies, "u1", &WHO, &f->err));
	covered(f, "mailbox/u1/x", TARGET_TENANT, "T");
	DONE(f, unassign_tenant(f->e->policies, &WHO, &f->err));
	covered(f, "mailbox/u1/x", TARGET_SERVICE, NULL);
	fix_restart(f);
	covered(f, "chat/x", TARGET_SERVICE, NULL);
}

/* A file whose target was resolved in this epoch need not ask again. */
static void the_epoch_changes_with_every_target(void **state)
{
	struct fix *f = *state;
	uint64_t epoch;

	fix_policy(f, "M", POLICY_MAILBOX);
	fix_policy(f, "T", POLICY_MULTI_WORKLOAD);
	epoch = targets_epoch(f->e->policies);
	DONE(f, assign_tenant(f->e->policies, "T", ASSIGN_PROVED, &WHO, &f->err));
	assert_true(targets_epoch(f->e->policies) != epoch);
	epoch = targets_epoch(f->e->policies);
	DONE(f,
	     assign_tenant(f->e->policies, "t", ASSIGN_PROVED, &WHO, &f->err)); /* the same again */
	DONE(f, unassign_mailbox(f->e->policies, "not assigned", &WHO, &f->err));
	assert_int_equal(targets_epoch(f->e->policies), epoch);
	DONE(f, assign_mailbox(f->e->policies, "u1", "M", ASSIGN_PROVED, &WHO, &f->err));
	assert_true(targets_epoch(f->e->policies) != epoch);
	epoch = targets_epoch(f->e->policies);
	DONE(f, unassign_mailbox(f->e->policies, "u1", &WHO, &f->err));
	assert_true(targets_epoch(f->e->policies) != epoch);
	epoch = targets_epoch(f->e->policies);
	DONE(f, unassign_tenant(f->e->policies, &WHO, &f->err));
	assert_true(targets_epoch(f->e->policies) != epoch);
}

static void what_cannot_be_assigned_is_refused(void **state)
{
	struct fix *f = *state;
	struct policy_info info;

	fix_policy(f, "M", POLICY_MAILBOX);
	fix_policy(f, "T", POLICY_MULTI_WORKLOAD);
	DONE(f, policy_create_draft(f->e->policies, "D", &WHO, &f->err));
	REFUSED(f, -EINVAL,
		assign_tenant(f->e->policies, "M", ASSIGN_PROVED, &WHO, &f->err)); /* wrong kind */
	REFUSED(f, -EINVAL,
		assign_mailbox(f->e->policies, "u1", "T", ASSIGN_PROVED, &WHO, &f->err));
	REFUSED(f, -EINVAL,
		assign_tenant(f->e->policies, "D", ASSIGN_PROVED, &WHO, &f->err)); /* draft */
	DONE(f, policy_disable(f->e->policies, "M", &WHO, &f->err));
	DONE(f, policy_disable(f->e->policies, "T", &WHO, &f->err));
	REFUSED(f, -EINVAL,
		assign_tenant(f->e->policies, "T", ASSIGN_PROVED, &WHO, &f->err)); /* disabled */
	REFUSED(f, -EINVAL,
		assign_mailbox(f->e->policies, "u1", "M", ASSIGN_PROVED, &WHO, &f->err));
	assert_int_equal(assignment_get(f->e->policies, &info), -ENOENT);
	assert_int_equal(assignment_of_mailbox(f->e->policies, "u1", &info), -ENOENT);
	assert_int_equal(fix_events(f, "assign-mailbox", "\"outcome\":\"EINVAL\"", "\"u1\""), 2);
}

/* Nothing new would be covered by it, and its data is being written right now. */
static void an_assigned_policy_is_not_disabled(void **state)
{
	struct fix *f = *state;

	fix_policy(f, "M", POLICY_MAILBOX);
	fix_policy(f, "T", POLICY_MULTI_WORKLOAD);
	DONE(f, assign_tenant(f->e->policies, "T", ASSIGN_PROVED, &WHO, &f->err));
	DONE(f, assign_mailbox(f->e->policies, "u1", "M", ASSIGN_PROVED, &WHO, &f->err));
	REFUSED(f, -EBUSY, policy_disable(f->e->policies, "T", &WHO, &f->err));
	REFUSED(f, -EBUSY, policy_disable(f->e->policies, "M", &WHO, &f->err));
	fix_restart(f);
	REFUSED(f, -EBUSY, policy_disable(f->e->policies, "M", &WHO, &f->err));
	DONE(f, unassign_mailbox(f->e->policies, "u1", &WHO, &f->err));
	DONE(f, policy_disable(f->e->policies, "M", &WHO, &f->err));
	DONE(f, policy_disable(f->e->policies, "M", &WHO, &f->err)); /* idempotent */
	assert_int_equal(fix_info(f, "M").state, POLICY_DISABLED);
	DONE(f, policy_enable(f->e->policies, "M", &WHO, &f->err));
	assert_int_equal(fix_info(f, "M").state, POLICY_UNPROVED); /* since the restart */
}

/* Data under a disabled policy stays readable. */
static void a_disabled_policy_still_opens(void **state)
{
	struct fix *f = *state;
	struct wrap_ref ref;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	DONE(f, policy_disable(f->e->policies, "P", &WHO, &f->err));
	ref = fix_ref(f, "P");
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
}

static void one_tenant_policy_replaces_another(void **state)
{
	struct policy_info info;
	struct fix *f = *state;

	fix_policy(f, "T", POLICY_MULTI_WORKLOAD);
	fix_policy(f, "U", POLICY_MULTI_WORKLOAD);
	DONE(f, assign_tenant(f->e->policies, "T", ASSIGN_PROVED, &WHO, &f->err));
	DONE(f, assign_tenant(f->e->policies, "U", ASSIGN_PROVED, &WHO, &f->err));
	assert_int_equal(assignment_get(f->e->policies, &info), 0);
	assert_string_equal(info.name, "U");
	assert_true(info.assigned_tenant && !fix_info(f, "T").assigned_tenant);
}

/* An id is a folder's name below mailbox/. */
static void bad_mailbox_ids_are_refused(void **state)
{
	struct fix *f = *state;
	char longest[MAILBOX_ID_MAX + 2];
	const char *const bad[] = {"", ".", "..", "a/b", "a\nb", "a\x7f", longest};

	memset(longest, 'x', sizeof(longest));
	longest[MAILBOX_ID_MAX + 1] = '\0';
	fix_policy(f, "M", POLICY_MAILBOX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		REFUSED(f, -EINVAL,
			assign_mailbox(f->e->policies, bad[i], "M", ASSIGN_PROVED, &WHO, &f->err));
		REFUSED(f, -EINVAL, unassign_mailbox(f->e->policies, bad[i], &WHO, &f->err));
	}
	longest[MAILBOX_ID_MAX] = '\0';
	DONE(f, assign_mailbox(f->e->policies, longest, "M", ASSIGN_PROVED, &WHO, &f->err));
	fix_restart(f);
	assert_int_equal(fix_info(f, "M").mailboxes_assigned, 1);
}

static void mailboxes_are_listed_and_counted(void **state)
{
	struct policy_info info;
	struct fix *f = *state;
	size_t n, seen = 0;
	char *ids;

	fix_policy(f, "M", POLICY_MAILBOX);
	fix_policy(f, "N", POLICY_MAILBOX);
	DONE(f, assign_mailbox(f->e->policies, "u1", "M", ASSIGN_PROVED, &WHO, &f->err));
	DONE(f, assign_mailbox(f->e->policies, "U1", "M", ASSIGN_PROVED, &WHO,
			       &f->err)); /* folders are case-sensitive */
	DONE(f, assign_mailbox(f->e->policies, "u1", "N", ASSIGN_PROVED, &WHO, &f->err));
	assert_int_equal(fix_info(f, "M").mailboxes_assigned, 1);
	assert_int_equal(fix_info(f, "N").mailboxes_assigned, 1);
	assert_int_equal(assignment_of_mailbox(f->e->policies, "u1", &info), 0);
	assert_string_equal(info.name, "N");
	assert_int_equal(mailbox_list(f->e->policies, &ids, &n), 0);
	assert_int_equal(n, 2);
	for (const char *at = ids; n-- > 0; at += strlen(at) + 1)
		seen += strcmp(at, "u1") == 0 ? 1 : strcmp(at, "U1") == 0 ? 10 : 100;
	assert_int_equal(seen, 11);
	free(ids);
}

/* Fifty active ones at most: counted where one becomes active. */
static void the_51st_mailbox_policy_is_refused(void **state)
{
	struct fix *f = *state;
	char name[16];

	for (int i = 0; i < POLICY_MAILBOX_MAX; i++) {
		(void)snprintf(name, sizeof(name), "M%d", i);
		fix_policy(f, name, POLICY_MAILBOX);
	}
	REFUSED(f, -EDQUOT,
		policy_create(f->e->policies, "M50", AB, POLICY_MAILBOX, "", &WHO, &f->err));
	DONE(f, policy_create_draft(f->e->policies, "M50", &WHO, &f->err));
	DONE(f, policy_set_kind(f->e->policies, "M50", POLICY_MAILBOX, &WHO, &f->err));
	REFUSED(f, -EDQUOT, policy_set_keys(f->e->policies, "M50", AB, &WHO, &f->err));
	DONE(f, assign_mailbox(f->e->policies, "u1", "M49", ASSIGN_PROVED, &WHO, &f->err));
	DONE(f, policy_disable(f->e->policies, "M0", &WHO, &f->err));
	DONE(f, policy_set_keys(f->e->policies, "M50", AB, &WHO, &f->err));
	REFUSED(f, -EDQUOT, policy_enable(f->e->policies, "M0", &WHO, &f->err));
	fix_policy(f, "T", POLICY_MULTI_WORKLOAD); /* the other kind has no limit */
}

/* A store from elsewhere may hold more active ones: none of them gets a mailbox more. */
static void too_many_active_ones_are_not_assigned(void **state)
{
	struct fix *f = *state;
	struct tables *t = &f->e->policies->tables;
	char name[16];

	for (int i = 0; i <= POLICY_MAILBOX_MAX; i++) {
		(void)snprintf(name, sizeof(name), "M%d", i);
		fix_policy(f, name, POLICY_MAILBOX);
		t->policies[0]->rec.flags &= (uint16_t)~POLICY_FLAG_ENABLED; /* M0 alone */
	}
	t->policies[0]->rec.flags |= POLICY_FLAG_ENABLED;
	REFUSED(f, -EDQUOT,
		assign_mailbox(f->e->policies, "u1", "M5", ASSIGN_PROVED, &WHO, &f->err));
	DONE(f, policy_disable(f->e->policies, "M0", &WHO, &f->err));
	DONE(f, assign_mailbox(f->e->policies, "u1", "M5", ASSIGN_PROVED, &WHO, &f->err));
}

#define T(name) cmocka_unit_test_setup_teardown(name, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(mailbox_wins_over_tenant_over_service), T(the_epoch_changes_with_every_target),
		T(what_cannot_be_assigned_is_refused),	  T(an_assigned_policy_is_not_disabled),
		T(a_disabled_policy_still_opens),	  T(one_tenant_policy_replaces_another),
		T(bad_mailbox_ids_are_refused),		  T(mailboxes_are_listed_and_counted),
		T(the_51st_mailbox_policy_is_refused),	  T(too_many_active_ones_are_not_assigned),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group) ? 1 : 0;
}
