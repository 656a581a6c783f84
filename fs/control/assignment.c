/* fs/control/assignment.c - assignment: the policy of the tenant. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "fs/control/control_internal.h"
#include "fs/control/files_internal.h"

enum assign_how ctl_assign_how(struct policies *policies, const char *in,
			       char ret_p[static CTL_WRITE_MAX + 1])
{
	static const char word[] = " force";
	size_t len = strlen(in), word_len = sizeof(word) - 1;
	struct policy_info info;

	(void)snprintf(ret_p, CTL_WRITE_MAX + 1, "%s", in);
	if (len <= word_len || strcmp(in + len - word_len, word) != 0 ||
	    policy_get(policies, in, &info, NULL) == 0)
		return ASSIGN_PROVED;
	for (len -= word_len; len > 0 && strchr(" \t\r\n", ret_p[len - 1]); len--)
		;
	ret_p[len] = '\0';
	return ASSIGN_FORCED;
}

int ctl_assignment_show(struct ctl_call *call)
{
	struct policy_info info;
	char id[UUID_TEXT_LEN];
	int r = assignment_get(call->c->policies, &info);

	if (r == -ENOENT) {
		(void)fputs("none\n", call->out);
		return 0;
	}
	if (r < 0)
		return r;
	uuid_encode(info.id, id);
	(void)fprintf(call->out, "name: %s\nid: %s\n", info.name, id);
	return 0;
}

int ctl_assignment_store(struct ctl_call *call, const char *in)
{
	struct policies *policies = call->c->policies;
	uint64_t before = job_last(call->c->jobs);
	char p[CTL_WRITE_MAX + 1];
	struct policy_info info;
	enum assign_how how;
	int r;

	if (strcasecmp(in, "none") == 0) {
		r = unassign_tenant(policies, call->actor, &call->err);
		if (r == 0) {
			(void)fputs("ok: the tenant has no policy", call->out);
			ctl_answer_job(call, NULL, before);
		}
		return r;
	}
	how = ctl_assign_how(policies, in, p);
	r = assign_tenant(policies, p, how, call->actor, &call->err);
	if (r < 0)
		return r;
	if (assignment_get(policies, &info) < 0) /* changed by another administrator since */
		(void)snprintf(info.name, sizeof(info.name), "%.*s", POLICY_NAME_MAX, p);
	(void)fprintf(call->out, "ok: policy %s is assigned to the tenant", info.name);
	ctl_answer_job(call, NULL, before);
	return 0;
}
