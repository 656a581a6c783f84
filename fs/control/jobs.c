/* fs/control/jobs.c - jobs/N: how far a job is, which files failed, and commands to it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/control/control_internal.h"
#include "fs/control/files_internal.h"

void ctl_answer_job(struct ctl_call *call, const char *mailbox, uint64_t after)
{
	uint64_t no = job_newest(call->c->jobs, mailbox, after);

	if (no)
		(void)fprintf(call->out, "; job %llu re-wraps what is there already",
			      (unsigned long long)no);
	(void)fputc('\n', call->out);
}

static uint64_t no_of(const struct ctl_call *call)
{
	return strtoull(call->ref.folder->name, NULL, 10);
}

static void speed_show(FILE *out, const struct job_info *info)
{
	(void)fprintf(out, "rate: %llu files/s\n", (unsigned long long)info->per_s);
	if (info->rec.rate)
		(void)fprintf(out, "rate limit: %u files/s\n", info->rec.rate);
	else
		(void)fputs("rate limit: none\n", out);
	if (info->rec.ended)
		(void)fputs("eta: none\n", out);
	else if (info->left_s == UINT64_MAX)
		(void)fputs("eta: unknown\n", out);
	else
		(void)fprintf(out, "eta: %llu s\n", (unsigned long long)info->left_s);
}

int ctl_job_status_show(struct ctl_call *call)
{
	CLEANUP(free_mem_p) struct job_info *info = malloc(sizeof(*info));
	char id[UUID_TEXT_LEN], policy[POLICY_NAME_MAX + 1];
	FILE *out = call->out;
	int r;

	if (!info)
		return -ENOMEM;
	r = job_get(call->c->jobs, no_of(call), info, &call->err);
	if (r < 0)
		return r;
	uuid_encode(info->rec.policy_id, id);
	if (policy_name_of(call->c->policies, info->rec.policy_id, policy) < 0)
		strcpy(policy, "none");
	(void)fprintf(out, "job: %llu\nkind: %s\n", (unsigned long long)info->rec.no,
		      job_kind_name(info->rec.kind));
	if (info->rec.kind == JOB_RENEW)
		(void)fprintf(out, "path: %s\n", info->rec.path[0] ? info->rec.path : ".");
	else
		(void)fprintf(out, "policy: %s\npolicy id: %s\nmailbox: %s\n", policy, id,
			      info->rec.mailbox[0] ? info->rec.mailbox : "all");
	(void)fprintf(out, "state: %s\n", job_state_name(info->rec.state));
	if (info->rec.note[0])
		(void)fprintf(out, "why: %s\n", info->rec.note);
	if (info->counting)
		(void)fputs("total: counting\n", out);
	else
		(void)fprintf(out, "total: %llu\n", (unsigned long long)info->rec.total);
	(void)fprintf(out, "done: %llu\nskipped: %llu\nfailed: %llu\n",
		      (unsigned long long)info->rec.done, (unsigned long long)info->rec.skipped,
		      (unsigned long long)info->rec.failed);
	speed_show(out, info);
	ctl_time_line(out, "created", info->rec.created);
	ctl_time_line(out, "started", info->rec.started);
	ctl_time_line(out, "ended", info->rec.ended);
	return 0;
}

int ctl_job_control_show(struct ctl_call *call)
{
	(void)fputs("pause\nresume\ncancel\nretry\nrate=FILES_PER_SECOND\n", call->out);
	return 0;
}

static int rate_parse(struct ctl_call *call, const char *text, uint32_t *ret_rate)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || v > UINT32_MAX)
		return ctl_refuse(call, -EINVAL,
				  "control: rate wants a whole number of files a second, 0 for no "
				  "limit, not '%s'",
				  text);
	*ret_rate = (uint32_t)v;
	return 0;
}

int ctl_job_control_store(struct ctl_call *call, const char *in)
{
	static const struct {
		const char *word, *did;
		enum job_command command;
	} words[] = {
		{"pause", "is paused", JOB_PAUSE},	     {"resume", "goes on", JOB_RESUME},
		{"cancel", "is cancelled", JOB_CANCEL},	     {"retry", "starts again", JOB_RETRY},
		{"rate=", "is as fast as it can", JOB_RATE},
	};
	uint32_t rate = 0;
	int r;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (words[i].command == JOB_RATE ? strncmp(in, "rate=", 5) != 0
						 : strcmp(in, words[i].word) != 0)
			continue;
		r = words[i].command == JOB_RATE ? rate_parse(call, in + 5, &rate) : 0;
		if (r == 0)
			r = job_command(call->c->jobs, no_of(call), words[i].command, rate,
					call->actor, &call->err);
		if (r == 0 && words[i].command == JOB_RATE && rate)
			(void)fprintf(call->out, "ok: job %s does at most %u files a second\n",
				      call->ref.folder->name, rate);
		else if (r == 0)
			(void)fprintf(call->out, "ok: job %s %s\n", call->ref.folder->name,
				      words[i].did);
		return r;
	}
	return ctl_refuse(call, -EINVAL,
			  "control: write pause, resume, cancel, retry or rate=FILES_PER_SECOND");
}

int ctl_job_failed_show(struct ctl_call *call)
{
	CLEANUP(free_mem_p) char *text = NULL;
	int r = job_failures(call->c->jobs, no_of(call), &text, &call->err);

	if (r < 0)
		return r;
	(void)fputs(*text ? text : "none\n", call->out);
	return 0;
}
