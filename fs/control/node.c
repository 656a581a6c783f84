/* fs/control/node.c - resolves a node number, or a name in a folder, to folder and row. */
#include "fs/control/control_internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static_assert(CTL_NODE(0, 1) == VTREE_ROOT, "the top folder is the tree's root");

/* row_at() - the row with a node's row number; NULL: no such row, or a folder, which has a node of
 * its own. */
static const struct ctl_row *row_at(enum ctl_kind kind, unsigned row_no)
{
	const struct ctl_row *row = ctl_rows(kind);

	for (unsigned i = 2; row->name; i++, row++)
		if (i == row_no)
			return row->flags & CTL_FOLDER ? NULL : row;
	return NULL;
}

int ctl_resolve(struct control *c, uint64_t node, struct ctl_ref *ret_ref)
{
	struct ctl_ref ref = {0};
	uint64_t folder_no = node >> 8;
	unsigned row_no = node & 0xff;
	bool gone = false;
	int r = ctl_policies_sync(c);

	if (r < 0)
		return r;
	pthread_mutex_lock(&c->lock);
	if (folder_no < c->folders.by_no.n) {
		ref.folder = c->folders.by_no.at[folder_no];
		gone = ref.folder->kind == CTL_POLICY && !ref.folder->listed;
	}
	pthread_mutex_unlock(&c->lock);

	if (!ref.folder || row_no == 0)
		return -ENOENT;
	if (gone)
		return -ESTALE;
	if (row_no > 1) {
		ref.row = row_at(ref.folder->kind, row_no);
		if (!ref.row)
			return -ENOENT;
	}
	*ret_ref = ref;
	return 0;
}

void ctl_attr(const struct control *c, const struct ctl_ref *ref, struct vtree_attr *ret_attr)
{
	const struct ctl_folder *folder = ref->folder;
	int64_t when = folder->kind == CTL_POLICY ? (int64_t)folder->created : c->started;
	struct vtree_attr attr = {
		.node = CTL_NODE(folder->no, 1),
		.mode = S_IFDIR | (folder->kind == CTL_TOP ? CTL_ENTER : CTL_DIR),
		.uid = c->config.owner,
		.gid = c->config.admin_gid,
		/* for folders too: find(1) takes 1 for "not counted" and looks at each entry */
		.nlink = 1,
		.mtime = {.tv_sec = when},
	};

	if (ref->row) {
		attr.node = CTL_NODE(folder->no, (uint64_t)(ref->row - ctl_rows(folder->kind)) + 2);
		attr.mode = S_IFREG | ref->row->mode;
		attr.epoch = ref->row->store ? folder->writes : 0;
	}
	*ret_attr = attr;
}

/* row_named() - finds a row of @io_ref's folder by name. If the row is a folder, @io_ref becomes
 * that folder. */
static int row_named(struct control *c, const char *name, struct ctl_ref *io_ref)
{
	const struct ctl_row *row = ctl_rows(io_ref->folder->kind);

	while (row->name && strcmp(row->name, name) != 0)
		row++;
	if (!row->name)
		return -ENOENT;
	if (row->flags & CTL_FOLDER) {
		pthread_mutex_lock(&c->lock); /* by_no may be reallocated */
		io_ref->folder = ctl_folder_fixed_locked(&c->folders, row->child);
		pthread_mutex_unlock(&c->lock);
	} else {
		io_ref->row = row;
	}
	return 0;
}

int ctl_child(struct control *c, struct ctl_folder *folder, const char *name,
	      struct ctl_ref *ret_ref)
{
	struct ctl_ref ref = {.folder = folder};
	int r = 0;

	if (folder->kind == CTL_POLICIES || folder->kind == CTL_MAILBOXES ||
	    folder->kind == CTL_JOBS)
		r = ctl_entry(c, folder->kind, name, &ref.folder);
	else
		r = row_named(c, name, &ref);
	if (r < 0)
		return r;
	*ret_ref = ref;
	return 0;
}

void ctl_path(struct control *c, const struct ctl_ref *ref, char out[static CTL_PATH_MAX])
{
	const struct ctl_folder *folder = ref->folder;
	const char *file = ref->row ? ref->row->name : "";
	const char *base = folder->kind == CTL_POLICY	 ? "policies/"
			   : folder->kind == CTL_MAILBOX ? "mailboxes/"
			   : folder->kind == CTL_JOB	 ? "jobs/"
							 : "";

	pthread_mutex_lock(&c->lock);
	(void)snprintf(out, CTL_PATH_MAX, "%s%s%s%s", base, folder->name,
		       *folder->name && *file ? "/" : "", file);
	pthread_mutex_unlock(&c->lock);
	if (!*out)
		(void)snprintf(out, CTL_PATH_MAX, ".");
	ctl_mask(out);
}
