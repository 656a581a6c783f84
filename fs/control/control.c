#include "fs/control/control.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "fs/control/control_internal.h"

static int op_lookup(void *tree, uint64_t parent, const char *name, struct vtree_attr *ret_attr)
{
	struct ctl_ref ref;
	int r = ctl_resolve(tree, parent, &ref);

	if (r < 0)
		return r;
	if (ref.row)
		return -ENOTDIR;
	r = ctl_child(tree, ref.folder, name, &ref);
	if (r < 0)
		return r;
	ctl_attr(tree, &ref, ret_attr);
	return 0;
}

static int op_getattr(void *tree, uint64_t node, struct vtree_attr *ret_attr)
{
	struct ctl_ref ref;
	int r = ctl_resolve(tree, node, &ref);

	if (r < 0)
		return r;
	ctl_attr(tree, &ref, ret_attr);
	return 0;
}

/* One listing under way. Offsets: 1 and 2 are "." and "..", entry i of the folder is i + 3. */
struct listing {
	struct control *c;
	struct ctl_folder *folder;
	vtree_fill_fn fill;
	void *arg;
};

/* list_one() - hand one entry on; non-zero: the buffer is full. */
static int list_one(const struct listing *l, const char *name, const struct ctl_ref *ref,
		    uint64_t next_off)
{
	struct vtree_attr attr;

	ctl_attr(l->c, ref, &attr);
	return l->fill(l->arg, name, &attr, next_off);
}

static int list_dots(const struct listing *l, uint64_t off)
{
	static const enum ctl_kind parents[CTL_KIND_COUNT] = {
		[CTL_POLICY] = CTL_POLICIES, [CTL_MAILBOX] = CTL_MAILBOXES, [CTL_JOB] = CTL_JOBS};
	struct ctl_ref self = {.folder = l->folder}, parent;
	struct ctl_folder *above = ctl_fixed(l->c, parents[l->folder->kind]);
	int r = ctl_resolve(l->c, CTL_NODE(above->no, 1), &parent);

	if (r < 0)
		return r;
	if (off < 1 && list_one(l, ".", &self, 1) != 0)
		return 1;
	return off < 2 && list_one(l, "..", &parent, 2) != 0;
}

static void list_rows(const struct listing *l, uint64_t at)
{
	const struct ctl_row *row = ctl_rows(l->folder->kind);

	for (uint64_t i = 0; row->name; i++, row++) {
		struct ctl_ref ref;

		if (i >= at && ctl_child(l->c, l->folder, row->name, &ref) == 0 &&
		    list_one(l, row->name, &ref, i + 3) != 0)
			return;
	}
}

static void list_folders(const struct listing *l, uint64_t at)
{
	char name[MAILBOX_ID_MAX + 1];
	struct ctl_ref ref = {0};
	size_t index = at;

	for (;; index++) {
		ref.folder = ctl_next(l->c, l->folder->kind, &index, name);
		if (!ref.folder || list_one(l, name, &ref, index + 3) != 0)
			return;
	}
}

static int op_readdir(void *tree, uint64_t node, uint64_t off, vtree_fill_fn fill, void *arg)
{
	struct listing l = {.c = tree, .fill = fill, .arg = arg};
	struct ctl_ref ref;
	int r = ctl_resolve(tree, node, &ref); /* brings policies up to date */

	if (r < 0)
		return r;
	if (ref.row)
		return -ENOTDIR;
	l.folder = ref.folder;
	if (ref.folder->kind == CTL_MAILBOXES && off == 0)
		r = ctl_mailboxes_scan(tree);
	else if (ref.folder->kind == CTL_JOBS && off == 0)
		r = ctl_jobs_scan(tree);
	if (r < 0)
		return r;
	r = list_dots(&l, off);
	if (r != 0)
		return r < 0 ? r : 0;
	if (ref.folder->kind == CTL_POLICIES || ref.folder->kind == CTL_MAILBOXES ||
	    ref.folder->kind == CTL_JOBS)
		list_folders(&l, off < 2 ? 0 : off - 2);
	else
		list_rows(&l, off < 2 ? 0 : off - 2);
	return 0;
}

/* One mkdir, rmdir or rename: an act on the entry @name of @parent. */
struct change {
	struct ctl_call call; /* ref: the parent; after change_target() the entry itself */
	const char *name;     /* below ref; empty once ref is the entry itself */
};

static int change_begin(struct change *ch, void *tree, uint64_t parent, const char *name,
			const struct actor *who)
{
	*ch = (struct change){.call = {.c = tree, .who = who}, .name = name};
	return ctl_resolve(tree, parent, &ch->call.ref);
}

/* change_may() - that @who may, and that the parent is policies/, where alone folders are made. */
static int change_may(struct change *ch, const char *verb)
{
	struct ctl_call *call = &ch->call;
	int r = ctl_may(call->c, call->who);

	if (r < 0)
		return ctl_refuse(call, r, "uid %u is not the owner and not in the admin group",
				  call->who->uid);
	if (call->ref.folder->kind == CTL_MAILBOXES)
		return ctl_refuse(call, -EPERM,
				  "%s: mailboxes come and go with their folders below mailbox/",
				  verb);
	if (call->ref.row || call->ref.folder->kind != CTL_POLICIES)
		return ctl_refuse(call, -EPERM, "%s: works on the folders of policies/ only", verb);
	return 0;
}

/* change_target() - turn to the policy's own folder, so that its last_error tells as well. */
static int change_target(struct change *ch)
{
	int r = ctl_child(ch->call.c, ch->call.ref.folder, ch->name, &ch->call.ref);

	if (r < 0)
		return ctl_refuse(&ch->call, r, "there is no policy \"%s\"", ch->name);
	ch->name = ""; /* the entry itself */
	return 0;
}

#define CHANGE_PATH_MAX (CTL_PATH_MAX + NAME_MAX + 2)

/* change_path() - of the entry that was to change, for people. */
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
 * change_end() - a failure goes to last_error beside policies/, and where the policy exists into
 * its own folder too.
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
		ctl_failed(call->c, &top, path, call->who, r, sentence);
	if (call->ref.folder->kind == CTL_POLICY)
		ctl_last_error_set(call->c, &call->ref, path, call->who, r, sentence);
	return r;
}

static int op_mkdir(void *tree, uint64_t parent, const char *name, const struct actor *who,
		    struct vtree_attr *ret_attr)
{
	struct change ch;
	struct ctl_ref made;
	int r = change_begin(&ch, tree, parent, name, who);

	if (r < 0)
		return r;
	r = change_may(&ch, "mkdir");
	if (r == 0)
		r = policy_create_draft(ch.call.c->engine, name, who, &ch.call.err);
	if (r == 0)
		r = ctl_child(tree, ch.call.ref.folder, name, &made);
	if (r < 0)
		return change_end(&ch, r);
	ctl_attr(tree, &made, ret_attr);
	return 0;
}

static int op_rmdir(void *tree, uint64_t parent, const char *name, const struct actor *who)
{
	struct change ch;
	int r = change_begin(&ch, tree, parent, name, who);

	if (r < 0)
		return r;
	r = change_may(&ch, "rmdir");
	if (r == 0)
		r = change_target(&ch);
	if (r == 0)
		r = policy_remove(ch.call.c->engine, ch.call.ref.folder->policy_text, REMOVE_KEEP,
				  who, &ch.call.err);
	return change_end(&ch, r);
}

static int op_rename(void *tree, uint64_t parent, const char *name, uint64_t new_parent,
		     const char *new_name, const struct actor *who)
{
	struct change ch;
	int r = change_begin(&ch, tree, parent, name, who);

	if (r < 0)
		return r;
	r = change_may(&ch, "rename");
	if (r == 0 && new_parent != parent)
		r = ctl_refuse(&ch.call, -EPERM, "rename: a policy stays in policies/");
	if (r == 0)
		r = change_target(&ch);
	if (r == 0)
		r = policy_rename(ch.call.c->engine, ch.call.ref.folder->policy_text, new_name, who,
				  &ch.call.err);
	return change_end(&ch, r);
}

static void op_quiet(void *tree)
{
	ctl_events_stop(tree);
}

const struct vtree_ops control_vtree_ops = {
	.lookup = op_lookup,
	.getattr = op_getattr,
	.readdir = op_readdir,
	.open = ctl_open,
	.read = ctl_read,
	.write = ctl_write,
	.release = ctl_release,
	.poll = ctl_poll,
	.quiet = op_quiet,
	.mkdir = op_mkdir,
	.rmdir = op_rmdir,
	.rename = op_rename,
};

int control_new(const struct control_config *config, struct control **ret_control, struct err *err)
{
	struct control *c = calloc(1, sizeof(*c));
	int r = -ENOMEM;

	if (!c)
		return err_set(err, r, "control directory: no memory");
	c->config = *config;
	c->engine = config->engine;
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->streams_lock, NULL);
	c->mount = strdup(config->mount);
	c->config.mount = c->mount;
	if (c->mount)
		r = ctl_folders_init(c);
	if (r == 0)
		r = ctl_policies_sync(c);
	ctl_events_start(c);
	if (r < 0) {
		control_free(c);
		return err_set(err, r, "control directory: %s", strerror(-r));
	}
	*ret_control = c;
	return 0;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	ctl_events_stop(c);
	ctl_files_fini(c);
	ctl_errors_fini(c);
	ctl_folders_fini(c);
	free(c->mount);
	pthread_mutex_destroy(&c->streams_lock);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
