/* tools/depctl/cmd_policy.c - depctl policy: list, show, and the acts on one policy. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "tools/depctl/change.h"
#include "tools/depctl/depctl.h"
#include "tools/depctl/out.h"
#include "tools/depctl/policy_act.h"

#define OPERANDS_MAX 3

/* One call of a subcommand, parsed. */
struct policy_call {
	const struct cmd_env *env;
	const struct policy_verb *verb;
	const char *operands[OPERANDS_MAX];
	const char *kind, *description;		/* of create; NULL: not given */
	bool force;				/* of remove */
	const char *reason, *contact, *confirm; /* of purge */
	struct client *ctl;
	struct err err;
};

struct policy_verb {
	const char *name;
	int (*run)(struct policy_call *c);
	int n_operands;
	const char *file, *command; /* of the acts that are one write of one word */
};

static int refuse(struct policy_call *c, int r)
{
	return cmd_refuse(r, &c->err);
}

static int row_add(void *arg, const struct policy_view *v)
{
	const char *cells[] = {
		policy_view_get(v, "name"),
		policy_view_get(v, "kind"),
		policy_view_get(v, "state"),
		strcmp(policy_view_get(v, "enabled"), "1") == 0 ? "yes" : "no",
		policy_view_get(v, "assigned"),
		policy_view_get(v, "mailboxes"),
		policy_view_get(v, "generation"),
		policy_view_get(v, "id"),
	};

	out_table_row(arg, cells);
	return 0;
}

static int json_add(void *arg, const struct policy_view *v)
{
	out_append(arg, policy_view_json(v));
	return 0;
}

static int run_list(struct policy_call *c)
{
	static const char *const headings[] = {"NAME",	   "KIND",	"STATE",      "ENABLED",
					       "ASSIGNED", "MAILBOXES", "GENERATION", "ID"};
	CLEANUP(out_table_free_p) struct out_table *table = out_table_new(8, headings);
	CLEANUP(json_decref_p) json_t *array = json_array();
	int r = c->env->json ? policy_view_each(c->ctl, json_add, array, &c->err)
			     : policy_view_each(c->ctl, row_add, table, &c->err);

	if (r < 0)
		return refuse(c, r);
	if (c->env->json)
		out_json(STEAL(array));
	else
		out_table_print(table);
	return CMD_OK;
}

static int run_show(struct policy_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	int r = policy_view_find(c->ctl, c->operands[0], &v, &c->err);

	if (r < 0)
		return refuse(c, r);
	if (c->env->json) {
		out_json(policy_view_json(&v));
		return CMD_OK;
	}
	for (size_t i = 0; i < v.status.count; i++) {
		out_pair(v.status.items[i].name, v.status.items[i].value);
		if (strcmp(v.status.items[i].name, "kind") == 0)
			out_pair("description", v.description);
	}
	return CMD_OK;
}

/* The policy as it is after the act, by its id or name @p; what was done stands in any case. */
static int done(struct policy_call *c, const char *answer, const char *p)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};

	if (policy_view_find(c->ctl, p, &v, NULL) < 0) /* removed since by somebody else */
		return change_say(c->env, answer, p, NULL);
	return change_say(c->env, answer, policy_view_get(&v, "name"), policy_view_get(&v, "id"));
}

/* Of an act that may warn: a person finds that on stderr alone, and JSON has it in "details" too.
 */
static int done_warned(struct policy_call *c, char *answer, const char *p)
{
	change_warn(answer);
	if (!c->env->json)
		answer[strcspn(answer, "\n")] = '\0';
	return done(c, answer, p);
}

static int run_create(struct policy_call *c)
{
	struct policy_new want = {
		.name = c->operands[0],
		.kind = c->kind,
		.description = c->description,
		.keys = {c->operands[1], c->operands[2]},
	};
	CLEANUP(free_mem_p) char *answer = NULL;
	int r = policy_act_create(c->ctl, &want, &answer, &c->err);

	return r < 0 ? refuse(c, r) : done_warned(c, answer, want.name);
}

static int run_write(struct policy_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(free_mem_p) char *answer = NULL;
	const char *command = c->verb->command ? c->verb->command : c->operands[1];
	int r = policy_view_find(c->ctl, c->operands[0], &v, &c->err);

	if (r == 0)
		r = policy_act_write(c->ctl, &v, c->verb->file, command, &answer, &c->err);
	return r < 0 ? refuse(c, r) : done_warned(c, answer, policy_view_get(&v, "id"));
}

/* A check that fails says which part failed; the sentence alone names the first. */
static void print_outcomes(struct policy_call *c, const struct policy_view *v)
{
	CLEANUP(free_mem_p) char *path = client_join(POLICIES, policy_view_get(v, "name"), "check");
	CLEANUP(free_mem_p) char *lines = NULL;
	json_t *object;

	if (!path || client_read(c->ctl, path, &lines, NULL) < 0 || strcmp(lines, "none\n") == 0)
		return;
	if (!c->env->json) {
		change_details(lines);
		return;
	}
	object = json_object();
	out_set(object, "policy", out_text_json(policy_view_get(v, "name")));
	out_set(object, "id", out_text_json(policy_view_get(v, "id")));
	out_set(object, "details", change_details_json(lines));
	out_json(object);
}

static int run_check(struct policy_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(free_mem_p) char *answer = NULL;
	int r = policy_view_find(c->ctl, c->operands[0], &v, &c->err);

	if (r < 0)
		return refuse(c, r);
	r = policy_act_write(c->ctl, &v, "check", "1", &answer, &c->err);
	if (r == 0)
		return done(c, answer, policy_view_get(&v, "id"));
	print_outcomes(c, &v);
	return refuse(c, r);
}

static int run_rename(struct policy_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(free_mem_p) char *answer = NULL;
	int r = policy_view_find(c->ctl, c->operands[0], &v, &c->err);

	if (r == 0)
		r = policy_act_rename(c->ctl, &v, c->operands[1], &answer, &c->err);
	return r < 0 ? refuse(c, r) : done(c, answer, policy_view_get(&v, "id"));
}

static int run_replace_keys(struct policy_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(free_mem_p) char *answer = NULL;
	int r = policy_view_find(c->ctl, c->operands[0], &v, &c->err);

	if (r == 0 && strcmp(policy_view_get(&v, "state"), "draft") == 0)
		r = err_set(&c->err, -EINVAL, "policy '%s' is a draft: it has no keys to replace",
			    policy_view_get(&v, "name"));
	if (r == 0)
		r = policy_act_keys(c->ctl, &v, c->operands + 1, &answer, &c->err);
	return r < 0 ? refuse(c, r) : done_warned(c, answer, policy_view_get(&v, "id"));
}

/* Its folder is gone afterwards. */
static int run_remove(struct policy_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(free_mem_p) char *answer = NULL;
	int r = policy_view_find(c->ctl, c->operands[0], &v, &c->err);

	if (r == 0)
		r = policy_act_write(c->ctl, &v, "remove", c->force ? "force" : "1", &answer,
				     &c->err);
	return r < 0 ? refuse(c, r)
		     : change_say(c->env, answer, policy_view_get(&v, "name"),
				  policy_view_get(&v, "id"));
}

/* Three words that nobody gives by accident. */
static int run_purge(struct policy_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(free_mem_p) char *answer = NULL, *command = NULL;
	int r;

	if (!c->reason || !c->contact || !c->confirm)
		return cmd_usage_error("policy purge", "policy purge: --%s is missing",
				       !c->reason    ? "reason"
				       : !c->contact ? "contact"
						     : "confirm");
	r = policy_view_find(c->ctl, c->operands[0], &v, &c->err);
	if (r == 0 && asprintf(&command, "reason=%s\ncontact=%s\nconfirm=%s", c->reason, c->contact,
			       c->confirm) < 0) {
		command = NULL;
		r = -ENOMEM;
	}
	if (r == 0)
		r = policy_act_write(c->ctl, &v, "purge", command, &answer, &c->err);
	return r < 0 ? refuse(c, r) : done(c, answer, policy_view_get(&v, "id"));
}

static const struct policy_verb verbs[] = {
	{"list", run_list, 0, NULL, NULL},
	{"show", run_show, 1, NULL, NULL},
	{"create", run_create, 3, NULL, NULL},
	{"enable", run_write, 1, "enabled", "1"},
	{"disable", run_write, 1, "enabled", "0"},
	{"refresh", run_write, 1, "refresh", "1"},
	{"rotate", run_write, 1, "rotate", "1"},
	{"check", run_check, 1, NULL, NULL},
	{"purge", run_purge, 1, NULL, NULL},
	{"remove", run_remove, 1, NULL, NULL},
	{"rename", run_rename, 2, NULL, NULL},
	{"describe", run_write, 2, "description", NULL},
	{"replace-keys", run_replace_keys, 3, NULL, NULL},
};

static const struct policy_verb *verb_find(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static const struct option create_options[] = {
	{"kind", required_argument, NULL, 'k'},
	{"description", required_argument, NULL, 'd'},
	{NULL, 0, NULL, 0},
};

static const struct option remove_options[] = {
	{"force", no_argument, NULL, 'f'},
	{NULL, 0, NULL, 0},
};

static const struct option purge_options[] = {
	{"reason", required_argument, NULL, 'r'},
	{"contact", required_argument, NULL, 'c'},
	{"confirm", required_argument, NULL, 'i'},
	{NULL, 0, NULL, 0},
};

static const struct option no_options[] = {{NULL, 0, NULL, 0}};

/* @argv[0]: the verb. */
static int parse(struct policy_call *c, int argc, char **argv)
{
	const struct option *options = c->verb->run == run_create   ? create_options
				       : c->verb->run == run_remove ? remove_options
				       : c->verb->run == run_purge  ? purge_options
								    : no_options;
	char command[32];
	int option;

	(void)snprintf(command, sizeof(command), "policy %s", c->verb->name);
	optind = 0; /* glibc: start over, with this vector */
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == 'k')
			c->kind = optarg;
		else if (option == 'd')
			c->description = optarg;
		else if (option == 'r')
			c->reason = optarg;
		else if (option == 'c')
			c->contact = optarg;
		else if (option == 'i')
			c->confirm = optarg;
		else if (option == 'f')
			c->force = true;
		else
			return cmd_usage_option(command, option, argv[optind - 1]);
	}
	if (argc - optind != c->verb->n_operands)
		return cmd_usage_count(command, argc - optind, c->verb->n_operands);
	for (int i = 0; i < c->verb->n_operands; i++)
		c->operands[i] = argv[optind + i];
	if (c->kind && strcmp(c->kind, "mailbox") != 0 && strcmp(c->kind, "multi-workload") != 0)
		return cmd_usage_error(command, "--kind %s: mailbox or multi-workload is needed",
				       c->kind);
	return CMD_OK;
}

int cmd_policy(int argc, char **argv, const struct cmd_env *env)
{
	CLEANUP(client_free_p) struct client *ctl = NULL;
	struct policy_call c = {.env = env};
	int r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage("policy");
	if (argc < 2)
		return cmd_usage_error("policy", "policy: a command is missing");
	c.verb = verb_find(argv[1]);
	if (!c.verb)
		return cmd_usage_error("policy", "policy %s: there is no such command", argv[1]);
	if (cmd_wants_help(argc - 1, argv + 1)) {
		char command[32];

		(void)snprintf(command, sizeof(command), "policy %s", c.verb->name);
		return cmd_usage(command);
	}
	r = parse(&c, argc - 1, argv + 1);
	if (r != CMD_OK)
		return r;
	r = client_open(env->mount, &ctl, &c.err);
	if (r < 0)
		return refuse(&c, r);
	c.ctl = ctl;
	return c.verb->run(&c);
}
