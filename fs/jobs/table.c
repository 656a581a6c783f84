/* fs/jobs/table.c - jobs in memory, by number, and what is shown of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/jobs/jobs_internal.h"

void job_free(struct job *j)
{
	if (!j)
		return;
	for (uint32_t i = 0; i < j->n_new_failures; i++)
		free(j->new_failures[i]);
	free(j->new_failures);
	free(j);
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

void job_report(struct jobs *jobs, const struct job *j, const char *event,
		const struct actor *actor, int r, const char *reason)
{
	char id[UUID_TEXT_LEN], mailbox[MAILBOX_ID_MAX + 1];
	enum job_state state;

	pthread_mutex_lock(&jobs->lock);
	state = j->rec.state;
	uuid_encode(j->rec.policy_id, id);
	memcpy(mailbox, j->rec.mailbox, sizeof(mailbox));
	pthread_mutex_unlock(&jobs->lock);
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

	audit_event(jobs->audit, event, actor, errno_name(r), fields,
		    sizeof(fields) / sizeof(fields[0]));
}

void job_again_locked(struct job *j)
{
	atomic_store(&j->again, true);
	j->rec.flags |= JOB_FLAG_AGAIN;
	atomic_store(&j->failed, 0);
	for (uint32_t i = 0; i < j->n_new_failures; i++)
		free(j->new_failures[i]);
	j->n_new_failures = 0;
	j->forget = true;
}

uint64_t job_files_counted(const struct job *j)
{
	return atomic_load(&j->done) + atomic_load(&j->failed) + atomic_load(&j->skipped);
}

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

int job_missing(uint64_t no, struct err *err)
{
	return err_set(err, -ENOENT, "there is no job %llu", (unsigned long long)no);
}

int job_get(struct jobs *jobs, uint64_t no, struct job_info *ret_info, struct err *err)
{
	const struct job *j;

	pthread_mutex_lock(&jobs->lock);
	j = job_find_locked(jobs, no);
	if (j)
		info_copy_locked(j, ret_info);
	pthread_mutex_unlock(&jobs->lock);
	if (!j)
		return job_missing(no, err);
	return 0;
}

int job_list(struct jobs *jobs, struct job_info **ret_list, size_t *ret_count)
{
	struct job_info *list;
	size_t n = 0, i = 0;

	pthread_mutex_lock(&jobs->lock);
	for (const struct job *j = jobs->first; j; j = j->next)
		n++;
	list = calloc(n + 1, sizeof(*list)); /* one more, so that an empty list is no NULL */
	for (const struct job *j = jobs->first; list && j; j = j->next)
		info_copy_locked(j, &list[i++]);
	pthread_mutex_unlock(&jobs->lock);
	if (!list)
		return -ENOMEM;
	*ret_list = list;
	*ret_count = n;
	return 0;
}

uint64_t job_newest(struct jobs *jobs, const char *mailbox, uint64_t after)
{
	uint64_t no = 0;

	pthread_mutex_lock(&jobs->lock);
	for (const struct job *j = jobs->first; j; j = j->next)
		if (j->rec.no > after && job_rewraps(j) &&
		    strcmp(j->rec.mailbox, mailbox ? mailbox : "") == 0)
			no = j->rec.no;
	pthread_mutex_unlock(&jobs->lock);
	return no;
}

uint64_t job_last(struct jobs *jobs)
{
	uint64_t no;

	pthread_mutex_lock(&jobs->lock);
	no = jobs->last_no;
	pthread_mutex_unlock(&jobs->lock);
	return no;
}

uint64_t job_queued(struct jobs *jobs, enum job_kind kind)
{
	uint64_t no = 0;

	pthread_mutex_lock(&jobs->lock);
	for (const struct job *j = jobs->first; j; j = j->next)
		if (j->rec.kind == kind && j->rec.state == JOB_QUEUED)
			no = j->rec.no;
	pthread_mutex_unlock(&jobs->lock);
	return no;
}
