/* tools/depctl/commands/policy.c - depctl policy: list, show, and the acts on one policy. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tools/depctl/cli/change.h"
#include "tools/depctl/cli/verbs.h"
#include "tools/depctl/client/policy_act.h"
#include "tools/depctl/commands/commands.h"
#include "tools/depctl/output/json.h"
#include "tools/depctl/output/text.h"

/* Values of the options below, which are places in verb_call.options. */
enum {
	CREATE_KIND,
	CREATE_DESCRIPTION,
	CREATE_DRY_RUN,
};
enum {
	WORD_DRY_RUN, /* of all verbs that write_word() */
	REMOVE_FORCE,
};
enum {
	PURGE_REASON,
	PURGE_CONTACT,
	PURGE_CONFIRM,
};

/* "never", "12 s", "5 min", "3 h", "2 d" since a root key last opened the policy's key. */
static const char *proof_age(const struct policy_view *v, char out[static 32])
{
	static const struct {
		long long s;
		const char *unit;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
	const char *when = policy_view_get(v, "proved");
	struct tm tm = {0};
	long long age;
	size_t i = 0;

	if (!strptime(when, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return *when ? when : "-";
	age = time(NULL) - timegm(&tm);
	if (age < 0)
		age = 0; /* the clock was set back */
	while (i < 3 && age < 2 * units[i].s)
		i++;
	(void)snprintf(out, 32, "%lld %s", age / units[i].s, units[i].unit);
	return out;
}

static int row_add(void *arg, const struct policy_view *v)
{
	char age[32];
	const char *cells[] = {
		policy_view_get(v, "name"),
		policy_view_get(v, "kind"),
		policy_view_get(v, "state"),
		proof_age(v, age),
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

static int run_list(struct verb_call *c)
{
	static const char *const headings[] = {"NAME",	    "KIND",	  "STATE",
					       "PROVED",    "ENABLED",	  "ASSIGNED",
					       "MAILBOXES", "GENERATION", "ID"};
	CLEANUP(out_table_free_p) struct out_table *table = out_table_new(9, headings);
	CLEANUP(json_decref_p) json_t *array = json_array();
	int r = c->env->json ? policy_view_each(c->ctl, json_add, array, &c->err)
			     : policy_view_each(c->ctl, row_add, table, &c->err);

	return r < 0 ? verb_refuse(c, r) : verb_list(c, table, array);
}

static int run_show(struct verb_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	int r = policy_view_find(c->ctl, c->operands[0], &v, &c->err);

	if (r < 0)
		return verb_refuse(c, r);
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

/* Reports the act, with the name and id that the policy @p (an id or a name) has after it. */
static int done(struct verb_call *c, const char *answer, const char *p)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};

	if (policy_view_find(c->ctl, p, &v, NULL) < 0) /* removed meanwhile by another caller */
		return change_report(c->env, answer, p, NULL);
	return change_report(c->env, answer, policy_view_get(&v, "name"),
			     policy_view_get(&v, "id"));
}

/* Reports an act whose answer may hold warnings: they go to stderr, and with --json to
 * "details". */
static int done_warned(struct verb_call *c, char *answer, const char *p)
{
	change_warn(answer);
	if (!c->env->json)
		answer[strcspn(answer, "\n")] = '\0';
	return done(c, answer, p);
}

static int check_create(const struct verb_call *c)
{
	const char *kind = c->options[CREATE_KIND];

	if (!kind || strcmp(kind, "mailbox") == 0 || strcmp(kind, "multi-workload") == 0)
		return CMD_OK;
	return cmd_usage_error(c->command, "--kind %s: mailbox or multi-workload is needed", kind);
}

static int run_create(struct verb_call *c)
{
	struct policy_new want = {
		.name = c->operands[0],
		.kind = c->options[CREATE_KIND],
		.description = c->options[CREATE_DESCRIPTION],
		.keys = {c->operands[1], c->operands[2]},
	};
	CLEANUP(free_mem_p) char *answer = NULL;
	int r;

	if (c->options[CREATE_DRY_RUN]) {
		r = policy_act_try_create(c->ctl, &want, &answer, &c->err);
		return r < 0 ? verb_refuse(c, r) : change_report(c->env, answer, NULL, NULL);
	}
	r = policy_act_create(c->ctl, &want, &answer, &c->err);
	return r < 0 ? verb_refuse(c, r) : done_warned(c, answer, want.name);
}

/* For acts that write one word into one file of the policy. */
static int write_word(struct verb_call *c, const char *file, const char *word)
{
	char command[32];
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(free_mem_p) char *answer = NULL;
	int r = policy_view_find(c->ctl, c->operands[0], &v, &c->err);

	(void)snprintf(command, sizeof(command), "%s%s", c->options[WORD_DRY_RUN] ? DRY_RUN : "",
		       word);
	if (r == 0)
		r = policy_act_write(c->ctl, &v, file, command, &answer, &c->err);
	return r < 0 ? verb_refuse(c, r) : done_warned(c, answer, policy_view_get(&v, "id"));
}

static int run_enable(struct verb_call *c)
{
	return write_word(c, "enabled", "1");
}

static int run_disable(struct verb_call *c)
{
	return write_word(c, "enabled", "0");
}

static int run_refresh(struct verb_call *c)
{
	return write_word(c, "refresh", "1");
}

static int run_rotate(struct verb_call *c)
{
	return write_word(c, "rotate", "1");
}

static int run_describe(struct verb_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(free_mem_p) char *answer = NULL;
	int r = policy_view_find(c->ctl, c->operands[0], &v, &c->err);

	if (r == 0)
		r = policy_act_write(c->ctl, &v, "description", c->operands[1], &answer, &c->err);
	return r < 0 ? verb_refuse(c, r) : done(c, answer, policy_view_get(&v, "id"));
}

/* Prints the outcome of each key after a check that failed; the refusal names the first key
 * only. */
static void print_outcomes(struct verb_call *c, const struct policy_view *v)
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

static int run_check(struct verb_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(free_mem_p) char *answer = NULL;
	int r = policy_view_find(c->ctl, c->operands[0], &v, &c->err);

	if (r < 0)
		return verb_refuse(c, r);
	r = policy_act_write(c->ctl, &v, "check", "1", &answer, &c->err);
	if (r == 0)
		return done(c, answer, policy_view_get(&v, "id"));
	print_outcomes(c, &v);
	return verb_refuse(c, r);
}

static int run_rename(struct verb_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(free_mem_p) char *answer = NULL;
	int r = policy_view_find(c->ctl, c->operands[0], &v, &c->err);

	if (r == 0)
		r = policy_act_rename(c->ctl, &v, c->operands[1], &answer, &c->err);
	return r < 0 ? verb_refuse(c, r) : done(c, answer, policy_view_get(&v, "id"));
}

static int run_replace_keys(struct verb_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(free_mem_p) char *answer = NULL;
	int r = policy_view_find(c->ctl, c->operands[0], &v, &c->err);

	if (r == 0 && strcmp(policy_view_get(&v, "state"), "draft") == 0)
		r = err_set(&c->err, -EINVAL, "policy '%s' is a draft: it has no keys to replace",
			    policy_view_get(&v, "name"));
	if (r == 0)
		r = policy_act_keys(c->ctl, &v, c->operands + 1, &answer, &c->err);
	return r < 0 ? verb_refuse(c, r) : done_warned(c, answer, policy_view_get(&v, "id"));
}

/* The report has the name and id from before the removal, after which the folder does not exist. */
static int run_remove(struct verb_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(free_mem_p) char *answer = NULL;
	int r = policy_view_find(c->ctl, c->operands[0], &v, &c->err);

	if (r == 0)
		r = policy_act_write(c->ctl, &v, "remove", c->options[REMOVE_FORCE] ? "force" : "1",
				     &answer, &c->err);
	return r < 0 ? verb_refuse(c, r)
		     : change_report(c->env, answer, policy_view_get(&v, "name"),
				     policy_view_get(&v, "id"));
}

static const struct option purge_options[] = {
	{"reason", required_argument, NULL, PURGE_REASON},
	{"contact", required_argument, NULL, PURGE_CONTACT},
	{"confirm", required_argument, NULL, PURGE_CONFIRM},
	{NULL, 0, NULL, 0},
};

/* All options are required, so that this irreversible act is not typed by accident. */
static int run_purge(struct verb_call *c)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	CLEANUP(free_mem_p) char *answer = NULL, *command = NULL;
	int r;

	for (const struct option *o = purge_options; o->name; o++)
		if (!c->options[o->val])
			return cmd_usage_error("policy purge", "policy purge: --%s is missing",
					       o->name);
	r = policy_view_find(c->ctl, c->operands[0], &v, &c->err);
	if (r == 0 &&
	    asprintf(&command, "reason=%s\ncontact=%s\nconfirm=%s", c->options[PURGE_REASON],
		     c->options[PURGE_CONTACT], c->options[PURGE_CONFIRM]) < 0) {
		command = NULL;
		r = -ENOMEM;
	}
	if (r == 0)
		r = policy_act_write(c->ctl, &v, "purge", command, &answer, &c->err);
	return r < 0 ? verb_refuse(c, r) : done(c, answer, policy_view_get(&v, "id"));
}

static const struct option create_options[] = {
	{"kind", required_argument, NULL, CREATE_KIND},
	{"description", required_argument, NULL, CREATE_DESCRIPTION},
	{"dry-run", no_argument, NULL, CREATE_DRY_RUN},
	{NULL, 0, NULL, 0},
};

static const struct option remove_options[] = {
	{"force", no_argument, NULL, REMOVE_FORCE},
	{NULL, 0, NULL, 0},
};

static const struct option word_options[] = {
	{"dry-run", no_argument, NULL, WORD_DRY_RUN},
	{NULL, 0, NULL, 0},
};

static const struct verb verbs[] = {
	{"list", run_list, 0, NULL, NULL},
	{"show", run_show, 1, NULL, NULL},
	{"create", run_create, 3, create_options, check_create},
	{"enable", run_enable, 1, word_options, NULL},
	{"disable", run_disable, 1, word_options, NULL},
	{"refresh", run_refresh, 1, word_options, NULL},
	{"rotate", run_rotate, 1, word_options, NULL},
	{"check", run_check, 1, NULL, NULL},
	{"purge", run_purge, 1, purge_options, NULL},
	{"remove", run_remove, 1, remove_options, NULL},
	{"rename", run_rename, 2, NULL, NULL},
	{"describe", run_describe, 2, NULL, NULL},
	{"replace-keys", run_replace_keys, 3, NULL, NULL},
};

int cmd_policy(int argc, char **argv, const struct cmd_env *env)
{
	static const struct verb_group group = {
		.name = "policy",
		.verbs = verbs,
		.n = sizeof(verbs) / sizeof(verbs[0]),
	};

	return verbs_run(&group, argc, argv, env);
}
