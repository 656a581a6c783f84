/* fs/policy/policies.c - the policies of one open store: loaded, freed, and the source of their
 * keys for the keyring. */
#include "fs/policy/policies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/policy/policies_internal.h"

int policies_new(const struct policies_config *config, struct policies **ret_policies,
		 struct err *err)
{
	struct policies *ps = calloc(1, sizeof(*ps));
	int r;

	if (!ps)
		return err_set(err, -ENOMEM, "no memory for the policies");
	ps->store = config->store;
	ps->kms = config->kms;
	ps->audit = config->audit;
	ps->keyring = config->keyring;
	ps->jobs = config->jobs;
	ps->strict = config->strict;
	ps->epoch = 1;
	ps->act_lock.wait_ms = ACT_WAIT_MS;
	(void)pthread_mutex_init(&ps->act_lock.lock, NULL);
	(void)pthread_cond_init(&ps->act_lock.released, NULL);
	r = tables_init(&ps->tables);
	r = r < 0 ? err_set(err, r, "no memory for the policies") : policies_load(ps, err);
	if (r < 0)
		policies_free(ps);
	else
		*ret_policies = ps;
	return r;
}

void policies_free(struct policies *ps)
{
	if (!ps)
		return;
	tables_fini(&ps->tables);
	(void)pthread_mutex_destroy(&ps->act_lock.lock);
	(void)pthread_cond_destroy(&ps->act_lock.released);
	free(ps);
}

uint64_t policy_change_no(const struct policies *ps)
{
	return atomic_load(&ps->change_no);
}

int policies_key_source(void *policies, const struct wrap_ref *ref, struct key_source *ret_src)
{
	struct policies *ps = policies;
	struct tables *t = &ps->tables;
	const struct key_record *key = NULL;
	const struct policy *p;
	bool purged;

	pthread_rwlock_rdlock(&t->lock);
	p = tables_find_id_locked(t, ref->policy_id);
	purged = p && policy_is_purged(p);
	if (p)
		key = policy_key(p, ref->generation ? ref->generation : p->rec.generation);
	if (key) {
		ret_src->key = *key;
		ret_src->newest = key->generation == p->rec.generation;
		memcpy(ret_src->wrapped_avail, p->rec.wrapped_avail, WRAP_LEN);
		memcpy(ret_src->policy_name, p->rec.name, sizeof(ret_src->policy_name));
	}
	pthread_rwlock_unlock(&t->lock);
	return key ? 0 : purged ? -EKEYREVOKED : -ENOKEY;
}
