/* tools/depctl/cmdlets/get.c - Get-M365DataAtRestEncryptionPolicy and Get-DataEncryptionPolicy. */
#include <stdio.h>

#include "tools/depctl/cmdlets/cmdlet_internal.h"
#include "tools/depctl/cmdlets/cmdlets.h"
#include "tools/depctl/output/json.h"

static const struct cmdlet_param get_params[] = {
	{"Identity", CMDLET_TEXT, true},
	{NULL, CMDLET_TEXT, false},
};

struct get_all {
	const struct cmdlet_call *call;
	json_t *array; /* NULL: as text */
	struct cmdlet_jobs jobs;
	size_t n;
};

static int get_each(void *arg, const struct policy_view *v)
{
	struct get_all *all = arg;

	if (!cmdlet_has_policy(all->call, v))
		return 0;
	if (all->array) {
		out_append(all->array, cmdlet_object_json(v, &all->jobs));
		return 0;
	}
	if (all->n++ > 0)
		putchar('\n');
	cmdlet_object_print(v, &all->jobs);
	return 0;
}

static int run_get(struct cmdlet_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(json_decref_p) json_t *array = c->env.json ? json_array() : NULL;
	struct get_all all = {.call = c, .array = array};
	int r = cmdlet_open(c);

	if (r < 0)
		return cmdlet_refuse(c, r);
	if (cmdlet_value(c, "Identity")->given) { /* an unknown name is -ENOENT, not all policies */
		r = policy_view_find(c->ctl, cmdlet_value(c, "Identity")->text, &v, &c->err);
		if (r == 0)
			r = cmdlet_kind_check(c, &v);
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

int cmdlet_get(int argc, char **argv, const struct cmd_env *env)
{
	return cmdlet_run(get_params, run_get, argc, argv, env);
}
