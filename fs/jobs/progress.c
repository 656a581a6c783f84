/* fs/jobs/progress.c - what the walk of a running job reports and asks: counts, pace, checkpoints.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/jobs/jobs_internal.h"

#define CHECKPOINT_FACTOR 20u  /* from one to the next: so many times what one takes */
#define NEW_FAILURES_MAX  512u /* in memory before a checkpoint is due */
#define SAMPLE_MS	  2000u
#define SLEEP_MS	  50u

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

	if (j->n_new_failures >= JOB_FAILURES_MAX) {
		free(line); /* counted all the same */
		return;
	}
	more = reallocarray(j->new_failures, j->n_new_failures + 1, sizeof(*more));
	if (!more) {
		free(line);
		return;
	}
	j->new_failures = more;
	j->new_failures[j->n_new_failures++] = line;
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
	return atomic_load(&j->stop_request) != STOP_NONE || atomic_load(&j->jobs->stop);
}

static void nap(unsigned ms)
{
	const struct timespec ts = {.tv_nsec = (long)ms * 1000000};

	(void)nanosleep(&ts, NULL); /* a signal makes it shorter, which does no harm: job_pace()
				       checks the time again */
}

void job_pace(struct job *j)
{
	uint32_t rate;

	while ((rate = atomic_load(&j->rate)) && !job_stops(j)) {
		uint64_t now_ms = clock_now_ms(), due_ms;

		if (rate != j->pace_rate) {
			j->pace_rate = rate;
			j->pace_ms = now_ms;
			j->pace_files = job_files_counted(j);
		}
		due_ms = j->pace_ms + (job_files_counted(j) - j->pace_files) * 1000 / rate;
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
	j->at = (struct job_sample){now_ms, job_files_counted(j)};
	pthread_mutex_unlock(&j->jobs->lock);
}

bool job_checkpoint_due(struct job *j)
{
	uint64_t now_ms = clock_now_ms();
	bool many;

	sample(j, now_ms);
	pthread_mutex_lock(&j->jobs->lock);
	many = j->n_new_failures >= NEW_FAILURES_MAX;
	pthread_mutex_unlock(&j->jobs->lock);
	if (!many && now_ms < j->checkpoint_ms)
		return false;
	j->checkpoint_ms = now_ms; /* when it began: job_checkpoint() measures from here */
	return true;
}

/* A record whose state is superseded stays. A path that is too long leaves the cursor where it was,
 * so more files are looked at again after a crash. */
int job_checkpoint(struct job *j, const char *cursor, uint64_t counted, struct err *err)
{
	struct jobs *jobs = j->jobs;
	uint64_t took_ms;
	int r = 0;

	pthread_mutex_lock(&jobs->write);
	if (atomic_load(&j->stop_request) != STOP_SUPERSEDE && strlen(cursor) <= JOB_CURSOR_MAX) {
		pthread_mutex_lock(&jobs->lock);
		strcpy(j->rec.cursor, cursor);
		j->rec.repeat = counted;
		pthread_mutex_unlock(&jobs->lock);
		r = job_save(jobs, j, err);
	}
	pthread_mutex_unlock(&jobs->write);
	took_ms = clock_now_ms() - j->checkpoint_ms;
	j->checkpoint_ms +=
		took_ms + (took_ms * CHECKPOINT_FACTOR > CHECKPOINT_MS ? took_ms * CHECKPOINT_FACTOR
								       : CHECKPOINT_MS);
	return r;
}
