/* fs/control/policies.c - policies/NAME/: the record of a policy, and its status. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "fs/control/control_internal.h"
#include "fs/control/files_internal.h"

const char *ctl_policy_id(const struct ctl_call *call)
{
	return call->ref.folder->policy_text;
}

int ctl_policy_info(struct ctl_call *call, struct policy_info *ret_info)
{
	return policy_get(call->c->policies, ctl_policy_id(call), ret_info, &call->err);
}

void ctl_policy_answer(struct ctl_call *call, const char *fmt, ...)
{
	struct policy_info info;
	va_list args;

	if (ctl_policy_info(call, &info) < 0) /* another administrator has removed it since */
		(void)snprintf(info.name, sizeof(info.name), "%s", ctl_policy_id(call));
	(void)fprintf(call->out, "ok: policy %s ", info.name);
	va_start(args, fmt);
	(void)vfprintf(call->out, fmt, args);
	va_end(args);
	(void)fputc('\n', call->out);
}

const char *ctl_key_version(const char *key_id, struct key_id *ret_key)
{
	if (!*key_id || key_id_parse(key_id, ret_key, NULL) < 0 || !*ret_key->version)
		return "none";
	return ret_key->version;
}

int ctl_policy_id_show(struct ctl_call *call)
{
	(void)fprintf(call->out, "%s\n", ctl_policy_id(call));
	return 0;
}

int ctl_policy_name_show(struct ctl_call *call)
{
	struct policy_info info;
	int r = ctl_policy_info(call, &info);

	if (r == 0)
		(void)fprintf(call->out, "%s\n", info.name);
	return r;
}

int ctl_policy_name_store(struct ctl_call *call, const char *in)
{
	struct policy_info before;
	int r = ctl_policy_info(call, &before);

	if (r == 0)
		r = policy_rename(call->c->policies, ctl_policy_id(call), in, call->actor,
				  &call->err);
	if (r == 0)
		(void)fprintf(call->out, "ok: policy %s is now named %s\n", before.name, in);
	return r;
}

int ctl_policy_kind_show(struct ctl_call *call)
{
	struct policy_info info;
	int r = ctl_policy_info(call, &info);

	if (r < 0)
		return r;
	(void)fprintf(call->out, "%s\n", policy_kind_name(info.kind));
	return 0;
}

int ctl_policy_kind_store(struct ctl_call *call, const char *in)
{
	static const enum policy_kind kinds[] = {POLICY_MULTI_WORKLOAD, POLICY_MAILBOX};
	int r;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(in, policy_kind_name(kinds[i])) != 0)
			continue;
		r = policy_set_kind(call->c->policies, ctl_policy_id(call), kinds[i], call->actor,
				    &call->err);
		if (r == 0)
			ctl_policy_answer(call, "is of kind %s", in);
		return r;
	}
	return ctl_refuse(call, -EINVAL, "kind: write %s or %s",
			  policy_kind_name(POLICY_MULTI_WORKLOAD),
			  policy_kind_name(POLICY_MAILBOX));
}

int ctl_policy_description_show(struct ctl_call *call)
{
	struct policy_info info;
	int r = ctl_policy_info(call, &info);

	if (r < 0)
		return r;
	(void)fprintf(call->out, "%s\n", info.description);
	return 0;
}

int ctl_policy_description_store(struct ctl_call *call, const char *in)
{
	int r = policy_describe(call->c->policies, ctl_policy_id(call), in, call->actor,
				&call->err);

	if (r == 0)
		ctl_policy_answer(call, "described");
	return r;
}

int ctl_policy_enabled_show(struct ctl_call *call)
{
	struct policy_info info;
	int r = ctl_policy_info(call, &info);

	if (r < 0)
		return r;
	(void)fprintf(call->out, "%d\n", info.enabled);
	return 0;
}

int ctl_policy_enabled_store(struct ctl_call *call, const char *in)
{
	bool on = strcmp(in, "1") == 0;
	int r;

	if (!on && strcmp(in, "0") != 0)
		return ctl_refuse(call, -EINVAL, "enabled: write 1 or 0");
	r = on ? policy_enable(call->c->policies, ctl_policy_id(call), call->actor, &call->err)
	       : policy_disable(call->c->policies, ctl_policy_id(call), call->actor, &call->err);
	if (r == 0)
		ctl_policy_answer(call, "is %s", on ? "enabled" : "disabled");
	return r;
}

static void root_show(FILE *out, int no, const struct policy_root_info *root)
{
	struct key_id key;
	char when[CTL_TIME_LEN];

	ctl_time(root->health.when, when);
	(void)fprintf(out, "key %d: %s\n", no, root->key_id);
	(void)fprintf(out, "key %d version: %s\n", no, ctl_key_version(root->copy_key_id, &key));
	(void)fprintf(out, "key %d outcome: %s\n", no,
		      root->health.when ? kms_outcome_name(root->health.outcome) : "not asked yet");
	(void)fprintf(out, "key %d when: %s\n", no, when);
	if (root->health.when && root->health.outcome != KMS_OK)
		(void)fprintf(out, "key %d why: %s\n", no, root->health.text);
}

int ctl_policy_status_show(struct ctl_call *call)
{
	struct policy_info info;
	char created[CTL_TIME_LEN], proved[CTL_TIME_LEN];
	int r = ctl_policy_info(call, &info);

	if (r < 0)
		return r;
	ctl_time((int64_t)info.created, created);
	ctl_time(info.proved, proved);
	(void)fprintf(call->out,
		      "name: %s\nid: %s\nkind: %s\nstate: %s\nenabled: %d\nassigned: %s\n"
		      "mailboxes: %u\ngeneration: %u\ncreated: %s\n",
		      info.name, ctl_policy_id(call), policy_kind_name(info.kind),
		      policy_state_name(info.state), info.enabled,
		      info.assigned_tenant ? "yes" : "no", info.mailboxes_assigned, info.generation,
		      created);
	if (info.state != POLICY_DRAFT)
		(void)fprintf(call->out, "proved: %s\n", proved);
	for (int i = 0; i < 2 && info.state != POLICY_DRAFT; i++)
		root_show(call->out, i + 1, &info.roots[i]);
	ctl_scan_of_policy(call, info.id);
	ctl_revocation_of_policy(call, &info);
	return 0;
}
