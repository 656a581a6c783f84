/* fs/control/listing.c - readdir of the control directory. */
#include <errno.h>
#include <string.h>

#include "fs/control/control_internal.h"

/* One listing under way. Offsets: 1 and 2 are "." and "..", entry i of the folder is i + 3. */
struct listing {
	struct control *c;
	struct ctl_folder *folder;
	vtree_fill_fn fill;
	void *arg;
};

/* list_one() - hands one entry to fill(); non-zero: the buffer is full. */
static int list_one(const struct listing *l, const char *name, const struct ctl_ref *ref,
		    uint64_t next_off)
{
	struct vtree_attr attr;

	ctl_attr(l->c, ref, &attr);
	return l->fill(l->arg, name, &attr, next_off);
}

/* list_dots() - "." and "..", which in the top folder is the folder itself; non-zero: the buffer is
 * full. */
static int list_dots(const struct listing *l, uint64_t off)
{
	static const enum ctl_kind parents[CTL_KIND_COUNT] = {
		[CTL_POLICY] = CTL_POLICIES, [CTL_MAILBOX] = CTL_MAILBOXES, [CTL_JOB] = CTL_JOBS};
	struct ctl_ref self = {.folder = l->folder}, parent = {0};

	pthread_mutex_lock(&l->c->lock);
	parent.folder = ctl_folder_fixed_locked(&l->c->folders, parents[l->folder->kind]);
	pthread_mutex_unlock(&l->c->lock);
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

/* next_folder() - the first listed entry at or after @index, and its present name; NULL: none is
 * left. */
static struct ctl_folder *next_folder(const struct listing *l, size_t *index,
				      char ret_name[static MAILBOX_ID_MAX + 1])
{
	struct ctl_folder *folder;

	pthread_mutex_lock(&l->c->lock);
	folder = ctl_folder_next_locked(&l->c->folders, l->folder->kind, index);
	if (folder)
		strcpy(ret_name, folder->name); /* a mailbox id or a policy's name: both fit */
	pthread_mutex_unlock(&l->c->lock);
	return folder;
}

static void list_folders(const struct listing *l, uint64_t at)
{
	char name[MAILBOX_ID_MAX + 1];
	struct ctl_ref ref = {0};
	size_t index = at;

	for (;; index++) {
		ref.folder = next_folder(l, &index, name);
		if (!ref.folder || list_one(l, name, &ref, index + 3) != 0)
			return;
	}
}

int ctl_readdir(void *tree, uint64_t node, uint64_t off, vtree_fill_fn fill, void *arg)
{
	struct listing l = {.c = tree, .fill = fill, .arg = arg};
	struct ctl_ref ref;
	int r = ctl_resolve(tree, node, &ref); /* brings the list of policies up to date */

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
	if (list_dots(&l, off) != 0)
		return 0;
	if (ref.folder->kind == CTL_POLICIES || ref.folder->kind == CTL_MAILBOXES ||
	    ref.folder->kind == CTL_JOBS)
		list_folders(&l, off < 2 ? 0 : off - 2);
	else
		list_rows(&l, off < 2 ? 0 : off - 2);
	return 0;
}
