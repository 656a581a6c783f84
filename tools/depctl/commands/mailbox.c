/* tools/depctl/commands/mailbox.c - depctl mailbox: a mailbox's policy shown, assigned and taken
 * away. */
#include <errno.h>
#include <string.h>

#include "tools/depctl/cli/change.h"
#include "tools/depctl/cli/verbs.h"
#include "tools/depctl/client/policy_act.h"
#include "tools/depctl/commands/commands.h"
#include "tools/depctl/output/json.h"
#include "tools/depctl/output/text.h"

#define MAILBOXES "mailboxes"

/* Places in verb_call.options. */
enum {
	ASSIGN_OPTION_FORCE,
	ASSIGN_OPTION_DRY_RUN,
};

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
	int r = mailbox_path(id, &path, err);

	if (r == 0)
		r = fields_read(ctl, path, ret_fields, err);
	return r == -ENOENT ? err_set(err, r, "'%s' cannot be the id of a mailbox", id) : r;
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

static int run_show(struct verb_call *c)
{
	CLEANUP(fields_fini) struct fields f = {0};
	int r = mailbox_read(c->ctl, c->operands[0], &f, &c->err);

	if (r < 0)
		return verb_refuse(c, r);
	if (c->env->json) {
		out_json(mailbox_json(c->operands[0], &f));
		return CMD_OK;
	}
	out_pair("mailbox", c->operands[0]);
	fields_print(&f);
	return CMD_OK;
}

static int run_list(struct verb_call *c)
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
	return r < 0 ? verb_refuse(c, r) : verb_list(c, table, array);
}

/* JSON shows the policy in force after the change, which may be the tenant's. */
static int done(struct verb_call *c, const char *answer)
{
	CLEANUP(fields_fini) struct fields f = {0};
	json_t *object;

	if (!c->env->json)
		return change_report(c->env, answer, NULL, NULL);
	if (mailbox_read(c->ctl, c->operands[0], &f, &c->err) < 0)
		return verb_refuse(c, -EIO);
	object = mailbox_json(c->operands[0], &f);
	out_set(object, "done", out_text_json(answer));
	out_json(object);
	return change_wait(c->env, answer);
}

static int run_unassign(struct verb_call *c)
{
	CLEANUP(free_mem_p) char *path = NULL;
	CLEANUP(free_mem_p) char *answer = NULL;
	int r = mailbox_path(c->operands[0], &path, &c->err);

	if (r == 0)
		r = client_write(c->ctl, path, "none", &answer, &c->err);
	return r < 0 ? verb_refuse(c, r) : done(c, answer);
}

static int run_assign(struct verb_call *c)
{
	unsigned how = (c->options[ASSIGN_OPTION_FORCE] ? ASSIGN_BY_FORCE : 0) |
		       (c->options[ASSIGN_OPTION_DRY_RUN] ? ASSIGN_DRY_RUN : 0);
	CLEANUP(free_mem_p) char *path = NULL;
	CLEANUP(free_mem_p) char *answer = NULL;
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	int r = policy_view_find(c->ctl, c->operands[1], &v, &c->err);

	if (r == 0)
		r = mailbox_path(c->operands[0], &path, &c->err);
	if (r == 0)
		r = policy_act_assign(c->ctl, path, &v, how, &answer, &c->err);
	return r < 0 ? verb_refuse(c, r) : done(c, answer);
}

static const struct option assign_options[] = {
	{"force", no_argument, NULL, ASSIGN_OPTION_FORCE},
	{"dry-run", no_argument, NULL, ASSIGN_OPTION_DRY_RUN},
	{NULL, 0, NULL, 0},
};

static const struct verb verbs[] = {
	{"assign", run_assign, 2, assign_options, NULL},
	{"unassign", run_unassign, 1, NULL, NULL},
	{"show", run_show, 1, NULL, NULL},
	{"list", run_list, 0, NULL, NULL},
};

int cmd_mailbox(int argc, char **argv, const struct cmd_env *env)
{
	static const struct verb_group group = {
		.name = "mailbox",
		.verbs = verbs,
		.n = sizeof(verbs) / sizeof(verbs[0]),
		.options_lead = true,
	};

	return verbs_run(&group, argc, argv, env);
}
