/* tools/depctl/cmdlets/cmdlet_internal.h - one call of a cmdlet: its values, its mount, its
 * output. */
#ifndef DEPFS_DEPCTL_CMDLETS_CMDLET_INTERNAL_H
#define DEPFS_DEPCTL_CMDLETS_CMDLET_INTERNAL_H

#include <jansson.h>

#include "tools/depctl/cli/cmd.h"
#include "tools/depctl/client/policy_view.h"
#include "tools/depctl/cmdlets/args.h"
#include "tools/depctl/cmdlets/progress.h"

#define CMDLET_PARAMS_MAX 14

struct cmdlet_call {
	const char *name;   /* as typed */
	struct cmd_env env; /* with --json, which may stand among the parameters */
	const struct cmdlet_param *params;
	struct cmdlet_value values[CMDLET_PARAMS_MAX]; /* one for each of params */
	struct client *ctl;			       /* NULL until cmdlet_open() */
	struct err err;
};

/* cmdlet_run() - the whole of a cmd_fn: the usage for --help, else @argv parsed by @params (ended
 * by a NULL name), and @run. An enum cmd_exit. */
int cmdlet_run(const struct cmdlet_param *params, int (*run)(struct cmdlet_call *c), int argc,
	       char **argv, const struct cmd_env *env);

/* cmdlet_value() - of a parameter; where the cmdlet has no such parameter, a value that is not
 * given. */
const struct cmdlet_value *cmdlet_value(const struct cmdlet_call *c, const char *param);
/* cmdlet_two_keys() - the values of -AzureKeyIDs, borrowed. CMD_OK; CMD_USAGE, reported: they are
 * not two. */
int cmdlet_two_keys(const struct cmdlet_call *c, const char *ret_keys[2]) MUST_CHECK;
/* cmdlet_refuse() - cmd_refuse() with the sentence in c->err; CMD_REFUSED. */
int cmdlet_refuse(struct cmdlet_call *c, int r);
/* cmdlet_open() - opens c->ctl; errors of client_open(), with the sentence in c->err. */
int cmdlet_open(struct cmdlet_call *c) MUST_CHECK;

/* Cmdlets without M365 in their name are about mailbox policies alone: cmdlet_kind_check() refuses
 * others with -EINVAL and a sentence in c->err. */
bool cmdlet_is_for_mailboxes(const struct cmdlet_call *c);
bool cmdlet_has_policy(const struct cmdlet_call *c, const struct policy_view *v);
int cmdlet_kind_check(struct cmdlet_call *c, const struct policy_view *v) MUST_CHECK;
/* cmdlet_open_policy() - the mount, and in it the policy of -Identity, which the cmdlet is about.
 */
int cmdlet_open_policy(struct cmdlet_call *c, struct policy_view *ret_view) MUST_CHECK;
/* cmdlet_run_set() - Set-M365DataAtRestEncryptionPolicy without its table of parameters. */
int cmdlet_run_set(struct cmdlet_call *c);

enum cmdlet_go {
	GO_ON,
	GO_NOT /* -WhatIf, or the answer to -Confirm was no */
};
/* cmdlet_may_go() - -WhatIf prints @what, -Confirm asks about it. @ret_exit: for GO_NOT. */
enum cmdlet_go cmdlet_may_go(struct cmdlet_call *c, const char *what, int *ret_exit);

/* A policy under Microsoft's property names. */
json_t *cmdlet_object_json(const struct policy_view *v, const struct cmdlet_jobs *jobs);
void cmdlet_object_print(const struct policy_view *v, const struct cmdlet_jobs *jobs);
/* cmdlet_show() - prints @v as text or (--json) as JSON, with the present jobs. An enum
 * cmd_exit. */
int cmdlet_show(struct cmdlet_call *c, const struct policy_view *v);

#endif
