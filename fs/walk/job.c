/* fs/walk/job.c - the run of a job: from the first pass over the files until none that moved is
 * left. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/fdpath.h"
#include "fs/content/usage.h"
#include "fs/inode/fds.h"
#include "fs/jobs/job.h"
#include "fs/jobs/renewal.h"
#include "fs/policy/scan.h"
#include "fs/policy/target.h"
#include "fs/walk/purge_list.h"
#include "fs/walk/walk_internal.h"

#define STOP_MS 5u  /* how long renames wait for a job that begins or ends */
#define GO_MS	50u /* how long they then go on before it tries again */

int walk_new(struct volume *v, struct jobs *jobs, struct walk **ret_walk)
{
	struct walk *w = calloc(1, sizeof(*w));
	pthread_rwlockattr_t attr;

	if (!w)
		return -ENOMEM;
	w->v = v;
	w->jobs = jobs;
	/* With readers preferred a steady stream of renames would keep a job from ever ending. */
	(void)pthread_rwlockattr_init(&attr);
	(void)pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	(void)pthread_rwlock_init(&w->lock, &attr);
	(void)pthread_rwlockattr_destroy(&attr);
	(void)pthread_mutex_init(&w->queue_lock, NULL);
	*ret_walk = w;
	return 0;
}

void walk_free(struct walk *w)
{
	if (!w)
		return;
	(void)pthread_rwlock_destroy(&w->lock);
	(void)pthread_mutex_destroy(&w->queue_lock);
	free(w->queue);
	free(w);
}

/* ---- the job ---- */

/*
 * Takes the lock for writing. A rename may hold it for reading as long as a commit or re-wrap
 * takes, and while a writer waits no other rename begins: so the wait is cut into short pieces.
 */
static void stop_renames(struct walk *w)
{
	const struct timespec go = {.tv_nsec = GO_MS * 1000000L};
	struct timespec until;

	for (;;) {
		(void)clock_gettime(CLOCK_REALTIME, &until); /* cannot fail with this clock */
		until.tv_nsec += STOP_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		if (pthread_rwlock_timedwrlock(&w->lock, &until) == 0)
			break;
		(void)nanosleep(&go, NULL); /* shorter is fine */
	}
}

static int begin(struct walk *w, struct job *j)
{
	bool scan = !job_rewraps(j);
	int r = 0;

	stop_renames(w);
	walk_next_pass(w);
	if (scan)
		r = usage_scan_begin(w->v->usage);
	if (r == 0)
		w->job = j;
	pthread_rwlock_unlock(&w->lock);
	if (scan)
		scan_begins(w->v->policies, j);
	targets_synchronize(w->v->policies);
	return r;
}

/* Another pass over everything. Failures are forgotten and found anew, so every folder is walked
 * again. */
static int pass_again(struct walk *w, struct job *j, struct err *err)
{
	int r;

	job_again(j);
	walk_next_pass(w);
	w->only_ends = false;
	r = tree_walk_job(w, j, "", err);
	w->only_ends = w->searching;
	return r == 0 && w->searching ? tree_walk_store(w, j, err) : r;
}

static int walk_inode(struct walk *w, struct job *j, struct inode *i, struct err *err)
{
	char link[FD_PATH_LEN];
	int path_fd, fd, r;

	if (i->type == S_IFREG) {
		r = walk_renews(j) ? walk_renew_moved(w, j, i, err)
				   : walk_rewrap_moved(w, j, i, err);
		inode_unhold(w->v->inodes, i);
		return r;
	}
	r = inode_fd(w->v->inodes, i, &path_fd);
	if (r == 0) {
		fd = open(fd_path(path_fd, link), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		inode_fd_done(w->v->inodes, i);
		r = fd < 0 ? -errno : tree_walk_folder(w, j, fd, i->scope, err);
	}
	inode_unhold(w->v->inodes, i);
	return r == -ENOENT || r == -ESTALE ? 0 : r; /* removed meanwhile */
}

static int walk_queued(struct walk *w, struct job *j, struct err *err)
{
	bool lost = false, due = false;
	int r = 0;

	for (struct inode *i; r == 0;) {
		i = walk_dequeue(w, &lost, &due);
		if (i) {
			w->only_ends = walk_renews(j) && !due;
			r = walk_inode(w, j, i, err);
		} else if (lost) {
			r = pass_again(w, j, err);
		} else {
			return 0;
		}
	}
	return r;
}

/* True: nothing that moved is left to walk, and the job has ended before another name can
 * change. */
static bool end(struct walk *w)
{
	bool over;

	stop_renames(w);
	over = w->n_queued == 0 && !w->lost;
	if (over)
		w->job = NULL;
	pthread_rwlock_unlock(&w->lock);
	return over;
}

static void give_up(struct walk *w)
{
	bool lost, due;

	stop_renames(w);
	w->job = NULL;
	pthread_rwlock_unlock(&w->lock);
	for (struct inode *i; (i = walk_dequeue(w, &lost, &due));)
		inode_unhold(w->v->inodes, i);
	(void)walk_dequeue(w, &lost, &due); /* clears w->lost */
}

/* Goes on from the job's cursor. Nothing was queued while the job was interrupted, so then one more
 * pass from the start follows. */
static int walk_from(struct walk *w, struct job *j, struct err *err)
{
	char cursor[JOB_CURSOR_MAX + 1];
	int r;

	strcpy(cursor, job_of(j)->cursor);
	r = tree_walk_job(w, j, cursor, err);
	return r == 0 && cursor[0] ? pass_again(w, j, err) : r;
}

/*
 * The file of a renewal that was stopped half way may be anywhere by now, or gone. So every file is
 * looked at, and records that no file needs are dropped.
 */
static int search(struct walk *w, struct job *j, struct err *err)
{
	int r;

	stop_renames(w);
	walk_next_pass(w);
	w->searching = true;
	pthread_rwlock_unlock(&w->lock);
	renewals_search_begin(w->v->renewals);
	w->only_ends = true;
	r = tree_walk_store(w, j, err);
	return r < 0 ? r : walk_queued(w, j, err);
}

/* After syncfs(2): durably drops the records of renewals that ended, or whose file is gone. */
static int end_renewals(struct walk *w, struct err *err)
{
	if (w->searching)
		renewals_search_end(w->v->renewals,
				    atomic_load(&w->unseen) ? SEARCHED_SOME : SEARCHED_ALL);
	return renewals_flush(w->v->renewals, err);
}

/* A count before an interruption is void: changes since then were not followed. */
static int run_scan(struct walk *w, struct job *j, struct err *err)
{
	CLEANUP(scan_result_fini) struct scan_result res = {0};
	uint64_t files = 0, mailboxes = 0;
	int r;

	job_restart(j);
	r = purge_list_begin(w, j, err);
	if (r < 0)
		return r;
	r = begin(w, j);
	if (r < 0) {
		purge_list_give_up(w);
		return err_set(err, r, "the count cannot begin: %s", strerror(-r));
	}
	r = tree_count(w, j, &files);
	if (r == 0) {
		job_total(j, files);
		r = tree_walk_job(w, j, "", err);
	}
	do {
		if (r == 0)
			r = walk_queued(w, j, err);
	} while (r == 0 && !end(w));
	if (r == 0)
		r = walk_scan_mailboxes(w, &mailboxes);
	if (r == 0) {
		r = usage_scan_end(w->v->usage, &res);
		if (r < 0)
			(void)err_set(err, r, "the count cannot be finished: %s", strerror(-r));
	}
	if (r < 0) {
		give_up(w);
		usage_scan_abort(w->v->usage);
		purge_list_give_up(w);
		return r;
	}
	res.mailboxes = mailboxes;
	r = purge_list_end(w, &res, err);
	return r < 0 ? r : scan_ends(w->v->policies, j, &res, err);
}

static int run(void *arg, struct job *j, struct err *err)
{
	struct walk *w = arg;
	uint64_t files = job_of(j)->total;
	int r;

	if (!job_rewraps(j))
		return run_scan(w, j, err);
	atomic_store(&w->unseen, false);
	r = begin(w, j);
	if (r == 0 && !files)
		r = tree_count(w, j, &files);
	if (r == 0) {
		job_total(j, files);
		r = walk_from(w, j, err);
	}
	do {
		if (r == 0)
			r = walk_queued(w, j, err);
		if (r == 0 && walk_renews(j) && !w->searching && renewals_left(w->v->renewals))
			r = search(w, j, err);
		if (r == 0 && syncfs(w->v->top_fd) < 0)
			r = err_set(err, -errno, "the store cannot be synced: %s", strerror(errno));
	} while (r == 0 && !end(w));
	if (r == 0)
		r = end_renewals(w, err);
	if (r < 0)
		give_up(w);
	w->searching = w->only_ends = false; /* the next job starts without */
	return r;
}

int walk_listen(struct walk *w, struct err *err)
{
	const struct job_runner runner = {run, walk_renew_find, w};

	return w->v->read_only ? 0 : jobs_serve(w->jobs, &runner, err);
}

void walk_silence(struct walk *w)
{
	jobs_stop(w->jobs);
}
