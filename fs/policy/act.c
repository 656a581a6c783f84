/* fs/policy/act.c - what every act does: lock, event, commit, and the checks that several make. */
#include <errno.h>
#include <string.h>

#include "fs/policy/act_internal.h"

static int act_lock_take(struct act_lock *l)
{
	uint64_t until_ms = clock_now_ms() + l->wait_ms;
	int r = 0;

	pthread_mutex_lock(&l->lock);
	while (l->held && r != -ETIMEDOUT)
		r = clock_cond_wait(&l->released, &l->lock, until_ms);
	r = l->held ? -EBUSY : 0;
	if (r == 0)
		l->held = true;
	pthread_mutex_unlock(&l->lock);
	return r;
}

static void act_lock_release(struct act_lock *l)
{
	pthread_mutex_lock(&l->lock);
	l->held = false;
	pthread_cond_signal(&l->released);
	pthread_mutex_unlock(&l->lock);
}

void act_name(struct act *a, const char *name, const uint8_t *id)
{
	size_t len = strnlen(name, sizeof(a->policy_name) - 1);

	memcpy(a->policy_name, name, len);
	a->policy_name[len] = '\0';
	if (id)
		uuid_encode(id, a->policy_id);
}

void act_key_ids(const struct policy *p, char ret_ids[static 2][KEY_ID_MAX])
{
	const struct key_record *key = policy_key(p, p->rec.generation);

	for (unsigned i = 0; key && i < 2; i++)
		memcpy(ret_ids[i], key->roots[i].key_id, KEY_ID_MAX);
}

/* Whole warnings only: the report has them all. */
void act_warnings(struct act *a, const struct report *rep)
{
	const char *at = rep->text;
	size_t used = 0, len;

	while ((at = policy_warning_next(at, &len))) {
		size_t gap = used > 0 ? 2 : 0;

		if (used + gap + len >= sizeof(a->warnings))
			return;
		memcpy(a->warnings + used, "; ", gap);
		memcpy(a->warnings + used + gap, at, len);
		used += gap + len;
		a->warnings[used] = '\0';
		at += len;
	}
}

int act_begin(struct act *a, struct policies *ps, const char *event, const struct actor *actor,
	      const char *p, struct err *err)
{
	int r;

	memset(a, 0, sizeof(*a));
	a->ps = ps;
	a->event = event;
	a->actor = actor;
	a->err = err ? err : &a->own_err;
	if (p)
		act_name(a, p, NULL);
	r = act_lock_take(&ps->act_lock);
	if (r < 0)
		return err_set(a->err, r,
			       "another change of policies has been running for %u seconds",
			       ps->act_lock.wait_ms / 1000);
	a->entered = true;
	if (!p)
		return 0;
	a->policy = tables_find_locked(&ps->tables, p); /* the act lock is enough to read */
	if (!a->policy)
		return err_set(a->err, -ENOENT, "there is no policy \"%s\"", p);
	act_name(a, a->policy->rec.name, a->policy->rec.id);
	return 0;
}

int act_dry(struct act *a)
{
	a->dry_stopped = a->actor && a->actor->dry_run;
	return a->dry_stopped ? -ECANCELED : 0;
}

static const char *done_text(int r, const char *text)
{
	return r == 0 && text[0] ? text : NULL;
}

/*
 * The event is durable before the act is acknowledged. When it cannot be made so, the act has
 * happened all the same, so no error is returned; the log counts what it lost and reports that in
 * its next event (fs/audit/audit.h).
 */
static int act_report(struct act *a, int r)
{
	/* four key ids and the rest are a quarter of AUDIT_LINE_MAX, however long they are */
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("policy", a->policy_name[0] ? a->policy_name : NULL),
		AUDIT_FIELD_STR("policy_id", a->policy_id[0] ? a->policy_id : NULL),
		AUDIT_FIELD_STR("mailbox", a->mailbox),
		AUDIT_FIELD_STR("new_name", a->new_name),
		AUDIT_FIELD_STR("key_1", done_text(r, a->key_ids[0])),
		AUDIT_FIELD_STR("key_2", done_text(r, a->key_ids[1])),
		AUDIT_FIELD_STR("key_1_before", done_text(r, a->key_ids_before[0])),
		AUDIT_FIELD_STR("key_2_before", done_text(r, a->key_ids_before[1])),
		AUDIT_FIELD_STR("dry_run", a->actor && a->actor->dry_run ? "yes" : NULL),
		AUDIT_FIELD_STR("forced", a->forced ? "yes" : NULL),
		AUDIT_FIELD_STR("warnings", a->warnings[0] ? a->warnings : NULL),
		AUDIT_FIELD_STR("reason", r < 0 ? err_text(a->err, r) : NULL),
		AUDIT_FIELD_U64("job", a->job),
	};
	size_t n = sizeof(fields) / sizeof(fields[0]) - (a->job == 0);

	/* queued before the next act begins, so that the log has them in order */
	audit_event(a->ps->audit, a->event, a->actor, errno_name(r), fields, n);
	if (a->entered)
		act_lock_release(&a->ps->act_lock);
	if (audit_sync(a->ps->audit, NULL) < 0)
		return r; /* the act has happened all the same */
	return r;
}

int act_end(struct act *a, int r)
{
	return act_report(a, a->dry_stopped && r == -ECANCELED ? 0 : r);
}

int policy_put(struct store_txn *txn, const struct policy_record *rec, struct err *err)
{
	uint8_t buf[RECORD_MAX];
	size_t len;
	int r;

	r = policy_record_encode(rec, buf, &len);
	if (r < 0)
		return err_set(err, r, "policy \"%s\": its record cannot be written", rec->name);
	return store_put(txn, TABLE_POLICIES, rec->id, UUID_LEN, buf, len, err);
}

static int put_key(struct store_txn *txn, const struct key_record *key, struct err *err)
{
	uint8_t at[KEY_TABLE_KEY_LEN], buf[RECORD_MAX];
	size_t len;
	int r;

	key_table_key(key->policy_id, key->generation, at);
	r = key_record_encode(key, buf, &len);
	if (r < 0)
		return err_set(err, r, "the key record of generation %u cannot be written",
			       key->generation);
	return store_put(txn, TABLE_KEYS, at, sizeof(at), buf, len, err);
}

int act_commit(struct act *a, const struct policy_record *rec, const struct key_record *const *keys,
	       uint32_t n_keys)
{
	return act_commit_job(a, rec, keys, n_keys, NULL);
}

int act_commit_job(struct act *a, const struct policy_record *rec,
		   const struct key_record *const *keys, uint32_t n_keys, struct job_plan *plan)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	int r = act_dry(a);

	if (r == 0)
		r = store_begin(a->ps->store, STORE_WRITE, &txn, a->err);
	if (r < 0)
		return r;
	r = policy_put(txn, rec, a->err);
	for (uint32_t i = 0; r == 0 && i < n_keys; i++)
		r = put_key(txn, keys[i], a->err);
	if (r == 0 && a->new_policy)
		r = untargeted_put(txn, rec->id, UNTARGETED_EVER, a->err);
	if (r == 0 && plan)
		r = job_plan_put(plan, txn, a->err);
	if (r < 0)
		return r;
	return store_commit(STEAL(txn), STORE_COMMIT_SNAPSHOT, a->err);
}

void act_changed(struct act *a, enum act_targets targets)
{
	if (targets == TARGETS_CHANGED)
		atomic_fetch_add_explicit(&a->ps->epoch, 1, memory_order_release);
	atomic_fetch_add(&a->ps->change_no, 1);
}

int policy_refuse_purged(const struct act *a)
{
	return err_set(a->err, -EINVAL, "policy \"%s\" is purged: no copy of its key is left",
		       a->policy->rec.name);
}

/* Durable first, then in the tables. */
int record_replace(struct act *a, const struct policy_record *rec)
{
	struct tables *t = &a->ps->tables;
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

int policy_unassigned(const struct act *a)
{
	const struct policy *p = a->policy;

	if (a->ps->tables.tenant == p)
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

/*
 * At most 50 policies of kind mailbox are active. A policy becomes active when it is created whole,
 * completed or enabled, so it is counted there; assigning counts again (assign.c), since a store
 * from elsewhere may hold more.
 */
int check_quota(struct act *a, enum policy_kind kind)
{
	if (kind != POLICY_MAILBOX || tables_active_locked(&a->ps->tables) < POLICY_MAILBOX_MAX)
		return 0;
	return err_set(a->err, -EDQUOT, "%d policies of kind mailbox are active, which is the most",
		       POLICY_MAILBOX_MAX);
}
