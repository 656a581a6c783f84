/* tools/depctl/cmd_assign.c - depctl assign, unassign, assignment: the tenant's policy. */
#include <stdio.h>
#include <string.h>

#include "tools/depctl/change.h"
#include "tools/depctl/depctl.h"
#include "tools/depctl/out.h"
#include "tools/depctl/policy_act.h"

/* The words of a command without options: exactly @n operands. CMD_OK: go on. */
static int check(int argc, char **argv, int n, const char *const **ret_operands)
{
	char **at = argv + 1;

	if (argc > 1 && strcmp(argv[1], "--") == 0) {
		at++;
		argc--;
	} else if (argc > 1 && argv[1][0] == '-' && argv[1][1]) {
		return cmd_usage_option(argv[0], '?', argv[1]);
	}
	if (argc - 1 != n)
		return cmd_usage_count(argv[0], argc - 1, n);
	*ret_operands = (const char *const *)at;
	return CMD_OK;
}

int cmd_assign(int argc, char **argv, const struct cmd_env *env)
{
	CLEANUP(client_free_p) struct client *ctl = NULL;
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(free_mem_p) char *answer = NULL;
	const char *const *operands;
	struct err err = {0};
	int r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage("assign");
	r = check(argc, argv, 1, &operands);
	if (r != CMD_OK)
		return r;
	r = client_open(env->mount, &ctl, &err);
	if (r == 0)
		r = policy_view_find(ctl, operands[0], &v, &err);
	if (r == 0)
		r = policy_act_assign(ctl, &v, &answer, &err);
	return r < 0 ? cmd_refuse(r, &err)
		     : change_say(env, answer, policy_view_get(&v, "name"),
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
	r = check(argc, argv, 0, &operands);
	if (r != CMD_OK)
		return r;
	r = client_open(env->mount, &ctl, &err);
	if (r == 0)
		r = client_write(ctl, "assignment", "none", &answer, &err);
	return r < 0 ? cmd_refuse(r, &err) : change_say(env, answer, NULL, NULL);
}

int cmd_assignment(int argc, char **argv, const struct cmd_env *env)
{
	CLEANUP(client_free_p) struct client *ctl = NULL;
	CLEANUP(fields_fini) struct fields f = {0};
	const char *const *operands;
	char *text = NULL;
	struct err err = {0};
	int r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage("assignment");
	r = check(argc, argv, 0, &operands);
	if (r != CMD_OK)
		return r;
	r = client_open(env->mount, &ctl, &err);
	if (r == 0)
		r = client_read(ctl, "assignment", &text, &err);
	if (r == 0)
		r = fields_parse(text, &f);
	if (r < 0)
		return cmd_refuse(r, &err);

	if (env->json)
		out_json(fields_get(&f, "id") ? fields_json(&f) : json_null());
	else if (!fields_get(&f, "id"))
		out_done("none");
	else
		for (size_t i = 0; i < f.count; i++)
			out_pair(f.items[i].name, f.items[i].value);
	return CMD_OK;
}
