/* fs/policy/policy.c - policies looked at, renamed, described, enabled, disabled, discarded. */
#include "fs/policy/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/policy/acts_internal.h"

const char *policy_state_name(enum policy_state s)
{
	static const char *const names[] = {
		[POLICY_DRAFT] = "draft",	[POLICY_READY] = "ready",
		[POLICY_DEGRADED] = "degraded", [POLICY_REVOKED] = "revoked",
		[POLICY_DISABLED] = "disabled", [POLICY_PURGED] = "purged",
	};

	return (size_t)s < sizeof(names) / sizeof(names[0]) ? names[s] : "unknown";
}

const char *policy_kind_name(enum policy_kind k)
{
	return k == POLICY_MULTI_WORKLOAD ? "multi-workload" : k == POLICY_MAILBOX ? "mailbox" : "";
}

const char *policy_warning_next(const char *lines, size_t *ret_len)
{
	static const char mark[] = ": warning, ";

	while (*lines) {
		size_t len = strcspn(lines, "\n");
		const char *colon = memmem(lines, len, ": ", 2);

		if (colon && strncmp(colon, mark, strlen(mark)) == 0) {
			*ret_len = len;
			return lines;
		}
		lines += len + (lines[len] == '\n');
	}
	return NULL;
}

static void info_copy_locked(const struct tables *t, const struct policy *p,
			     struct policy_info *info)
{
	const struct key_record *key = policy_key(p, p->rec.generation);

	memset(info, 0, sizeof(*info));
	memcpy(info->id, p->rec.id, UUID_LEN);
	memcpy(info->name, p->rec.name, sizeof(info->name));
	memcpy(info->description, p->rec.description, sizeof(info->description));
	info->kind = p->rec.kind;
	info->enabled = policy_is_enabled(p);
	info->state = policy_is_draft(p)    ? POLICY_DRAFT
		      : policy_is_purged(p) ? POLICY_PURGED
					    : POLICY_READY;
	info->assigned_tenant = t->tenant == p;
	info->mailboxes_assigned = p->mailboxes;
	info->generation = p->rec.generation;
	info->created = p->rec.created;
	for (unsigned i = 0; i < 2; i++) {
		memcpy(info->roots[i].key_id, p->rec.key_ids[i], KEY_ID_MAX);
		if (key)
			memcpy(info->roots[i].kid, key->roots[i].key_id, KEY_ID_MAX);
	}
	memcpy(info->last_rotate, p->last_rotate, sizeof(info->last_rotate));
	memcpy(info->last_refresh, p->last_refresh, sizeof(info->last_refresh));
	memcpy(info->last_check, p->last_check, sizeof(info->last_check));
}

static bool is_unwell(const struct root_health *h)
{
	return h->when != 0 && h->outcome != KMS_OK;
}

/* What the keyring knows; its lock is not taken inside the tables'. */
static void info_add_health(struct engine *e, struct policy_info *info)
{
	struct root_health health[2];
	enum keyring_state state = keyring_state_of(e, info->id, health);

	info->roots[0].health = health[0];
	info->roots[1].health = health[1];
	info->revoked = state == KEYRING_REVOKED;
	if (info->state == POLICY_DRAFT || info->state == POLICY_PURGED)
		return;
	if (!info->enabled)
		info->state = POLICY_DISABLED;
	else if (state == KEYRING_REVOKED)
		info->state = POLICY_REVOKED;
	else if (state == KEYRING_DEGRADED || is_unwell(&health[0]) || is_unwell(&health[1]))
		info->state = POLICY_DEGRADED;
}

int policy_get(struct engine *e, const char *p, struct policy_info *ret_info, struct err *err)
{
	struct tables *t = &e->tables;
	const struct policy *policy;

	pthread_rwlock_rdlock(&t->lock);
	policy = tables_find_locked(t, p);
	if (policy)
		info_copy_locked(t, policy, ret_info);
	pthread_rwlock_unlock(&t->lock);
	if (!policy)
		return err_set(err, -ENOENT, "there is no policy \"%s\"", p);
	info_add_health(e, ret_info);
	return 0;
}

int policy_list(struct engine *e, struct policy_info **ret_list, size_t *ret_count)
{
	struct tables *t = &e->tables;
	struct policy_info *list;
	size_t n = 0;

	pthread_rwlock_rdlock(&t->lock);
	list = calloc(t->n_policies + 1, sizeof(*list)); /* so that an empty list is no NULL */
	for (size_t i = 0; list && i < t->n_policies; i++)
		if (!policy_is_removed(t->policies[i]))
			info_copy_locked(t, t->policies[i], &list[n++]);
	pthread_rwlock_unlock(&t->lock);
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		info_add_health(e, &list[i]);
	*ret_list = list;
	*ret_count = n;
	return 0;
}

int policy_refuse_purged(const struct act *a)
{
	return err_set(a->err, -EINVAL, "policy \"%s\" is purged: no copy of its key is left",
		       a->policy->rec.name);
}

/* A record of the same policy, changed: durable, then seen. */
int record_replace(struct act *a, const struct policy_record *rec)
{
	struct tables *t = &a->e->tables;
	int r;

	if (memcmp(rec, &a->policy->rec, sizeof(*rec)) == 0)
		return 0;
	r = act_commit(a, rec, NULL, 0);
	if (r < 0)
		return r;
	pthread_rwlock_wrlock(&t->lock);
	a->policy->rec = *rec;
	tables_sort_locked(t);
	pthread_rwlock_unlock(&t->lock);
	act_changed(a, TARGETS_SAME);
	return 0;
}

static int rename_do(struct act *a, const char *new_name)
{
	struct policy_record rec = a->policy->rec;
	const struct policy *other;
	int r;

	r = policy_name_check(new_name, a->err);
	if (r < 0)
		return r;
	other = tables_find_name_locked(&a->e->tables, new_name);
	if (other && other != a->policy) /* itself: only the case changes */
		return err_set(a->err, -EEXIST, "there is a policy \"%s\" already",
			       other->rec.name);
	memset(rec.name, 0, sizeof(rec.name));
	memcpy(rec.name, new_name, strlen(new_name));
	return record_replace(a, &rec);
}

int policy_rename(struct engine *e, const char *p, const char *new_name, const struct actor *who,
		  struct err *err)
{
	struct act a;
	int r = act_begin(&a, e, "policy-rename", who, p, err);

	a.new_name = new_name;
	if (r == 0)
		r = rename_do(&a, new_name);
	return act_end(&a, r);
}

static int describe_do(struct act *a, const char *text)
{
	struct policy_record rec = a->policy->rec;
	int r;

	r = description_check(text, a->err);
	if (r < 0)
		return r;
	memset(rec.description, 0, sizeof(rec.description));
	memcpy(rec.description, text, strlen(text));
	return record_replace(a, &rec);
}

int policy_describe(struct engine *e, const char *p, const char *text, const struct actor *who,
		    struct err *err)
{
	struct act a;
	int r = act_begin(&a, e, "policy-describe", who, p, err);

	if (r == 0)
		r = describe_do(&a, text);
	return act_end(&a, r);
}

static int kind_do(struct act *a, enum policy_kind kind)
{
	struct policy_record rec = a->policy->rec;
	int r;

	r = kind_check(kind, a->err);
	if (r < 0 || rec.kind == kind)
		return r;
	if (!policy_is_draft(a->policy))
		return err_set(a->err, -EBUSY, "policy \"%s\" has its keys: its kind is fixed",
			       rec.name);
	rec.kind = kind;
	return record_replace(a, &rec);
}

int policy_set_kind(struct engine *e, const char *p, enum policy_kind kind, const struct actor *who,
		    struct err *err)
{
	struct act a;
	int r = act_begin(&a, e, "policy-kind", who, p, err);

	if (r == 0)
		r = kind_do(&a, kind);
	return act_end(&a, r);
}

static int enable_do(struct act *a)
{
	struct policy_record rec = a->policy->rec;
	int r;

	if (policy_is_draft(a->policy))
		return err_set(a->err, -EINVAL, "policy \"%s\" is a draft: it has no keys yet",
			       rec.name);
	if (policy_is_purged(a->policy))
		return policy_refuse_purged(a);
	if (policy_is_enabled(a->policy))
		return 0;
	r = check_quota(a, rec.kind);
	if (r < 0)
		return r;
	rec.flags |= POLICY_FLAG_ENABLED;
	return record_replace(a, &rec);
}

int policy_enable(struct engine *e, const char *p, const struct actor *who, struct err *err)
{
	struct act a;
	int r = act_begin(&a, e, "policy-enable", who, p, err);

	if (r == 0)
		r = enable_do(&a);
	return act_end(&a, r);
}

int policy_unassigned(const struct act *a)
{
	const struct policy *p = a->policy;

	if (a->e->tables.tenant == p)
		return err_set(a->err, -EBUSY,
			       "policy \"%s\" is assigned to the tenant: assign another one to it, "
			       "or none, first",
			       p->rec.name);
	if (p->mailboxes > 0)
		return err_set(a->err, -EBUSY,
			       "policy \"%s\" is assigned to %u mailbox%s: take it from %s first",
			       p->rec.name, p->mailboxes, p->mailboxes == 1 ? "" : "es",
			       p->mailboxes == 1 ? "it" : "them");
	return 0;
}

/* Data under it stays readable, so its keys stay in the keyring. */
static int disable_do(struct act *a)
{
	struct policy_record rec = a->policy->rec;
	int r = policy_unassigned(a);

	if (r < 0)
		return r;
	rec.flags &= (uint16_t)~POLICY_FLAG_ENABLED;
	return record_replace(a, &rec);
}

int policy_disable(struct engine *e, const char *p, const struct actor *who, struct err *err)
{
	struct act a;
	int r = act_begin(&a, e, "policy-disable", who, p, err);

	if (r == 0)
		r = disable_do(&a);
	return act_end(&a, r);
}
