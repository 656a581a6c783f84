/* tests/unit/test_acts_faults.c - an act in which any one call fails is done whole or not at all.
 */
#include "engine_fixture.h"

#include "fault.h"
#include "fs/policy/job.h"

/* Each nth call is tried in one build; some in the others, most of which are slow. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__clang__)
#define STRIDE 9
#else
#define STRIDE 1
#endif

#define MAILBOX "alice"

/* A state from which the act starts, and the act. */
struct act {
	const char *name;
	void (*prepare)(struct fix *f);
	int (*run)(struct fix *f);
};

static void nothing(struct fix *f)
{
	(void)f;
}

static void with_p(struct fix *f)
{
	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
}

static void with_mailbox_p(struct fix *f)
{
	fix_policy(f, "P", POLICY_MAILBOX);
}

static void with_draft(struct fix *f)
{
	DONE(f, policy_create_draft(f->e, "P", &WHO, &f->err));
}

static void with_disabled(struct fix *f)
{
	with_p(f);
	DONE(f, policy_disable(f->e, "P", &WHO, &f->err));
}

static void with_assigned(struct fix *f)
{
	with_p(f);
	DONE(f, assign_tenant(f->e, "P", &WHO, &f->err));
}

static void with_mailbox_assigned(struct fix *f)
{
	with_mailbox_p(f);
	DONE(f, assign_mailbox(f->e, MAILBOX, "P", &WHO, &f->err));
}

static void with_newer_roots(struct fix *f)
{
	char kid[KEY_ID_MAX];

	with_p(f);
	fix_rotate(f, KEY_A, kid);
	fix_rotate(f, KEY_B, kid);
}

static int create(struct fix *f)
{
	return policy_create(f->e, "P", AB, POLICY_MAILBOX, "of faults", &WHO, &f->err);
}

static int draft(struct fix *f)
{
	return policy_create_draft(f->e, "P", &WHO, &f->err);
}

static int set_kind(struct fix *f)
{
	return policy_set_kind(f->e, "P", POLICY_MAILBOX, &WHO, &f->err);
}

static int discard(struct fix *f)
{
	return policy_remove(f->e, "P", REMOVE_KEEP, &WHO, &f->err);
}

static int set_keys(struct fix *f)
{
	return policy_set_keys(f->e, "P", CD, &WHO, &f->err);
}

static int rename_to_q(struct fix *f)
{
	return policy_rename(f->e, "P", "Q", &WHO, &f->err);
}

static int describe(struct fix *f)
{
	return policy_describe(f->e, "P", "another", &WHO, &f->err);
}

static int enable(struct fix *f)
{
	return policy_enable(f->e, "P", &WHO, &f->err);
}

static int disable(struct fix *f)
{
	return policy_disable(f->e, "P", &WHO, &f->err);
}

static int rotate(struct fix *f)
{
	return policy_rotate(f->e, "P", &WHO, &f->err);
}

static int refresh(struct fix *f)
{
	return policy_refresh(f->e, "P", &WHO, &f->err);
}

static int check(struct fix *f)
{
	return policy_check(f->e, "P", &WHO, &f->err);
}

static int assign(struct fix *f)
{
	return assign_tenant(f->e, "P", &WHO, &f->err);
}

static int unassign(struct fix *f)
{
	return unassign_tenant(f->e, &WHO, &f->err);
}

static int mailbox_assign(struct fix *f)
{
	return assign_mailbox(f->e, MAILBOX, "P", &WHO, &f->err);
}

static int mailbox_unassign(struct fix *f)
{
	return unassign_mailbox(f->e, MAILBOX, &WHO, &f->err);
}

static const struct act acts[] = {
	{"create", nothing, create},
	{"draft", nothing, draft},
	{"set kind", with_draft, set_kind},
	{"complete a draft", with_draft, set_keys},
	{"discard", with_draft, discard},
	{"replace keys", with_assigned, set_keys},
	{"rename", with_p, rename_to_q},
	{"describe", with_p, describe},
	{"enable", with_disabled, enable},
	{"disable", with_p, disable},
	{"rotate", with_assigned, rotate},
	{"refresh", with_newer_roots, refresh},
	{"check", with_p, check},
	{"assign", with_p, assign},
	{"unassign", with_assigned, unassign},
	{"assign to a mailbox", with_mailbox_p, mailbox_assign},
	{"unassign a mailbox", with_mailbox_assigned, mailbox_unassign},
};

/* ---- what a store holds, as text: no ids, which differ from store to store ---- */

#define DUMP_LEN 8192

static void dump_policy(struct fix *f, const struct policy_info *p, FILE *out)
{
	struct wrap_ref ref = {.generation = p->generation};

	(void)fprintf(out, "%s '%s' %s %s tenant=%d mailboxes=%u generation=%u\n", p->name,
		      p->description, policy_kind_name(p->kind), p->enabled ? "on" : "off",
		      p->assigned_tenant, p->mailboxes_assigned, p->generation);
	for (int root = 0; root < 2; root++)
		(void)fprintf(out, "  %s %s\n", p->roots[root].key_id, p->roots[root].kid);
	memcpy(ref.policy_id, p->id, UUID_LEN);
	for (; ref.generation > 0; ref.generation--) /* every key opens */
		(void)fprintf(out, "  %u: %s\n", ref.generation,
			      errno_name(fix_get(f, &ref, REQUEST_USER)));
}

static void dump_jobs(struct fix *f, FILE *out)
{
	CLEANUP(free_mem_p) struct job_info *list = NULL;
	size_t count;

	assert_int_equal(job_list(f->e, &list, &count), 0);
	for (size_t i = 0; i < count; i++)
		(void)fprintf(out, "job %s %s '%s' '%s'\n", job_kind_name(list[i].rec.kind),
			      job_state_name(list[i].rec.state), list[i].policy,
			      list[i].rec.mailbox);
}

static void dump(struct fix *f, char out[static DUMP_LEN])
{
	CLEANUP(fclose_p) FILE *text = fmemopen(out, DUMP_LEN, "w");
	CLEANUP(free_mem_p) struct policy_info *list = NULL;
	struct policy_info mailbox;
	size_t count;

	assert_non_null(text);
	assert_int_equal(policy_list(f->e, &list, &count), 0);
	for (size_t i = 0; i < count; i++)
		dump_policy(f, &list[i], text);
	if (assignment_of_mailbox(f->e, MAILBOX, &mailbox) == 0)
		(void)fprintf(text, "%s: %s\n", MAILBOX, mailbox.name);
	dump_jobs(f, text);
	assert_int_equal(fputc('\0', text), '\0');
}

/* ---- one act, with the nth call failing ---- */

static char old_state[DUMP_LEN], new_state[DUMP_LEN];

static void copy_tree(const char *from, const char *to)
{
	char command[512];

	fix_rmtree(to);
	(void)snprintf(command, sizeof(command), "cp -a %s %s", from, to);
	assert_int_equal(system(command), 0);
}

static void restart_without_state(struct fix *f)
{
	char state[128];

	fix_close(f);
	(void)snprintf(state, sizeof(state), "%s/.depfs/state", f->store);
	fix_rmtree(state);
	fix_open(f);
}

static void assert_state(struct fix *f, const char *expected, const char *where, const char *which)
{
	char now[DUMP_LEN] = "";

	dump(f, now);
	if (strcmp(now, expected) != 0)
		fail_msg("%s: %s holds\n%s--- not\n%s", where, which, now, expected);
}

/* In memory, on disk and in the snapshot: one state, in full. */
static void assert_states(struct fix *f, const char *expected, const char *where)
{
	assert_state(f, expected, where, "memory");
	fix_restart(f);
	assert_state(f, expected, where, "the state");
	restart_without_state(f);
	assert_state(f, expected, where, "the snapshot");
}

/* Return: there was no nth call any more. */
static bool try_one(struct fix *f, const struct act *act, const char *saved, enum fault_kind kind,
		    long nth)
{
	char where[160];
	bool hit;
	int r;

	fix_close(f);
	copy_tree(saved, f->dir);
	fix_open(f);
	f->err.text[0] = '\0';
	fault_arm(kind, nth);
	r = act->run(f);
	hit = fault_disarm();
	(void)snprintf(where, sizeof(where), "%s, %s %ld fails (%s: %.60s)", act->name,
		       fault_names[kind], nth, errno_name(r), f->err.text);
	if (!hit && r < 0)
		fail_msg("%s: without a fault", where);
	if (r < 0 && !f->err.text[0])
		fail_msg("%s: no sentence", where);
	if (nth % 2) /* the same daemon goes on, or another */
		assert_state(f, r < 0 ? old_state : new_state, where, "memory");
	else
		assert_states(f, r < 0 ? old_state : new_state, where);
	if (r < 0) {
		DONE(f, act->run(f));
		assert_state(f, new_state, where, "the act repeated");
		if (nth % 2)
			assert_states(f, new_state, where);
	}
	return !hit;
}

static void try_act(struct fix *f, const struct act *act)
{
	char saved[96];

	(void)snprintf(saved, sizeof(saved), "%s.saved", f->dir);
	act->prepare(f);
	memset(old_state, 0, sizeof(old_state));
	memset(new_state, 0, sizeof(new_state));
	fix_restart(f);
	dump(f, old_state);
	fix_close(f);
	copy_tree(f->dir, saved);
	fix_open(f);
	DONE(f, act->run(f));
	dump(f, new_state);
	for (int kind = 0; kind < FAULT_KINDS; kind++) {
		long nth = 1;

		while (!try_one(f, act, saved, (enum fault_kind)kind, nth))
			nth += STRIDE;
		print_message("%s: %s, up to %ld\n", act->name, fault_names[kind], nth);
	}
	fix_rmtree(saved);
}

/* Whatever fails in the middle of an act: old or new, never a mixture, and it can be repeated. */
static void act_is_whole_whatever_fails(void **state)
{
	struct fix *f = *state;

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		try_act(f, &acts[i]);
		assert_int_equal(fix_teardown(state), 0);
		assert_int_equal(fix_setup(state), 0);
		f = *state;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(act_is_whole_whatever_fails, fix_setup,
						fix_teardown),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group);
}
