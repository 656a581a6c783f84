/* tools/depctl/cmdlet.h - inside cmdlet*.c only: one call of a cmdlet, and what all of them do
 * alike. */
#ifndef DEPFS_DEPCTL_CMDLET_H
#define DEPFS_DEPCTL_CMDLET_H

#include <jansson.h>

#include "tools/depctl/cmdlet_args.h"
#include "tools/depctl/depctl.h"
#include "tools/depctl/policy_view.h"

#define CMDLET_PARAMS_MAX 10

struct cmdlet_call {
	const char *name;
	struct cmd_env env;
	const struct cmdlet_param *params;
	struct cmdlet_value values[CMDLET_PARAMS_MAX];
	struct client *ctl; /* NULL until cmdlet_open() */
	struct err err;
};

/* cmdlet_value() - of a parameter; one that was not given where the cmdlet has no such. */
const struct cmdlet_value *cmdlet_value(const struct cmdlet_call *c, const char *param);
int cmdlet_refuse(struct cmdlet_call *c, int r); /* the sentence in c->err; CMD_REFUSED */
int cmdlet_open(struct cmdlet_call *c) MUST_CHECK;

enum cmdlet_go {
	GO_ON,
	GO_NOT /* -WhatIf, or the answer to -Confirm was no */
};
/* cmdlet_may_go() - what -WhatIf and -Confirm make of a change. @ret_exit: for GO_NOT. */
enum cmdlet_go cmdlet_may_go(struct cmdlet_call *c, const char *what, int *ret_exit);

/* All jobs' status files, the newest first. */
struct cmdlet_jobs {
	struct fields *list;
	size_t count;
};

/* A policy in Microsoft's property names. cmdlet_show() prints it; CMD_OK, or refuses. */
json_t *cmdlet_object_json(const struct policy_view *v, const struct cmdlet_jobs *jobs);
int cmdlet_show(struct cmdlet_call *c, const struct policy_view *v);

/* cmdlet_progress.c */
int cmdlet_jobs_read(struct client *ctl, struct cmdlet_jobs *ret_jobs, struct err *err) MUST_CHECK;
void cmdlet_jobs_fini(struct cmdlet_jobs *jobs);
/* cmdlet_progress() - "Registering (42%)": the states of CUSTOMER_KEY.md section 4.3, and
 * "Unregistering", for the way back that Customer Key shows nowhere. */
#define CMDLET_PROGRESS_LEN 96
void cmdlet_progress(const struct cmdlet_jobs *jobs, const struct policy_view *v,
		     char out[static CMDLET_PROGRESS_LEN]);

/* cmdlet_change.c */
extern const struct cmdlet_param cmdlet_new_params[], cmdlet_set_params[];
int cmdlet_new(struct cmdlet_call *c);
int cmdlet_set(struct cmdlet_call *c);

#endif
