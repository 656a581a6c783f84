/* fs/jobs/job_run.c - the thread that runs jobs one after the other, and what their visitors
 * ask. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fs/policy/engine_internal.h"

#define CHECKPOINT_MS	 2000u /* at least so long between two; and so many times what one takes: */
#define CHECKPOINT_SHARE 20u
#define FRESH_MAX	 512u /* failures in memory before a checkpoint is due */
#define SAMPLE_MS	 2000u
#define SLEEP_MS	 50u

/* ---- for the visitors ---- */

const struct job_record *job_of(const struct job *j)
{
	return &j->rec;
}

void job_total(struct job *j, uint64_t files)
{
	atomic_store(&j->total, files);
	atomic_store(&j->counted, true);
}

void job_file(struct job *j, enum job_outcome outcome)
{
	uint64_t n = atomic_load(&j->uncounted);

	if (outcome == JOB_FILE_DONE) {
		atomic_fetch_add(&j->done, 1);
		return;
	}
	while (n && !atomic_compare_exchange_weak(&j->uncounted, &n, n - 1))
		;
	if (!n && !atomic_load(&j->again))
		atomic_fetch_add(&j->skipped, 1);
}

void job_file_early(struct job *j)
{
	atomic_fetch_add(&j->done, 1);
	atomic_fetch_add(&j->uncounted, 1);
}

static void failure_keep_locked(struct job *j, char *line)
{
	char **more;

	if (j->n_fresh >= JOB_FAILURES_MAX) {
		free(line); /* counted all the same */
		return;
	}
	more = reallocarray(j->fresh, j->n_fresh + 1, sizeof(*more));
	if (!more) {
		free(line);
		return;
	}
	j->fresh = more;
	j->fresh[j->n_fresh++] = line;
}

void job_file_failed(struct job *j, const char *path, const char *why)
{
	char *line = NULL;

	atomic_fetch_add(&j->failed, 1);
	if (asprintf(&line, "%s: %s", path, why) < 0)
		return; /* counted all the same */
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	pthread_mutex_lock(&j->jobs->lock);
	failure_keep_locked(j, line);
	pthread_mutex_unlock(&j->jobs->lock);
}

void job_again_locked(struct job *j)
{
	atomic_store(&j->again, true);
	j->rec.flags |= JOB_FLAG_AGAIN;
	atomic_store(&j->failed, 0);
	for (uint32_t i = 0; i < j->n_fresh; i++)
		free(j->fresh[i]);
	j->n_fresh = 0;
	j->forget = true;
}

void job_again(struct job *j)
{
	pthread_mutex_lock(&j->jobs->lock);
	job_again_locked(j);
	pthread_mutex_unlock(&j->jobs->lock);
}

void job_restart(struct job *j)
{
	pthread_mutex_lock(&j->jobs->lock);
	job_again_locked(j);
	j->rec.flags &= (uint16_t)~JOB_FLAG_AGAIN;
	j->rec.cursor[0] = '\0';
	atomic_store(&j->again, false);
	atomic_store(&j->counted, false);
	atomic_store(&j->total, 0);
	atomic_store(&j->done, 0);
	atomic_store(&j->skipped, 0);
	atomic_store(&j->uncounted, 0);
	j->old = j->at = (struct job_sample){clock_now_ms(), 0};
	pthread_mutex_unlock(&j->jobs->lock);
	j->pace_rate = 0;
}

bool job_stops(const struct job *j)
{
	return atomic_load(&j->wish) != WISH_NONE || atomic_load(&j->jobs->stop);
}

static void nap(unsigned ms)
{
	const struct timespec ts = {.tv_nsec = (long)ms * 1000000};

	(void)nanosleep(&ts, NULL); /* shorter is fine */
}

static uint64_t files_of(struct job *j)
{
	return atomic_load(&j->done) + atomic_load(&j->failed) + atomic_load(&j->skipped);
}

void job_pace(struct job *j)
{
	uint32_t rate;

	while ((rate = atomic_load(&j->rate)) && !job_stops(j)) {
		uint64_t now_ms = clock_now_ms(), due_ms;

		if (rate != j->pace_rate) {
			j->pace_rate = rate;
			j->pace_ms = now_ms;
			j->pace_files = files_of(j);
		}
		due_ms = j->pace_ms + (files_of(j) - j->pace_files) * 1000 / rate;
		if (due_ms <= now_ms)
			return;
		nap(due_ms - now_ms < SLEEP_MS ? (unsigned)(due_ms - now_ms) : SLEEP_MS);
	}
	j->pace_rate = rate;
}

static void sample(struct job *j, uint64_t now_ms)
{
	if (now_ms - j->at.ms < SAMPLE_MS)
		return;
	pthread_mutex_lock(&j->jobs->lock);
	j->old = j->at;
	j->at = (struct job_sample){now_ms, files_of(j)};
	pthread_mutex_unlock(&j->jobs->lock);
}

bool job_checkpoint_due(struct job *j)
{
	uint64_t now_ms = clock_now_ms();
	bool many;

	sample(j, now_ms);
	pthread_mutex_lock(&j->jobs->lock);
	many = j->n_fresh >= FRESH_MAX;
	pthread_mutex_unlock(&j->jobs->lock);
	if (!many && now_ms < j->checkpoint_ms)
		return false;
	j->checkpoint_ms = now_ms; /* when it began: job_checkpoint() sees how long it took */
	return true;
}

/* A record that says "superseded" stays. A path that is too long leaves the cursor where it was:
 * more is looked at again. */
int job_checkpoint(struct job *j, const char *cursor, uint64_t visited, struct err *err)
{
	struct jobs *jobs = j->jobs;
	uint64_t took_ms;
	int r = 0;

	pthread_mutex_lock(&jobs->write);
	if (atomic_load(&j->wish) != WISH_SUPERSEDE && strlen(cursor) <= JOB_CURSOR_MAX) {
		pthread_mutex_lock(&jobs->lock);
		strcpy(j->rec.cursor, cursor);
		j->rec.repeat = visited;
		pthread_mutex_unlock(&jobs->lock);
		r = job_save(jobs->e, j, err);
	}
	pthread_mutex_unlock(&jobs->write);
	took_ms = clock_now_ms() - j->checkpoint_ms;
	j->checkpoint_ms +=
		took_ms + (took_ms * CHECKPOINT_SHARE > CHECKPOINT_MS ? took_ms * CHECKPOINT_SHARE
								      : CHECKPOINT_MS);
	return r;
}

/* ---- the runner ---- */

/* The first that may run; *ret_wait_ms: until then one will, 0: nobody knows. */
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
	j->old = j->at = (struct job_sample){clock_now_ms(), files_of(j)};
	j->checkpoint_ms = clock_now_ms() + CHECKPOINT_MS;
	j->pace_rate = 0;
	atomic_store(&j->uncounted, j->rec.repeat);
	atomic_store(&j->counted, j->rec.total != 0);
	atomic_store(&j->wish, WISH_NONE);
	jobs->running = j;
	jobs_changed(jobs);
}

static enum job_state state_after(struct jobs *jobs, struct job *j, int r)
{
	static const enum job_state by_wish[] = {
		[WISH_PAUSE] = JOB_PAUSED,
		[WISH_CANCEL] = JOB_CANCELLED,
		[WISH_SUPERSEDE] = JOB_SUPERSEDED,
	};
	int wish = atomic_load(&j->wish);

	if (wish == WISH_SUPERSEDE)
		return JOB_SUPERSEDED;
	if (r == 0)
		return atomic_load(&j->failed) ? JOB_FAILED : JOB_DONE;
	if (r == -EINTR && wish != WISH_NONE)
		return by_wish[wish];
	return r == -EINTR || atomic_load(&jobs->stop) ? JOB_QUEUED : JOB_WAITING;
}

/* jobs.write and jobs.lock are held. */
static void end_locked(struct jobs *jobs, struct job *j, int r, const char *why)
{
	enum job_state s = state_after(jobs, j, r);

	if (s == JOB_WAITING) {
		j->not_before_ms = clock_now_ms() + (uint64_t)jobs->e->key_check_s * 1000;
		(void)snprintf(j->rec.note, sizeof(j->rec.note), "%.*s", JOB_NOTE_MAX, why);
	}
	if (job_state_is_final(s))
		j->rec.ended = (uint64_t)time(NULL);
	if (s == JOB_DONE || s == JOB_FAILED)
		atomic_store(&j->total, files_of(j));
	j->rec.state = s;
}

/* A job that ended is one that is durably so; else it is taken up again. */
static void end_job(struct jobs *jobs, struct job *j, int r, struct err *err)
{
	enum job_state s;

	pthread_mutex_lock(&jobs->write);
	pthread_mutex_lock(&jobs->lock);
	end_locked(jobs, j, r, err_text(err, r));
	pthread_mutex_unlock(&jobs->lock);
	if (job_save(jobs->e, j, err) < 0) {
		pthread_mutex_lock(&jobs->lock);
		end_locked(jobs, j, -EIO, err_text(err, -EIO));
		pthread_mutex_unlock(&jobs->lock);
	}
	pthread_mutex_lock(&jobs->lock);
	jobs->running = NULL;
	s = j->rec.state;
	jobs_changed(jobs);
	pthread_mutex_unlock(&jobs->lock);
	job_tell(jobs->e, j, job_state_is_final(s) ? "job-end" : "job-stop", NULL,
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
	r = job_save(jobs->e, j, &err);
	pthread_mutex_unlock(&jobs->write);
	if (r == 0) {
		job_tell(jobs->e, j, "job-start", NULL, 0, NULL);
		r = jobs->runner.run(jobs->runner.arg, j, &err);
	}
	end_job(jobs, j, r, &err);
}

/*
 * What programs ask for goes first: where they leave no processor idle, this gets a tenth of one
 * (nice 10 weighs 110 to their 1024, sched(7)). Not less: programs wait for locks that it holds.
 */
static void be_humble(void)
{
	const int best_effort_last = 2 << 13 | 7; /* ioprio_set(2) */

	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid),
			  10);				       /* lower is always allowed */
	(void)syscall(SYS_ioprio_set, 1, 0, best_effort_last); /* this thread: the same */
}

static void *runner_main(void *arg)
{
	struct jobs *jobs = arg;
	uint64_t wait_ms;

	be_humble();
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

int jobs_serve(struct engine *e, const struct job_runner *runner, struct err *err)
{
	struct jobs *jobs = &e->jobs;

	jobs->runner = *runner;
	if (pthread_create(&jobs->thread, NULL, runner_main, jobs) != 0)
		return err_set(err, -ENOMEM, "no thread for jobs");
	jobs->serving = true;
	return 0;
}

void jobs_stop(struct engine *e)
{
	struct jobs *jobs = &e->jobs;

	if (!jobs->serving)
		return;
	pthread_mutex_lock(&jobs->lock);
	atomic_store(&jobs->stop, true);
	pthread_cond_broadcast(&jobs->changed);
	pthread_mutex_unlock(&jobs->lock);
	(void)pthread_join(jobs->thread, NULL);
	jobs->serving = false;
}
