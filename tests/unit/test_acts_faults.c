/* tests/unit/test_acts_faults.c - an act in which any one call fails is done whole or not at all.
 */
#include "tests/unit/acts_table.h"
#include "tests/unit/fault.h"

/* Each nth call is tried in one build; some in the others, most of which are slow. Odd, since every
 * other one is looked at in another way. */
#if defined(__SANITIZE_THREAD__)
#define STRIDE 9
#elif defined(__SANITIZE_ADDRESS__) || defined(__clang__)
#define STRIDE 5
#else
#define STRIDE 1
#endif

/* ---- what a store holds, as text: no ids, which differ from store to store ---- */

#define DUMP_LEN 8192

static void dump_policy(struct fix *f, const struct policy *p, FILE *out)
{
	struct wrap_ref ref = {0};

	(void)fprintf(out, "%s '%s' %s flags=%x tenant=%d mailboxes=%u generation=%u proof=%d\n",
		      p->rec.name, p->rec.description, policy_kind_name(p->rec.kind), p->rec.flags,
		      p == f->e->policies->tables.tenant, p->mailboxes, p->rec.generation,
		      p->proof.untargeted);
	(void)fprintf(out, "  %s availability key\n",
		      bytes_are_zero(p->rec.wrapped_avail, WRAP_LEN) ? "no" : "an");
	memcpy(ref.policy_id, p->rec.id, UUID_LEN);
	for (uint32_t i = 0; i < p->n_keys; i++) { /* every key opens */
		ref.generation = p->keys[i]->generation;
		(void)fprintf(out, "  %u: %s %s: %s\n", ref.generation, p->keys[i]->roots[0].key_id,
			      p->keys[i]->roots[1].key_id,
			      errno_name(fix_get(f, &ref, REQUEST_SYSTEM)));
	}
}

static void dump_jobs(struct fix *f, FILE *out)
{
	CLEANUP(free_mem_p) struct job_info *list = NULL;
	size_t count;

	assert_int_equal(job_list(f->e->jobs, &list, &count), 0);
	for (size_t i = 0; i < count; i++) {
		char id[UUID_TEXT_LEN];

		uuid_encode(list[i].rec.policy_id, id);
		(void)fprintf(out, "job %s %s %s '%s' '%s' rate=%u\n",
			      job_kind_name(list[i].rec.kind), job_state_name(list[i].rec.state),
			      list[i].rec.kind == JOB_RENEW ? "-" : id, list[i].rec.mailbox,
			      list[i].rec.path, list[i].rec.rate);
	}
}

static void dump_scan(struct fix *f, FILE *out)
{
	CLEANUP(scan_result_fini) struct scan_result res = {0};
	uint64_t files, bytes;

	if (scan_last(f->e->policies, &res) < 0)
		return;
	scan_sum(&res, NULL, &files, &bytes);
	(void)fprintf(out, "scan %llu: %llu files, %llu bytes, %llu mailboxes\n",
		      (unsigned long long)res.job, (unsigned long long)files,
		      (unsigned long long)bytes, (unsigned long long)res.mailboxes);
}

static void dump(struct fix *f, char out[static DUMP_LEN])
{
	CLEANUP(fclose_p) FILE *text = fmemopen(out, DUMP_LEN, "w");
	struct policy_info mailbox;

	assert_non_null(text);
	for (size_t i = 0; i < f->e->policies->tables.n_policies; i++)
		dump_policy(f, f->e->policies->tables.policies[i], text);
	if (assignment_of_mailbox(f->e->policies, MAILBOX, &mailbox) == 0)
		(void)fprintf(text, "%s: %s\n", MAILBOX, mailbox.name);
	dump_jobs(f, text);
	dump_scan(f, text);
	assert_int_equal(fputc('\0', text), '\0');
}

/* ---- one act, with the nth call failing ---- */

static char old_state[DUMP_LEN], new_state[DUMP_LEN];

/* The store alone: no act changes the vaults. */
static void copy_store(const char *from, const char *to)
{
	fix_rmtree(to);
	fix_copy(from, to);
}

/* A clean stop makes a snapshot of its own; @held is a name for the one that the act left. */
static void hold_snapshot(struct fix *f, const char *held)
{
	char snapshot[128];

	(void)snprintf(snapshot, sizeof(snapshot), "%s/.depfs/state.snapshot", f->store);
	assert_int_equal(link(snapshot, held), 0);
}

static void restart_from_snapshot(struct fix *f, const char *held)
{
	char state[128], snapshot[128];

	fix_close(f);
	(void)snprintf(state, sizeof(state), "%s/.depfs/state", f->store);
	(void)snprintf(snapshot, sizeof(snapshot), "%s/.depfs/state.snapshot", f->store);
	fix_rmtree(state);
	assert_int_equal(rename(held, snapshot), 0);
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
static void assert_states(struct fix *f, const struct act *act, const char *expected,
			  const char *where)
{
	char held[96];

	(void)snprintf(held, sizeof(held), "%s/held", f->dir);
	hold_snapshot(f, held);
	assert_state(f, expected, where, "memory");
	fix_restart(f);
	assert_state(f, expected, where, "the state");
	restart_from_snapshot(f, held);
	assert_state(f, act->state_only ? old_state : expected, where, "the snapshot");
}

/* Return: there was no nth call any more. */
static bool try_one(struct fix *f, const struct act *act, const char *saved, enum fault_kind kind,
		    long nth)
{
	char where[160];
	bool hit;
	int r;

	fix_close(f);
	copy_store(saved, f->store);
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
		assert_states(f, act, r < 0 ? old_state : new_state, where);
	if (r < 0) {
		DONE(f, act->run(f));
		assert_state(f, new_state, where, "the act repeated");
		if (nth % 2)
			assert_states(f, act, new_state, where);
	}
	return !hit;
}

static void try_act(struct fix *f, const struct act *act)
{
	char saved[96];

	(void)snprintf(saved, sizeof(saved), "%s.saved", f->dir);
	act->prepare(f);
	fault_forget();
	memset(old_state, 0, sizeof(old_state));
	memset(new_state, 0, sizeof(new_state));
	fix_restart(f);
	dump(f, old_state);
	fix_close(f);
	copy_store(f->store, saved);
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

	for (size_t i = 0; i < N_ACTS; i++) {
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
