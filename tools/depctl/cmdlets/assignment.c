/* tools/depctl/cmdlets/assignment.c - Set- and Get-M365DataAtRestEncryptionPolicyAssignment. */
#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "tools/depctl/cli/change.h"
#include "tools/depctl/client/policy_act.h"
#include "tools/depctl/cmdlets/cmdlet_internal.h"
#include "tools/depctl/cmdlets/cmdlets.h"
#include "tools/depctl/output/json.h"

/* Set-M365DataAtRestEncryptionPolicyAssignment */
static const struct cmdlet_param assign_params[] = {
	{"DataEncryptionPolicy", CMDLET_TEXT, true},
	{"Force", CMDLET_SWITCH, false},
	{"WhatIf", CMDLET_SWITCH, false},
	{"Confirm", CMDLET_SWITCH, false},
	{NULL, CMDLET_TEXT, false},
};

static int run_assign(struct cmdlet_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(free_mem_p) char *answer = NULL, *what = NULL;
	const char *p = cmdlet_value(c, "DataEncryptionPolicy")->text;
	unsigned how = cmdlet_value(c, "Force")->on ? ASSIGN_BY_FORCE : 0;
	int r, exit_code;

	if (!p)
		return cmd_usage_error(c->name, "-DataEncryptionPolicy is missing");
	if (strcasecmp(p, "$null") == 0)
		return cmd_usage_error(c->name, "-DataEncryptionPolicy: a policy is needed; to "
						"have none, use depctl unassign");
	r = cmdlet_open(c);
	if (r == 0)
		r = policy_view_find(c->ctl, p, &v, &c->err);
	if (r < 0)
		return cmdlet_refuse(c, r);
	if (asprintf(&what, "assign policy '%s' to the tenant", policy_view_get(&v, "name")) < 0) {
		what = NULL;
		return cmdlet_refuse(c, -ENOMEM);
	}
	if (cmdlet_value(c, "WhatIf")->on) {
		r = policy_act_assign(c->ctl, ASSIGNMENT, &v, how | ASSIGN_DRY_RUN, NULL, &c->err);
		if (r < 0)
			return cmdlet_refuse(c, r);
	}
	if (cmdlet_may_go(c, what, &exit_code) == GO_NOT)
		return exit_code;
	r = policy_act_assign(c->ctl, ASSIGNMENT, &v, how, &answer, &c->err);
	return r < 0 ? cmdlet_refuse(c, r)
		     : change_report(&c->env, answer, policy_view_get(&v, "name"),
				     policy_view_get(&v, "id"));
}

/* Get-M365DataAtRestEncryptionPolicyAssignment */
static const struct cmdlet_param no_params[] = {{NULL, CMDLET_TEXT, false}};

static int run_assignment(struct cmdlet_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(fields_fini) struct fields f = {0};
	int r = cmdlet_open(c);

	if (r == 0)
		r = fields_read(c->ctl, "assignment", &f, &c->err);
	if (r < 0)
		return cmdlet_refuse(c, r);
	if (!fields_get(&f, "id")) { /* PowerShell prints no object for none */
		if (c->env.json)
			out_json(json_null());
		else
			fputs("depctl: no policy is assigned\n", stderr);
		return CMD_OK;
	}
	r = policy_view_find(c->ctl, fields_get(&f, "id"), &v, &c->err);
	return r < 0 ? cmdlet_refuse(c, r) : cmdlet_show(c, &v);
}

int cmdlet_set_assignment(int argc, char **argv, const struct cmd_env *env)
{
	return cmdlet_run(assign_params, run_assign, argc, argv, env);
}

int cmdlet_get_assignment(int argc, char **argv, const struct cmd_env *env)
{
	return cmdlet_run(no_params, run_assignment, argc, argv, env);
}
