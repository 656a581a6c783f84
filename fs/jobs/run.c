/* fs/jobs/run.c - the thread that runs jobs, one after the other. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fs/jobs/jobs_internal.h"

/* The first that may run; *ret_wait_ms: when the next one that waits may, 0: none waits. */
static struct job *next_job_locked(struct jobs *jobs, uint64_t *ret_wait_ms)
{
	uint64_t now_ms = clock_now_ms();

	*ret_wait_ms = 0;
	for (struct job *j = jobs->first; j; j = j->next) {
		if (j->rec.state == JOB_QUEUED ||
		    (j->rec.state == JOB_WAITING && j->not_before_ms <= now_ms))
			return j;
		if (j->rec.state == JOB_WAITING &&
		    (!*ret_wait_ms || j->not_before_ms < *ret_wait_ms))
			*ret_wait_ms = j->not_before_ms;
	}
	return NULL;
}

static void start_locked(struct jobs *jobs, struct job *j)
{
	j->rec.state = JOB_RUNNING;
	j->rec.note[0] = '\0';
	if (!j->rec.started)
		j->rec.started = (uint64_t)time(NULL);
	j->old = j->at = (struct job_sample){clock_now_ms(), job_files_counted(j)};
	j->checkpoint_ms = clock_now_ms() + CHECKPOINT_MS;
	j->pace_rate = 0;
	atomic_store(&j->uncounted, j->rec.repeat);
	atomic_store(&j->counted, j->rec.total != 0);
	atomic_store(&j->stop_request, STOP_NONE);
	jobs->running = j;
	jobs_changed(jobs);
}

static enum job_state state_after(struct jobs *jobs, struct job *j, int r)
{
	static const enum job_state by_request[] = {
		[STOP_PAUSE] = JOB_PAUSED,
		[STOP_CANCEL] = JOB_CANCELLED,
		[STOP_SUPERSEDE] = JOB_SUPERSEDED,
	};
	int request = atomic_load(&j->stop_request);

	if (request == STOP_SUPERSEDE)
		return JOB_SUPERSEDED;
	if (r == 0)
		return atomic_load(&j->failed) ? JOB_FAILED : JOB_DONE;
	if (r == -EINTR && request != STOP_NONE)
		return by_request[request];
	return r == -EINTR || atomic_load(&jobs->stop) ? JOB_QUEUED : JOB_WAITING;
}

/* jobs.write and jobs.lock are held. */
static void end_locked(struct jobs *jobs, struct job *j, int r, const char *why)
{
	enum job_state s = state_after(jobs, j, r);

	if (s == JOB_WAITING) {
		j->not_before_ms = clock_now_ms() + (uint64_t)jobs->key_check_s * 1000;
		(void)snprintf(j->rec.note, sizeof(j->rec.note), "%.*s", JOB_NOTE_MAX, why);
	}
	if (job_state_is_final(s))
		j->rec.ended = (uint64_t)time(NULL);
	if (s == JOB_DONE || s == JOB_FAILED)
		atomic_store(&j->total, job_files_counted(j));
	j->rec.state = s;
}

/* A job has ended when its record durably says so; otherwise it runs again. */
static void end_job(struct jobs *jobs, struct job *j, int r, struct err *err)
{
	enum job_state s;

	pthread_mutex_lock(&jobs->write);
	pthread_mutex_lock(&jobs->lock);
	end_locked(jobs, j, r, err_text(err, r));
	pthread_mutex_unlock(&jobs->lock);
	if (job_save(jobs, j, err) < 0) {
		pthread_mutex_lock(&jobs->lock);
		end_locked(jobs, j, -EIO, err_text(err, -EIO));
		pthread_mutex_unlock(&jobs->lock);
	}
	pthread_mutex_lock(&jobs->lock);
	jobs->running = NULL;
	s = j->rec.state;
	jobs_changed(jobs);
	pthread_mutex_unlock(&jobs->lock);
	job_report(jobs, j, job_state_is_final(s) ? "job-end" : "job-stop", NULL,
		   s == JOB_FAILED    ? -EIO
		   : s == JOB_WAITING ? r
				      : 0,
		   s == JOB_WAITING ? j->rec.note : NULL);
	pthread_mutex_unlock(&jobs->write);
}

static void run_job(struct jobs *jobs, struct job *j)
{
	struct err err = {0};
	int r;

	pthread_mutex_lock(&jobs->write);
	r = job_save(jobs, j, &err);
	pthread_mutex_unlock(&jobs->write);
	if (r == 0) {
		job_report(jobs, j, "job-start", NULL, 0, NULL);
		r = jobs->runner.run(jobs->runner.arg, j, &err);
	}
	end_job(jobs, j, r, &err);
}

/*
 * Requests of programs go first: where they leave no processor idle, the job gets a tenth of one
 * (nice 10 weighs 110 to their 1024, sched(7)). Not less, since programs wait for locks that it
 * holds.
 */
static void lower_priority(void)
{
	const int best_effort_last = 2 << 13 | 7; /* ioprio_set(2) */

	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid),
			  10);				       /* lowering needs no privilege */
	(void)syscall(SYS_ioprio_set, 1, 0, best_effort_last); /* 1, 0: of this thread */
}

static void *runner_main(void *arg)
{
	struct jobs *jobs = arg;
	uint64_t wait_ms;

	lower_priority();
	pthread_mutex_lock(&jobs->lock);
	while (!atomic_load(&jobs->stop)) {
		struct job *j = next_job_locked(jobs, &wait_ms);

		if (j) {
			start_locked(jobs, j);
			pthread_mutex_unlock(&jobs->lock);
			run_job(jobs, j);
			pthread_mutex_lock(&jobs->lock);
		} else if (wait_ms) {
			(void)clock_cond_wait(&jobs->changed, &jobs->lock, wait_ms);
		} else {
			pthread_cond_wait(&jobs->changed, &jobs->lock);
		}
	}
	pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

int jobs_serve(struct jobs *jobs, const struct job_runner *runner, struct err *err)
{

	jobs->runner = *runner;
	if (pthread_create(&jobs->thread, NULL, runner_main, jobs) != 0)
		return err_set(err, -ENOMEM, "no thread for jobs");
	jobs->serving = true;
	return 0;
}

void jobs_stop(struct jobs *jobs)
{

	if (!jobs->serving)
		return;
	pthread_mutex_lock(&jobs->lock);
	atomic_store(&jobs->stop, true);
	pthread_cond_broadcast(&jobs->changed);
	pthread_mutex_unlock(&jobs->lock);
	(void)pthread_join(jobs->thread, NULL);
	jobs->serving = false;
}
