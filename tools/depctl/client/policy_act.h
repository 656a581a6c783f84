/* tools/depctl/client/policy_act.h - changes to policies through the control directory, for `depctl
 * policy` and the cmdlets. */
#ifndef DEPFS_DEPCTL_CLIENT_POLICY_ACT_H
#define DEPFS_DEPCTL_CLIENT_POLICY_ACT_H

#include "tools/depctl/client/policy_view.h"

struct policy_new {
	const char *name, *kind, *description; /* kind and description may be NULL: the default */
	const char *keys[2];
};

/**
 * policy_act_create() - a whole policy or none: when a step fails the draft is removed again
 * @ret_answer: the daemon's answer, here and below; the caller frees it
 *
 * Signals are held (interrupt.h) until the last step is decided, which takes no longer than a
 * vault's deadline.
 * Return: 0; -EEXIST; the errno of the step that failed, with its sentence.
 */
int policy_act_create(struct client *ctl, const struct policy_new *want, char **ret_answer,
		      struct err *err) MUST_CHECK;

/* policy_act_try_create() - the checks of policy_act_create(), by the daemon; nothing is made. */
int policy_act_try_create(struct client *ctl, const struct policy_new *want, char **ret_answer,
			  struct err *err) MUST_CHECK;

/* In front of a command: it is checked by the daemon, and nothing changes. */
#define DRY_RUN "dry-run "

/* The next three return 0, or the errno that the daemon answered, with its sentence. */
/* policy_act_write() - @command into policies/NAME/@file of @v. */
int policy_act_write(struct client *ctl, const struct policy_view *v, const char *file,
		     const char *command, char **ret_answer, struct err *err) MUST_CHECK;
/* policy_act_keys() - other root keys. -EINVAL, and nothing is sent: an id is empty or has
 * blanks. */
int policy_act_keys(struct client *ctl, const struct policy_view *v, const char *const keys[2],
		    char **ret_answer, struct err *err) MUST_CHECK;
int policy_act_rename(struct client *ctl, const struct policy_view *v, const char *new_name,
		      char **ret_answer, struct err *err) MUST_CHECK;
/* policy_act_assign() - to the tenant (@path: ASSIGNMENT), or in the control file @path of a
 * mailbox; by the policy's id, since a policy may be named "none". @how: flags. */
#define ASSIGNMENT "assignment"
enum {
	ASSIGN_BY_FORCE = 0x1, /* without the proof that both root keys open */
	ASSIGN_DRY_RUN = 0x2
};
int policy_act_assign(struct client *ctl, const char *path, const struct policy_view *v,
		      unsigned how, char **ret_answer, struct err *err) MUST_CHECK;

#endif
