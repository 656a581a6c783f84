/* fs/policy/rewrap.c - which files a job is to wrap anew, and under what. */
#include <string.h>

#include "fs/policy/policies_internal.h"

static bool is_under(const struct wrap_ref *ref, const struct job_record *rec)
{
	return memcmp(ref->policy_id, rec->policy_id, UUID_LEN) == 0;
}

/* The newest key of the policy that a file is already under; false: it has that one. */
static bool wants_newest(struct policies *ps, const struct job_record *rec,
			 const struct wrap_ref *now, struct wrap_ref *ret_target)
{
	const struct policy *p;

	*ret_target = *now;
	if (!is_under(now, rec))
		return false;
	pthread_rwlock_rdlock(&ps->tables.lock);
	p = tables_find_id_locked(&ps->tables, rec->policy_id);
	if (p)
		ret_target->generation = p->rec.generation;
	pthread_rwlock_unlock(&ps->tables.lock);
	return ret_target->generation > now->generation;
}

/*
 * The target is the one in force when the walk comes to the file, not when the job was started, so
 * that a later assignment is not undone. An offboarding thus goes on beside the assignment of the
 * next policy, and takes chat and EDM files to that one.
 */
bool job_wants(struct policies *ps, const struct job *j, const struct wrap_ref *now,
	       const struct scope *scope, struct wrap_ref *ret_target)
{
	const struct job_record *rec = job_of(j);
	enum target_source source;
	bool moves;

	if (rec->kind == JOB_ROTATE)
		return wants_newest(ps, rec, now, ret_target);
	source = target_resolve(ps, scope, ret_target);
	if (wrap_ref_equal(now, ret_target))
		return false;
	if (rec->mailbox[0])
		return scope->mailbox && strcmp(scope->mailbox, rec->mailbox) == 0;
	moves = workload_rewraps_existing(scope->workload) && source != TARGET_MAILBOX;
	return moves || (rec->kind == JOB_OFFBOARD && is_under(now, rec));
}
