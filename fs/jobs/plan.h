/* fs/jobs/plan.h - a job started by an act, in the same transaction as the change that makes it
 * necessary. */
#ifndef DEPFS_JOBS_PLAN_H
#define DEPFS_JOBS_PLAN_H

#include <stdint.h>

#include "crypto/base/err.h"
#include "fs/jobs/job.h"
#include "fs/store/store.h"

struct job;

/* From job_plan_begin() to job_plan_end() no other job is started or changed (jobs.write). */
struct job_plan {
	struct jobs *jobs;
	struct job *job;
};

/* job_plan_begin() - job_plan_end() follows, also after a failure. @mailbox: NULL: of none. */
int job_plan_begin(struct job_plan *plan, struct jobs *jobs, enum job_kind kind,
		   const uint8_t policy_id[static UUID_LEN], const char *mailbox,
		   struct err *err) MUST_CHECK;
/* job_plan_put() - its record, and the ends of the jobs that it supersedes, into @txn. */
int job_plan_put(struct job_plan *plan, struct store_txn *txn, struct err *err) MUST_CHECK;
/* job_plan_end() - @r: of the commit. 0: the job is in the table, queued. Gives its number, or 0.
 */
uint64_t job_plan_end(struct job_plan *plan, int r);

#endif
