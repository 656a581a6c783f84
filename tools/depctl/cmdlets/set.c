/* tools/depctl/cmdlets/set.c - Set-M365DataAtRestEncryptionPolicy. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/depctl/cli/change.h"
#include "tools/depctl/client/interrupt.h"
#include "tools/depctl/client/policy_act.h"
#include "tools/depctl/cmdlets/cmdlet_internal.h"
#include "tools/depctl/cmdlets/cmdlets.h"
#include "tools/depctl/output/json.h"

static const struct cmdlet_param set_params[] = {
	{"Identity", CMDLET_TEXT, true},     {"Name", CMDLET_TEXT, false},
	{"Description", CMDLET_TEXT, false}, {"Enabled", CMDLET_BOOL, false},
	{"Refresh", CMDLET_SWITCH, false},   {"Replace", CMDLET_SWITCH, false},
	{"AzureKeyIDs", CMDLET_LIST, false}, {"WhatIf", CMDLET_SWITCH, false},
	{"Confirm", CMDLET_SWITCH, false},   {NULL, CMDLET_TEXT, false},
};

/* What one call changes. The steps most likely to be refused come first, so that a refusal leaves
 * as little as possible half done; the name comes last, since the other steps find the policy by
 * it. */
struct set_step {
	const char *param;
	int (*act)(struct cmdlet_call *c, const struct policy_view *v, char **ret_answer);
	const char *file; /* whose command is tried for -WhatIf; NULL: none can refuse it */
};

static int set_keys(struct cmdlet_call *c, const struct policy_view *v, char **ret_answer)
{
	char *const *items = cmdlet_value(c, "AzureKeyIDs")->items;
	const char *const keys[2] = {items[0], items[1]};

	return policy_act_keys(c->ctl, v, keys, ret_answer, &c->err);
}

static int set_refresh(struct cmdlet_call *c, const struct policy_view *v, char **ret_answer)
{
	return policy_act_write(c->ctl, v, "refresh", "1", ret_answer, &c->err);
}

static int set_enabled(struct cmdlet_call *c, const struct policy_view *v, char **ret_answer)
{
	return policy_act_write(c->ctl, v, "enabled", cmdlet_value(c, "Enabled")->on ? "1" : "0",
				ret_answer, &c->err);
}

static int set_description(struct cmdlet_call *c, const struct policy_view *v, char **ret_answer)
{
	return policy_act_write(c->ctl, v, "description", cmdlet_value(c, "Description")->text,
				ret_answer, &c->err);
}

static int set_name(struct cmdlet_call *c, const struct policy_view *v, char **ret_answer)
{
	return policy_act_rename(c->ctl, v, cmdlet_value(c, "Name")->text, ret_answer, &c->err);
}

static const struct set_step set_steps[] = {
	{"Replace", set_keys, "key_ids"},    {"Refresh", set_refresh, "refresh"},
	{"Enabled", set_enabled, "enabled"}, {"Description", set_description, NULL},
	{"Name", set_name, "name"},
};

#define N_SET_STEPS (sizeof(set_steps) / sizeof(set_steps[0]))

static bool step_wanted(const struct cmdlet_call *c, const struct set_step *step)
{
	const struct cmdlet_value *v = cmdlet_value(c, step->param);
	bool is_switch = step->act == set_keys || step->act == set_refresh;

	return is_switch ? v->on : v->given;
}

static int set_check(const struct cmdlet_call *c)
{
	const char *keys[2];
	size_t n = 0;

	if (!cmdlet_value(c, "Identity")->text)
		return cmd_usage_error(c->name, "-Identity is missing");
	if (cmdlet_value(c, "Replace")->on != cmdlet_value(c, "AzureKeyIDs")->given)
		return cmd_usage_error(c->name, "-Replace and -AzureKeyIDs need each other");
	if (cmdlet_value(c, "Replace")->on && cmdlet_value(c, "Refresh")->on)
		return cmd_usage_error(c->name, "-Refresh and -Replace exclude each other");
	for (size_t i = 0; i < N_SET_STEPS; i++)
		n += step_wanted(c, &set_steps[i]);
	if (n == 0)
		return cmd_usage_error(c->name, "nothing is named that should change");
	return cmdlet_value(c, "Replace")->on ? cmdlet_two_keys(c, keys) : CMD_OK;
}

/* "set -Enabled, -Name of policy 'NAM Policy'" */
static char *set_what(const struct cmdlet_call *c, const struct policy_view *v)
{
	char params[128] = "";
	char *what = NULL;
	size_t at = 0;

	for (size_t i = 0; i < N_SET_STEPS; i++)
		if (step_wanted(c, &set_steps[i]))
			at += (size_t)snprintf(params + at, sizeof(params) - at, "%s-%s",
					       at ? ", " : "", set_steps[i].param);
	return asprintf(&what, "set %s of policy '%s'", params, policy_view_get(v, "name")) < 0
		       ? NULL
		       : what;
}

/* -WhatIf: each step's command is tried; those before it are not done then. */
static int set_try(struct cmdlet_call *c, const struct policy_view *v)
{
	for (size_t i = 0; i < N_SET_STEPS; i++) {
		const struct set_step *step = &set_steps[i];
		const struct cmdlet_value *value = cmdlet_value(c, step->param);
		char *const *keys = cmdlet_value(c, "AzureKeyIDs")->items;
		CLEANUP(free_mem_p) char *command = NULL;
		bool replaces = step->act == set_keys;
		int r;

		if (!step->file || !step_wanted(c, step))
			continue;
		if (asprintf(&command, DRY_RUN "%s%s%s",
			     replaces	   ? keys[0]
			     : value->text ? value->text
			     : value->on   ? "1"
					   : "0",
			     replaces ? " " : "", replaces ? keys[1] : "") < 0) {
			command = NULL;
			return err_set(&c->err, -ENOMEM, "out of memory");
		}
		r = policy_act_write(c->ctl, v, step->file, command, NULL, &c->err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int set_run(struct cmdlet_call *c, const struct policy_view *v, json_t *done)
{
	for (size_t i = 0; i < N_SET_STEPS; i++) {
		CLEANUP(free_mem_p) char *answer = NULL;
		int r;

		if (!step_wanted(c, &set_steps[i]))
			continue;
		if (interrupt_pending())
			return err_set(&c->err, -EINTR, "interrupted before -%s",
				       set_steps[i].param);
		r = set_steps[i].act(c, v, &answer);
		if (r < 0)
			return r;
		change_warn(answer);
		answer[strcspn(answer, "\n")] = '\0'; /* the lines behind are warnings */
		if (!c->env.json)
			change_details(answer);
		out_append(done, out_text_json(answer));
	}
	return 0;
}

/* With --json: the policy's object after the steps, with a list of those done; after a failure
 * too. */
static void set_report_json(struct cmdlet_call *c, const char *id, json_t *done)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(cmdlet_jobs_fini) struct cmdlet_jobs jobs = {0};
	json_t *object;

	object = policy_view_find(c->ctl, id, &v, NULL) == 0 &&
				 cmdlet_jobs_read(c->ctl, &jobs, NULL) == 0
			 ? cmdlet_object_json(&v, &jobs)
			 : json_object();
	out_set(object, "Done", json_incref(done));
	out_json(object);
}

int cmdlet_run_set(struct cmdlet_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(json_decref_p) json_t *done = json_array();
	CLEANUP(free_mem_p) char *what = NULL;
	int r = set_check(c), exit_code;

	if (r != CMD_OK)
		return r;
	r = cmdlet_open_policy(c, &v);
	if (r < 0)
		return cmdlet_refuse(c, r);
	what = set_what(c, &v);
	if (!what)
		return cmdlet_refuse(c, -ENOMEM);
	if (cmdlet_value(c, "WhatIf")->on) {
		r = set_try(c, &v);
		if (r < 0)
			return cmdlet_refuse(c, r);
	}
	if (cmdlet_may_go(c, what, &exit_code) == GO_NOT)
		return exit_code;
	r = set_run(c, &v, done);
	if (c->env.json)
		set_report_json(c, policy_view_get(&v, "id"), done);
	return r < 0 ? cmdlet_refuse(c, r) : CMD_OK;
}

int cmdlet_set(int argc, char **argv, const struct cmd_env *env)
{
	return cmdlet_run(set_params, cmdlet_run_set, argc, argv, env);
}
