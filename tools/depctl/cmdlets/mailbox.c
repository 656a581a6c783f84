/* tools/depctl/cmdlets/mailbox.c - Customer Key's cmdlets for mailbox policies: Set-Mailbox, and
 * the permanent purge of Set-DataEncryptionPolicy. Its New- and Get- are those of all policies. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/depctl/cli/change.h"
#include "tools/depctl/client/policy_act.h"
#include "tools/depctl/cmdlets/cmdlet_internal.h"
#include "tools/depctl/cmdlets/cmdlets.h"

bool cmdlet_is_for_mailboxes(const struct cmdlet_call *c)
{
	return !strcasestr(c->name, "M365");
}

bool cmdlet_has_policy(const struct cmdlet_call *c, const struct policy_view *v)
{
	return !cmdlet_is_for_mailboxes(c) || strcmp(policy_view_get(v, "kind"), "mailbox") == 0;
}

int cmdlet_kind_check(struct cmdlet_call *c, const struct policy_view *v)
{
	if (cmdlet_has_policy(c, v))
		return 0;
	return err_set(&c->err, -EINVAL,
		       "policy %s is a multi-workload policy, and this cmdlet is for mailbox "
		       "policies: use that with M365DataAtRest in its name",
		       policy_view_get(v, "name"));
}

int cmdlet_open_policy(struct cmdlet_call *c, struct policy_view *ret_view)
{
	int r = cmdlet_open(c);

	if (r == 0)
		r = policy_view_find(c->ctl, cmdlet_value(c, "Identity")->text, ret_view, &c->err);
	return r < 0 ? r : cmdlet_kind_check(c, ret_view);
}

/* ---- Set-DataEncryptionPolicy ---- */

static const struct cmdlet_param set_params[] = {
	{"Identity", CMDLET_TEXT, true},
	{"Name", CMDLET_TEXT, false},
	{"Description", CMDLET_TEXT, false},
	{"Enabled", CMDLET_BOOL, false},
	{"Refresh", CMDLET_SWITCH, false},
	{"Replace", CMDLET_SWITCH, false},
	{"AzureKeyIDs", CMDLET_LIST, false},
	{"PermanentDataPurgeRequested", CMDLET_SWITCH, false},
	{"PermanentDataPurgeReason", CMDLET_TEXT, false},
	{"PermanentDataPurgeContact", CMDLET_TEXT, false},
	{"WhatIf", CMDLET_SWITCH, false},
	{"Confirm", CMDLET_SWITCH, false},
	{NULL, CMDLET_TEXT, false},
};

static int purge_check(const struct cmdlet_call *c)
{
	static const char *const others[] = {"Name",	"Description", "Enabled",
					     "Refresh", "Replace",     "AzureKeyIDs"};

	if (!cmdlet_value(c, "Identity")->text)
		return cmd_usage_error(c->name, "-Identity is missing");
	if (!cmdlet_value(c, "PermanentDataPurgeRequested")->on ||
	    !cmdlet_value(c, "PermanentDataPurgeReason")->given ||
	    !cmdlet_value(c, "PermanentDataPurgeContact")->given)
		return cmd_usage_error(c->name,
				       "-PermanentDataPurgeRequested, -PermanentDataPurgeReason "
				       "and -PermanentDataPurgeContact need each other");
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (cmdlet_value(c, others[i])->given)
			return cmd_usage_error(c->name, "-%s and a purge exclude each other",
					       others[i]);
	return CMD_OK;
}

/* A name is typed by accident more easily than an id: the purge wants -Identity to be the id, as
 * depctl policy purge wants --confirm. */
static int purge(struct cmdlet_call *c, const struct policy_view *v, char **ret_answer)
{
	CLEANUP(free_mem_p) char *command = NULL;
	const char *typed = cmdlet_value(c, "Identity")->text, *id = policy_view_get(v, "id");

	if (strcasecmp(typed, id) != 0)
		return err_set(&c->err, -EINVAL,
			       "what is purged can never be read again: -Identity must be the "
			       "policy's id, %s",
			       id);
	if (asprintf(&command, "reason=%s\ncontact=%s\nconfirm=%s",
		     cmdlet_value(c, "PermanentDataPurgeReason")->text,
		     cmdlet_value(c, "PermanentDataPurgeContact")->text, id) < 0) {
		command = NULL;
		return err_set(&c->err, -ENOMEM, "out of memory");
	}
	return policy_act_write(c->ctl, v, "purge", command, ret_answer, &c->err);
}

static int run_purge(struct cmdlet_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(free_mem_p) char *answer = NULL, *what = NULL;
	int r = purge_check(c), exit_code;

	if (r != CMD_OK)
		return r;
	r = cmdlet_open_policy(c, &v);
	if (r < 0)
		return cmdlet_refuse(c, r);
	if (asprintf(&what, "make all files under policy '%s' unreadable for ever",
		     policy_view_get(&v, "name")) < 0) {
		what = NULL;
		return cmdlet_refuse(c, -ENOMEM);
	}
	if (cmdlet_may_go(c, what, &exit_code) == GO_NOT)
		return exit_code;
	r = purge(c, &v, &answer);
	return r < 0 ? cmdlet_refuse(c, r)
		     : change_report(&c->env, answer, policy_view_get(&v, "name"),
				     policy_view_get(&v, "id"));
}

static int run_set_policy(struct cmdlet_call *c)
{
	bool purges = cmdlet_value(c, "PermanentDataPurgeRequested")->given ||
		      cmdlet_value(c, "PermanentDataPurgeReason")->given ||
		      cmdlet_value(c, "PermanentDataPurgeContact")->given;

	return purges ? run_purge(c) : cmdlet_run_set(c);
}

int cmdlet_set_mailbox_policy(int argc, char **argv, const struct cmd_env *env)
{
	return cmdlet_run(set_params, run_set_policy, argc, argv, env);
}

/* ---- Set-Mailbox ---- */

static const struct cmdlet_param mailbox_params[] = {
	{"Identity", CMDLET_TEXT, true},  {"DataEncryptionPolicy", CMDLET_TEXT, false},
	{"WhatIf", CMDLET_SWITCH, false}, {"Confirm", CMDLET_SWITCH, false},
	{NULL, CMDLET_TEXT, false},
};

/* The policy's id; "none" for $null, by which the mailbox goes back to the tenant's policy. */
static int policy_of(struct cmdlet_call *c, const char *typed, struct policy_view *v,
		     const char **ret_command)
{
	int r = 0;

	*ret_command = "none";
	if (strcasecmp(typed, "$null") == 0)
		return 0;
	r = policy_view_find(c->ctl, typed, v, &c->err);
	if (r == 0)
		r = cmdlet_kind_check(c, v);
	if (r == 0)
		*ret_command = policy_view_get(v, "id");
	return r;
}

static int run_mailbox(struct cmdlet_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(free_mem_p) char *answer = NULL, *what = NULL, *path = NULL;
	const char *id = cmdlet_value(c, "Identity")->text, *command;
	const char *p = cmdlet_value(c, "DataEncryptionPolicy")->text;
	char dry[64];
	int r, exit_code;

	if (!id || !p)
		return cmd_usage_error(c->name, "%s is missing",
				       id ? "-DataEncryptionPolicy" : "-Identity");
	r = client_name_check("the id of a mailbox", id, &c->err);
	if (r == 0)
		r = cmdlet_open(c);
	if (r == 0)
		r = policy_of(c, p, &v, &command);
	if (r < 0)
		return cmdlet_refuse(c, r);
	path = client_join("mailboxes", id, "policy");
	if (!path || asprintf(&what, "set the policy of mailbox '%s' to %s", id,
			      strcmp(command, "none") == 0 ? "the tenant's"
							   : policy_view_get(&v, "name")) < 0) {
		what = NULL;
		return cmdlet_refuse(c, -ENOMEM);
	}
	if (cmdlet_value(c, "WhatIf")->on) {
		(void)snprintf(dry, sizeof(dry), DRY_RUN "%s", command);
		r = client_write(c->ctl, path, dry, NULL, &c->err);
		if (r < 0)
			return cmdlet_refuse(c, r);
	}
	if (cmdlet_may_go(c, what, &exit_code) == GO_NOT)
		return exit_code;
	r = client_write(c->ctl, path, command, &answer, &c->err);
	return r < 0 ? cmdlet_refuse(c, r) : change_report(&c->env, answer, NULL, NULL);
}

int cmdlet_set_mailbox(int argc, char **argv, const struct cmd_env *env)
{
	return cmdlet_run(mailbox_params, run_mailbox, argc, argv, env);
}
