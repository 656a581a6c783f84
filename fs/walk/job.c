#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crypto/base/cleanup.h"
#include "fs/content/usage.h"
#include "fs/jobs/renewal.h"
#include "fs/walk/purge_list.h"
#include "fs/walk/walk_internal.h"

#define STOP_MS 5u  /* so long renames wait for a job that begins or ends, */
#define GO_MS	50u /* and so long it lets them go before it tries again */

int visits_new(struct visits **ret_visits)
{
	struct visits *v = calloc(1, sizeof(*v));
	pthread_rwlockattr_t attr;

	if (!v)
		return -ENOMEM;
	/* Else a crowd that renames would keep a job from ever ending. */
	(void)pthread_rwlockattr_init(&attr);
	(void)pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	(void)pthread_rwlock_init(&v->lock, &attr);
	(void)pthread_rwlockattr_destroy(&attr);
	(void)pthread_mutex_init(&v->moved_lock, NULL);
	*ret_visits = v;
	return 0;
}

void visits_free(struct visits *v)
{
	if (!v)
		return;
	(void)pthread_rwlock_destroy(&v->lock);
	(void)pthread_mutex_destroy(&v->moved_lock);
	free(v->moved);
	free(v);
}

/* ---- the job ---- */

/*
 * Whoever renames holds the lock, perhaps as long as a vault takes to answer; and while somebody
 * waits to write, nobody else gets in. So they are never kept for long.
 */
static void stop_renames(struct visits *v)
{
	const struct timespec go = {.tv_nsec = GO_MS * 1000000L};
	struct timespec until;

	for (;;) {
		(void)clock_gettime(CLOCK_REALTIME, &until); /* cannot fail with this clock */
		until.tv_nsec += STOP_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		if (pthread_rwlock_timedwrlock(&v->lock, &until) == 0)
			break;
		(void)nanosleep(&go, NULL); /* shorter is fine */
	}
}

static void next_pass(struct visits *v)
{
	pthread_mutex_lock(&v->moved_lock);
	v->pass++;
	pthread_mutex_unlock(&v->moved_lock);
}

static int begin(struct session *s, struct job *j)
{
	bool scan = !job_rewraps(j);
	int r = 0;

	stop_renames(s->visits);
	next_pass(s->visits);
	if (scan)
		r = tally_begin(s);
	if (r == 0)
		s->visits->job = j;
	pthread_rwlock_unlock(&s->visits->lock);
	if (scan)
		scan_begins(s->engine, j);
	engine_targets_settle(s->engine);
	return r;
}

/* Failures are found anew, so no folder counts as walked. */
static int pass_again(struct session *s, struct job *j, struct err *err)
{
	int r;

	job_again(j);
	next_pass(s->visits);
	s->renew.only_ends = false;
	r = walk_all(s, j, "", err);
	s->renew.only_ends = s->renew.searching;
	return r == 0 && s->renew.searching ? walk_store(s, j, err) : r;
}

/* A folder that moved, held; NULL: none. *ret_lost: one is not remembered. */
static struct inode *next_moved(struct visits *v, bool *ret_lost, bool *ret_due)
{
	struct inode *i = NULL;

	pthread_mutex_lock(&v->moved_lock);
	if (v->n_moved) {
		i = v->moved[--v->n_moved];
		i->moved = false; /* by another move it is listed again, and then walked */
		*ret_due = i->due;
		i->due = false;
	}
	*ret_lost = v->lost && !i;
	if (*ret_lost)
		v->lost = false;
	pthread_mutex_unlock(&v->moved_lock);
	return i;
}

static int walk_inode(struct session *s, struct job *j, struct inode *i, struct err *err)
{
	char link[FD_PATH_LEN];
	int path_fd, fd, r;

	if (i->type == S_IFREG) {
		r = visit_renewed_inode(s, j, i, err);
		inode_unhold(s->inodes, i);
		return r;
	}
	r = inode_fd(s->inodes, i, &path_fd);
	if (r == 0) {
		fd = open(fd_path(path_fd, link), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		inode_fd_done(s->inodes, i);
		r = fd < 0 ? -errno : walk_moved(s, j, fd, i->scope, err);
	}
	inode_unhold(s->inodes, i);
	return r == -ENOENT || r == -ESTALE ? 0 : r; /* removed since */
}

static int walk_all_moved(struct session *s, struct job *j, struct err *err)
{
	bool lost = false, due = false;
	int r = 0;

	for (struct inode *i; r == 0;) {
		i = next_moved(s->visits, &lost, &due);
		if (i) {
			s->renew.only_ends = visit_renews(j) && !due;
			r = walk_inode(s, j, i, err);
		} else if (lost) {
			r = pass_again(s, j, err);
		} else {
			return 0;
		}
	}
	return r;
}

/* Nothing moved that was not visited, and nothing moves unseen before this is known. */
static bool end(struct session *s)
{
	struct visits *v = s->visits;
	bool over;

	stop_renames(v);
	over = v->n_moved == 0 && !v->lost;
	if (over)
		v->job = NULL;
	pthread_rwlock_unlock(&v->lock);
	return over;
}

static void give_up(struct session *s)
{
	bool lost, due;

	stop_renames(s->visits);
	s->visits->job = NULL;
	pthread_rwlock_unlock(&s->visits->lock);
	for (struct inode *i; (i = next_moved(s->visits, &lost, &due));)
		inode_unhold(s->inodes, i);
	(void)next_moved(s->visits, &lost, &due); /* forgets that too */
}

/* What moved while it was interrupted was seen by nobody: so one pass more from the start. */
static int walk_from(struct session *s, struct job *j, struct err *err)
{
	char cursor[JOB_CURSOR_MAX + 1];
	int r;

	strcpy(cursor, job_of(j)->cursor);
	r = walk_all(s, j, cursor, err);
	return r == 0 && cursor[0] ? pass_again(s, j, err) : r;
}

/*
 * A renewal that was stopped half way may be anywhere by now, or its file gone. So every file is
 * looked at, and what no file needs is forgotten.
 */
static int search(struct session *s, struct job *j, struct err *err)
{
	int r;

	stop_renames(s->visits);
	next_pass(s->visits);
	s->renew.searching = true;
	pthread_rwlock_unlock(&s->visits->lock);
	renewals_search(s->engine);
	s->renew.only_ends = true;
	r = walk_store(s, j, err);
	return r < 0 ? r : walk_all_moved(s, j, err);
}

/* What ended is forgotten: it is on disk, and so is what was removed. */
static int end_renewals(struct session *s, struct err *err)
{
	if (s->renew.searching)
		renewals_searched(s->engine,
				  atomic_load(&s->renew.unseen) ? LOOKED_AT_SOME : LOOKED_AT_ALL);
	return renewals_flush(s->engine, err);
}

/* Whatever was counted before an interruption is void: nobody saw what changed since. */
static int run_scan(struct session *s, struct job *j, struct err *err)
{
	CLEANUP(scan_result_fini) struct scan_result res = {0};
	uint64_t files = 0, mailboxes = 0;
	int r;

	job_restart(j);
	r = purge_list_begin(s, j, err);
	if (r < 0)
		return r;
	r = begin(s, j);
	if (r < 0) {
		purge_list_give_up(s);
		return err_set(err, r, "the count cannot begin: %s", strerror(-r));
	}
	r = walk_count(s, j, &files);
	if (r == 0) {
		job_total(j, files);
		r = walk_all(s, j, "", err);
	}
	do {
		if (r == 0)
			r = walk_all_moved(s, j, err);
	} while (r == 0 && !end(s));
	if (r == 0)
		r = visit_mailboxes(s, &mailboxes);
	if (r == 0) {
		r = tally_end(s, &res);
		if (r < 0)
			(void)err_set(err, r, "the count cannot be finished: %s", strerror(-r));
	}
	if (r < 0) {
		give_up(s);
		tally_give_up(s);
		purge_list_give_up(s);
		return r;
	}
	res.mailboxes = mailboxes;
	r = purge_list_end(s, &res, err);
	return r < 0 ? r : scan_ends(s->engine, j, &res, err);
}

static int run(void *arg, struct job *j, struct err *err)
{
	struct session *s = arg;
	uint64_t files = job_of(j)->total;
	int r;

	if (!job_rewraps(j))
		return run_scan(s, j, err);
	atomic_store(&s->renew.unseen, false);
	r = begin(s, j);
	if (r == 0 && !files)
		r = walk_count(s, j, &files);
	if (r == 0) {
		job_total(j, files);
		r = walk_from(s, j, err);
	}
	do {
		if (r == 0)
			r = walk_all_moved(s, j, err);
		if (r == 0 && visit_renews(j) && !s->renew.searching && renewals_left(s->engine))
			r = search(s, j, err);
		if (r == 0 && syncfs(s->top_fd) < 0)
			r = err_set(err, -errno, "the store cannot be synced: %s", strerror(errno));
	} while (r == 0 && !end(s));
	if (r == 0)
		r = end_renewals(s, err);
	if (r < 0)
		give_up(s);
	s->renew.searching = s->renew.only_ends = false; /* no job is known that would look at it */
	return r;
}

int visits_listen(struct session *s, struct err *err)
{
	const struct job_runner runner = {run, visit_find, s};

	return s->read_only ? 0 : jobs_serve(s->engine, &runner, err);
}

void visits_silence(struct session *s)
{
	jobs_stop(s->engine);
}
