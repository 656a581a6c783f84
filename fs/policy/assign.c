/* fs/policy/assign.c - which policy covers the tenant, and which a mailbox. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/policy/act_internal.h"

#define TENANT_KEY	"tenant"
#define MAILBOX_KEY_LEN (sizeof("mailbox/") + MAILBOX_ID_MAX)

static void mailbox_key(const char *id, char out[static MAILBOX_KEY_LEN])
{
	(void)snprintf(out, MAILBOX_KEY_LEN, "mailbox/%s", id); /* the id's length was checked */
}

/* @p: NULL: the record is removed. The job that brings existing data in line is in the same
 * transaction. */
static int assignment_write(struct act *a, const char *key, const struct policy *p,
			    struct job_plan *plan)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	struct assignment_record rec = {.since = (uint64_t)time(NULL)};
	uint8_t buf[RECORD_MAX];
	size_t len;
	int r = act_dry(a);

	if (r == 0)
		r = store_begin(a->ps->store, STORE_WRITE, &txn, a->err);
	if (r < 0)
		return r;
	if (p) {
		memcpy(rec.policy_id, p->rec.id, UUID_LEN);
		r = assignment_record_encode(&rec, buf, &len);
		if (r < 0)
			return err_set(a->err, r, "the assignment cannot be written");
		r = store_put(txn, TABLE_ASSIGNMENTS, key, strlen(key), buf, len, a->err);
		if (r == 0)
			r = untargeted_del(txn, p->rec.id, a->err);
	} else {
		r = store_del(txn, TABLE_ASSIGNMENTS, key, strlen(key), a->err);
	}
	if (r == 0)
		r = job_plan_put(plan, txn, a->err);
	if (r < 0)
		return r;
	return store_commit(STEAL(txn), STORE_COMMIT_SNAPSHOT, a->err);
}

/* Files can come under @p from now on, so a scan that found none is no proof any more. */
static void proof_void(struct act *a, struct policy *p)
{
	pthread_rwlock_wrlock(&a->ps->tables.lock);
	if (p)
		p->proof = (struct scan_proof){0};
	pthread_rwlock_unlock(&a->ps->tables.lock);
}

/*
 * In this order: the assignment is durable, new data follows it, the job for existing data is
 * there.
 * @policy: assigned, or no longer; @mailbox: NULL: the tenant.
 */
static int assignment_change(struct act *a, enum job_kind kind, struct policy *policy,
			     const char *mailbox, void (*apply)(struct act *a, struct policy *p))
{
	struct policy *now = kind == JOB_ASSIGN ? policy : NULL;
	char key[MAILBOX_KEY_LEN] = TENANT_KEY;
	struct job_plan plan;
	int r;

	if (mailbox)
		mailbox_key(mailbox, key);
	r = job_plan_begin(&plan, a->ps->jobs, kind, policy->rec.id, mailbox, a->err);
	if (r == 0)
		r = assignment_write(a, key, now, &plan);
	if (r == 0) {
		proof_void(a, now);
		apply(a, now);
		act_changed(a, TARGETS_CHANGED);
	}
	a->job = job_plan_end(&plan, r);
	return r;
}

static int assignable(struct act *a, enum policy_kind kind)
{
	const struct policy *p = a->policy;

	if (policy_is_draft(p))
		return err_set(a->err, -EINVAL, "policy \"%s\" is a draft: it has no keys yet",
			       p->rec.name);
	if (policy_is_purged(p))
		return policy_refuse_purged(a);
	if (p->rec.kind != kind)
		return err_set(a->err, -EINVAL,
			       "policy \"%s\" is of kind %s, and %s needs one of kind %s",
			       p->rec.name, policy_kind_name(p->rec.kind),
			       kind == POLICY_MAILBOX ? "a mailbox" : "the tenant",
			       policy_kind_name(kind));
	if (!policy_is_enabled(p))
		return err_set(a->err, -EINVAL, "policy \"%s\" is disabled", p->rec.name);
	return 0;
}

/* Files that come under keys which no vault opens are locked as soon as they are there. */
static int assign_prove(struct act *a, enum assign_how how)
{
	int r;

	a->forced = how == ASSIGN_FORCED;
	if (a->forced)
		return 0;
	r = roots_prove(a);
	return r < 0 ? err_prefix(a->err, r,
				  "policy \"%s\" is not assigned, for its root keys do "
				  "not both open",
				  a->policy_name)
		     : 0;
}

static void tenant_set(struct act *a, struct policy *p)
{
	pthread_rwlock_wrlock(&a->ps->tables.lock);
	a->ps->tables.tenant = p;
	pthread_rwlock_unlock(&a->ps->tables.lock);
}

static int assign_tenant_do(struct act *a, enum assign_how how)
{
	int r;

	r = assignable(a, POLICY_MULTI_WORKLOAD);
	if (r < 0 || a->ps->tables.tenant == a->policy)
		return r;
	r = assign_prove(a, how);
	if (r < 0)
		return r;
	return assignment_change(a, JOB_ASSIGN, a->policy, NULL, tenant_set);
}

int assign_tenant(struct policies *ps, const char *p, enum assign_how how,
		  const struct actor *actor, struct err *err)
{
	struct act a;
	int r = act_begin(&a, ps, "assign-tenant", actor, p, err);

	if (r == 0)
		r = assign_tenant_do(&a, how);
	return act_end(&a, r);
}

static int unassign_tenant_do(struct act *a)
{
	struct policy *p = a->ps->tables.tenant;

	if (!p)
		return 0;
	act_name(a, p->rec.name, p->rec.id);
	return assignment_change(a, JOB_OFFBOARD, p, NULL, tenant_set);
}

int unassign_tenant(struct policies *ps, const struct actor *actor, struct err *err)
{
	struct act a;
	int r = act_begin(&a, ps, "unassign-tenant", actor, NULL, err);

	if (r == 0)
		r = unassign_tenant_do(&a);
	return act_end(&a, r);
}

/* a->new_mailbox was allocated before, so that nothing can fail here. */
static void mailbox_set(struct act *a, struct policy *p)
{
	struct tables *t = &a->ps->tables;
	struct mailbox *m = tables_mailbox_locked(t, a->mailbox);

	pthread_rwlock_wrlock(&t->lock);
	if (m)
		tables_mailbox_remove_locked(t, m);
	if (p) {
		a->new_mailbox->policy = p;
		tables_mailbox_insert_locked(t, STEAL(a->new_mailbox));
	}
	pthread_rwlock_unlock(&t->lock);
}

static int assign_mailbox_do(struct act *a, const char *id, enum assign_how how)
{
	struct tables *t = &a->ps->tables;
	struct mailbox *m;
	int r;

	r = assignable(a, POLICY_MAILBOX);
	if (r < 0)
		return r;
	if (tables_active_locked(t) > POLICY_MAILBOX_MAX) /* itself included: check_quota() */
		return err_set(a->err, -EDQUOT, "more than %d policies of kind mailbox are active",
			       POLICY_MAILBOX_MAX);
	m = tables_mailbox_locked(t, id);
	if (m && m->policy == a->policy)
		return 0;
	r = assign_prove(a, how);
	if (r < 0)
		return r;
	r = mailbox_new(id, &a->new_mailbox);
	if (r < 0)
		return err_set(a->err, r, "no memory for one mailbox more");
	r = assignment_change(a, JOB_ASSIGN, a->policy, id, mailbox_set);
	free(a->new_mailbox); /* NULL once the tables have it */
	return r;
}

int assign_mailbox(struct policies *ps, const char *mailbox, const char *p, enum assign_how how,
		   const struct actor *actor, struct err *err)
{
	struct act a;
	int r = act_begin(&a, ps, "assign-mailbox", actor, p, err);

	a.mailbox = mailbox;
	if (r == 0)
		r = mailbox_id_check(mailbox, a.err);
	if (r == 0)
		r = assign_mailbox_do(&a, mailbox, how);
	return act_end(&a, r);
}

static int unassign_mailbox_do(struct act *a, const char *id)
{
	struct mailbox *m;
	int r;

	r = mailbox_id_check(id, a->err);
	if (r < 0)
		return r;
	m = tables_mailbox_locked(&a->ps->tables, id);
	if (!m)
		return 0;
	act_name(a, m->policy->rec.name, m->policy->rec.id);
	return assignment_change(a, JOB_OFFBOARD, m->policy, id, mailbox_set);
}

int unassign_mailbox(struct policies *ps, const char *mailbox, const struct actor *actor,
		     struct err *err)
{
	struct act a;
	int r = act_begin(&a, ps, "unassign-mailbox", actor, NULL, err);

	a.mailbox = mailbox;
	if (r == 0)
		r = unassign_mailbox_do(&a, mailbox);
	return act_end(&a, r);
}

/* By id, which a rename since the look-up does not change. */
static int info_of(struct policies *ps, const uint8_t id[static UUID_LEN],
		   struct policy_info *ret_info)
{
	char text[UUID_TEXT_LEN];

	uuid_encode(id, text);
	return policy_get(ps, text, ret_info, NULL);
}

int assignment_get(struct policies *ps, struct policy_info *ret_info)
{
	struct tables *t = &ps->tables;
	uint8_t id[UUID_LEN];
	bool found;

	pthread_rwlock_rdlock(&t->lock);
	found = t->tenant;
	if (found)
		memcpy(id, t->tenant->rec.id, UUID_LEN);
	pthread_rwlock_unlock(&t->lock);
	return found ? info_of(ps, id, ret_info) : -ENOENT;
}

int assignment_of_mailbox(struct policies *ps, const char *mailbox, struct policy_info *ret_info)
{
	struct tables *t = &ps->tables;
	const struct mailbox *m;
	uint8_t id[UUID_LEN];
	bool found;

	pthread_rwlock_rdlock(&t->lock);
	m = tables_mailbox_locked(t, mailbox);
	found = m;
	if (found)
		memcpy(id, m->policy->rec.id, UUID_LEN);
	pthread_rwlock_unlock(&t->lock);
	return found ? info_of(ps, id, ret_info) : -ENOENT;
}

static size_t ids_len_locked(const struct tables *t)
{
	size_t len = 1;

	for (struct hash_entry *h = hash_after(&t->mailboxes, NULL); h;
	     h = hash_after(&t->mailboxes, h))
		len += strlen(HASH_OWNER(h, struct mailbox, entry)->id) + 1;
	return len;
}

int mailbox_list(struct policies *ps, char **ret_ids, size_t *ret_count)
{
	struct tables *t = &ps->tables;
	size_t count = 0;
	char *ids, *at;

	pthread_rwlock_rdlock(&t->lock);
	ids = at = malloc(ids_len_locked(t));
	for (struct hash_entry *h = hash_after(&t->mailboxes, NULL); ids && h;
	     h = hash_after(&t->mailboxes, h)) {
		at = stpcpy(at, HASH_OWNER(h, struct mailbox, entry)->id) + 1;
		count++;
	}
	pthread_rwlock_unlock(&t->lock);
	if (!ids)
		return -ENOMEM;
	*ret_ids = ids;
	*ret_count = count;
	return 0;
}
