/* tools/depctl/client/policy_view.h - policies as the control directory shows them. */
#ifndef DEPFS_DEPCTL_CLIENT_POLICY_VIEW_H
#define DEPFS_DEPCTL_CLIENT_POLICY_VIEW_H

#include <jansson.h>

#include "tools/depctl/client/client.h"
#include "tools/depctl/client/fields.h"

#define POLICIES "policies"

struct policy_view {
	char *description;
	struct fields status; /* the file policies/NAME/status, with the name and the id */
};

void policy_view_fini(struct policy_view *v);

/**
 * policy_view_find() - @p is a name, in any case, or an id
 * Return: 0; -ENOENT: there is none, never "all of them"; -EINVAL: @p can be neither.
 */
int policy_view_find(struct client *ctl, const char *p, struct policy_view *ret_view,
		     struct err *err) MUST_CHECK;

/* policy_view_each() - calls @fn for every policy, in the order of names, until it returns
 * non-zero, which is returned. A policy that is removed meanwhile is skipped. */
typedef int (*policy_view_fn)(void *arg, const struct policy_view *v);
int policy_view_each(struct client *ctl, policy_view_fn fn, void *arg, struct err *err) MUST_CHECK;

/* policy_view_get() - a field of the status, borrowed; "" where there is none. */
const char *policy_view_get(const struct policy_view *v, const char *name);
/* policy_view_key() - the field "key @no" or "key @no @field", borrowed; "" for a draft. */
const char *policy_view_key(const struct policy_view *v, int no, const char *field);
json_t *policy_view_json(const struct policy_view *v);

#endif
