/* fs/jobs/jobs_internal.h - the table of jobs, and what its files share. */
#ifndef DEPFS_JOBS_JOBS_INTERNAL_H
#define DEPFS_JOBS_JOBS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "crypto/base/clock.h"
#include "fs/jobs/job.h"
#include "fs/store/store.h"

#define JOBS_KEPT     64    /* jobs that have ended; older ones are removed */
#define CHECKPOINT_MS 2000u /* between two checkpoints, at least */

/* Why a running job is to stop. */
enum stop_request {
	STOP_NONE,
	STOP_PAUSE,
	STOP_CANCEL,
	STOP_SUPERSEDE
};

struct job_sample {
	uint64_t ms, files;
};

struct job {
	struct job *next; /* by number */
	/* guarded by jobs.lock, written to the state under jobs.write; its counts and rate are
	 * in the atomic fields below */
	struct job_record rec;
	_Atomic uint64_t total, done, failed, skipped;
	_Atomic uint32_t rate;
	_Atomic int stop_request;   /* enum stop_request */
	_Atomic uint64_t uncounted; /* counted files that the walk has yet to come to */
	_Atomic bool again;	    /* JOB_FLAG_AGAIN */
	_Atomic bool counted;	    /* total is known */
	uint64_t not_before_ms;	    /* when a waiting job may run again; guarded by jobs.lock */
	char **new_failures;	    /* not yet durable; guarded by jobs.lock */
	uint32_t n_new_failures;    /* guarded by jobs.lock, like the next two */
	bool forget;		    /* the failures in the state are void */
	struct job_sample old, at;  /* two samples, seconds apart: the speed */
	uint64_t checkpoint_ms;	    /* when the next one is due; this and what follows: the runner's
				       thread alone */
	uint64_t pace_ms, pace_files;
	uint32_t pace_rate;
	struct jobs *jobs; /* constant */
};

/* The order of its locks: fs/README.md, Locks. */
struct jobs {
	struct store *store; /* constant, as the next three */
	struct audit *audit;
	unsigned key_check_s;
	uint32_t rate;
	pthread_mutex_t write; /* one change of records at a time */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct job *first;   /* the list: changed under both locks, so either is enough to read */
	struct job *running; /* guarded by lock */
	uint64_t last_no;    /* as the list */
	struct job_runner runner;
	pthread_t thread;
	bool serving;
	_Atomic bool stop;
};

/* ---- table.c ---- */

struct job *job_find_locked(struct jobs *jobs, uint64_t no);
void job_free(struct job *j);
DEFINE_CLEANUP(struct job *, job_free)
struct job *job_new(struct jobs *jobs);
void job_insert_locked(struct jobs *jobs, struct job *j);
void job_again_locked(struct job *j);		 /* job_again() */
uint64_t job_files_counted(const struct job *j); /* done, failed or skipped */
int job_missing(uint64_t no, struct err *err);	 /* -ENOENT and its sentence */
/* job_report() - an event about it with its counts. */
void job_report(struct jobs *jobs, const struct job *j, const char *event,
		const struct actor *actor, int r, const char *reason);
void jobs_changed(struct jobs *jobs); /* wakes the runner; lock is held */

/* ---- save.c: the durable side; jobs.write is held ---- */

int jobs_load(struct jobs *jobs, struct err *err) MUST_CHECK;
int job_put(struct store_txn *txn, const struct job_record *rec, struct err *err) MUST_CHECK;
/* job_save() - the record with its counts, and the failures that came since, in one commit. */
int job_save(struct jobs *jobs, struct job *j, struct err *err) MUST_CHECK;
/* job_erase() - the record and what it lists. */
int job_erase(struct store_txn *txn, const struct job_record *rec, struct err *err) MUST_CHECK;

/* ---- rules.c ---- */

/* job_supersedes() - does starting @newer make @older pointless? */
bool job_supersedes(const struct job_record *newer, const struct job_record *older);

#endif
