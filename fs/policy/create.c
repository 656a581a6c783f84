/* fs/policy/create.c - a policy is made, as a draft or with its keys. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/policy/act_internal.h"

/* A random UUID, RFC 4122 section 4.4. */
static int id_new(uint8_t ret_id[static UUID_LEN])
{
	int r = random_bytes(ret_id, UUID_LEN);

	if (r < 0)
		return r;
	ret_id[6] = (uint8_t)((ret_id[6] & 0x0f) | 0x40);
	ret_id[8] = (uint8_t)((ret_id[8] & 0x3f) | 0x80);
	return 0;
}

static int name_free(struct act *a, const char *name)
{
	const struct policy *p;
	int r;

	r = policy_name_check(name, a->err);
	if (r < 0)
		return r;
	p = tables_find_name_locked(&a->ps->tables, name);
	if (p)
		return err_set(a->err, -EEXIST, "there is a policy \"%s\" already", p->rec.name);
	return 0;
}

static int record_new(struct act *a, const char *name, enum policy_kind kind,
		      struct policy **ret_policy)
{
	CLEANUP(policy_free_p) struct policy *p = NULL;
	int r;

	r = name_free(a, name);
	if (r < 0)
		return r;
	r = kind_check(kind, a->err);
	if (r < 0)
		return r;
	r = policy_new(&p);
	if (r == 0)
		r = id_new(p->rec.id);
	if (r < 0)
		return err_set(a->err, r, "no memory or randomness for a policy");
	memcpy(p->rec.name, name, strlen(name) + 1); /* its length was checked */
	p->rec.kind = kind;
	p->rec.created = (uint64_t)time(NULL);
	act_name(a, p->rec.name, p->rec.id);
	*ret_policy = STEAL(p);
	return 0;
}

/* Space in the tables before the commit, so that nothing can fail once the policy is durable. */
static int policy_insert(struct act *a, struct policy **p)
{
	struct tables *t = &a->ps->tables;
	int r;

	pthread_rwlock_wrlock(&t->lock);
	r = tables_reserve_locked(t);
	pthread_rwlock_unlock(&t->lock);
	if (r < 0)
		return err_set(a->err, r, "no memory for one policy more");
	a->new_policy = true;
	r = act_commit(a, &(*p)->rec, (const struct key_record *const *)(*p)->keys, (*p)->n_keys);
	if (r < 0)
		return r;
	(*p)->proof.untargeted = (*p)->proof.never = true;
	pthread_rwlock_wrlock(&t->lock);
	tables_insert_locked(t, STEAL(*p));
	pthread_rwlock_unlock(&t->lock);
	act_changed(a, TARGETS_SAME);
	return 0;
}

static int draft_do(struct act *a, const char *name)
{
	CLEANUP(policy_free_p) struct policy *p = NULL;
	int r;

	r = record_new(a, name, POLICY_MULTI_WORKLOAD, &p);
	if (r < 0)
		return r;
	p->rec.flags = POLICY_FLAG_DRAFT;
	return policy_insert(a, &p);
}

int policy_create_draft(struct policies *ps, const char *name, const struct actor *actor,
			struct err *err)
{
	struct act a;
	int r = act_begin(&a, ps, "policy-draft", actor, NULL, err);

	act_name(&a, name, NULL);
	if (r == 0)
		r = draft_do(&a, name);
	return act_end(&a, r);
}

/* Checks, then keys: @rec and *ret_keys are whole when this returns 0. */
static int keys_first(struct act *a, const char *const ids[static 2], struct policy_record *rec,
		      struct key_record ***ret_keys, struct report *rep)
{
	CLEANUP(free_mem_p) struct key_record **keys = calloc(1, sizeof(struct key_record *));
	struct key_id parsed[2];
	int r;

	if (!keys)
		return err_set(a->err, -ENOMEM, "no memory for a key record");
	r = roots_take(a, ids, parsed, rep);
	if (r < 0)
		return r;
	r = policy_make_keys(a->ps, rec, parsed, &keys[0], rep, a->err);
	if (r < 0)
		return r;
	rec->flags = POLICY_FLAG_ENABLED;
	*ret_keys = STEAL(keys);
	return 0;
}

static int create_do(struct act *a, const char *name, const char *const ids[static 2],
		     enum policy_kind kind, const char *description)
{
	CLEANUP(policy_free_p) struct policy *p = NULL;
	const struct policy *made;
	struct report rep = {0};
	int r;

	r = record_new(a, name, kind, &p);
	if (r < 0)
		return r;
	r = description_check(description, a->err);
	if (r < 0)
		return r;
	r = check_quota(a, kind);
	if (r < 0)
		return r;
	memcpy(p->rec.description, description, strlen(description) + 1);
	r = keys_first(a, ids, &p->rec, &p->keys, &rep);
	act_warnings(a, &rep);
	if (r < 0)
		return r;
	p->n_keys = 1;
	memcpy(p->last_check, rep.text, sizeof(rep.text));
	act_key_ids(p, a->key_ids);
	made = p;
	r = policy_insert(a, &p);
	if (r == 0)
		roots_proved(a->ps, made);
	return r;
}

int policy_create(struct policies *ps, const char *name, const char *const ids[static 2],
		  enum policy_kind kind, const char *description, const struct actor *actor,
		  struct err *err)
{
	struct act a;
	int r = act_begin(&a, ps, "policy-create", actor, NULL, err);

	act_name(&a, name, NULL);
	if (r == 0)
		r = create_do(&a, name, ids, kind, description ? description : "");
	return act_end(&a, r);
}

int policy_complete(struct act *a, const char *const ids[static 2], struct report *rep)
{
	struct tables *t = &a->ps->tables;
	struct policy_record rec = a->policy->rec;
	struct key_record **keys = NULL;
	int r;

	r = check_quota(a, rec.kind);
	if (r < 0)
		return r;
	r = keys_first(a, ids, &rec, &keys, rep);
	if (r < 0)
		return r;
	r = act_commit(a, &rec, (const struct key_record *const *)keys, 1);
	if (r < 0) {
		free(keys[0]);
		free(keys);
		return r;
	}
	pthread_rwlock_wrlock(&t->lock);
	a->policy->rec = rec;
	a->policy->keys = keys;
	a->policy->n_keys = 1;
	pthread_rwlock_unlock(&t->lock);
	act_changed(a, TARGETS_SAME);
	roots_proved(a->ps, a->policy);
	return 0;
}
