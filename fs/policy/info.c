/* fs/policy/info.c - policies looked at: one, all of them, a name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/policy/policies_internal.h"

const char *policy_state_name(enum policy_state s)
{
	static const char *const names[] = {
		[POLICY_DRAFT] = "draft",     [POLICY_UNPROVED] = "unproved",
		[POLICY_READY] = "ready",     [POLICY_DEGRADED] = "degraded",
		[POLICY_REVOKED] = "revoked", [POLICY_DISABLED] = "disabled",
		[POLICY_PURGED] = "purged",
	};

	return (size_t)s < sizeof(names) / sizeof(names[0]) ? names[s] : "unknown";
}

const char *policy_kind_name(enum policy_kind k)
{
	return k == POLICY_MULTI_WORKLOAD ? "multi-workload" : k == POLICY_MAILBOX ? "mailbox" : "";
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
			memcpy(info->roots[i].copy_key_id, key->roots[i].key_id, KEY_ID_MAX);
	}
	memcpy(info->last_rotate, p->last_rotate, sizeof(info->last_rotate));
	memcpy(info->last_refresh, p->last_refresh, sizeof(info->last_refresh));
	memcpy(info->last_check, p->last_check, sizeof(info->last_check));
}

static bool is_unwell(const struct root_health *h)
{
	return h->when != 0 && h->outcome != KMS_OK;
}

/* What the keyring knows. Called without tables.lock, which is a leaf. */
static void info_add_health(struct policies *ps, struct policy_info *info)
{
	struct root_health health[2];
	enum keyring_state state = keyring_state_of(ps->keyring, info->id, health);
	struct keyring_look look;

	info->roots[0].health = health[0];
	info->roots[1].health = health[1];
	keyring_look(ps->keyring, info->id, &look);
	info->proved = look.proved;
	info->revoked = state == KEYRING_REVOKED;
	if (info->state == POLICY_DRAFT || info->state == POLICY_PURGED)
		return;
	if (!info->enabled)
		info->state = POLICY_DISABLED;
	else if (state == KEYRING_REVOKED)
		info->state = POLICY_REVOKED;
	else if (state == KEYRING_DEGRADED || is_unwell(&health[0]) || is_unwell(&health[1]))
		info->state = POLICY_DEGRADED;
	else if (health[0].when == 0 && health[1].when == 0)
		info->state = POLICY_UNPROVED;
}

int policy_get(struct policies *ps, const char *p, struct policy_info *ret_info, struct err *err)
{
	struct tables *t = &ps->tables;
	const struct policy *policy;

	pthread_rwlock_rdlock(&t->lock);
	policy = tables_find_locked(t, p);
	if (policy)
		info_copy_locked(t, policy, ret_info);
	pthread_rwlock_unlock(&t->lock);
	if (!policy)
		return err_set(err, -ENOENT, "there is no policy \"%s\"", p);
	info_add_health(ps, ret_info);
	return 0;
}

int policy_list(struct policies *ps, struct policy_info **ret_list, size_t *ret_count)
{
	struct tables *t = &ps->tables;
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
		info_add_health(ps, &list[i]);
	*ret_list = list;
	*ret_count = n;
	return 0;
}

int policy_name_of(struct policies *ps, const uint8_t id[static UUID_LEN],
		   char ret_name[static POLICY_NAME_MAX + 1])
{
	struct tables *t = &ps->tables;
	const struct policy *policy;

	pthread_rwlock_rdlock(&t->lock);
	policy = tables_find_id_locked(t, id);
	if (policy)
		memcpy(ret_name, policy->rec.name, sizeof(policy->rec.name));
	pthread_rwlock_unlock(&t->lock);
	return policy ? 0 : -ENOENT;
}
