/* tools/depctl/cmdlets/cmdlet.c - the frame of every cmdlet: parameters, -WhatIf and -Confirm, and
 * a policy printed as Microsoft's object. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/depctl/cmdlets/cmdlet_internal.h"
#include "tools/depctl/output/json.h"
#include "tools/depctl/output/text.h"

static void call_fini(struct cmdlet_call *c)
{
	for (size_t i = 0; i < CMDLET_PARAMS_MAX; i++)
		cmdlet_value_fini(&c->values[i]);
	client_free(c->ctl);
	c->ctl = NULL;
}

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

int cmdlet_two_keys(const struct cmdlet_call *c, const char *ret_keys[2])
{
	const struct cmdlet_value *v = cmdlet_value(c, "AzureKeyIDs");

	if (v->n_items != 2)
		return cmd_usage_error(c->name, "-AzureKeyIDs: two key ids are needed, %zu given",
				       v->n_items);
	ret_keys[0] = v->items[0];
	ret_keys[1] = v->items[1];
	return CMD_OK;
}

enum cmdlet_go cmdlet_may_go(struct cmdlet_call *c, const char *what, int *ret_exit)
{
	char answer[16];

	*ret_exit = CMD_OK;
	if (cmdlet_value(c, "WhatIf")->on) {
		out_line("What if: %s", what);
		return GO_NOT;
	}
	if (!cmdlet_value(c, "Confirm")->on)
		return GO_ON;
	if (!isatty(STDIN_FILENO)) {
		(void)err_set(&c->err, -EINVAL,
			      "-Confirm: standard input is no terminal, no confirmation can be "
			      "asked for");
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

/* Prints a property as PowerShell's Format-List does. */
static void property(const char *name, const char *text)
{
	printf("%-11s : ", name);
	out_text(text);
	putchar('\n');
}

void cmdlet_object_print(const struct policy_view *v, const struct cmdlet_jobs *jobs)
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
		cmdlet_object_print(v, &jobs);
	return CMD_OK;
}

int cmdlet_run(const struct cmdlet_param *params, int (*run)(struct cmdlet_call *c), int argc,
	       char **argv, const struct cmd_env *env)
{
	CLEANUP(call_fini) struct cmdlet_call c = {.name = argv[0], .env = *env, .params = params};
	int r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage(argv[0]);
	r = cmdlet_parse(params, argv, c.values, &c.env.json);
	return r != CMD_OK ? r : run(&c);
}
