/* fs/jobs/job.c - the table of jobs: looked at, started by acts, commanded. */
#include "fs/jobs/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/policy/engine_internal.h"

const char *job_kind_name(enum job_kind k)
{
	static const char *const names[] = {
		[JOB_ASSIGN] = "assign", [JOB_OFFBOARD] = "offboard", [JOB_ROTATE] = "rotate",
		[JOB_RENEW] = "renew",	 [JOB_SCAN] = "scan",	      [JOB_PURGE] = "purge",
	};

	return k > 0 && k < JOB_KIND_END && names[k] ? names[k] : "unknown";
}

const char *job_state_name(enum job_state s)
{
	static const char *const names[] = {
		[JOB_QUEUED] = "queued",       [JOB_RUNNING] = "running",
		[JOB_WAITING] = "waiting",     [JOB_PAUSED] = "paused",
		[JOB_DONE] = "done",	       [JOB_FAILED] = "failed",
		[JOB_CANCELLED] = "cancelled", [JOB_SUPERSEDED] = "superseded",
	};

	return s > 0 && s < JOB_STATE_END ? names[s] : "unknown";
}

bool job_state_is_final(enum job_state s)
{
	return s >= JOB_DONE;
}

void jobs_init(struct engine *e, struct jobs *jobs)
{
	(void)pthread_mutex_init(&jobs->write, NULL);
	(void)pthread_mutex_init(&jobs->lock, NULL);
	(void)pthread_cond_init(&jobs->changed, NULL);
	jobs->e = e;
}

void job_free(struct job *j)
{
	if (!j)
		return;
	for (uint32_t i = 0; i < j->n_fresh; i++)
		free(j->fresh[i]);
	free(j->fresh);
	free(j);
}

void jobs_fini(struct jobs *jobs)
{
	for (struct job *j = jobs->first, *next; j; j = next) {
		next = j->next;
		job_free(j);
	}
	(void)pthread_mutex_destroy(&jobs->write);
	(void)pthread_mutex_destroy(&jobs->lock);
	(void)pthread_cond_destroy(&jobs->changed);
}

struct job *job_new(struct jobs *jobs)
{
	struct job *j = calloc(1, sizeof(*j));

	if (j)
		j->jobs = jobs;
	return j;
}

void jobs_changed(struct jobs *jobs)
{
	pthread_cond_broadcast(&jobs->changed);
}

void job_insert_locked(struct jobs *jobs, struct job *j)
{
	struct job **at = &jobs->first;

	while (*at && (*at)->rec.no < j->rec.no)
		at = &(*at)->next;
	j->next = *at;
	*at = j;
	if (j->rec.no > jobs->last_no)
		jobs->last_no = j->rec.no;
	jobs_changed(jobs);
}

struct job *job_find_locked(struct jobs *jobs, uint64_t no)
{
	struct job *j = jobs->first;

	while (j && j->rec.no != no)
		j = j->next;
	return j;
}

void job_tell(struct engine *e, const struct job *j, const char *event, const struct actor *who,
	      int r, const char *reason)
{
	char id[UUID_TEXT_LEN], mailbox[MAILBOX_ID_MAX + 1];
	enum job_state state;

	pthread_mutex_lock(&e->jobs.lock);
	state = j->rec.state;
	uuid_encode(j->rec.policy_id, id);
	memcpy(mailbox, j->rec.mailbox, sizeof(mailbox));
	pthread_mutex_unlock(&e->jobs.lock);
	const struct audit_field fields[] = {
		AUDIT_FIELD_U64("job", j->rec.no),
		AUDIT_FIELD_STR("kind", job_kind_name(j->rec.kind)),
		AUDIT_FIELD_STR("policy_id", j->rec.kind == JOB_RENEW ? NULL : id),
		AUDIT_FIELD_STR("path", j->rec.kind == JOB_RENEW ? j->rec.path : NULL),
		AUDIT_FIELD_STR("mailbox", mailbox[0] ? mailbox : NULL),
		AUDIT_FIELD_STR("state", job_state_name(state)),
		AUDIT_FIELD_U64("done", atomic_load(&j->done)),
		AUDIT_FIELD_U64("skipped", atomic_load(&j->skipped)),
		AUDIT_FIELD_U64("failed", atomic_load(&j->failed)),
		AUDIT_FIELD_STR("reason", reason),
	};

	audit_event(e->audit, event, who, errno_name(r), fields,
		    sizeof(fields) / sizeof(fields[0]));
}

/* ---- looked at ---- */

static void info_copy_locked(const struct job *j, struct job_info *info)
{
	uint64_t files, ms, now_ms = clock_now_ms();

	memset(info, 0, sizeof(*info));
	info->rec = j->rec;
	if (j->jobs->running == j && j->rec.state != JOB_SUPERSEDED)
		info->rec.state = JOB_RUNNING; /* until its end is durable, with what it lists */
	info->rec.total = atomic_load(&j->total);
	info->rec.done = atomic_load(&j->done);
	info->rec.failed = atomic_load(&j->failed);
	info->rec.skipped = atomic_load(&j->skipped);
	info->rec.rate = atomic_load(&j->rate);
	info->left_s = UINT64_MAX;
	if (info->rec.state != JOB_RUNNING)
		return;
	info->counting = !atomic_load(&j->counted);
	files = info->rec.done + info->rec.failed + info->rec.skipped;
	ms = now_ms - j->old.ms;
	if (j->old.ms && ms && files >= j->old.files)
		info->per_s = (files - j->old.files) * 1000 / ms;
	if (!info->counting && info->per_s)
		info->left_s =
			info->rec.total > files ? (info->rec.total - files) / info->per_s : 0;
}

/* The tables' lock is not taken inside the jobs'. */
static void info_add_policy(struct engine *e, struct job_info *info)
{
	const struct policy *p;

	pthread_rwlock_rdlock(&e->tables.lock);
	p = tables_find_id_locked(&e->tables, info->rec.policy_id);
	if (p)
		memcpy(info->policy, p->rec.name, sizeof(info->policy));
	pthread_rwlock_unlock(&e->tables.lock);
}

static int no_such_job(uint64_t no, struct err *err)
{
	return err_set(err, -ENOENT, "there is no job %llu", (unsigned long long)no);
}

int job_get(struct engine *e, uint64_t no, struct job_info *ret_info, struct err *err)
{
	const struct job *j;

	pthread_mutex_lock(&e->jobs.lock);
	j = job_find_locked(&e->jobs, no);
	if (j)
		info_copy_locked(j, ret_info);
	pthread_mutex_unlock(&e->jobs.lock);
	if (!j)
		return no_such_job(no, err);
	info_add_policy(e, ret_info);
	return 0;
}

int job_list(struct engine *e, struct job_info **ret_list, size_t *ret_count)
{
	struct job_info *list;
	size_t n = 0, i = 0;

	pthread_mutex_lock(&e->jobs.lock);
	for (const struct job *j = e->jobs.first; j; j = j->next)
		n++;
	list = calloc(n + 1, sizeof(*list)); /* one more, so that an empty list is no NULL */
	for (const struct job *j = e->jobs.first; list && j; j = j->next)
		info_copy_locked(j, &list[i++]);
	pthread_mutex_unlock(&e->jobs.lock);
	if (!list)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		info_add_policy(e, &list[i]);
	*ret_list = list;
	*ret_count = n;
	return 0;
}

uint64_t job_newest(struct engine *e, const char *mailbox, uint64_t after)
{
	uint64_t no = 0;

	pthread_mutex_lock(&e->jobs.lock);
	for (const struct job *j = e->jobs.first; j; j = j->next)
		if (j->rec.no > after && job_rewraps(j) &&
		    strcmp(j->rec.mailbox, mailbox ? mailbox : "") == 0)
			no = j->rec.no;
	pthread_mutex_unlock(&e->jobs.lock);
	return no;
}

uint64_t job_last(struct engine *e)
{
	uint64_t no;

	pthread_mutex_lock(&e->jobs.lock);
	no = e->jobs.last_no;
	pthread_mutex_unlock(&e->jobs.lock);
	return no;
}

/* ---- started by an act ---- */

int job_plan_begin(struct job_plan *plan, struct engine *e, enum job_kind kind,
		   const uint8_t policy_id[static UUID_LEN], const char *mailbox, struct err *err)
{
	struct job_record *rec;

	plan->e = e;
	pthread_mutex_lock(&e->jobs.write);
	plan->fresh = job_new(&e->jobs);
	if (!plan->fresh)
		return err_set(err, -ENOMEM, "no memory for one job more");
	rec = &plan->fresh->rec;
	rec->no = e->jobs.last_no + 1; /* written under jobs.write alone */
	rec->kind = kind;
	rec->state = JOB_QUEUED;
	rec->created = (uint64_t)time(NULL);
	rec->rate = e->job_rate;
	atomic_store(&plan->fresh->rate, e->job_rate);
	memcpy(rec->policy_id, policy_id, UUID_LEN);
	(void)snprintf(rec->mailbox, sizeof(rec->mailbox), "%s", mailbox ? mailbox : "");
	return 0;
}

static bool is_superseded(struct jobs *jobs, const struct job *j, const struct job_record *fresh,
			  struct job_record *ret_rec)
{
	pthread_mutex_lock(&jobs->lock);
	*ret_rec = j->rec;
	pthread_mutex_unlock(&jobs->lock);
	return job_supersedes(fresh, ret_rec);
}

static int put_superseded(struct job_plan *plan, struct store_txn *txn, struct err *err)
{
	CLEANUP(free_mem_p) struct job_record *rec = malloc(sizeof(*rec));
	struct jobs *jobs = &plan->e->jobs;
	int r = 0;

	if (!rec)
		return err_set(err, -ENOMEM, "no memory for one job more");
	/* the table itself changes under jobs.write alone, which is held */
	for (struct job *j = jobs->first; r == 0 && j; j = j->next) {
		if (!is_superseded(jobs, j, &plan->fresh->rec, rec))
			continue;
		rec->state = JOB_SUPERSEDED;
		rec->ended = plan->fresh->rec.created;
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
	struct jobs *jobs = &plan->e->jobs;
	const struct job *old;
	int r = put_superseded(plan, txn, err);

	pthread_mutex_lock(&jobs->lock);
	old = oldest_ended_locked(jobs); /* what has ended changes no more */
	pthread_mutex_unlock(&jobs->lock);
	if (r == 0 && old)
		r = job_erase(txn, &old->rec, err);
	return r < 0 ? r : job_put(txn, &plan->fresh->rec, err);
}

static void supersede_locked(struct jobs *jobs, const struct job_record *fresh)
{
	for (struct job *j = jobs->first; j; j = j->next) {
		if (!job_supersedes(fresh, &j->rec))
			continue;
		if (j == jobs->running)
			atomic_store(&j->wish, WISH_SUPERSEDE); /* its runner ends it */
		else
			j->rec.state = JOB_SUPERSEDED;
		j->rec.ended = fresh->created;
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
	CLEANUP(job_free_p) struct job *fresh = plan->fresh;
	struct jobs *jobs = &plan->e->jobs;
	uint64_t no = 0;

	if (r == 0 && fresh) {
		pthread_mutex_lock(&jobs->lock);
		forget_oldest_locked(jobs);
		supersede_locked(jobs, &fresh->rec);
		no = fresh->rec.no;
		job_insert_locked(jobs, STEAL(fresh));
		pthread_mutex_unlock(&jobs->lock);
	}
	plan->fresh = NULL;
	pthread_mutex_unlock(&jobs->write);
	return no;
}

/* ---- commanded ---- */

static int refuse_command(const struct job *j, const char *what, struct err *err)
{
	return err_set(err, -EINVAL, "job %llu is %s: it cannot be %s",
		       (unsigned long long)j->rec.no, job_state_name(j->rec.state), what);
}

/* What the record says after @command; a running job is told, and its runner writes the record. */
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

static int record_commit(struct engine *e, const struct job_record *rec, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	int r = store_begin(e->store, STORE_WRITE, &txn, err);

	if (r == 0)
		r = job_put(txn, rec, err);
	return r < 0 ? r : store_commit(STEAL(txn), STORE_COMMIT, err);
}

static void command_take_locked(struct jobs *jobs, struct job *j, enum job_command command,
				const struct job_record *rec)
{
	static const int wishes[] = {[JOB_PAUSE] = WISH_PAUSE, [JOB_CANCEL] = WISH_CANCEL};

	atomic_store(&j->rate, rec->rate);
	if (j == jobs->running) {
		j->rec.rate = rec->rate;
		if (command == JOB_PAUSE || command == JOB_CANCEL)
			atomic_store(&j->wish, wishes[command]);
		else if (command == JOB_RESUME && atomic_load(&j->wish) == WISH_PAUSE)
			atomic_store(&j->wish, WISH_NONE);
	} else {
		j->rec = *rec;
		j->not_before_ms = 0;
		if (command == JOB_RETRY)
			job_again_locked(j);
	}
	jobs_changed(jobs);
}

/* jobs.write is held: records and the one that runs change under it, or not at all. */
static int command_do(struct engine *e, struct job *j, enum job_command command, uint32_t rate,
		      struct err *err)
{
	struct jobs *jobs = &e->jobs;
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
		r = record_commit(e, rec, err);
	if (r < 0)
		return r;
	pthread_mutex_lock(&jobs->lock);
	command_take_locked(jobs, j, command, rec);
	pthread_mutex_unlock(&jobs->lock);
	return 0;
}

int job_command(struct engine *e, uint64_t no, enum job_command command, uint32_t rate,
		const struct actor *who, struct err *err)
{
	static const char *const events[] = {
		[JOB_PAUSE] = "job-pause", [JOB_RESUME] = "job-resume", [JOB_CANCEL] = "job-cancel",
		[JOB_RETRY] = "job-retry", [JOB_RATE] = "job-rate",
	};
	struct jobs *jobs = &e->jobs;
	struct err own = {0};
	struct job *j;
	int r;

	err = err ? err : &own;
	pthread_mutex_lock(&jobs->write);
	pthread_mutex_lock(&jobs->lock);
	j = job_find_locked(jobs, no); /* taken out of the table under jobs.write alone */
	pthread_mutex_unlock(&jobs->lock);
	if (j) {
		r = command_do(e, j, command, rate, err);
		job_tell(e, j, events[command], who, r, r < 0 ? err_text(err, r) : NULL);
	} else {
		r = no_such_job(no, err);
	}
	pthread_mutex_unlock(&jobs->write);
	if (audit_sync(e->audit, NULL) < 0)
		return r; /* as acts: it has happened, and the log says what it lost */
	return r;
}
