/* fs/jobs/job.h - jobs: changes of many files that can be watched and paused and that go on after a
 * crash (fs/README.md, Jobs). */
#ifndef DEPFS_JOBS_JOB_H
#define DEPFS_JOBS_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/base/err.h"
#include "crypto/header.h"
#include "fs/audit/audit.h"
#include "fs/jobs/job_record.h"
#include "fs/workload/workload.h"

struct jobs;
struct store;

/*
 * A job's states, and what ends each:
 *
 *   queued      another runs, or the mount is not served yet    the runner starts it
 *   running     the walk goes through its files                 the runner, when it ends
 *   waiting     the key it needs cannot be had; tried again     the runner, after key_check seconds
 *   paused      by `pause`                                      `resume`, `cancel`
 *   done        no file is left                                 -
 *   failed      some files could not be done; they are listed   `retry`
 *   cancelled   by `cancel`                                     `retry`
 *   superseded  by a later job that decides about these files   -
 *
 * One job runs at a time, in the order of their numbers; one that waits or is paused lets the next
 * go first. Which files a job is to change is decided by their headers when the walk comes to them
 * (fs/policy/target.h, job_wants()), so that a file is done once, whatever is interrupted and
 * repeated.
 *
 * This folder lies below fs/policy: an act and the job that it makes necessary are one transaction
 * (plan.h), so acts must be able to start jobs. A job knows its policy by id alone.
 */
struct job_info { /* a copy */
	struct job_record rec;
	bool counting;	 /* total is not known yet */
	uint64_t per_s;	 /* files a second, over the last seconds */
	uint64_t left_s; /* estimate; UINT64_MAX: none */
};

struct jobs_config {
	struct store *store; /* borrowed, like audit */
	struct audit *audit;
	unsigned key_check_s; /* a waiting job is tried again after this time */
	uint32_t rate;	      /* files/s that a new job may do; 0: no limit */
};

/* jobs_new() - loads the jobs of the store; none runs before jobs_serve(). */
int jobs_new(const struct jobs_config *config, struct jobs **ret_jobs, struct err *err) MUST_CHECK;
void jobs_free(struct jobs *jobs); /* after jobs_stop(); NULL allowed */

/* job_get() - -ENOENT with a sentence. */
int job_get(struct jobs *jobs, uint64_t no, struct job_info *ret_info, struct err *err) MUST_CHECK;
/* job_list() - by number; *ret_list is malloc'ed, the caller frees it. */
int job_list(struct jobs *jobs, struct job_info **ret_list, size_t *ret_count) MUST_CHECK;
/* job_newest() - of those that re-wrap, for @mailbox (NULL: for no single one) and later than
 * @after; 0: none. */
uint64_t job_newest(struct jobs *jobs, const char *mailbox, uint64_t after);
uint64_t job_last(struct jobs *jobs); /* the greatest number so far; 0: there was none */
uint64_t job_queued(struct jobs *jobs, enum job_kind kind); /* the newest that is queued; 0: none */

enum job_command {
	JOB_PAUSE,
	JOB_RESUME,
	JOB_CANCEL,
	JOB_RETRY, /* of a failed or cancelled one: the files that are still due */
	JOB_RATE,  /* at most so many files a second; 0: no limit */
};

/* job_command() - an event with @actor; takes effect within a second. Return: 0; -ENOENT; -EINVAL:
 * not in this state; errors of store_commit(). Repeating a command is harmless. */
int job_command(struct jobs *jobs, uint64_t no, enum job_command command, uint32_t rate,
		const struct actor *actor, struct err *err) MUST_CHECK;

/* job_failures() - *ret_text: a line "path: reason" for each, malloc'ed. */
int job_failures(struct jobs *jobs, uint64_t no, char **ret_text, struct err *err) MUST_CHECK;

/**
 * renew_start() - a job that gives a file, or all files below a folder, a new data key
 * @path: relative to the mount's top; empty: everything
 * An earlier job for the same path that has not ended is superseded.
 * Return: 0; -ENOENT, -EINVAL: no such file or folder; -EROFS: a mount for reading only; errors of
 * store_commit().
 */
int renew_start(struct jobs *jobs, const char *path, const struct actor *actor, uint64_t *ret_no,
		struct err *err) MUST_CHECK;

/* ---- for the walk through the files: fs/walk ---- */

struct job; /* the one that runs */

struct job_runner {
	/* Goes through every file of @j from its cursor on. Renames must take the job into account
	 * before targets_synchronize() is called, and that before the first file. Return: 0: no
	 * file is left, and all is on disk; -EINTR: job_stops(); else why no file can be done now.
	 */
	int (*run)(void *arg, struct job *j, struct err *err);
	/* Is @path, below the store's top, a file or a folder? -ENOENT, -EINVAL ... */
	int (*find)(void *arg, const char *path, struct err *err);
	void *arg;
};

/* jobs_serve() - from now on jobs run, on a thread of their own. */
int jobs_serve(struct jobs *jobs, const struct job_runner *runner, struct err *err) MUST_CHECK;
/* jobs_stop() - the running one is interrupted and waited for. */
void jobs_stop(struct jobs *jobs);

/* job_rewraps() - it changes headers; else it only looks at the files. */
bool job_rewraps(const struct job *j);

const struct job_record *job_of(const struct job *j); /* constant while it runs, but for counts */

/* Top folders to walk, relative to the store: "mailbox", "mailbox/u1", or "" for all of them.
 * Return: how many. */
#define JOB_ROOTS_MAX WORKLOAD_COUNT
#define JOB_ROOT_LEN  (JOB_PATH_MAX + 1) /* of a renewal it is any path, and may be a file's */
size_t job_roots(const struct job *j, char out[static JOB_ROOTS_MAX][JOB_ROOT_LEN]);

/*
 * job_file_id() - a random file id for a file that @j renews; this job recognizes it, and another
 * one does with a probability of 2^-48: job_file_id_is_of(). So a file is renewed once
 * whatever is repeated, and nothing is kept for it.
 */
int job_file_id(const struct job *j, uint8_t ret_id[static FILE_ID_LEN]) MUST_CHECK;
bool job_file_id_is_of(const struct job *j, const uint8_t file_id[static FILE_ID_LEN]);

enum job_outcome {
	JOB_FILE_DONE,
	JOB_FILE_SKIPPED, /* needed nothing */
};

/* Counting, by any thread while the job runs. @why of a failure is a sentence without a path. */
void job_total(struct job *j, uint64_t files);
void job_file(struct job *j, enum job_outcome outcome);
/* job_file_early() - a file was done because it is about to move; the walk may still come to it,
 * and does not count it again. */
void job_file_early(struct job *j);
void job_file_failed(struct job *j, const char *path, const char *why);
/* job_again() - a pass over all files begins that only looks for what the last one may have missed:
 * files that need nothing are not counted any more, and failures are forgotten and found anew. */
void job_again(struct job *j);

/* job_restart() - what it counted before is void: it begins anew. */
void job_restart(struct job *j);

/* job_stops() - it is to pause or to end, or the mount ends. Two atomic loads. */
bool job_stops(const struct job *j);
/* job_pace() - sleep as `rate` asks for; returns when job_stops(). */
void job_pace(struct job *j);

/**
 * job_checkpoint_due() - time to make the cursor durable
 * The caller brings all that it has done to the disk (syncfs(2)), then calls job_checkpoint().
 */
bool job_checkpoint_due(struct job *j);
/* job_checkpoint() - @cursor: relative path of the folder to go on with after a crash, of whose
 * files @counted have been counted. Also before run() returns early. */
int job_checkpoint(struct job *j, const char *cursor, uint64_t counted, struct err *err) MUST_CHECK;

#endif
