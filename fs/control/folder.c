#include "fs/control/control_internal.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

/*
 * Folder numbers from 0 are these; policies, mailboxes and jobs get the following ones when they
 * are first seen, and keep them.
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

/* list_reserve() - room for one more, so that list_add() cannot fail. */
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
	size_t room = kind == CTL_POLICY ? POLICY_NAME_MAX : len;
	struct ctl_folder *folder = calloc(1, sizeof(*folder) + room + 1);

	if (!folder)
		return NULL;
	folder->kind = kind;
	memcpy(folder->name, name, len < room ? len : room);
	return folder;
}

static void folder_free(struct ctl_folder *folder)
{
	free(folder->last_error);
	free(folder);
}
DEFINE_CLEANUP(struct ctl_folder *, folder_free)

/* enter_locked() - give @folder its number and put it into @list and @index; control.lock is held.
 */
static int enter_locked(struct control *c, struct ctl_folder *folder, struct ctl_list *list,
			void **index)
{
	if (list_reserve(&c->folders) < 0 || list_reserve(list) < 0 ||
	    !tsearch(folder, index, folder->kind == CTL_POLICY ? by_policy_id : by_name))
		return -ENOMEM;
	folder->no = c->folders.n;
	list_add(&c->folders, folder);
	list_add(list, folder);
	return 0;
}

int ctl_folders_init(struct control *c)
{
	for (size_t i = 0; i < sizeof(fixed_folders) / sizeof(*fixed_folders); i++) {
		CLEANUP(folder_free_p) struct ctl_folder *folder = NULL;

		folder = folder_alloc(fixed_folders[i].kind, fixed_folders[i].name);
		if (!folder || list_reserve(&c->folders) < 0)
			return -ENOMEM;
		folder->no = i;
		folder->listed = true;
		list_add(&c->folders, STEAL(folder));
	}
	return 0;
}

static void leave(void *folder)
{
	(void)folder; /* owned by control.folders */
}

void ctl_folders_fini(struct control *c)
{
	tdestroy(c->policy_index, leave);
	tdestroy(c->mailbox_index, leave);
	tdestroy(c->job_index, leave);
	for (size_t i = 0; i < c->folders.n; i++)
		folder_free(c->folders.at[i]);
	free(c->folders.at);
	free(c->policies.at);
	free(c->mailboxes.at);
	free(c->jobs.at);
}

static struct ctl_folder *policy_named_locked(struct control *c, const char *name)
{
	for (size_t i = 0; i < c->policies.n; i++)
		if (c->policies.at[i]->listed && strcmp(c->policies.at[i]->name, name) == 0)
			return c->policies.at[i];
	return NULL;
}

static struct ctl_folder *policy_by_id_locked(struct control *c, const uint8_t id[static UUID_LEN])
{
	struct ctl_folder key = {0};
	struct ctl_folder **found;

	memcpy(key.policy_id, id, UUID_LEN);
	found = tfind(&key, &c->policy_index, by_policy_id);
	return found ? *found : NULL;
}

/*
 * Names match exactly here, though policies are case-blind elsewhere: were "eur" and "EUR" one
 * folder, the kernel would take `mv EUR eur` for done already.
 */
int ctl_policy_get(struct control *c, const char *name, struct ctl_folder **ret_folder)
{
	uint8_t id[UUID_LEN];
	bool is_id = uuid_decode(name, id) == 0;
	struct ctl_folder *folder;
	int r = ctl_policies_sync(c);

	if (r < 0)
		return r;
	pthread_mutex_lock(&c->lock);
	folder = is_id ? policy_by_id_locked(c, id) : policy_named_locked(c, name);
	if (folder && !folder->listed)
		folder = NULL;
	pthread_mutex_unlock(&c->lock);
	if (!folder)
		return -ENOENT;
	*ret_folder = folder;
	return 0;
}

struct ctl_folder *ctl_next(struct control *c, enum ctl_kind kind, size_t *index,
			    char ret_name[static MAILBOX_ID_MAX + 1])
{
	const struct ctl_list *list = kind == CTL_POLICIES    ? &c->policies
				      : kind == CTL_MAILBOXES ? &c->mailboxes
							      : &c->jobs;
	struct ctl_folder *folder = NULL;

	pthread_mutex_lock(&c->lock);
	while (*index < list->n && !list->at[*index]->listed)
		(*index)++;
	if (*index < list->n) {
		folder = list->at[*index];
		strcpy(ret_name, folder->name); /* a mailbox id or a policy's name: both fit */
	}
	pthread_mutex_unlock(&c->lock);
	return folder;
}

/* policy_adopt_locked() - the folder of a policy as the engine has it; control.lock is held. */
static int policy_adopt_locked(struct control *c, const struct policy_info *info)
{
	CLEANUP(folder_free_p) struct ctl_folder *fresh = NULL;
	struct ctl_folder *folder = policy_by_id_locked(c, info->id);

	if (!folder) {
		fresh = folder_alloc(CTL_POLICY, info->name);
		if (!fresh)
			return -ENOMEM;
		memcpy(fresh->policy_id, info->id, UUID_LEN);
		uuid_encode(info->id, fresh->policy_text);
		fresh->created = info->created;
		if (enter_locked(c, fresh, &c->policies, &c->policy_index) < 0)
			return -ENOMEM;
		folder = STEAL(fresh);
	}
	(void)snprintf(folder->name, POLICY_NAME_MAX + 1, "%s", info->name);
	folder->listed = true;
	return 0;
}

static int policies_adopt_locked(struct control *c, const struct policy_info *list, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < c->policies.n; i++)
		c->policies.at[i]->listed = false;
	for (size_t i = 0; i < n && r == 0; i++)
		r = policy_adopt_locked(c, &list[i]);
	return r;
}

int ctl_policies_sync(struct control *c)
{
	CLEANUP(free_mem_p) struct policy_info *list = NULL;
	uint64_t no = policy_change_no(c->engine); /* before the list: a later change is seen */
	size_t n = 0;
	bool current;
	int r;

	pthread_mutex_lock(&c->lock);
	current = c->synced && c->change_no >= no;
	pthread_mutex_unlock(&c->lock);
	if (current)
		return 0;
	r = policy_list(c->engine, &list, &n);
	if (r < 0)
		return r;

	pthread_mutex_lock(&c->lock);
	if (!c->synced || no > c->change_no) { /* else another thread was faster, with newer news */
		r = policies_adopt_locked(c, list, n);
		c->synced = r == 0;
		c->change_no = no;
	}
	pthread_mutex_unlock(&c->lock);
	return r;
}

/* named_get_locked() - a mailbox's folder or a job's, made on first sight. */
static int named_get_locked(struct control *c, enum ctl_kind kind, const char *name,
			    struct ctl_folder **ret_folder)
{
	struct ctl_list *list = kind == CTL_MAILBOX ? &c->mailboxes : &c->jobs;
	void **index = kind == CTL_MAILBOX ? &c->mailbox_index : &c->job_index;
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
	r = enter_locked(c, folder, list, index);
	if (r < 0)
		return r;
	*ret_folder = STEAL(folder);
	return 0;
}

int ctl_mailbox_get(struct control *c, const char *id, struct ctl_folder **ret_folder)
{
	int r;

	if (!ctl_mailbox_valid(id))
		return -ENOENT;
	pthread_mutex_lock(&c->lock);
	r = named_get_locked(c, CTL_MAILBOX, id, ret_folder);
	pthread_mutex_unlock(&c->lock);
	return r;
}

int ctl_job_get(struct control *c, const char *name, struct ctl_folder **ret_folder)
{
	struct job_info info;
	char text[24];
	char *end;
	uint64_t no;
	int r;

	errno = 0;
	no = strtoull(name, &end, 10);
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)no);
	if (errno || *end || strcmp(text, name) != 0 || job_get(c->engine, no, &info, NULL) < 0)
		return -ENOENT;
	pthread_mutex_lock(&c->lock);
	r = named_get_locked(c, CTL_JOB, name, ret_folder);
	pthread_mutex_unlock(&c->lock);
	return r;
}

struct ctl_folder *ctl_fixed(struct control *c, enum ctl_kind kind)
{
	struct ctl_folder *folder = NULL;

	pthread_mutex_lock(&c->lock); /* the array may be moving */
	for (size_t i = 0; i < sizeof(fixed_folders) / sizeof(*fixed_folders); i++)
		if (fixed_folders[i].kind == kind)
			folder = c->folders.at[i];
	pthread_mutex_unlock(&c->lock);
	return folder;
}

int ctl_mark(struct control *c, enum ctl_kind kind, char *const *names, size_t n)
{
	struct ctl_list *list = kind == CTL_MAILBOX ? &c->mailboxes : &c->jobs;
	struct ctl_folder *folder;
	int r = 0;

	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < list->n; i++)
		list->at[i]->listed = false;
	for (size_t i = 0; i < n && r == 0; i++) {
		r = named_get_locked(c, kind, names[i], &folder);
		if (r == 0)
			folder->listed = true;
	}
	pthread_mutex_unlock(&c->lock);
	return r;
}
