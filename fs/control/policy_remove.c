/* fs/control/policy_remove.c - policies/NAME/: purge and remove. */
#include <errno.h>
#include <string.h>

#include "fs/control/control_internal.h"
#include "fs/control/files_internal.h"
#include "fs/policy/purge.h"

/* The receipt of a purged policy. */
int ctl_policy_purge_show(struct ctl_call *call)
{
	CLEANUP(free_mem_p) char *text = NULL;
	struct policy_info info;
	int r = ctl_policy_info(call, &info);

	if (r < 0)
		return r;
	if (info.state != POLICY_PURGED) {
		(void)fputs("none\n", call->out);
		return 0;
	}
	r = purge_receipt(call->c->policies, info.id, &text);
	if (r == -ENOENT)
		(void)fputs("receipt: not written yet, see jobs\n", call->out);
	else if (r == -EFBIG || r == -EINVAL || r == -ELOOP || r == -ENOTDIR)
		(void)fprintf(call->out, "receipt: its file is %s, see STORE/.depfs/receipts\n",
			      r == -EFBIG ? "too long to be shown" : "not a plain file");
	else if (r == 0)
		(void)fputs(text, call->out);
	else
		return r;
	return 0;
}

static int purge_parse(struct ctl_call *call, char *in, struct purge_request *rq)
{
	static const char *const names[] = {"reason=", "contact=", "confirm="};
	const char *values[3] = {0};
	int r = ctl_words(call, in, names, values, 3, CTL_WORDS_ALL_END,
			  "reason=TEXT contact=TEXT confirm=<policy id>");

	if (r < 0)
		return r;
	rq->reason = values[0];
	rq->contact = values[1];
	rq->confirm = values[2];
	return 0;
}

int ctl_policy_purge_store(struct ctl_call *call, const char *in)
{
	CLEANUP(free_mem_p) char *copy = strdup(in);
	struct purge_request rq = {0};
	uint64_t before = job_last(call->c->jobs);
	int r = copy ? purge_parse(call, copy, &rq) : -ENOMEM;

	if (r == 0)
		r = policy_purge(call->c->policies, ctl_policy_id(call), &rq, call->actor,
				 &call->err);
	if (r == 0 && job_last(call->c->jobs) > before)
		ctl_policy_answer(
			call,
			"is purged: no copy of its key is left; job %llu lists what became "
			"unreadable",
			(unsigned long long)job_last(call->c->jobs));
	else if (r == 0)
		ctl_policy_answer(call, "is purged already");
	return r;
}

int ctl_policy_remove_show(struct ctl_call *call)
{
	(void)fputs("1\nforce\n", call->out);
	return 0;
}

/* On success the folder that @call is on is no longer listed. */
int ctl_policy_remove_store(struct ctl_call *call, const char *in)
{
	bool force = strcmp(in, "force") == 0;
	struct policy_info info;
	int r;

	if (!force && strcmp(in, "1") != 0)
		return ctl_refuse(call, -EINVAL,
				  "remove: write 1 to keep its keys for backups, or force");
	r = ctl_policy_info(call, &info);
	if (r < 0)
		return r;
	r = policy_remove(call->c->policies, ctl_policy_id(call),
			  force ? REMOVE_FORCE : REMOVE_KEEP, call->actor, &call->err);
	if (r == 0)
		(void)fprintf(call->out, "ok: policy %s is removed; %s\n", info.name,
			      force || info.state == POLICY_DRAFT || info.state == POLICY_PURGED
				      ? "no key of it is left"
				      : "its keys are kept for backups");
	return r;
}
