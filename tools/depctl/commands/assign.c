/* tools/depctl/commands/assign.c - depctl assign, unassign, assignment: the tenant's policy. */
#include <getopt.h>

#include "tools/depctl/cli/change.h"
#include "tools/depctl/client/policy_act.h"
#include "tools/depctl/commands/commands.h"
#include "tools/depctl/output/json.h"
#include "tools/depctl/output/text.h"

enum {
	OPTION_FORCE = 1,
	OPTION_DRY_RUN,
};

static const struct option assign_options[] = {
	{"force", no_argument, NULL, OPTION_FORCE},
	{"dry-run", no_argument, NULL, OPTION_DRY_RUN},
	{NULL, 0, NULL, 0},
};

int cmd_assign(int argc, char **argv, const struct cmd_env *env)
{
	CLEANUP(client_free_p) struct client *ctl = NULL;
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(free_mem_p) char *answer = NULL;
	unsigned how = 0;
	struct err err = {0};
	int option, r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage("assign");
	optind = 0; /* makes glibc's getopt start again, with this vector */
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", assign_options, NULL)) != -1) {
		if (option == OPTION_FORCE)
			how |= ASSIGN_BY_FORCE;
		else if (option == OPTION_DRY_RUN)
			how |= ASSIGN_DRY_RUN;
		else
			return cmd_usage_getopt("assign", option, argv);
	}
	if (argc - optind != 1)
		return cmd_usage_count("assign", argc - optind, 1);
	r = client_open(env->mount, &ctl, &err);
	if (r == 0)
		r = policy_view_find(ctl, argv[optind], &v, &err);
	if (r == 0)
		r = policy_act_assign(ctl, ASSIGNMENT, &v, how, &answer, &err);
	return r < 0 ? cmd_refuse(r, &err)
		     : change_report(env, answer, policy_view_get(&v, "name"),
				     policy_view_get(&v, "id"));
}

int cmd_unassign(int argc, char **argv, const struct cmd_env *env)
{
	CLEANUP(client_free_p) struct client *ctl = NULL;
	CLEANUP(free_mem_p) char *answer = NULL;
	const char *const *operands;
	struct err err = {0};
	int r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage("unassign");
	r = cmd_operands(argc, argv, 0, &operands);
	if (r != CMD_OK)
		return r;
	r = client_open(env->mount, &ctl, &err);
	if (r == 0)
		r = client_write(ctl, "assignment", "none", &answer, &err);
	return r < 0 ? cmd_refuse(r, &err) : change_report(env, answer, NULL, NULL);
}

int cmd_assignment(int argc, char **argv, const struct cmd_env *env)
{
	CLEANUP(client_free_p) struct client *ctl = NULL;
	CLEANUP(fields_fini) struct fields f = {0};
	const char *const *operands;
	struct err err = {0};
	int r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage("assignment");
	r = cmd_operands(argc, argv, 0, &operands);
	if (r != CMD_OK)
		return r;
	r = client_open(env->mount, &ctl, &err);
	if (r == 0)
		r = fields_read(ctl, "assignment", &f, &err);
	if (r < 0)
		return cmd_refuse(r, &err);

	if (env->json)
		out_json(fields_get(&f, "id") ? fields_json(&f) : json_null());
	else if (!fields_get(&f, "id"))
		out_line("none");
	else
		fields_print(&f);
	return CMD_OK;
}
