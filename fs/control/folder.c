/* fs/control/folder.c - the table of folders: found by number, by policy id, by name; never
 * removed. */
#include "fs/control/folder_internal.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Folder numbers from 0 are these; policies, mailboxes and jobs get the numbers after them at their
 * first use, and keep them.
 */
static const struct {
	enum ctl_kind kind;
	const char *name;
} fixed_folders[] = {
	{CTL_TOP, ""},
	{CTL_POLICIES, "policies"},
	{CTL_MAILBOXES, "mailboxes"},
	{CTL_JOBS, "jobs"},
};

/* list_reserve() - space for one more folder, so that list_add() cannot fail. */
static int list_reserve(struct ctl_list *list)
{
	size_t cap = list->cap ? 2 * list->cap : 64;
	struct ctl_folder **at;

	if (list->n < list->cap)
		return 0;
	at = reallocarray(list->at, cap, sizeof(*at));
	if (!at)
		return -ENOMEM;
	list->at = at;
	list->cap = cap;
	return 0;
}

static void list_add(struct ctl_list *list, struct ctl_folder *folder)
{
	list->at[list->n++] = folder;
}

static int by_policy_id(const void *a, const void *b)
{
	const struct ctl_folder *x = a, *y = b;

	return memcmp(x->policy_id, y->policy_id, UUID_LEN);
}

static int by_name(const void *a, const void *b)
{
	const struct ctl_folder *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static struct ctl_folder *folder_alloc(enum ctl_kind kind, const char *name)
{
	size_t len = strlen(name);
	/* A policy's name changes in place. */
	size_t name_max = kind == CTL_POLICY ? POLICY_NAME_MAX : len;
	struct ctl_folder *folder = calloc(1, sizeof(*folder) + name_max + 1);

	if (!folder)
		return NULL;
	folder->kind = kind;
	memcpy(folder->name, name, len < name_max ? len : name_max);
	return folder;
}

static void folder_free(struct ctl_folder *folder)
{
	free(folder->last_error);
	free(folder);
}
DEFINE_CLEANUP(struct ctl_folder *, folder_free)

/* enter() - give @folder its number and put it into @list and @index. */
static int enter(struct ctl_folders *f, struct ctl_folder *folder, struct ctl_list *list,
		 void **index)
{
	if (list_reserve(&f->by_no) < 0 || list_reserve(list) < 0 ||
	    !tsearch(folder, index, folder->kind == CTL_POLICY ? by_policy_id : by_name))
		return -ENOMEM;
	folder->no = f->by_no.n;
	list_add(&f->by_no, folder);
	list_add(list, folder);
	return 0;
}

int ctl_folders_init(struct ctl_folders *f)
{
	for (size_t i = 0; i < sizeof(fixed_folders) / sizeof(*fixed_folders); i++) {
		CLEANUP(folder_free_p) struct ctl_folder *folder = NULL;

		folder = folder_alloc(fixed_folders[i].kind, fixed_folders[i].name);
		if (!folder || list_reserve(&f->by_no) < 0)
			return -ENOMEM;
		folder->no = i;
		folder->listed = true;
		list_add(&f->by_no, STEAL(folder));
	}
	return 0;
}

static void leave(void *folder)
{
	(void)folder; /* owned by by_no */
}

void ctl_folders_fini(struct ctl_folders *f)
{
	tdestroy(f->policy_index, leave);
	tdestroy(f->mailbox_index, leave);
	tdestroy(f->job_index, leave);
	for (size_t i = 0; i < f->by_no.n; i++)
		folder_free(f->by_no.at[i]);
	free(f->by_no.at);
	free(f->policies.at);
	free(f->mailboxes.at);
	free(f->jobs.at);
}

struct ctl_folder *ctl_folder_fixed_locked(const struct ctl_folders *f, enum ctl_kind kind)
{
	for (size_t i = 0; i < sizeof(fixed_folders) / sizeof(*fixed_folders); i++)
		if (fixed_folders[i].kind == kind)
			return f->by_no.at[i];
	return NULL;
}

struct ctl_folder *ctl_folder_by_id_locked(const struct ctl_folders *f,
					   const uint8_t id[static UUID_LEN])
{
	struct ctl_folder key = {0};
	struct ctl_folder **found;

	memcpy(key.policy_id, id, UUID_LEN);
	found = tfind(&key, &f->policy_index, by_policy_id);
	return found ? *found : NULL;
}

struct ctl_folder *ctl_folder_by_policy_name_locked(const struct ctl_folders *f, const char *name)
{
	for (size_t i = 0; i < f->policies.n; i++)
		if (f->policies.at[i]->listed && strcmp(f->policies.at[i]->name, name) == 0)
			return f->policies.at[i];
	return NULL;
}

int ctl_folder_named_locked(struct ctl_folders *f, enum ctl_kind kind, const char *name,
			    struct ctl_folder **ret_folder)
{
	struct ctl_list *list = kind == CTL_MAILBOX ? &f->mailboxes : &f->jobs;
	void **index = kind == CTL_MAILBOX ? &f->mailbox_index : &f->job_index;
	CLEANUP(folder_free_p) struct ctl_folder *folder = folder_alloc(kind, name);
	struct ctl_folder **found;
	int r;

	if (!folder)
		return -ENOMEM;
	found = tfind(folder, index, by_name);
	if (found) {
		*ret_folder = *found;
		return 0;
	}
	r = enter(f, folder, list, index);
	if (r < 0)
		return r;
	*ret_folder = STEAL(folder);
	return 0;
}

/* set_policy() - lists one policy; its folder is created at its first use. */
static int set_policy(struct ctl_folders *f, const struct policy_info *info)
{
	CLEANUP(folder_free_p) struct ctl_folder *made = NULL;
	struct ctl_folder *folder = ctl_folder_by_id_locked(f, info->id);

	if (!folder) {
		made = folder_alloc(CTL_POLICY, info->name);
		if (!made)
			return -ENOMEM;
		memcpy(made->policy_id, info->id, UUID_LEN);
		uuid_encode(info->id, made->policy_text);
		made->created = info->created;
		if (enter(f, made, &f->policies, &f->policy_index) < 0)
			return -ENOMEM;
		folder = STEAL(made);
	}
	(void)snprintf(folder->name, POLICY_NAME_MAX + 1, "%s", info->name);
	folder->listed = true;
	return 0;
}

int ctl_folders_set_policies_locked(struct ctl_folders *f, const struct policy_info *list, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < f->policies.n; i++)
		f->policies.at[i]->listed = false;
	for (size_t i = 0; i < n && r == 0; i++)
		r = set_policy(f, &list[i]);
	return r;
}

int ctl_folders_set_named_locked(struct ctl_folders *f, enum ctl_kind kind, char *const *names,
				 size_t n)
{
	struct ctl_list *list = kind == CTL_MAILBOX ? &f->mailboxes : &f->jobs;
	struct ctl_folder *folder;
	int r = 0;

	for (size_t i = 0; i < list->n; i++)
		list->at[i]->listed = false;
	for (size_t i = 0; i < n && r == 0; i++) {
		r = ctl_folder_named_locked(f, kind, names[i], &folder);
		if (r == 0)
			folder->listed = true;
	}
	return r;
}

struct ctl_folder *ctl_folder_next_locked(const struct ctl_folders *f, enum ctl_kind folders,
					  size_t *index)
{
	const struct ctl_list *list = folders == CTL_POLICIES	 ? &f->policies
				      : folders == CTL_MAILBOXES ? &f->mailboxes
								 : &f->jobs;

	while (*index < list->n && !list->at[*index]->listed)
		(*index)++;
	return *index < list->n ? list->at[*index] : NULL;
}
