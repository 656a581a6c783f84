/* fs/control/change.c - mkdir, rmdir and rename: acts on the folder of a policy. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "fs/control/control_internal.h"

/* One mkdir, rmdir or rename: an act on the entry @name of @parent. */
struct change {
	struct ctl_call call; /* its ref: the parent; after change_target() the entry */
	const char *name;     /* below ref; empty once ref is the entry itself */
};

static int change_begin(struct change *ch, void *tree, uint64_t parent, const char *name,
			const struct actor *actor)
{
	*ch = (struct change){.call = {.c = tree, .actor = actor}, .name = name};
	return ctl_resolve(tree, parent, &ch->call.ref);
}

/* change_may() - the caller may use the control directory, and the parent is policies/: folders are
 * made and removed nowhere else. */
static int change_may(struct change *ch, const char *verb)
{
	struct ctl_call *call = &ch->call;
	int r = ctl_may(call->c, call->actor);

	if (r < 0)
		return ctl_refuse(call, r, "uid %u is not the owner and not in the admin group",
				  call->actor->uid);
	if (call->ref.folder->kind == CTL_MAILBOXES)
		return ctl_refuse(call, -EPERM,
				  "%s: mailboxes come and go with their folders below mailbox/",
				  verb);
	if (call->ref.row || call->ref.folder->kind != CTL_POLICIES)
		return ctl_refuse(call, -EPERM, "%s: works on the folders of policies/ only", verb);
	return 0;
}

/* change_target() - resolves the entry, a policy, so that a failure goes to its own last_error
 * too. */
static int change_target(struct change *ch)
{
	int r = ctl_child(ch->call.c, ch->call.ref.folder, ch->name, &ch->call.ref);

	if (r < 0)
		return ctl_refuse(&ch->call, r, "there is no policy \"%s\"", ch->name);
	ch->name = ""; /* the entry itself */
	return 0;
}

#define CHANGE_PATH_MAX (CTL_PATH_MAX + NAME_MAX + 2)

/* change_path() - path of the entry that was to change, for texts. */
static void change_path(struct change *ch, char out[static CHANGE_PATH_MAX])
{
	bool in_top = ch->call.ref.folder->kind == CTL_TOP;
	char base[CTL_PATH_MAX];

	ctl_path(ch->call.c, &ch->call.ref, base);
	(void)snprintf(out, CHANGE_PATH_MAX, "%s%s%s", in_top ? "" : base,
		       in_top || !*ch->name ? "" : "/", ch->name);
	ctl_mask(out);
}

/*
 * change_end() - records a failure in error_log and in last_error of the top folder, and when the
 * policy was found in its own last_error too.
 */
static int change_end(struct change *ch, int r)
{
	struct ctl_call *call = &ch->call;
	const char *sentence = err_text(&call->err, r);
	char path[CHANGE_PATH_MAX];
	struct ctl_ref top;

	if (r >= 0)
		return r;
	change_path(ch, path);
	ctl_record(call, NULL, path, r);
	if (ctl_resolve(call->c, VTREE_ROOT, &top) == 0)
		ctl_failed(call->c, &top, path, call->actor, r, sentence);
	if (call->ref.folder->kind == CTL_POLICY)
		ctl_last_error_set(call->c, &call->ref, path, call->actor, r, sentence);
	return r;
}

int ctl_mkdir(void *tree, uint64_t parent, const char *name, const struct actor *actor,
	      struct vtree_attr *ret_attr)
{
	struct change ch;
	struct ctl_ref made;
	int r = change_begin(&ch, tree, parent, name, actor);

	if (r < 0)
		return r;
	r = change_may(&ch, "mkdir");
	if (r == 0)
		r = policy_create_draft(ch.call.c->policies, name, actor, &ch.call.err);
	if (r == 0)
		r = ctl_child(tree, ch.call.ref.folder, name, &made);
	if (r < 0)
		return change_end(&ch, r);
	ctl_attr(tree, &made, ret_attr);
	return 0;
}

int ctl_rmdir(void *tree, uint64_t parent, const char *name, const struct actor *actor)
{
	struct change ch;
	int r = change_begin(&ch, tree, parent, name, actor);

	if (r < 0)
		return r;
	r = change_may(&ch, "rmdir");
	if (r == 0)
		r = change_target(&ch);
	if (r == 0)
		r = policy_remove(ch.call.c->policies, ch.call.ref.folder->policy_text,
				  REMOVE_DRAFT, actor, &ch.call.err);
	return change_end(&ch, r);
}

int ctl_rename(void *tree, uint64_t parent, const char *name, uint64_t new_parent,
	       const char *new_name, const struct actor *actor)
{
	struct change ch;
	int r = change_begin(&ch, tree, parent, name, actor);

	if (r < 0)
		return r;
	r = change_may(&ch, "rename");
	if (r == 0 && new_parent != parent)
		r = ctl_refuse(&ch.call, -EPERM, "rename: a policy stays in policies/");
	if (r == 0)
		r = change_target(&ch);
	if (r == 0)
		r = policy_rename(ch.call.c->policies, ch.call.ref.folder->policy_text, new_name,
				  actor, &ch.call.err);
	return change_end(&ch, r);
}
