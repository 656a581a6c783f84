/* fs/policy/load.c - the tables in memory, filled from the store when it is opened. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/policy/policies_internal.h"

struct load {
	struct tables *t;
	struct err *err;
};

/* @r is a decoder's: -EBADMSG or -ENOTSUP. */
static int refuse(struct load *l, int r, const char *what, const char *whose)
{
	if (r == -ENOTSUP)
		return err_set(l->err, r, "%s record %s was written by a later depfs", what, whose);
	return err_set(l->err, r, "%s record %s is damaged", what, whose);
}

static int load_policy(void *arg, const void *key, size_t key_len, const uint8_t *value,
		       size_t value_len)
{
	CLEANUP(policy_free_p) struct policy *p = NULL;
	struct load *l = arg;
	char id[UUID_TEXT_LEN];
	int r;

	if (key_len != UUID_LEN)
		return refuse(l, -EBADMSG, "policy", "of a key that is no id");
	uuid_encode(key, id);
	r = policy_new(&p);
	if (r < 0)
		return r;
	r = policy_record_decode(value, value_len, &p->rec);
	if (r < 0)
		return refuse(l, r, "policy", id);
	if (memcmp(p->rec.id, key, UUID_LEN) != 0 ||
	    (!policy_is_removed(p) && tables_find_name_locked(l->t, p->rec.name)))
		return refuse(l, -EBADMSG, "policy", id);
	r = tables_reserve_locked(l->t);
	if (r < 0)
		return r;
	tables_insert_locked(l->t, STEAL(p));
	return 0;
}

static int key_append(struct policy *p, struct key_record **rec)
{
	struct key_record **keys;

	keys = reallocarray(p->keys, p->n_keys + 1, sizeof(struct key_record *));
	if (!keys)
		return -ENOMEM;
	p->keys = keys;
	p->keys[p->n_keys++] = STEAL(*rec);
	return 0;
}

/* Keys come in order of their generation: the table's key is big-endian. */
static int load_key(void *arg, const void *key, size_t key_len, const uint8_t *value,
		    size_t value_len)
{
	CLEANUP(free_mem_p) struct key_record *rec = calloc(1, sizeof(*rec));
	uint8_t expected[KEY_TABLE_KEY_LEN];
	char id[UUID_TEXT_LEN];
	struct load *l = arg;
	struct policy *p;
	int r;

	if (!rec)
		return -ENOMEM;
	if (key_len != KEY_TABLE_KEY_LEN)
		return refuse(l, -EBADMSG, "key", "of a key that is no id and generation");
	uuid_encode(key, id);
	r = key_record_decode(value, value_len, rec);
	if (r < 0)
		return refuse(l, r, "key", id);
	key_table_key(rec->policy_id, rec->generation, expected);
	p = tables_find_id_locked(l->t, rec->policy_id);
	if (memcmp(expected, key, KEY_TABLE_KEY_LEN) != 0 || !p || policy_is_draft(p) ||
	    policy_is_purged(p) || rec->generation > p->rec.generation)
		return refuse(l, -EBADMSG, "key", id);
	return key_append(p, &rec);
}

static int load_tenant(struct load *l, struct policy *p)
{
	if (p->rec.kind != POLICY_MULTI_WORKLOAD)
		return refuse(l, -EBADMSG, "assignment", "tenant");
	l->t->tenant = p;
	return 0;
}

static int load_mailbox(struct load *l, const char *id, struct policy *p)
{
	struct mailbox *m;
	int r;

	if (p->rec.kind != POLICY_MAILBOX || mailbox_id_check(id, NULL) < 0)
		return refuse(l, -EBADMSG, "assignment", "of a mailbox");
	r = mailbox_new(id, &m);
	if (r < 0)
		return r;
	m->policy = p;
	tables_mailbox_insert_locked(l->t, m);
	return 0;
}

static int load_assignment(void *arg, const void *key, size_t key_len, const uint8_t *value,
			   size_t value_len)
{
	char name[sizeof("mailbox/") + MAILBOX_ID_MAX];
	struct assignment_record rec;
	struct load *l = arg;
	struct policy *p;
	int r;

	if (key_len >= sizeof(name))
		return refuse(l, -EBADMSG, "assignment", "of too long a key");
	memcpy(name, key, key_len);
	name[key_len] = '\0';
	r = assignment_record_decode(value, value_len, &rec);
	if (r < 0)
		return refuse(l, r, "assignment", name);
	p = tables_find_id_locked(l->t, rec.policy_id);
	if (!p || policy_is_draft(p) || policy_is_removed(p) || strlen(name) != key_len)
		return refuse(l, -EBADMSG, "assignment", name);
	if (strcmp(name, "tenant") == 0)
		return load_tenant(l, p);
	if (strncmp(name, "mailbox/", 8) == 0)
		return load_mailbox(l, name + 8, p);
	return refuse(l, -EBADMSG, "assignment", name);
}

/* Each completed policy has the key of its newest generation, or new data could not be written. */
static int check_keys(struct load *l)
{
	for (size_t i = 0; i < l->t->n_policies; i++) {
		const struct policy *p = l->t->policies[i];

		if (!policy_is_draft(p) && !policy_is_purged(p) &&
		    !policy_key(p, p->rec.generation))
			return err_set(l->err, -EBADMSG,
				       "policy \"%s\": the key record of generation %u is missing",
				       p->rec.name, p->rec.generation);
	}
	return 0;
}

int policies_load(struct policies *ps, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	struct load l = {&ps->tables, err};
	int r;

	r = store_begin(ps->store, STORE_READ, &txn, err);
	if (r < 0)
		return r;
	r = store_each(txn, TABLE_POLICIES, NULL, 0, load_policy, &l, err);
	if (r < 0)
		return r;
	r = store_each(txn, TABLE_KEYS, NULL, 0, load_key, &l, err);
	if (r < 0)
		return r;
	r = store_each(txn, TABLE_ASSIGNMENTS, NULL, 0, load_assignment, &l, err);
	if (r < 0)
		return r;
	r = check_keys(&l);
	return r < 0 ? r : scan_load(ps, txn, err);
}
