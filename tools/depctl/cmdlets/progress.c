/* tools/depctl/cmdlets/progress.c - a policy's progress in percent, from the status of its jobs. */
#include "tools/depctl/cmdlets/progress.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/depctl/client/jobs.h"

/* The counts of the jobs of one policy that have the same word, added up. */
struct sum {
	const char *word, *state; /* of the newest job; word is NULL without one */
	uint64_t total, fine, failed;
};

static const char *field(const struct fields *job, const char *name)
{
	return fields_get(job, name) ?: "";
}

static uint64_t number(const struct fields *job, const char *name)
{
	return strtoull(field(job, name), NULL, 10); /* 0 of "counting" */
}

static bool is(const struct fields *job, const char *name, const char *value)
{
	return strcmp(field(job, name), value) == 0;
}

/* Customer Key's word for a job; NULL: jobs of this kind change the key of no file. */
static const char *word_of(const struct fields *job)
{
	static const struct {
		const char *kind, *word;
	} words[] = {
		{"assign", "Registering"}, {"offboard", "Unregistering"}, {"rotate", "Rolling"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is(job, "kind", words[i].kind))
			return words[i].word;
	return NULL;
}

/* Whether a newer job of the policy covers the same files, so that job @i is out of date. */
static bool overtaken(const struct cmdlet_jobs *jobs, size_t i)
{
	const struct fields *old = &jobs->list[i];

	if (is(old, "state", "superseded"))
		return true;
	for (size_t k = 0; k < i; k++) {
		const struct fields *newer = &jobs->list[k];

		if (word_of(newer) && is(newer, "policy id", field(old, "policy id")) &&
		    is(newer, "mailbox", field(old, "mailbox")) &&
		    is(newer, "kind", "rotate") == is(old, "kind", "rotate"))
			return true;
	}
	return false;
}

static void sum_add(struct sum *sum, const struct fields *job)
{
	if (!sum->word) {
		sum->word = word_of(job);
		sum->state = field(job, "state");
	}
	if (sum->word != word_of(job))
		return;
	sum->total += number(job, "total");
	sum->fine += number(job, "done") + number(job, "skipped");
	sum->failed += number(job, "failed");
}

static void sum_format(const struct sum *sum, char out[static CMDLET_PROGRESS_LEN])
{
	uint64_t fine = sum->fine < sum->total ? sum->fine : sum->total;
	unsigned percent = sum->total ? (unsigned)((double)fine * 100 / (double)sum->total) : 0;
	char more[64] = "";

	if (sum->failed)
		(void)snprintf(more, sizeof(more), ", %llu failed",
			       (unsigned long long)sum->failed);
	else if (strcmp(sum->state, "running") != 0)
		(void)snprintf(more, sizeof(more), ", %.40s", sum->state);
	(void)snprintf(out, CMDLET_PROGRESS_LEN, "%s (%u%%)%s", sum->word, percent, more);
}

void cmdlet_progress(const struct cmdlet_jobs *jobs, const struct policy_view *v,
		     char out[static CMDLET_PROGRESS_LEN])
{
	struct sum going = {0}, left = {0};
	bool has = strcmp(policy_view_get(v, "assigned"), "yes") == 0 ||
		   strcmp(policy_view_get(v, "mailboxes"), "0") != 0;

	if (strcmp(policy_view_get(v, "state"), "draft") == 0)
		has = false;
	for (size_t i = 0; i < jobs->count; i++) {
		const struct fields *job = &jobs->list[i];

		if (!word_of(job) || !is(job, "policy id", policy_view_get(v, "id")))
			continue;
		if (is(job, "state", "failed") || is(job, "state", "cancelled")) {
			if (!overtaken(jobs, i))
				sum_add(&left, job);
		} else if (!is(job, "state", "done") && !is(job, "state", "superseded")) {
			sum_add(&going, job);
		}
	}
	if (going.word)
		sum_format(&going, out);
	else if (left.word)
		sum_format(&left, out);
	else
		(void)snprintf(out, CMDLET_PROGRESS_LEN, has ? "Registered" : "Unregistered");
}

int cmdlet_jobs_read(struct client *ctl, struct cmdlet_jobs *ret_jobs, struct err *err)
{
	CLEANUP(client_names_fini) struct client_names names = {0};
	CLEANUP(cmdlet_jobs_fini) struct cmdlet_jobs jobs = {0};
	int r = jobs_list(ctl, JOBS_NEWEST_FIRST, &names, err);

	if (r < 0)
		return r;
	jobs.list = calloc(names.count + 1, sizeof(*jobs.list));
	if (!jobs.list)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < names.count; i++) {
		r = job_status(ctl, names.names[i], &jobs.list[jobs.count], err);
		if (r == -ENOENT || r == -ESTALE)
			continue; /* deleted after the listing */
		if (r < 0)
			return r;
		jobs.count++;
	}
	*ret_jobs = jobs;
	jobs = (struct cmdlet_jobs){0};
	return 0;
}

void cmdlet_jobs_fini(struct cmdlet_jobs *jobs)
{
	for (size_t i = 0; i < jobs->count; i++)
		fields_fini(&jobs->list[i]);
	free(jobs->list);
	*jobs = (struct cmdlet_jobs){0};
}
