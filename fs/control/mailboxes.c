#include "fs/control/control_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>

bool ctl_mailbox_valid(const char *id)
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

static void closedir_p(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* read only */
}

static bool is_folder(DIR *dir, const struct dirent *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	return fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* scan_folders() - the folders of STORE/mailbox; none while there is no such folder yet. */
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
		if (ctl_mailbox_valid(d->d_name) && is_folder(dir, d))
			r = id_list_add(l, d->d_name);
	}
	return r;
}

/* scan_assigned() - mailboxes with a policy of their own, whether they have a folder or not. */
static int scan_assigned(struct engine *e, struct id_list *l)
{
	CLEANUP(free_mem_p) char *ids = NULL;
	const char *id;
	size_t n = 0;
	int r = mailbox_list(e, &ids, &n);

	for (id = ids; r == 0 && n > 0; n--, id += strlen(id) + 1)
		r = id_list_add(l, id);
	return r;
}

int ctl_mailboxes_scan(struct control *c)
{
	CLEANUP(id_list_fini) struct id_list l = {0};
	int r = scan_folders(store_path(engine_store(c->engine)), &l);

	if (r == 0)
		r = scan_assigned(c->engine, &l);
	if (r == 0)
		r = ctl_mark(c, CTL_MAILBOX, l.at, l.n); /* twice the same name is one */
	return r;
}

static int scope_of(struct ctl_call *call, const struct scope **ret_scope)
{
	struct scope_table *t = engine_scopes(call->c->engine);
	const struct scope *folder;
	int r = scope_enter(t, scope_root(t), workload_name(WORKLOAD_MAILBOX), &folder);

	return r < 0 ? r : scope_enter(t, folder, call->ref.folder->name, ret_scope);
}

static int policy_show(struct ctl_call *call)
{
	static const char *const sources[] = {
		[TARGET_MAILBOX] = "mailbox",
		[TARGET_TENANT] = "tenant",
		[TARGET_SERVICE] = "service",
	};
	char id[UUID_TEXT_LEN];
	struct policy_info info;
	const struct scope *scope;
	enum target_source source;
	struct wrap_ref ref;
	int r = scope_of(call, &scope);

	if (r < 0)
		return err_set(&call->err, r, "mailbox %s: its scope cannot be made",
			       call->ref.folder->name);
	source = engine_target_source(call->c->engine, scope, &ref);
	if (source == TARGET_SERVICE) {
		(void)fputs("policy: none\nid: none\nsource: service\n", call->out);
		return 0;
	}
	uuid_encode(ref.policy_id, id);
	r = policy_get(call->c->engine, id, &info, &call->err);
	if (r < 0)
		return r;
	(void)fprintf(call->out, "policy: %s\nid: %s\nsource: %s\n", info.name, id,
		      sources[source]);
	return 0;
}

/* A policy may come before its mailbox; but mostly the id was misspelt. */
static bool has_folder(struct ctl_call *call, const char *mailbox)
{
	CLEANUP(free_mem_p) char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s/%s/%s", store_path(engine_store(call->c->engine)),
		     workload_name(WORKLOAD_MAILBOX), mailbox) < 0) {
		path = NULL;
		return true; /* no memory to tell */
	}
	return lstat(path, &st) == 0;
}

static int policy_store(struct ctl_call *call, const char *in)
{
	const char *mailbox = call->ref.folder->name;
	struct engine *e = call->c->engine;
	uint64_t before = job_last(e);
	struct policy_info info;
	int r;

	if (strcasecmp(in, "none") == 0) {
		r = unassign_mailbox(e, mailbox, call->who, &call->err);
		if (r == 0)
			(void)fprintf(call->out, "ok: mailbox %s has no policy of its own",
				      mailbox);
		if (r == 0)
			ctl_job_say(call, mailbox, before);
		return r;
	}
	r = assign_mailbox(e, mailbox, in, call->who, &call->err);
	if (r < 0)
		return r;
	if (assignment_of_mailbox(e, mailbox, &info) < 0) /* another admin was at it since */
		(void)snprintf(info.name, sizeof(info.name), "%.*s", POLICY_NAME_MAX, in);
	(void)fprintf(call->out, "ok: mailbox %s%s is assigned policy %s", mailbox,
		      has_folder(call, mailbox) ? "" : ", which has no folder yet,", info.name);
	ctl_job_say(call, mailbox, before);
	return 0;
}

const struct ctl_row ctl_mailbox_rows[] = {
	{"policy", CTL_CHANGE, .show = policy_show, .store = policy_store},
	{"last_error", CTL_SEE, .show = ctl_last_error_show},
	{0},
};
