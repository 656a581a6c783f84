/* tools/depctl/cli/verbs.c - a subcommand's second word found, its words parsed, its function
 * run. */
#include "tools/depctl/cli/verbs.h"

#include <stdio.h>
#include <string.h>

static const struct option no_options[] = {{NULL, 0, NULL, 0}};

int verb_refuse(const struct verb_call *c, int r)
{
	return cmd_refuse(r, &c->err);
}

int verb_list(const struct verb_call *c, const struct out_table *table, json_t *array)
{
	if (c->env->json)
		out_json(json_incref(array));
	else
		out_table_print(table);
	return CMD_OK;
}

static const struct verb *verb_find(const struct verb_group *group, const char *name)
{
	for (size_t i = 0; i < group->n; i++)
		if (strcmp(group->verbs[i].name, name) == 0)
			return &group->verbs[i];
	return NULL;
}

/* @argv[0]: the verb. */
static int parse(struct verb_call *c, bool options_lead, int argc, char **argv)
{
	const struct verb *verb = c->verb;
	int option;

	optind = 0; /* makes glibc's getopt start again, with this vector */
	opterr = 0;
	while ((option = getopt_long(argc, argv, options_lead ? "+:" : ":",
				     verb->options ? verb->options : no_options, NULL)) != -1) {
		if (option == '?' || option == ':')
			return cmd_usage_getopt(c->command, option, argv);
		c->options[option] = optarg ? optarg : "";
	}
	if (argc - optind != verb->n_operands)
		return cmd_usage_count(c->command, argc - optind, verb->n_operands);
	for (int i = 0; i < verb->n_operands; i++)
		c->operands[i] = argv[optind + i];
	return CMD_OK;
}

int verbs_run(const struct verb_group *group, int argc, char **argv, const struct cmd_env *env)
{
	CLEANUP(client_free_p) struct client *ctl = NULL;
	struct verb_call c = {.env = env};
	int r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage(group->name);
	if (argc < 2)
		return cmd_usage_error(group->name, "%s: a command is missing", group->name);
	c.verb = verb_find(group, argv[1]);
	if (!c.verb)
		return cmd_unknown(group->name, argv[1]);
	(void)snprintf(c.command, sizeof(c.command), "%s %s", group->name, c.verb->name);
	if (cmd_wants_help(argc - 1, argv + 1))
		return cmd_usage(c.command);
	r = parse(&c, group->options_lead, argc - 1, argv + 1);
	if (r == CMD_OK && c.verb->check)
		r = c.verb->check(&c);
	if (r != CMD_OK)
		return r;
	r = client_open(env->mount, &ctl, &c.err);
	if (r < 0)
		return verb_refuse(&c, r);
	c.ctl = ctl;
	return c.verb->run(&c);
}
