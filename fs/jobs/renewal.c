#include "fs/jobs/renewal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/policy/engine_internal.h"

#define PREFIX	   "renew/"
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define NAME_LEN   (PREFIX_LEN + 2 * FILE_ID_LEN)
#define VALUE_LEN  (FILE_ID_LEN + HEADER_WRAP_LEN)

static void record_name(const uint8_t file_id[static FILE_ID_LEN], char out[static NAME_LEN + 1])
{
	memcpy(out, PREFIX, PREFIX_LEN);
	hex_encode(file_id, FILE_ID_LEN, out + PREFIX_LEN);
}

void renewals_init(struct renewals *t)
{
	(void)pthread_mutex_init(&t->lock, NULL); /* default attributes cannot fail on Linux */
}

void renewals_fini(struct renewals *t)
{
	free(t->at);
	(void)pthread_mutex_destroy(&t->lock);
}

/* There are few: one a file that is being renewed, or was when a job was stopped. */
static struct renewal_entry *find_locked(struct renewals *t, const uint8_t *file_id)
{
	for (size_t i = 0; i < t->n; i++)
		if (memcmp(t->at[i].ren.file_id, file_id, FILE_ID_LEN) == 0)
			return &t->at[i];
	return NULL;
}

static int insert_locked(struct renewals *t, const struct renewal *ren)
{
	if (t->n == t->room) {
		size_t room = t->room ? t->room * 2 : 8;
		struct renewal_entry *more = reallocarray(t->at, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		t->at = more;
		t->room = room;
	}
	t->at[t->n++] = (struct renewal_entry){.ren = *ren};
	return 0;
}

static void remove_locked(struct renewals *t, const uint8_t *file_id)
{
	struct renewal_entry *entry = find_locked(t, file_id);

	if (entry)
		*entry = t->at[--t->n];
}

/* ---- the durable side ---- */

static int put_record(struct engine *e, const struct renewal *ren, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	uint8_t value[VALUE_LEN];
	char name[NAME_LEN + 1];
	int r = store_begin(e->store, STORE_WRITE, &txn, err);

	record_name(ren->file_id, name);
	memcpy(value, ren->old_id, FILE_ID_LEN);
	memcpy(value + FILE_ID_LEN, ren->old_wrap, HEADER_WRAP_LEN);
	if (r == 0)
		r = store_put(txn, TABLE_META, name, NAME_LEN, value, VALUE_LEN, err);
	return r < 0 ? r : store_commit(STEAL(txn), STORE_COMMIT_SNAPSHOT, err);
}

/* In memory first: nothing can fail once it is durable. */
int renewal_add(struct engine *e, const struct renewal *ren, struct err *err)
{
	struct renewals *t = &e->renewals;
	int r;

	pthread_mutex_lock(&t->lock);
	r = insert_locked(t, ren);
	pthread_mutex_unlock(&t->lock);
	if (r < 0)
		return err_set(err, r, "no memory for one renewal more");
	r = put_record(e, ren, err);
	if (r == 0)
		return 0;
	pthread_mutex_lock(&t->lock);
	remove_locked(t, ren->file_id);
	pthread_mutex_unlock(&t->lock);
	return r;
}

/* The records that are dropped now; more may be, before these are forgotten. */
static int dropped_ids(struct renewals *t, uint8_t (**ret_ids)[FILE_ID_LEN], size_t *ret_n)
{
	uint8_t(*ids)[FILE_ID_LEN];
	size_t n = 0;

	pthread_mutex_lock(&t->lock);
	ids = calloc(t->n + 1, sizeof(*ids));
	for (size_t i = 0; ids && i < t->n; i++)
		if (t->at[i].dropped)
			memcpy(ids[n++], t->at[i].ren.file_id, FILE_ID_LEN);
	pthread_mutex_unlock(&t->lock);
	if (!ids)
		return -ENOMEM;
	*ret_ids = ids;
	*ret_n = n;
	return 0;
}

static int del_records(struct engine *e, uint8_t (*ids)[FILE_ID_LEN], size_t n, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	int r = store_begin(e->store, STORE_WRITE, &txn, err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		char name[NAME_LEN + 1];

		record_name(ids[i], name);
		r = store_del(txn, TABLE_META, name, NAME_LEN, err);
	}
	return r < 0 ? r : store_commit(STEAL(txn), STORE_COMMIT_SNAPSHOT, err);
}

int renewals_flush(struct engine *e, struct err *err)
{
	CLEANUP(free_mem_p) uint8_t(*ids)[FILE_ID_LEN] = NULL;
	struct renewals *t = &e->renewals;
	size_t n = 0;
	int r = dropped_ids(t, &ids, &n);

	if (r < 0)
		return err_set(err, r, "no memory for the renewals that ended");
	r = n ? del_records(e, ids, n, err) : 0;
	if (r < 0)
		return r;
	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < n; i++)
		remove_locked(t, ids[i]);
	pthread_mutex_unlock(&t->lock);
	return 0;
}

struct load {
	struct renewals *t;
	struct err *err;
};

static int load_record(void *arg, const void *key, size_t key_len, const uint8_t *value,
		       size_t value_len)
{
	struct renewal ren;
	char name[NAME_LEN + 1] = "";
	struct load *l = arg;
	int r;

	if (key_len < PREFIX_LEN || memcmp(key, PREFIX, PREFIX_LEN) != 0)
		return 1;
	if (key_len == NAME_LEN)
		memcpy(name, key, NAME_LEN);
	if (key_len != NAME_LEN || value_len != VALUE_LEN ||
	    hex_decode(name + PREFIX_LEN, ren.file_id, FILE_ID_LEN) < 0)
		return err_set(l->err, -EBADMSG, "state: the record of a renewal is damaged");
	memcpy(ren.old_id, value, FILE_ID_LEN);
	memcpy(ren.old_wrap, value + FILE_ID_LEN, HEADER_WRAP_LEN);
	r = insert_locked(l->t, &ren); /* nobody else is there yet */
	return r < 0 ? err_set(l->err, r, "no memory for the renewals") : 0;
}

int renewals_load(struct engine *e, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	struct load l = {&e->renewals, err};
	int r = store_begin(e->store, STORE_READ, &txn, err);

	if (r == 0)
		r = store_each(txn, TABLE_META, PREFIX, PREFIX_LEN, load_record, &l, err);
	return r < 0 ? r : 0;
}

/* ---- in memory ---- */

bool renewal_find(struct engine *e, const uint8_t file_id[static FILE_ID_LEN],
		  struct renewal *ret_ren)
{
	struct renewals *t = &e->renewals;
	const struct renewal_entry *entry;

	pthread_mutex_lock(&t->lock);
	entry = find_locked(t, file_id);
	if (entry)
		*ret_ren = entry->ren;
	pthread_mutex_unlock(&t->lock);
	return entry;
}

enum change {
	DROP,
	HOLD,
	UNHOLD,
	SEE
};

static void change(struct engine *e, const uint8_t *file_id, enum change what)
{
	struct renewals *t = &e->renewals;
	struct renewal_entry *entry;

	pthread_mutex_lock(&t->lock);
	entry = find_locked(t, file_id);
	if (entry) {
		entry->dropped |= what == DROP;
		entry->sought &= what != SEE;
		entry->holds += what == HOLD;
		entry->holds -= what == UNHOLD;
	}
	pthread_mutex_unlock(&t->lock);
}

void renewal_drop(struct engine *e, const uint8_t file_id[static FILE_ID_LEN])
{
	change(e, file_id, DROP);
}

void renewal_hold(struct engine *e, const uint8_t file_id[static FILE_ID_LEN])
{
	change(e, file_id, HOLD);
}

void renewal_unhold(struct engine *e, const uint8_t file_id[static FILE_ID_LEN])
{
	change(e, file_id, UNHOLD);
}

void renewal_seen(struct engine *e, const uint8_t file_id[static FILE_ID_LEN])
{
	change(e, file_id, SEE);
}

size_t renewals_left(struct engine *e)
{
	struct renewals *t = &e->renewals;
	size_t n = 0;

	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->n; i++)
		n += !t->at[i].dropped && !t->at[i].holds;
	pthread_mutex_unlock(&t->lock);
	return n;
}

void renewals_search(struct engine *e)
{
	struct renewals *t = &e->renewals;

	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->n; i++)
		t->at[i].sought = true;
	pthread_mutex_unlock(&t->lock);
}

void renewals_searched(struct engine *e, enum renewals_look look)
{
	struct renewals *t = &e->renewals;

	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->n; i++) {
		t->at[i].dropped |= t->at[i].sought && !t->at[i].holds && look == LOOKED_AT_ALL;
		t->at[i].sought = false;
	}
	pthread_mutex_unlock(&t->lock);
}
