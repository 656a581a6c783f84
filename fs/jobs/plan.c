/* fs/jobs/plan.c - a job starts, in the transaction of the change that makes it necessary. */
#include "fs/jobs/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/jobs/jobs_internal.h"

int job_plan_begin(struct job_plan *plan, struct jobs *jobs, enum job_kind kind,
		   const uint8_t policy_id[static UUID_LEN], const char *mailbox, struct err *err)
{
	struct job_record *rec;

	plan->jobs = jobs;
	pthread_mutex_lock(&jobs->write);
	plan->job = job_new(jobs);
	if (!plan->job)
		return err_set(err, -ENOMEM, "no memory for one job more");
	rec = &plan->job->rec;
	rec->no = jobs->last_no + 1; /* written under jobs.write alone */
	rec->kind = kind;
	rec->state = JOB_QUEUED;
	rec->created = (uint64_t)time(NULL);
	rec->rate = jobs->rate;
	atomic_store(&plan->job->rate, jobs->rate);
	memcpy(rec->policy_id, policy_id, UUID_LEN);
	(void)snprintf(rec->mailbox, sizeof(rec->mailbox), "%s", mailbox ? mailbox : "");
	return 0;
}

static bool is_superseded(struct jobs *jobs, const struct job *j, const struct job_record *newer,
			  struct job_record *ret_rec)
{
	pthread_mutex_lock(&jobs->lock);
	*ret_rec = j->rec;
	pthread_mutex_unlock(&jobs->lock);
	return job_supersedes(newer, ret_rec);
}

static int put_superseded(struct job_plan *plan, struct store_txn *txn, struct err *err)
{
	CLEANUP(free_mem_p) struct job_record *rec = malloc(sizeof(*rec));
	struct jobs *jobs = plan->jobs;
	int r = 0;

	if (!rec)
		return err_set(err, -ENOMEM, "no memory for one job more");
	/* the table itself changes under jobs.write alone, which is held */
	for (struct job *j = jobs->first; r == 0 && j; j = j->next) {
		if (!is_superseded(jobs, j, &plan->job->rec, rec))
			continue;
		rec->state = JOB_SUPERSEDED;
		rec->ended = plan->job->rec.created;
		r = job_put(txn, rec, err);
	}
	return r;
}

/* Of those that have ended, the oldest beyond JOBS_KEPT. The table is in order of numbers. */
static struct job *oldest_ended_locked(struct jobs *jobs)
{
	struct job *oldest = NULL;
	unsigned ended = 0;

	for (struct job *j = jobs->first; j; j = j->next) {
		if (!job_state_is_final(j->rec.state))
			continue;
		oldest = oldest ? oldest : j;
		ended++;
	}
	return ended > JOBS_KEPT ? oldest : NULL;
}

int job_plan_put(struct job_plan *plan, struct store_txn *txn, struct err *err)
{
	struct jobs *jobs = plan->jobs;
	const struct job *old;
	int r = put_superseded(plan, txn, err);

	pthread_mutex_lock(&jobs->lock);
	old = oldest_ended_locked(jobs); /* a job that has ended does not change any more */
	pthread_mutex_unlock(&jobs->lock);
	if (r == 0 && old)
		r = job_erase(txn, &old->rec, err);
	return r < 0 ? r : job_put(txn, &plan->job->rec, err);
}

static void supersede_locked(struct jobs *jobs, const struct job_record *newer)
{
	for (struct job *j = jobs->first; j; j = j->next) {
		if (!job_supersedes(newer, &j->rec))
			continue;
		if (j == jobs->running)
			atomic_store(&j->stop_request, STOP_SUPERSEDE); /* the runner ends it */
		else
			j->rec.state = JOB_SUPERSEDED;
		j->rec.ended = newer->created;
	}
}

static void forget_oldest_locked(struct jobs *jobs)
{
	struct job *old = oldest_ended_locked(jobs);
	struct job **at = &jobs->first;

	if (!old)
		return;
	while (*at != old)
		at = &(*at)->next;
	*at = old->next;
	job_free(old);
}

uint64_t job_plan_end(struct job_plan *plan, int r)
{
	CLEANUP(job_free_p) struct job *job = plan->job;
	struct jobs *jobs = plan->jobs;
	uint64_t no = 0;

	if (r == 0 && job) {
		pthread_mutex_lock(&jobs->lock);
		forget_oldest_locked(jobs);
		supersede_locked(jobs, &job->rec);
		no = job->rec.no;
		job_insert_locked(jobs, STEAL(job));
		pthread_mutex_unlock(&jobs->lock);
	}
	plan->job = NULL;
	pthread_mutex_unlock(&jobs->write);
	return no;
}
