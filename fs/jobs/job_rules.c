/* fs/jobs/job_rules.c - which files a job wants, where they lie, and what makes it pointless. */
#include <stdio.h>
#include <string.h>

#include "fs/policy/engine_internal.h"

static bool is_under(const struct wrap_ref *ref, const struct job_record *rec)
{
	return memcmp(ref->policy_id, rec->policy_id, UUID_LEN) == 0;
}

static bool job_kind_rewraps(enum job_kind kind)
{
	return kind != JOB_SCAN && kind != JOB_PURGE;
}

bool job_rewraps(const struct job *j)
{
	return job_kind_rewraps(j->rec.kind);
}

/* The newest key of the policy that a file is already under; false: it has that one. */
static bool wants_newest(struct engine *e, const struct job_record *rec, const struct wrap_ref *now,
			 struct wrap_ref *ret_target)
{
	const struct policy *p;

	*ret_target = *now;
	if (!is_under(now, rec))
		return false;
	pthread_rwlock_rdlock(&e->tables.lock);
	p = tables_find_id_locked(&e->tables, rec->policy_id);
	if (p)
		ret_target->generation = p->rec.generation;
	pthread_rwlock_unlock(&e->tables.lock);
	return ret_target->generation > now->generation;
}

/*
 * The target is what is in force when the file is visited, not when the job was started: what
 * another assignment decided meanwhile is not undone. So an offboarding goes on beside the
 * assignment of the next policy, and takes chat and EDM files to that one.
 */
bool job_wants(struct engine *e, const struct job *j, const struct wrap_ref *now,
	       const struct scope *scope, struct wrap_ref *ret_target)
{
	const struct job_record *rec = &j->rec;
	enum target_source source;
	bool moves;

	if (rec->kind == JOB_ROTATE)
		return wants_newest(e, rec, now, ret_target);
	source = engine_target_source(e, scope, ret_target);
	if (wrap_ref_equal(now, ret_target))
		return false;
	if (rec->mailbox[0])
		return scope->mailbox && strcmp(scope->mailbox, rec->mailbox) == 0;
	moves = workload_rewraps_existing(scope->workload) && source != TARGET_MAILBOX;
	return moves || (rec->kind == JOB_OFFBOARD && is_under(now, rec));
}

size_t job_roots(const struct job *j, char out[static JOB_ROOTS_MAX][JOB_ROOT_LEN])
{
	if (j->rec.kind == JOB_RENEW) {
		strcpy(out[0], j->rec.path);
		return 1;
	}
	if (j->rec.mailbox[0]) {
		(void)snprintf(out[0], JOB_ROOT_LEN, "mailbox/%s", j->rec.mailbox);
		return 1;
	}
	if (j->rec.kind == JOB_ASSIGN) {
		strcpy(out[0], "mailbox");
		strcpy(out[1], "signals");
		return 2;
	}
	out[0][0] = '\0';
	return 1;
}

/*
 * Assigning decides about mailbox/ and signals/ anew, for the tenant or for one mailbox. It does
 * not end the offboarding of another policy, whose chat and EDM files nobody else would visit.
 */
bool job_supersedes(const struct job_record *fresh, const struct job_record *old)
{
	bool same_policy = memcmp(fresh->policy_id, old->policy_id, UUID_LEN) == 0;

	if (job_state_is_final(old->state) || old->no == fresh->no)
		return false;
	if (!job_kind_rewraps(fresh->kind) || !job_kind_rewraps(old->kind))
		return false; /* it counts what there is, whatever decides about that */
	if (fresh->kind == JOB_RENEW || old->kind == JOB_RENEW)
		return fresh->kind == old->kind && strcmp(fresh->path, old->path) == 0;
	if (fresh->kind == JOB_ROTATE || old->kind == JOB_ROTATE)
		return fresh->kind == old->kind && same_policy;
	if (strcmp(fresh->mailbox, old->mailbox) != 0)
		return false;
	if (fresh->mailbox[0] || old->kind == JOB_ASSIGN)
		return true;
	return same_policy;
}
