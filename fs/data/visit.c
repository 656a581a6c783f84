#include "visit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crypto/cleanup.h"
#include "disk.h"
#include "fs/policy/renewal.h"
#include "purge_list.h"
#include "tally.h"

#define MOVED_MAX 65536u /* folders remembered; more of them cost a pass over everything */
#define STOP_MS	  5u	 /* so long renames wait for a job that begins or ends, */
#define GO_MS	  50u	 /* and so long it lets them go before it tries again */

struct visits {
	pthread_rwlock_t lock;
	struct job *job; /* NULL: none; guarded by lock */
	pthread_mutex_t moved_lock;
	uint32_t pass;		/* over all files, of this job or one before; guarded by moved_lock,
				   as what follows */
	struct inode **moved;	/* held, each once */
	unsigned n_moved, room; /* room: of the array */
	bool lost;		/* a folder moved that is not remembered */
};

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

/* ---- one file ---- */

static int open_quietly(int dir_fd, const char *name)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = openat(dir_fd, name, flags | O_NOATIME);

	if (fd < 0 && errno == EPERM) /* O_NOATIME is the owner's */
		fd = openat(dir_fd, name, flags);
	return fd < 0 ? -errno : fd;
}

static const char *reason(int r)
{
	switch (r) {
	case -EIO:
	case -EBADMSG:
		return "damaged; events say where";
	case -EKEYREVOKED:
		return "its policy's key is denied";
	case -ENAMETOOLONG:
		return "lies in too many folders, and what it holds is not looked at";
	case -EOVERFLOW:
		return "moved away, and too much else moved to follow it";
	case -ETIMEDOUT:
	case -EAGAIN:
		return "its policy's key was not to be had in time";
	default:
		return strerror(-r);
	}
}

/* Through the same door as programs, so that those that have it open see one header. @fd is
 * consumed. */
static int rewrap(struct session *s, int fd, const char *name, const struct stat *st,
		  const struct scope *scope, const struct wrap_ref *target,
		  const struct request *rq)
{
	struct inode *i;
	struct file *f;
	int r = inode_ref(s->inodes, fd, st, NULL, name, scope, &i), put;

	if (r < 0)
		return r;
	r = file_get(s, i, O_RDWR, rq, &f);
	if (r == 0) {
		r = file_rewrap_now(s, f, target, rq);
		put = file_put(s, f);
		r = r < 0 ? r : put;
	}
	inode_forget(s->inodes, i, 1);
	return r;
}

enum look {
	LOOK_NONE,  /* no file, or none that counts */
	LOOK_FINE,  /* needs nothing */
	LOOK_WANTED /* *ret_target is where it is to go */
};

/*
 * An empty file is one that is just being made, under the target of now; or damage, which a job
 * does not look for.
 */
static int look(struct session *s, struct job *j, int fd, const struct scope *scope,
		struct stat *ret_st, struct wrap_ref *ret_target)
{
	uint8_t bytes[HEADER_LEN];
	struct header hdr;
	int r;

	if (fstat(fd, ret_st) < 0)
		return -errno;
	if (!S_ISREG(ret_st->st_mode) || ret_st->st_size == 0)
		return LOOK_NONE;
	r = disk_read(fd, bytes, HEADER_LEN, 0);
	if (r == 0)
		r = header_decode(bytes, &hdr, NULL);
	if (r < 0)
		return r == -ENODATA || r == -ENOTSUP ? -EBADMSG : r;
	return job_wants(s->engine, j, &hdr.ref, scope, ret_target) ? LOOK_WANTED : LOOK_FINE;
}

void visit_path(struct session *s, int dir_fd, const char *name, char out[static VISIT_PATH_LEN])
{
	char link[FD_PATH_LEN], dir[4096];
	size_t store_len = strlen(s->store);
	ssize_t n = readlink(fd_path(dir_fd, link), dir, sizeof(dir) - 1);
	const char *at = dir;

	dir[n > 0 ? n : 0] = '\0';
	if (strncmp(dir, s->store, store_len) == 0)
		at = dir[store_len] == '/' ? dir + store_len + 1 : dir + store_len;
	(void)snprintf(out, VISIT_PATH_LEN, "%s%s%s", at, *at && *name ? "/" : "", name);
}

void visit_failed(struct session *s, struct job *j, int dir_fd, const char *name, int r)
{
	char path[VISIT_PATH_LEN];

	visit_path(s, dir_fd, name, path);
	atomic_store(&s->renew.unseen, true); /* or it was, and that does not matter */
	job_file_failed(j, path, reason(r));
}

/* The target's key first: without it no file can be done, and none is to blame. */
static int target_key(struct session *s, const struct wrap_ref *target, const struct request *rq,
		      struct err *err)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	int r = request_kek(s, target, rq, &kek);

	if (r < 0 && r != -EINPROGRESS)
		return err_set(err, r, "the key to re-wrap under cannot be had: %s", reason(r));
	return r;
}

int visit_target_key(struct session *s, const struct wrap_ref *target, const struct request *rq,
		     struct err *err)
{
	return target_key(s, target, rq, err);
}

void visit_tell_failure(struct session *s, struct job *j, int dir_fd, const char *name, int r)
{
	visit_failed(s, j, dir_fd, name, r);
}

static bool renews(const struct job *j)
{
	return job_of(j)->kind == JOB_RENEW;
}

int visit_file(struct session *s, struct job *j, int dir_fd, const char *name,
	       const struct scope *scope, const struct request *rq, struct err *err)
{
	struct wrap_ref target;
	struct stat st;
	int fd = open_quietly(dir_fd, name), r;

	if (fd == -ENOENT || fd == -ELOOP || fd == -ENXIO) /* gone, a link, a socket */
		return 0;
	if (renews(j))
		return visit_renewed(s, j, dir_fd, name, fd, scope, rq, err);
	if (!job_rewraps(j))
		return visit_count(s, j, dir_fd, name, fd, scope);
	r = fd < 0 ? fd : look(s, j, fd, scope, &st, &target);
	if (r == LOOK_WANTED) {
		r = target_key(s, &target, rq, err);
		if (r < 0) {
			(void)close(fd); /* only read from */
			return r;
		}
		r = rewrap(s, fd, name, &st, scope, &target, rq);
		if (r == 0)
			job_file(j, JOB_FILE_DONE);
	} else {
		if (fd >= 0)
			(void)close(fd); /* the same */
		if (r == LOOK_NONE)
			return 0;
		if (r == LOOK_FINE)
			job_file(j, JOB_FILE_SKIPPED);
	}
	if (r < 0)
		visit_failed(s, j, dir_fd, name, r);
	return 1;
}

/* ---- what moves meanwhile ---- */

void visits_enter(struct session *s)
{
	pthread_rwlock_rdlock(&s->visits->lock);
}

bool visits_under_way(const struct session *s)
{
	return s->visits->job;
}

void visits_leave(struct session *s)
{
	pthread_rwlock_unlock(&s->visits->lock);
}

/*
 * @fd: read-only, consumed; @dir_fd, @name: to say where. On behalf of the job, so whatever the
 * program itself may do.
 */
static int visit_early(struct session *s, int dir_fd, const char *name, int fd,
		       const struct scope *scope, const struct request *rq)
{
	const struct request own = {
		.blocking = rq->blocking, .class = REQUEST_SYSTEM, .wait = rq->wait};
	struct job *j = s->visits->job;
	struct wrap_ref target;
	struct stat st;
	int r;

	if (!job_rewraps(j)) {
		(void)visit_count(s, j, dir_fd, name, fd, scope);
		return 0;
	}
	r = look(s, j, fd, scope, &st, &target);
	if (r != LOOK_WANTED || rq->blocking == NEVER_BLOCK)
		(void)close(fd); /* only read from */
	if (r == LOOK_WANTED && rq->blocking == NEVER_BLOCK)
		return -EINPROGRESS;
	if (r == LOOK_WANTED) {
		r = rewrap(s, fd, name, &st, scope, &target, &own);
		if (r == 0)
			job_file_early(j);
	}
	if (r < 0)
		visit_failed(s, j, dir_fd, name, r);
	return 0;
}

int visit_before_move(struct session *s, int dir_fd, const char *name, const struct stat *st,
		      const struct scope *scope, const struct request *rq)
{
	int fd;

	if (s->visits->job && renews(s->visits->job)) {
		renewed_before_move(s, s->visits->job, dir_fd, name, st);
		return 0;
	}
	if (!s->visits->job || !S_ISREG(st->st_mode))
		return 0;
	fd = open_quietly(dir_fd, name);
	if (fd >= 0)
		return visit_early(s, dir_fd, name, fd, scope, rq);
	if (fd != -ENOENT)
		visit_failed(s, s->visits->job, dir_fd, name, fd);
	return 0;
}

int visit_before_link(struct session *s, int fd, const struct scope *scope,
		      const struct request *rq)
{
	char link[FD_PATH_LEN];
	struct stat st;
	int content_fd;

	if (!s->visits->job || fstatat(fd, "", &st, AT_EMPTY_PATH) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (renews(s->visits->job)) {
		renewed_before_move(s, s->visits->job, fd, "", &st);
		return 0;
	}
	content_fd = open(fd_path(fd, link), O_RDONLY | O_CLOEXEC);
	if (content_fd >= 0)
		return visit_early(s, fd, "", content_fd, scope, rq);
	visit_failed(s, s->visits->job, fd, "", -errno);
	return 0;
}

static bool moved_fits_locked(struct visits *v)
{
	unsigned room = v->room ? v->room * 2 : 64;
	struct inode **more;

	if (v->n_moved < v->room)
		return true;
	more = room <= MOVED_MAX ? reallocarray(v->moved, room, sizeof(*more)) : NULL;
	if (!more)
		return false;
	v->moved = more;
	v->room = room;
	return true;
}

void visit_after_move(struct session *s, int dir_fd, const char *name)
{
	struct visits *v = s->visits;
	struct inode *i = NULL;
	struct stat st;

	if (!v->job || renews(v->job) || fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISDIR(st.st_mode))
		return;
	i = inode_find(s->inodes, st.st_dev, st.st_ino);
	pthread_mutex_lock(&v->moved_lock);
	if (i && (i->walked == v->pass || i->moved)) {
		; /* nothing in it is undone, or it will be walked */
	} else if (i && moved_fits_locked(v)) {
		i->moved = true;
		v->moved[v->n_moved++] = STEAL(i);
	} else {
		v->lost = true;
	}
	pthread_mutex_unlock(&v->moved_lock);
	if (i)
		inode_unhold(s->inodes, i);
}

bool visit_remember(struct session *s, struct inode *i, bool due)
{
	struct visits *v = s->visits;
	bool known, fits = true;

	pthread_mutex_lock(&v->moved_lock);
	known = i->moved || i->walked == v->pass; /* walked: nothing in it is undone */
	i->due |= due;
	if (!known) {
		fits = moved_fits_locked(v);
		i->moved = fits;
		if (fits)
			v->moved[v->n_moved++] = i;
	}
	pthread_mutex_unlock(&v->moved_lock);
	if (known || !fits)
		inode_unhold(s->inodes, i);
	return fits;
}

void visit_made(struct session *s, struct inode *folder)
{
	struct visits *v = s->visits;

	pthread_mutex_lock(&v->moved_lock);
	folder->walked = v->pass;
	pthread_mutex_unlock(&v->moved_lock);
}

/* Held; NULL: the kernel does not know it. */
static struct inode *folder_of(struct session *s, int dir_fd)
{
	struct stat st;

	return fstat(dir_fd, &st) < 0 ? NULL : inode_find(s->inodes, st.st_dev, st.st_ino);
}

bool visit_walked(struct session *s, int dir_fd)
{
	struct inode *i = folder_of(s, dir_fd);
	bool walked;

	if (!i)
		return false;
	pthread_mutex_lock(&s->visits->moved_lock);
	walked = i->walked == s->visits->pass;
	pthread_mutex_unlock(&s->visits->moved_lock);
	inode_unhold(s->inodes, i);
	return walked;
}

void visit_mark(struct session *s, int dir_fd)
{
	struct inode *i = folder_of(s, dir_fd);

	if (!i)
		return;
	visit_made(s, i);
	inode_unhold(s->inodes, i);
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
			s->renew.only_ends = renews(j) && !due;
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
		if (r == 0 && renews(j) && !s->renew.searching && renewals_left(s->engine))
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
