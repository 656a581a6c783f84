/* fs/policy/roots.c - the acts about root keys: set or replace both, refresh, check. */
#include <errno.h>
#include <string.h>

#include "fs/policy/act_internal.h"

/* The report is shown until the next one, also that of a refused act. */
static void report_keep(struct act *a, const struct report *rep, char *out)
{
	if (rep->len == 0)
		return;
	act_warnings(a, rep);
	pthread_rwlock_wrlock(&a->ps->tables.lock);
	memcpy(out, rep->text, sizeof(rep->text));
	pthread_rwlock_unlock(&a->ps->tables.lock);
	act_changed(a, TARGETS_SAME);
}

static int replace_do(struct act *a, const char *const ids[static 2], struct report *rep)
{
	struct key_id parsed[2];
	int r = roots_take(a, ids, parsed, rep);

	return r < 0 ? r : policy_replace_keys(a, parsed, rep);
}

int policy_set_keys(struct policies *ps, const char *p, const char *const ids[static 2],
		    const struct actor *actor, struct err *err)
{
	struct report rep = {0};
	struct act a;
	int r = act_begin(&a, ps, "policy-keys", actor, p, err);

	if (r == 0 && policy_is_purged(a.policy)) {
		r = policy_refuse_purged(&a);
	} else if (r == 0) {
		act_key_ids(a.policy, a.key_ids_before);
		r = policy_is_draft(a.policy) ? policy_complete(&a, ids, &rep)
					      : replace_do(&a, ids, &rep);
		act_key_ids(a.policy, a.key_ids);
		report_keep(&a, &rep, a.policy->last_check);
		if (r < 0)
			r = err_prefix(a.err, r, "policy \"%s\"", a.policy_name);
	}
	return act_end(&a, r);
}

static int needs_keys(struct act *a)
{
	if (policy_is_purged(a->policy))
		return policy_refuse_purged(a);
	if (!policy_is_draft(a->policy))
		return 0;
	return err_set(a->err, -EINVAL, "policy \"%s\" is a draft: it has no keys yet",
		       a->policy_name);
}

/* The copies are under the newest versions, which were not checked yet. */
static void wrapped_newest(struct act *a, struct report *rep)
{
	const struct policy *p = a->policy;

	act_key_ids(p, a->key_ids);
	check_wrapped(a->ps, policy_key(p, p->rec.generation)->roots, rep);
}

int policy_refresh(struct policies *ps, const char *p, const struct actor *actor, struct err *err)
{
	struct report rep = {.spare = CHECK_WRAPPED_LEN};
	struct act a;
	int r = act_begin(&a, ps, "policy-refresh", actor, p, err);

	if (r == 0)
		r = needs_keys(&a);
	if (r == 0) {
		act_key_ids(a.policy, a.key_ids_before);
		r = policy_refresh_keys(&a, &rep);
		if (r == 0)
			wrapped_newest(&a, &rep);
		report_keep(&a, &rep, a.policy->last_refresh);
		if (r < 0)
			r = err_prefix(a.err, r, "policy \"%s\" keeps its old copies",
				       a.policy_name);
	}
	return act_end(&a, r);
}

/* Space for the record first, so that nothing can fail once it is durable. */
static int rotate_commit(struct act *a, struct key_record **key, struct job_plan *plan)
{
	struct tables *t = &a->ps->tables;
	struct policy_record rec = a->policy->rec;
	struct policy *p = a->policy;
	struct key_record **more = calloc(p->n_keys + 1, sizeof(struct key_record *)), **old;
	const struct key_record *next = *key;
	int r;

	if (!more)
		return err_set(a->err, -ENOMEM, "no memory for one generation more");
	rec.generation = next->generation;
	r = act_commit_job(a, &rec, &next, 1, plan);
	if (r < 0) {
		free(more);
		return r;
	}
	memcpy(more, p->keys, p->n_keys * sizeof(*more));
	pthread_rwlock_wrlock(&t->lock);
	old = p->keys;
	more[p->n_keys++] = STEAL(*key);
	p->keys = more;
	p->rec = rec;
	pthread_rwlock_unlock(&t->lock);
	free(old);
	act_changed(a, TARGETS_CHANGED);
	return 0;
}

static int rotate_do(struct act *a, struct report *rep)
{
	CLEANUP(free_mem_p) struct key_record *key = NULL;
	struct job_plan plan;
	int r;

	if (!policy_is_enabled(a->policy))
		return err_set(a->err, -EINVAL, "it is disabled; enable it first");
	if (a->policy->rec.generation == UINT32_MAX)
		return err_set(a->err, -EOVERFLOW, "there is no generation after the newest");
	r = policy_next_key(a, &key, rep);
	if (r < 0)
		return r;
	r = job_plan_begin(&plan, a->ps->jobs, JOB_ROTATE, a->policy->rec.id, NULL, a->err);
	if (r == 0)
		r = rotate_commit(a, &key, &plan);
	a->job = job_plan_end(&plan, r);
	return r;
}

int policy_rotate(struct policies *ps, const char *p, const struct actor *actor, struct err *err)
{
	struct report rep = {.spare = CHECK_WRAPPED_LEN};
	struct act a;
	int r = act_begin(&a, ps, "policy-rotate", actor, p, err);

	if (r == 0)
		r = needs_keys(&a);
	if (r == 0) {
		act_key_ids(a.policy, a.key_ids_before);
		r = rotate_do(&a, &rep);
		if (r == 0)
			wrapped_newest(&a, &rep);
		report_keep(&a, &rep, a.policy->last_rotate);
		if (r < 0)
			r = err_prefix(a.err, r, "policy \"%s\" keeps its generation",
				       a.policy_name);
	}
	return act_end(&a, r);
}

static int check_do(struct act *a, struct report *rep)
{
	const char *const ids[2] = {a->policy->rec.key_ids[0], a->policy->rec.key_ids[1]};
	struct key_id parsed[2];
	int r;

	r = root_ids_parse(ids, parsed, a->err);
	if (r < 0)
		return r;
	r = check_roots(a->ps, parsed, NAMED_WARNS, rep, a->err);
	check_copies(a, rep);
	return r < 0 ? r : rep->r;
}

int policy_check(struct policies *ps, const char *p, const struct actor *actor, struct err *err)
{
	struct report rep = {0};
	struct act a;
	int r = act_begin(&a, ps, "policy-check", actor, p, err);

	if (r == 0)
		r = needs_keys(&a);
	if (r == 0) {
		r = check_do(&a, &rep);
		report_keep(&a, &rep, a.policy->last_check);
		if (r < 0)
			r = err_prefix(a.err, r, "policy \"%s\"", a.policy_name);
	}
	return act_end(&a, r);
}
