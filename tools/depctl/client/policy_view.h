/* tools/depctl/client/policy_view.h - policies as the control directory shows them: found by name
 * or id, read, printed. */
#ifndef DEPFS_DEPCTL_CLIENT_POLICY_VIEW_H
#define DEPFS_DEPCTL_CLIENT_POLICY_VIEW_H

#include <jansson.h>

#include "tools/depctl/client/client.h"
#include "tools/depctl/client/fields.h"

#define POLICIES "policies"

struct policy_view {
	char *description;
	struct fields status; /* of policies/NAME/status, which has name and id too */
};

void policy_view_fini(struct policy_view *v);

/**
 * policy_view_find() - @p is a name, in any case, or an id
 * Return: 0; -ENOENT: there is none, never "all of them"; -EINVAL: @p can be neither.
 */
int policy_view_find(struct client *ctl, const char *p, struct policy_view *ret_view,
		     struct err *err) MUST_CHECK;

/* policy_view_each() - every policy by name, until @fn returns non-zero, which is handed back. */
typedef int (*policy_view_fn)(void *arg, const struct policy_view *v);
int policy_view_each(struct client *ctl, policy_view_fn fn, void *arg, struct err *err) MUST_CHECK;

/* policy_view_get() - a field of its status, "" where it has none. */
const char *policy_view_get(const struct policy_view *v, const char *name);
/* policy_view_key() - field "key NO" or "key NO FIELD"; "" for a draft. */
const char *policy_view_key(const struct policy_view *v, int no, const char *field);
json_t *policy_view_json(const struct policy_view *v);

#endif
