/* fs/policy/scan.c - acts about scans: queued, ended; their results. */
#include "fs/policy/scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/policy/act_internal.h"

int scan_last(struct policies *ps, struct scan_result *ret_res)
{
	struct scan_result res;
	int r = 0;

	pthread_rwlock_rdlock(&ps->tables.lock);
	res = ps->tables.scan;
	res.rows = calloc(res.n_rows + 1, sizeof(*res.rows));
	res.capacity = res.n_rows + 1;
	if (!res.ended)
		r = -ENOENT;
	else if (!res.rows)
		r = -ENOMEM;
	else
		memcpy(res.rows, ps->tables.scan.rows, res.n_rows * sizeof(*res.rows));
	pthread_rwlock_unlock(&ps->tables.lock);
	if (r < 0)
		free(res.rows);
	else
		*ret_res = res;
	return r;
}

/* ---- started ---- */

static int start_commit(struct act *a, struct job_plan *plan)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	int r = store_begin(a->ps->store, STORE_WRITE, &txn, a->err);

	if (r == 0)
		r = job_plan_put(plan, txn, a->err);
	return r < 0 ? r : store_commit(STEAL(txn), STORE_COMMIT, a->err);
}

static int start_do(struct act *a)
{
	static const uint8_t none[UUID_LEN];
	struct job_plan plan;
	int r;

	/* a scan that is queued already will count all that is there now */
	a->job = job_queued(a->ps->jobs, JOB_SCAN);
	if (a->job)
		return 0;
	r = job_plan_begin(&plan, a->ps->jobs, JOB_SCAN, none, NULL, a->err);
	if (r == 0)
		r = start_commit(a, &plan);
	a->job = job_plan_end(&plan, r);
	return r;
}

int scan_start(struct policies *ps, const struct actor *actor, uint64_t *ret_job, struct err *err)
{
	struct act a;
	int r = act_begin(&a, ps, "scan-start", actor, NULL, err);

	if (r == 0)
		r = start_do(&a);
	if (r == 0)
		*ret_job = a.job;
	return act_end(&a, r);
}

/* ---- for the walk ---- */

void scan_begins(struct policies *ps, const struct job *j)
{
	struct tables *t = &ps->tables;

	pthread_rwlock_wrlock(&t->lock);
	for (size_t i = 0; i < t->n_policies; i++) {
		struct policy *p = t->policies[i];

		p->proof.quiet_job = p != t->tenant && !p->mailboxes ? job_of(j)->no : 0;
	}
	pthread_rwlock_unlock(&t->lock);
}

/* An unreadable header may name any policy, so a scan that met one proves nothing. */
static bool is_proved(const struct policy *p, const struct job *j, const struct scan_result *res)
{
	return p->proof.quiet_job == job_of(j)->no && !res->unreadable;
}

static int ends_commit(struct act *a, const struct job *j, const struct scan_result *res)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	CLEANUP(free_mem_p) uint8_t *rec = NULL;
	const struct tables *t = &a->ps->tables;
	size_t len = 0;
	int r = scan_encode(res, &rec, &len);

	if (r < 0)
		return err_set(a->err, r, "the record of the scan cannot be made");
	r = store_begin(a->ps->store, STORE_WRITE, &txn, a->err);
	if (r == 0)
		r = store_put(txn, TABLE_META, SCAN_KEY, strlen(SCAN_KEY), rec, len, a->err);
	for (size_t i = 0; r == 0 && i < t->n_policies; i++) {
		const struct policy *p = t->policies[i];

		/* the proof of the previous scan is void: this one replaces its counts; a policy
		 * that was never a target needs no counts */
		r = p->proof.never	   ? 0
		    : is_proved(p, j, res) ? untargeted_put(txn, p->rec.id, res->ended, a->err)
		    : p->proof.untargeted && res->unreadable
			    ? untargeted_del(txn, p->rec.id, a->err)
			    : 0;
	}
	return r < 0 ? r : store_commit(STEAL(txn), STORE_COMMIT_SNAPSHOT, a->err);
}

static void ends_install(struct policies *ps, const struct job *j, struct scan_result *res)
{
	struct tables *t = &ps->tables;

	pthread_rwlock_wrlock(&t->lock);
	for (size_t i = 0; i < t->n_policies; i++) {
		struct scan_proof *proof = &t->policies[i]->proof;

		if (is_proved(t->policies[i], j, res))
			proof->untargeted = true;
		else if (res->unreadable && !proof->never)
			proof->untargeted = false;
	}
	scan_result_fini(&t->scan);
	t->scan = *res;
	pthread_rwlock_unlock(&t->lock);
	*res = (struct scan_result){0};
}

/* Under the act lock, so that no policy is assigned between the proof and its record. */
int scan_ends(struct policies *ps, struct job *j, struct scan_result *res, struct err *err)
{
	struct act a;
	int r;

	res->job = job_of(j)->no;
	res->started = job_of(j)->started;
	res->ended = (uint64_t)time(NULL);
	do {
		r = act_begin(&a, ps, "scan-end", NULL, NULL, err);
		a.job = job_of(j)->no;
		if (r == 0)
			r = ends_commit(&a, j, res);
		if (r == 0) {
			ends_install(ps, j, res);
			act_changed(&a, TARGETS_SAME);
		}
		r = act_end(&a, r);
	} while (r == -EBUSY && !job_stops(j));
	return r;
}
