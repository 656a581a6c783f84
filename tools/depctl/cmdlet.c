/* tools/depctl/cmdlet.c - the five cmdlets of Customer Key: what they share, and those that need
 * little.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tools/depctl/change.h"
#include "tools/depctl/cmdlet.h"
#include "tools/depctl/depctl.h"
#include "tools/depctl/out.h"
#include "tools/depctl/policy_act.h"

static void call_fini(struct cmdlet_call *c)
{
	for (size_t i = 0; i < CMDLET_PARAMS_MAX; i++)
		cmdlet_value_fini(&c->values[i]);
	client_free(c->ctl);
	c->ctl = NULL;
}

/* The value of a parameter; one that was not given where the cmdlet has no such parameter. */
const struct cmdlet_value *cmdlet_value(const struct cmdlet_call *c, const char *param)
{
	static const struct cmdlet_value none;

	for (size_t i = 0; c->params[i].name; i++)
		if (strcmp(c->params[i].name, param) == 0)
			return &c->values[i];
	return &none;
}

int cmdlet_refuse(struct cmdlet_call *c, int r)
{
	return cmd_refuse(r, &c->err);
}

int cmdlet_open(struct cmdlet_call *c)
{
	return client_open(c->env.mount, &c->ctl, &c->err);
}

enum cmdlet_go cmdlet_may_go(struct cmdlet_call *c, const char *what, int *ret_exit)
{
	char answer[16];

	*ret_exit = CMD_OK;
	if (cmdlet_value(c, "WhatIf")->on) {
		out_done("What if: %s", what);
		return GO_NOT;
	}
	if (!cmdlet_value(c, "Confirm")->on)
		return GO_ON;
	if (!isatty(STDIN_FILENO)) {
		(void)err_set(&c->err, -EINVAL,
			      "-Confirm: standard input is no terminal, nobody can be asked");
		*ret_exit = cmdlet_refuse(c, -EINVAL);
		return GO_NOT;
	}
	fprintf(stderr, "%s. Go on? [y/N] ", what);
	if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
		return GO_ON;
	(void)err_set(&c->err, -ECANCELED, "not confirmed, nothing was changed");
	*ret_exit = cmdlet_refuse(c, -ECANCELED);
	return GO_NOT;
}

static bool is_enabled(const struct policy_view *v)
{
	return strcmp(policy_view_get(v, "enabled"), "1") == 0;
}

json_t *cmdlet_object_json(const struct policy_view *v, const struct cmdlet_jobs *jobs)
{
	json_t *object = json_object(), *keys = json_array();
	char progress[CMDLET_PROGRESS_LEN];

	cmdlet_progress(jobs, v, progress);
	out_set(object, "Identity", out_text_json(policy_view_get(v, "id")));
	out_set(object, "Name", out_text_json(policy_view_get(v, "name")));
	out_set(object, "Description", out_text_json(v->description));
	out_set(object, "Enabled", json_boolean(is_enabled(v)));
	for (int no = 1; no <= 2; no++)
		if (*policy_view_key(v, no, NULL))
			out_append(keys, out_text_json(policy_view_key(v, no, NULL)));
	out_set(object, "AzureKeyIDs", keys);
	out_set(object, "State", out_text_json(policy_view_get(v, "state")));
	out_set(object, "Progress", out_text_json(progress));
	return object;
}

/* A property as Format-List prints it. */
static void property(const char *name, const char *text)
{
	printf("%-11s : ", name);
	out_text(text);
	putchar('\n');
}

static void object_print(const struct policy_view *v, const struct cmdlet_jobs *jobs)
{
	char progress[CMDLET_PROGRESS_LEN];
	const char *key1 = policy_view_key(v, 1, NULL), *key2 = policy_view_key(v, 2, NULL);

	property("Identity", policy_view_get(v, "id"));
	property("Name", policy_view_get(v, "name"));
	property("Description", v->description);
	property("Enabled", is_enabled(v) ? "True" : "False");
	printf("%-11s : {", "AzureKeyIDs");
	out_text(key1);
	if (*key2)
		printf(", ");
	out_text(key2);
	printf("}\n");
	property("State", policy_view_get(v, "state"));
	cmdlet_progress(jobs, v, progress);
	property("Progress", progress);
}

int cmdlet_show(struct cmdlet_call *c, const struct policy_view *v)
{
	CLEANUP(cmdlet_jobs_fini) struct cmdlet_jobs jobs = {0};
	int r = cmdlet_jobs_read(c->ctl, &jobs, &c->err);

	if (r < 0)
		return cmdlet_refuse(c, r);
	if (c->env.json)
		out_json(cmdlet_object_json(v, &jobs));
	else
		object_print(v, &jobs);
	return CMD_OK;
}

/* Get-M365DataAtRestEncryptionPolicy */
static const struct cmdlet_param get_params[] = {
	{"Identity", CMDLET_TEXT, true},
	{NULL, CMDLET_TEXT, false},
};

struct get_all {
	json_t *array; /* NULL: as text */
	struct cmdlet_jobs jobs;
	size_t n;
};

static int get_each(void *arg, const struct policy_view *v)
{
	struct get_all *all = arg;

	if (all->array) {
		out_append(all->array, cmdlet_object_json(v, &all->jobs));
		return 0;
	}
	if (all->n++ > 0)
		putchar('\n');
	object_print(v, &all->jobs);
	return 0;
}

static int run_get(struct cmdlet_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(json_decref_p) json_t *array = c->env.json ? json_array() : NULL;
	struct get_all all = {.array = array};
	int r = cmdlet_open(c);

	if (r < 0)
		return cmdlet_refuse(c, r);
	if (cmdlet_value(c, "Identity")->given) { /* one that is not there is an error, never all */
		r = policy_view_find(c->ctl, cmdlet_value(c, "Identity")->text, &v, &c->err);
		return r < 0 ? cmdlet_refuse(c, r) : cmdlet_show(c, &v);
	}
	r = cmdlet_jobs_read(c->ctl, &all.jobs, &c->err);
	if (r == 0)
		r = policy_view_each(c->ctl, get_each, &all, &c->err);
	cmdlet_jobs_fini(&all.jobs);
	if (r < 0)
		return cmdlet_refuse(c, r);
	if (array)
		out_json(STEAL(array));
	return CMD_OK;
}

/* Set-M365DataAtRestEncryptionPolicyAssignment */
static const struct cmdlet_param assign_params[] = {
	{"DataEncryptionPolicy", CMDLET_TEXT, true},
	{"WhatIf", CMDLET_SWITCH, false},
	{"Confirm", CMDLET_SWITCH, false},
	{NULL, CMDLET_TEXT, false},
};

static int run_assign(struct cmdlet_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(free_mem_p) char *answer = NULL, *what = NULL;
	const char *p = cmdlet_value(c, "DataEncryptionPolicy")->text;
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
	if (cmdlet_may_go(c, what, &exit_code) == GO_NOT)
		return exit_code;
	r = policy_act_assign(c->ctl, &v, &answer, &c->err);
	return r < 0 ? cmdlet_refuse(c, r)
		     : change_say(&c->env, answer, policy_view_get(&v, "name"),
				  policy_view_get(&v, "id"));
}

/* Get-M365DataAtRestEncryptionPolicyAssignment */
static const struct cmdlet_param no_params[] = {{NULL, CMDLET_TEXT, false}};

static int run_assignment(struct cmdlet_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(fields_fini) struct fields f = {0};
	char *text = NULL;
	int r = cmdlet_open(c);

	if (r == 0)
		r = client_read(c->ctl, "assignment", &text, &c->err);
	if (r == 0)
		r = fields_parse(text, &f);
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

static const struct cmdlet {
	const char *name;
	const struct cmdlet_param *params;
	int (*run)(struct cmdlet_call *c);
} cmdlets[] = {
	{"New-M365DataAtRestEncryptionPolicy", cmdlet_new_params, cmdlet_new},
	{"Set-M365DataAtRestEncryptionPolicy", cmdlet_set_params, cmdlet_set},
	{"Get-M365DataAtRestEncryptionPolicy", get_params, run_get},
	{"Set-M365DataAtRestEncryptionPolicyAssignment", assign_params, run_assign},
	{"Get-M365DataAtRestEncryptionPolicyAssignment", no_params, run_assignment},
};

static const struct cmdlet *find(const char *name)
{
	for (size_t i = 0; i < sizeof(cmdlets) / sizeof(cmdlets[0]); i++)
		if (strcasecmp(cmdlets[i].name, name) == 0)
			return &cmdlets[i];
	return NULL;
}

static int cmd_cmdlet(int argc, char **argv, const struct cmd_env *env)
{
	const struct cmdlet *cmdlet = find(argv[0]);
	CLEANUP(call_fini)
	struct cmdlet_call c = {.name = cmdlet->name, .env = *env, .params = cmdlet->params};
	int r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage(cmdlet->name);
	r = cmdlet_parse(cmdlet->params, argv, c.values, &c.env.json);
	return r != CMD_OK ? r : cmdlet->run(&c);
}

cmd_fn cmdlet_find(const char *name)
{
	return find(name) ? cmd_cmdlet : NULL;
}
