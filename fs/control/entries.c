/* fs/control/entries.c - which policies, mailboxes and jobs have a folder: asked of the pieces that
 * have them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/base/file.h"
#include "fs/control/control_internal.h"
#include "fs/workload/workload.h"

#define JOB_NAME_LEN 24 /* a 64-bit number and NUL */

/* ---- policies ---- */

int ctl_policies_sync(struct control *c)
{
	CLEANUP(free_mem_p) struct policy_info *list = NULL;
	/* Read before the list, so that a later change is noticed. */
	uint64_t no = policy_change_no(c->policies);
	size_t n = 0;
	bool current;
	int r;

	pthread_mutex_lock(&c->lock);
	current = c->synced && c->change_no >= no;
	pthread_mutex_unlock(&c->lock);
	if (current)
		return 0;
	r = policy_list(c->policies, &list, &n);
	if (r < 0)
		return r;

	pthread_mutex_lock(&c->lock);
	if (!c->synced || no > c->change_no) { /* else another thread has a newer list */
		r = ctl_folders_set_policies_locked(&c->folders, list, n);
		c->synced = r == 0;
		c->change_no = no;
	}
	pthread_mutex_unlock(&c->lock);
	return r;
}

/*
 * Names match exactly here, though policies are case-blind elsewhere: were "eur" and "EUR" one
 * node, rename(2) of one to the other would do nothing in the kernel (two links of one file).
 */
static int policy_entry(struct control *c, const char *name, struct ctl_folder **ret_folder)
{
	uint8_t id[UUID_LEN];
	bool is_id = uuid_decode(name, id) == 0;
	struct ctl_folder *folder;
	int r = ctl_policies_sync(c);

	if (r < 0)
		return r;
	pthread_mutex_lock(&c->lock);
	folder = is_id ? ctl_folder_by_id_locked(&c->folders, id)
		       : ctl_folder_by_policy_name_locked(&c->folders, name);
	if (folder && !folder->listed)
		folder = NULL;
	pthread_mutex_unlock(&c->lock);
	if (!folder)
		return -ENOENT;
	*ret_folder = folder;
	return 0;
}

/* ---- mailboxes ---- */

static bool mailbox_is_valid(const char *id)
{
	size_t len = strlen(id);

	if (len == 0 || len > MAILBOX_ID_MAX || strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
		return false;
	for (; *id; id++)
		if ((unsigned char)*id < 0x20 || *id == 0x7f || *id == '/')
			return false;
	return true;
}

/* Mailbox ids found so far, each its own allocation. */
struct id_list {
	char **at;
	size_t n, cap;
};

static void id_list_fini(struct id_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->at[i]);
	free(l->at);
}

static int id_list_add(struct id_list *l, const char *id)
{
	size_t cap = l->cap ? 2 * l->cap : 64;
	char **at;

	if (l->n == l->cap) {
		at = reallocarray(l->at, cap, sizeof(*at));
		if (!at)
			return -ENOMEM;
		l->at = at;
		l->cap = cap;
	}
	l->at[l->n] = strdup(id);
	if (!l->at[l->n])
		return -ENOMEM;
	l->n++;
	return 0;
}

static bool is_folder(DIR *dir, const struct dirent *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	return fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* scan_folders() - the folders below STORE/mailbox; none while that does not exist. */
static int scan_folders(const char *store, struct id_list *l)
{
	CLEANUP(closedir_p) DIR *dir = NULL;
	CLEANUP(free_mem_p) char *path = NULL;
	const struct dirent *d;
	int r = 0;

	if (asprintf(&path, "%s/%s", store, workload_name(WORKLOAD_MAILBOX)) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	while (r == 0) {
		errno = 0;
		d = readdir(dir);
		if (!d)
			return -errno;
		if (mailbox_is_valid(d->d_name) && is_folder(dir, d))
			r = id_list_add(l, d->d_name);
	}
	return r;
}

/* scan_assigned() - mailboxes with a policy of their own, whether they have a folder or not. */
static int scan_assigned(struct control *c, struct id_list *l)
{
	CLEANUP(free_mem_p) char *ids = NULL;
	const char *id;
	size_t n = 0;
	int r = mailbox_list(c->policies, &ids, &n);

	for (id = ids; r == 0 && n > 0; n--, id += strlen(id) + 1)
		r = id_list_add(l, id);
	return r;
}

static int set_named(struct control *c, enum ctl_kind kind, char *const *names, size_t n)
{
	int r;

	pthread_mutex_lock(&c->lock);
	r = ctl_folders_set_named_locked(&c->folders, kind, names, n);
	pthread_mutex_unlock(&c->lock);
	return r;
}

int ctl_mailboxes_scan(struct control *c)
{
	CLEANUP(id_list_fini) struct id_list l = {0};
	int r = scan_folders(store_path(c->store), &l);

	if (r == 0)
		r = scan_assigned(c, &l);
	return r < 0 ? r : set_named(c, CTL_MAILBOX, l.at, l.n);
}

static int named_entry(struct control *c, enum ctl_kind kind, const char *name,
		       struct ctl_folder **ret_folder)
{
	int r;

	pthread_mutex_lock(&c->lock);
	r = ctl_folder_named_locked(&c->folders, kind, name, ret_folder);
	pthread_mutex_unlock(&c->lock);
	return r;
}

/* ---- jobs ---- */

static void job_name(uint64_t no, char out[static JOB_NAME_LEN])
{
	(void)snprintf(out, JOB_NAME_LEN, "%llu", (unsigned long long)no);
}

int ctl_jobs_scan(struct control *c)
{
	CLEANUP(free_mem_p) struct job_info *list = NULL;
	CLEANUP(free_mem_p) char *text = NULL;
	CLEANUP(free_mem_p) char **names = NULL;
	size_t n;
	int r = job_list(c->jobs, &list, &n);

	if (r < 0)
		return r;
	text = calloc(n + 1, JOB_NAME_LEN);
	names = calloc(n + 1, sizeof(*names));
	if (!text || !names)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		names[i] = text + i * JOB_NAME_LEN;
		job_name(list[i].rec.no, names[i]);
	}
	return set_named(c, CTL_JOB, names, n);
}

static int job_entry(struct control *c, const char *name, struct ctl_folder **ret_folder)
{
	char text[JOB_NAME_LEN];
	struct job_info info;
	char *end;
	uint64_t no;

	errno = 0;
	no = strtoull(name, &end, 10);
	job_name(no, text);
	if (errno || *end || strcmp(text, name) != 0 || job_get(c->jobs, no, &info, NULL) < 0)
		return -ENOENT;
	return named_entry(c, CTL_JOB, name, ret_folder);
}

int ctl_entry(struct control *c, enum ctl_kind folders, const char *name,
	      struct ctl_folder **ret_folder)
{
	switch (folders) {
	case CTL_POLICIES:
		return policy_entry(c, name, ret_folder);
	case CTL_MAILBOXES:
		return mailbox_is_valid(name) ? named_entry(c, CTL_MAILBOX, name, ret_folder)
					      : -ENOENT;
	case CTL_JOBS:
		return job_entry(c, name, ret_folder);
	default:
		return -ENOENT;
	}
}
