/* fs/jobs/job_internal.h - inside the policy engine: the table of jobs, and how acts start one.
 */
#ifndef DEPFS_JOBS_JOB_INTERNAL_H
#define DEPFS_JOBS_JOB_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "fs/jobs/job.h"
#include "fs/store/store.h"

#define JOBS_KEPT 64 /* that have ended; the oldest are forgotten */

/* Why a running job is to stop. */
enum job_wish {
	WISH_NONE,
	WISH_PAUSE,
	WISH_CANCEL,
	WISH_SUPERSEDE
};

struct job_sample {
	uint64_t ms, files;
};

struct job {
	struct job *next; /* by number */
	struct job_record
		rec; /* written under jobs.write and jobs.lock; its four counts are these: */
	_Atomic uint64_t total, done, failed, skipped;
	_Atomic uint32_t rate;
	_Atomic int wish;	    /* enum job_wish */
	_Atomic uint64_t uncounted; /* so many that need nothing were counted before */
	_Atomic bool again;	    /* JOB_FLAG_AGAIN */
	_Atomic bool counted;	    /* total is known */
	uint64_t not_before_ms;	    /* while it waits; guarded by jobs.lock */
	char **fresh;		    /* failures not yet durable; guarded by jobs.lock */
	uint32_t n_fresh;	    /* the same */
	bool forget;		    /* the durable ones are void; the same */
	struct job_sample old, at;  /* of the speed, seconds apart; the same */
	uint64_t checkpoint_ms;	    /* the next one; the running thread's own, as what follows */
	uint64_t pace_ms, pace_files;
	uint32_t pace_rate;
	struct jobs *jobs; /* constant */
};

/* Lock order: the gate of acts, write, lock. Only the first two are held across a commit. */
struct jobs {
	pthread_mutex_t write; /* one change of records at a time */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct job *first, *running;
	uint64_t last_no;
	struct job_runner runner;
	pthread_t thread;
	bool serving;
	_Atomic bool stop;
	struct engine *e;
};

void jobs_init(struct engine *e, struct jobs *j);
void jobs_fini(struct jobs *j);

/* ---- job_store.c: the durable side; jobs.write is held ---- */

int jobs_load(struct engine *e, struct err *err) MUST_CHECK;
int job_put(struct store_txn *txn, const struct job_record *rec, struct err *err) MUST_CHECK;
/* job_save() - the record with its counts, and the failures that came since, in one commit. */
int job_save(struct engine *e, struct job *j, struct err *err) MUST_CHECK;
/* job_erase() - the record and what it lists. */
int job_erase(struct store_txn *txn, const struct job_record *rec, struct err *err) MUST_CHECK;

/* ---- job_rules.c ---- */

/* job_supersedes() - does starting @fresh make @old pointless? */
bool job_supersedes(const struct job_record *fresh, const struct job_record *old);

/* ---- job.c: started by acts, in the same transaction as what makes it necessary ---- */

struct job_plan {
	struct engine *e;
	struct job *fresh;
};

/* job_plan_begin() - whatever it returns, job_plan_end() follows. @mailbox: NULL: of none. */
int job_plan_begin(struct job_plan *plan, struct engine *e, enum job_kind kind,
		   const uint8_t policy_id[static UUID_LEN], const char *mailbox,
		   struct err *err) MUST_CHECK;
int job_plan_put(struct job_plan *plan, struct store_txn *txn, struct err *err) MUST_CHECK;
/* job_plan_end() - @r: of the commit. 0: the job is there and runs when its turn comes. Gives its
 * number, or 0. */
uint64_t job_plan_end(struct job_plan *plan, int r);

struct job *job_find_locked(struct jobs *jobs, uint64_t no);
void job_free(struct job *j);
DEFINE_CLEANUP(struct job *, job_free)
struct job *job_new(struct jobs *jobs);
void job_insert_locked(struct jobs *jobs, struct job *j);
/* job_tell() - an event about it with its counts. */
void job_tell(struct engine *e, const struct job *j, const char *event, const struct actor *who,
	      int r, const char *reason);
void jobs_changed(struct jobs *jobs); /* wakes the runner; lock is held */
void job_again_locked(struct job *j);

#endif
