/* fs/jobs/command.c - jobs paused, resumed, cancelled, retried, given a rate. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/jobs/jobs_internal.h"

static int refuse_command(const struct job *j, const char *what, struct err *err)
{
	return err_set(err, -EINVAL, "job %llu is %s: it cannot be %s",
		       (unsigned long long)j->rec.no, job_state_name(j->rec.state), what);
}

/* The record after @command. A running job gets a stop request, and the runner writes its record.
 */
static int command_apply(struct jobs *jobs, struct job *j, enum job_command command, uint32_t rate,
			 struct job_record *ret_rec, struct err *err)
{
	enum job_state s = j->rec.state;
	bool runs = j == jobs->running;

	*ret_rec = j->rec;
	switch (command) {
	case JOB_PAUSE:
		if (job_state_is_final(s))
			return refuse_command(j, "paused", err);
		ret_rec->state = JOB_PAUSED;
		break;
	case JOB_RESUME:
		if (job_state_is_final(s))
			return refuse_command(j, "resumed", err);
		if (!runs)
			ret_rec->state = JOB_QUEUED;
		break;
	case JOB_CANCEL:
		if (s == JOB_DONE || s == JOB_FAILED || s == JOB_SUPERSEDED)
			return refuse_command(j, "cancelled", err);
		ret_rec->state = JOB_CANCELLED;
		ret_rec->ended = (uint64_t)time(NULL);
		break;
	case JOB_RETRY:
		if (s != JOB_FAILED && s != JOB_CANCELLED)
			return refuse_command(j, "retried", err);
		ret_rec->state = JOB_QUEUED;
		ret_rec->ended = 0;
		ret_rec->cursor[0] = '\0';
		ret_rec->repeat = 0;
		ret_rec->flags |= JOB_FLAG_AGAIN;
		break;
	case JOB_RATE:
		if (job_state_is_final(s))
			return refuse_command(j, "given a rate", err);
		ret_rec->rate = rate;
		break;
	}
	return 0;
}

static int record_commit(struct jobs *jobs, const struct job_record *rec, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	int r = store_begin(jobs->store, STORE_WRITE, &txn, err);

	if (r == 0)
		r = job_put(txn, rec, err);
	return r < 0 ? r : store_commit(STEAL(txn), STORE_COMMIT, err);
}

static void command_take_locked(struct jobs *jobs, struct job *j, enum job_command command,
				const struct job_record *rec)
{
	static const int requests[] = {[JOB_PAUSE] = STOP_PAUSE, [JOB_CANCEL] = STOP_CANCEL};

	atomic_store(&j->rate, rec->rate);
	if (j == jobs->running) {
		j->rec.rate = rec->rate;
		if (command == JOB_PAUSE || command == JOB_CANCEL)
			atomic_store(&j->stop_request, requests[command]);
		else if (command == JOB_RESUME && atomic_load(&j->stop_request) == STOP_PAUSE)
			atomic_store(&j->stop_request, STOP_NONE);
	} else {
		j->rec = *rec;
		j->not_before_ms = 0;
		if (command == JOB_RETRY)
			job_again_locked(j);
	}
	jobs_changed(jobs);
}

/* jobs.write is held, so no other record is written meanwhile. The runner may begin with the job
 * during the commit; command_take_locked() then gives it a stop request. */
static int command_do(struct jobs *jobs, struct job *j, enum job_command command, uint32_t rate,
		      struct err *err)
{
	CLEANUP(free_mem_p) struct job_record *rec = malloc(sizeof(*rec));
	bool runs;
	int r;

	if (!rec)
		return err_set(err, -ENOMEM, "no memory for a change of the job");
	pthread_mutex_lock(&jobs->lock);
	runs = j == jobs->running;
	r = command_apply(jobs, j, command, rate, rec, err);
	pthread_mutex_unlock(&jobs->lock);
	if (r == 0 && !runs)
		r = record_commit(jobs, rec, err);
	if (r < 0)
		return r;
	pthread_mutex_lock(&jobs->lock);
	command_take_locked(jobs, j, command, rec);
	pthread_mutex_unlock(&jobs->lock);
	return 0;
}

int job_command(struct jobs *jobs, uint64_t no, enum job_command command, uint32_t rate,
		const struct actor *actor, struct err *err)
{
	static const char *const events[] = {
		[JOB_PAUSE] = "job-pause", [JOB_RESUME] = "job-resume", [JOB_CANCEL] = "job-cancel",
		[JOB_RETRY] = "job-retry", [JOB_RATE] = "job-rate",
	};
	struct err own = {0};
	struct job *j;
	int r;

	err = err ? err : &own;
	pthread_mutex_lock(&jobs->write);
	pthread_mutex_lock(&jobs->lock);
	j = job_find_locked(jobs, no); /* taken out of the table under jobs.write alone */
	pthread_mutex_unlock(&jobs->lock);
	if (j) {
		r = command_do(jobs, j, command, rate, err);
		job_report(jobs, j, events[command], actor, r, r < 0 ? err_text(err, r) : NULL);
	} else {
		r = job_missing(no, err);
	}
	pthread_mutex_unlock(&jobs->write);
	if (audit_sync(jobs->audit, NULL) < 0)
		return r; /* done all the same; the log counts what it lost, see act_end() */
	return r;
}
