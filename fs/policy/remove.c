/* fs/policy/remove.c - a policy removed: a draft, to a tombstone, or with its records. */
#include <errno.h>
#include <string.h>

#include "fs/policy/act_internal.h"

static int records_del(struct store_txn *txn, const struct policy *p, struct err *err)
{
	uint8_t key[KEY_TABLE_KEY_LEN];
	int r = store_del(txn, TABLE_POLICIES, p->rec.id, UUID_LEN, err);

	for (uint32_t i = 0; r == 0 && i < p->n_keys; i++) {
		key_table_key(p->rec.id, p->keys[i]->generation, key);
		r = store_del(txn, TABLE_KEYS, key, sizeof(key), err);
	}
	return r < 0 ? r : untargeted_del(txn, p->rec.id, err);
}

/* Jobs and scans refer to a policy by its id, so that no pointer to it remains. */
static int erase(struct act *a)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	struct tables *t = &a->ps->tables;
	uint8_t id[UUID_LEN];
	int r = act_dry(a);

	if (r == 0)
		r = store_begin(a->ps->store, STORE_WRITE, &txn, a->err);
	if (r == 0)
		r = records_del(txn, a->policy, a->err);
	if (r < 0)
		return r;
	r = store_commit(STEAL(txn), STORE_COMMIT_SNAPSHOT, a->err);
	if (r < 0)
		return r;
	memcpy(id, a->policy->rec.id, UUID_LEN);
	pthread_rwlock_wrlock(&t->lock);
	tables_remove_locked(t, STEAL(a->policy));
	pthread_rwlock_unlock(&t->lock);
	keyring_forget(a->ps->keyring, id);
	act_changed(a, TARGETS_SAME);
	return 0;
}

static int remove_do(struct act *a, enum remove_how how)
{
	struct policy_record rec = a->policy->rec;
	int r;

	if (policy_is_draft(a->policy))
		return erase(a);
	if (how == REMOVE_DRAFT)
		return err_set(a->err, -EBUSY,
			       "rmdir removes drafts only; to remove policy \"%s\" write 1 to its "
			       "file remove, or use depctl policy remove",
			       rec.name);
	r = policy_unassigned(a);
	if (r == 0)
		r = scan_proves_empty(a->ps, rec.id, a->err);
	if (r < 0)
		return r;
	if (how == REMOVE_FORCE)
		return erase(a);
	rec.flags = (uint16_t)((rec.flags & ~POLICY_FLAG_ENABLED) | POLICY_FLAG_REMOVED);
	return record_replace(a, &rec);
}

int policy_remove(struct policies *ps, const char *p, enum remove_how how,
		  const struct actor *actor, struct err *err)
{
	struct act a;
	int r = act_begin(&a, ps, how == REMOVE_FORCE ? "policy-remove-force" : "policy-remove",
			  actor, p, err);

	if (r == 0)
		r = remove_do(&a, how);
	return act_end(&a, r);
}
