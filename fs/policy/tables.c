/* fs/policy/tables.c - policies and assignments in memory, found by name, id or mailbox. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/policy/policies_internal.h"

#define POLICIES_STEP 16

int policy_new(struct policy **ret_policy)
{
	struct policy *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	*ret_policy = p;
	return 0;
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < p->n_keys; i++)
		free(p->keys[i]);
	free(p->keys);
	free(p);
}

/* Searched from the newest on, which most look-ups ask for. */
const struct key_record *policy_key(const struct policy *p, uint32_t generation)
{
	for (uint32_t i = p->n_keys; i-- > 0;)
		if (p->keys[i]->generation == generation)
			return p->keys[i];
	return NULL;
}

int tables_init(struct tables *t)
{
	pthread_rwlockattr_t attr;

	/* Opens of files take the read lock all the time; a waiting act must not starve behind
	 * them. */
	(void)pthread_rwlockattr_init(&attr);
	(void)pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	(void)pthread_rwlock_init(&t->lock, &attr);
	(void)pthread_rwlockattr_destroy(&attr);
	return hash_table_init(&t->mailboxes);
}

void tables_fini(struct tables *t)
{
	for (size_t i = 0; i < t->n_policies; i++)
		policy_free(t->policies[i]);
	for (struct hash_entry *e = hash_after(&t->mailboxes, NULL), *next; e; e = next) {
		next = hash_after(&t->mailboxes, e);
		free(HASH_OWNER(e, struct mailbox, entry));
	}
	hash_table_fini(&t->mailboxes);
	scan_result_fini(&t->scan);
	free(t->policies);
	(void)pthread_rwlock_destroy(&t->lock);
}

struct policy *tables_find_id_locked(const struct tables *t, const uint8_t id[static UUID_LEN])
{
	for (size_t i = 0; i < t->n_policies; i++)
		if (memcmp(t->policies[i]->rec.id, id, UUID_LEN) == 0)
			return t->policies[i];
	return NULL;
}

struct policy *tables_find_name_locked(const struct tables *t, const char *name)
{
	for (size_t i = 0; i < t->n_policies; i++)
		if (!policy_is_removed(t->policies[i]) &&
		    name_compare(t->policies[i]->rec.name, name) == 0)
			return t->policies[i];
	return NULL;
}

struct policy *tables_find_locked(const struct tables *t, const char *p)
{
	uint8_t id[UUID_LEN];

	struct policy *found;

	if (uuid_decode(p, id) < 0) /* no name is shaped like an id: policy_name_check() */
		return tables_find_name_locked(t, p);
	found = tables_find_id_locked(t, id);
	return found && !policy_is_removed(found) ? found : NULL;
}

int tables_reserve_locked(struct tables *t)
{
	struct policy **policies;

	if (t->n_policies < t->capacity)
		return 0;
	policies = reallocarray(t->policies, t->capacity + POLICIES_STEP, sizeof(struct policy *));
	if (!policies)
		return -ENOMEM;
	t->policies = policies;
	t->capacity += POLICIES_STEP;
	return 0;
}

static int policy_compare(const void *a, const void *b)
{
	const struct policy *const *pa = a, *const *pb = b;

	return name_compare((*pa)->rec.name, (*pb)->rec.name);
}

void tables_sort_locked(struct tables *t)
{
	if (t->n_policies > 0)
		qsort(t->policies, t->n_policies, sizeof(struct policy *), policy_compare);
}

void tables_insert_locked(struct tables *t, struct policy *p)
{
	t->policies[t->n_policies++] = p;
	tables_sort_locked(t);
}

void tables_remove_locked(struct tables *t, struct policy *p)
{
	size_t i = 0;

	while (i < t->n_policies && t->policies[i] != p)
		i++;
	if (i == t->n_policies)
		return;
	t->n_policies--;
	memmove(&t->policies[i], &t->policies[i + 1],
		(t->n_policies - i) * sizeof(struct policy *));
	policy_free(p);
}

unsigned tables_active_locked(const struct tables *t)
{
	unsigned n = 0;

	for (size_t i = 0; i < t->n_policies; i++) {
		const struct policy *p = t->policies[i];

		if (p->rec.kind == POLICY_MAILBOX && (policy_is_enabled(p) || p->mailboxes > 0))
			n++;
	}
	return n;
}

static uint64_t mailbox_hash(const struct tables *t, const char *id)
{
	return hash_bytes(t->mailboxes.seed, id, strlen(id));
}

struct mailbox *tables_mailbox_locked(const struct tables *t, const char *id)
{
	if (t->mailboxes.n == 0) /* most stores have no assigned mailbox: no hash is needed */
		return NULL;
	for (struct hash_entry *e = hash_first(&t->mailboxes, mailbox_hash(t, id)); e;
	     e = hash_next(e)) {
		struct mailbox *m = HASH_OWNER(e, struct mailbox, entry);

		if (strcmp(m->id, id) == 0)
			return m;
	}
	return NULL;
}

int mailbox_new(const char *id, struct mailbox **ret_mailbox)
{
	size_t len = strlen(id);
	struct mailbox *m = calloc(1, sizeof(*m) + len + 1);

	if (!m)
		return -ENOMEM;
	memcpy(m->id, id, len);
	*ret_mailbox = m;
	return 0;
}

void tables_mailbox_insert_locked(struct tables *t, struct mailbox *m)
{
	hash_insert(&t->mailboxes, &m->entry, mailbox_hash(t, m->id));
	m->policy->mailboxes++;
}

void tables_mailbox_remove_locked(struct tables *t, struct mailbox *m)
{
	hash_remove(&t->mailboxes, &m->entry);
	m->policy->mailboxes--;
	free(m);
}
