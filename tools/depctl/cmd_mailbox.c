/* tools/depctl/cmd_mailbox.c - depctl mailbox: which policy covers a mailbox, and giving it one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/depctl/change.h"
#include "tools/depctl/depctl.h"
#include "tools/depctl/out.h"
#include "tools/depctl/policy_view.h"

#define MAILBOXES "mailboxes"

struct mailbox_call {
	const struct cmd_env *env;
	const char *id, *policy; /* operands; NULL: not given */
	struct client *ctl;
	struct err err;
};

static int refuse(struct mailbox_call *c, int r)
{
	return cmd_refuse(r, &c->err);
}

static int mailbox_path(const char *id, char **ret_path, struct err *err)
{
	int r = client_name_check("the id of a mailbox", id, err);

	if (r < 0)
		return r;
	*ret_path = client_join(MAILBOXES, id, "policy");
	return *ret_path ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static int mailbox_read(struct client *ctl, const char *id, struct fields *ret_fields,
			struct err *err)
{
	CLEANUP(free_mem_p) char *path = NULL;
	char *text = NULL;
	int r = mailbox_path(id, &path, err);

	if (r == 0)
		r = client_read(ctl, path, &text, err);
	if (r < 0)
		return r == -ENOENT ? err_set(err, r, "'%s' cannot be the id of a mailbox", id) : r;
	return fields_parse(text, ret_fields);
}

static json_t *mailbox_json(const char *id, const struct fields *f)
{
	bool none = strcmp(fields_get(f, "source") ?: "", "service") == 0;
	json_t *object = json_object();

	out_set(object, "mailbox", out_text_json(id));
	out_set(object, "policy", none ? json_null() : out_text_json(fields_get(f, "policy")));
	out_set(object, "id", none ? json_null() : out_text_json(fields_get(f, "id")));
	out_set(object, "source", out_text_json(fields_get(f, "source")));
	return object;
}

static int run_show(struct mailbox_call *c)
{
	CLEANUP(fields_fini) struct fields f = {0};
	int r = mailbox_read(c->ctl, c->id, &f, &c->err);

	if (r < 0)
		return refuse(c, r);
	if (c->env->json) {
		out_json(mailbox_json(c->id, &f));
		return CMD_OK;
	}
	out_pair("mailbox", c->id);
	for (size_t i = 0; i < f.count; i++)
		out_pair(f.items[i].name, f.items[i].value);
	return CMD_OK;
}

static int run_list(struct mailbox_call *c)
{
	static const char *const headings[] = {"MAILBOX", "POLICY", "SOURCE", "ID"};
	CLEANUP(out_table_free_p) struct out_table *table = out_table_new(4, headings);
	CLEANUP(json_decref_p) json_t *array = json_array();
	CLEANUP(client_names_fini) struct client_names names = {0};
	int r = client_list(c->ctl, MAILBOXES, &names, &c->err);

	for (size_t i = 0; r == 0 && i < names.count; i++) {
		CLEANUP(fields_fini) struct fields f = {0};

		r = mailbox_read(c->ctl, names.names[i], &f, &c->err);
		if (r < 0)
			break;
		if (c->env->json)
			out_append(array, mailbox_json(names.names[i], &f));
		else
			out_table_row(table,
				      (const char *[]){names.names[i], fields_get(&f, "policy"),
						       fields_get(&f, "source"),
						       fields_get(&f, "id")});
	}
	if (r < 0)
		return refuse(c, r);
	if (c->env->json)
		out_json(STEAL(array));
	else
		out_table_print(table);
	return CMD_OK;
}

/* What is in force now: it may be the tenant's policy. */
static int done(struct mailbox_call *c, const char *answer)
{
	CLEANUP(fields_fini) struct fields f = {0};
	json_t *object;

	if (!c->env->json)
		return change_say(c->env, answer, NULL, NULL);
	if (mailbox_read(c->ctl, c->id, &f, &c->err) < 0)
		return refuse(c, -EIO);
	object = mailbox_json(c->id, &f);
	out_set(object, "done", out_text_json(answer));
	out_json(object);
	return CMD_OK;
}

static int write_policy(struct mailbox_call *c, const char *command)
{
	CLEANUP(free_mem_p) char *path = NULL;
	CLEANUP(free_mem_p) char *answer = NULL;
	int r = mailbox_path(c->id, &path, &c->err);

	if (r == 0)
		r = client_write(c->ctl, path, command, &answer, &c->err);
	return r < 0 ? refuse(c, r) : done(c, answer);
}

static int run_assign(struct mailbox_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	int r = policy_view_find(c->ctl, c->policy, &v, &c->err);

	return r < 0 ? refuse(c, r) : write_policy(c, policy_view_get(&v, "id"));
}

static int run_unassign(struct mailbox_call *c)
{
	return write_policy(c, "none");
}

static const struct mailbox_verb {
	const char *name;
	int (*run)(struct mailbox_call *c);
	int n_operands;
} verbs[] = {
	{"assign", run_assign, 2},
	{"unassign", run_unassign, 1},
	{"show", run_show, 1},
	{"list", run_list, 0},
};

static const struct mailbox_verb *verb_find(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static int parse(struct mailbox_call *c, const struct mailbox_verb *verb, int argc, char **argv)
{
	char command[32];

	(void)snprintf(command, sizeof(command), "mailbox %s", verb->name);
	if (cmd_wants_help(argc, argv)) {
		(void)cmd_usage(command);
		return -1;
	}
	if (argc > 1 && strcmp(argv[1], "--") == 0) {
		argc--;
		argv++;
	} else if (argc > 1 && argv[1][0] == '-') {
		return cmd_usage_option(command, '?', argv[1]);
	}
	if (argc - 1 != verb->n_operands)
		return cmd_usage_count(command, argc - 1, verb->n_operands);
	c->id = argc > 1 ? argv[1] : NULL;
	c->policy = argc > 2 ? argv[2] : NULL;
	return CMD_OK;
}

int cmd_mailbox(int argc, char **argv, const struct cmd_env *env)
{
	CLEANUP(client_free_p) struct client *ctl = NULL;
	struct mailbox_call c = {.env = env};
	const struct mailbox_verb *verb;
	int r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage("mailbox");
	if (argc < 2)
		return cmd_usage_error("mailbox", "mailbox: a command is missing");
	verb = verb_find(argv[1]);
	if (!verb)
		return cmd_usage_error("mailbox", "mailbox %s: there is no such command", argv[1]);
	r = parse(&c, verb, argc - 1, argv + 1);
	if (r != CMD_OK)
		return r < 0 ? CMD_OK : r;
	r = client_open(env->mount, &ctl, &c.err);
	if (r < 0)
		return refuse(&c, r);
	c.ctl = ctl;
	return verb->run(&c);
}
