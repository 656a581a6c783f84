/* fs/control/mailboxes.c - mailboxes/ID/policy: the policy of one mailbox. */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "fs/control/control_internal.h"
#include "fs/control/files_internal.h"
#include "fs/policy/target.h"

static int scope_of(struct ctl_call *call, const struct scope **ret_scope)
{
	struct scope_table *t = call->c->scopes;
	const struct scope *folder;
	int r = scope_enter(t, scope_root(t), workload_name(WORKLOAD_MAILBOX), &folder);

	return r < 0 ? r : scope_enter(t, folder, call->ref.folder->name, ret_scope);
}

int ctl_mailbox_policy_show(struct ctl_call *call)
{
	static const char *const sources[] = {
		[TARGET_MAILBOX] = "mailbox",
		[TARGET_TENANT] = "tenant",
		[TARGET_SERVICE] = "service",
	};
	char id[UUID_TEXT_LEN];
	struct policy_info info;
	const struct scope *scope;
	enum target_source source;
	struct wrap_ref ref;
	int r = scope_of(call, &scope);

	if (r < 0)
		return err_set(&call->err, r, "mailbox %s: its scope cannot be made",
			       call->ref.folder->name);
	source = target_resolve(call->c->policies, scope, &ref);
	if (source == TARGET_SERVICE) {
		(void)fputs("policy: none\nid: none\nsource: service\n", call->out);
		return 0;
	}
	uuid_encode(ref.policy_id, id);
	r = policy_get(call->c->policies, id, &info, &call->err);
	if (r < 0)
		return r;
	(void)fprintf(call->out, "policy: %s\nid: %s\nsource: %s\n", info.name, id,
		      sources[source]);
	return 0;
}

/* A policy may be assigned before the mailbox exists, but more often the id is misspelt: the answer
 * warns. */
static bool has_folder(struct ctl_call *call, const char *mailbox)
{
	CLEANUP(free_mem_p) char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s/%s/%s", store_path(call->c->store), workload_name(WORKLOAD_MAILBOX),
		     mailbox) < 0) {
		path = NULL;
		return true; /* no memory to find out: no warning */
	}
	return lstat(path, &st) == 0;
}

int ctl_mailbox_policy_store(struct ctl_call *call, const char *in)
{
	const char *mailbox = call->ref.folder->name;
	struct policies *policies = call->c->policies;
	uint64_t before = job_last(call->c->jobs);
	char p[CTL_WRITE_MAX + 1];
	struct policy_info info;
	enum assign_how how;
	int r;

	if (strcasecmp(in, "none") == 0) {
		r = unassign_mailbox(policies, mailbox, call->actor, &call->err);
		if (r == 0)
			(void)fprintf(call->out, "ok: mailbox %s has no policy of its own",
				      mailbox);
		if (r == 0)
			ctl_answer_job(call, mailbox, before);
		return r;
	}
	how = ctl_assign_how(policies, in, p);
	r = assign_mailbox(policies, mailbox, p, how, call->actor, &call->err);
	if (r < 0)
		return r;
	/* It fails when another administrator has changed the assignment since. */
	if (assignment_of_mailbox(policies, mailbox, &info) < 0)
		(void)snprintf(info.name, sizeof(info.name), "%.*s", POLICY_NAME_MAX, p);
	(void)fprintf(call->out, "ok: mailbox %s%s is assigned policy %s", mailbox,
		      has_folder(call, mailbox) ? "" : ", which has no folder yet,", info.name);
	ctl_answer_job(call, mailbox, before);
	return 0;
}
