/* tools/depctl/cmdlets/new.c - New-M365DataAtRestEncryptionPolicy and New-DataEncryptionPolicy. */
#include <errno.h>
#include <stdio.h>

#include "tools/depctl/cli/change.h"
#include "tools/depctl/client/policy_act.h"
#include "tools/depctl/cmdlets/cmdlet_internal.h"
#include "tools/depctl/cmdlets/cmdlets.h"

static const struct cmdlet_param new_params[] = {
	{"Name", CMDLET_TEXT, true},	     {"AzureKeyIDs", CMDLET_LIST, false},
	{"Description", CMDLET_TEXT, false}, {"Enabled", CMDLET_BOOL, false},
	{"WhatIf", CMDLET_SWITCH, false},    {"Confirm", CMDLET_SWITCH, false},
	{NULL, CMDLET_TEXT, false},
};

/* The policy has been created: a failure to disable it is reported, and the policy stays. */
static int new_disable(struct cmdlet_call *c, const struct policy_view *v)
{
	int r = policy_act_write(c->ctl, v, "enabled", "0", NULL, &c->err);

	return r < 0 ? err_prefix(&c->err, r, "policy %s was created, but is enabled",
				  policy_view_get(v, "name"))
		     : 0;
}

static int run_new(struct cmdlet_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(free_mem_p) char *answer = NULL, *what = NULL;
	struct policy_new want = {.name = cmdlet_value(c, "Name")->text,
				  .description = cmdlet_value(c, "Description")->text,
				  .kind = cmdlet_is_for_mailboxes(c) ? "mailbox" : NULL};
	bool off = cmdlet_value(c, "Enabled")->given && !cmdlet_value(c, "Enabled")->on;
	int r, exit_code;

	if (!want.name)
		return cmd_usage_error(c->name, "-Name is missing");
	r = cmdlet_two_keys(c, want.keys);
	if (r != CMD_OK)
		return r;
	if (asprintf(&what, "create policy '%s' with the keys %s and %s", want.name, want.keys[0],
		     want.keys[1]) < 0) {
		what = NULL;
		return cmdlet_refuse(c, -ENOMEM);
	}
	if (cmdlet_may_go(c, what, &exit_code) == GO_NOT)
		return exit_code;

	r = cmdlet_open(c);
	if (r == 0)
		r = policy_act_create(c->ctl, &want, &answer, &c->err);
	if (r == 0)
		change_warn(answer);
	if (r == 0)
		r = policy_view_find(c->ctl, want.name, &v, &c->err);
	if (r == 0 && off) {
		r = new_disable(c, &v);
		policy_view_fini(&v);
		if (r == 0)
			r = policy_view_find(c->ctl, want.name, &v, &c->err);
	}
	return r < 0 ? cmdlet_refuse(c, r) : cmdlet_show(c, &v);
}

int cmdlet_new(int argc, char **argv, const struct cmd_env *env)
{
	return cmdlet_run(new_params, run_new, argc, argv, env);
}
