/* fs/jobs/renewal.c - the old data keys of files that are being renewed: in memory and in the
 * state. */
#include "fs/jobs/renewal.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fs/store/store.h"

#define PREFIX	   "renew/"
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define NAME_LEN   (PREFIX_LEN + 2 * FILE_ID_LEN)
#define VALUE_LEN  (FILE_ID_LEN + HEADER_WRAP_LEN)

/* One record in memory. */
struct renewal_entry {
	struct renewal ren;
	unsigned holds; /* open files that read with it */
	bool dropped;	/* its record is to be removed from the state */
	bool sought;	/* not found yet by a walk through every file */
};

struct renewals {
	struct store *store;  /* constant */
	pthread_mutex_t lock; /* a leaf; guards what follows */
	struct renewal_entry *at;
	size_t n, capacity;
};

static void record_name(const uint8_t file_id[static FILE_ID_LEN], char out[static NAME_LEN + 1])
{
	memcpy(out, PREFIX, PREFIX_LEN);
	hex_encode(file_id, FILE_ID_LEN, out + PREFIX_LEN);
}

/* Searched from front to back: entries are few, one for each file that is being renewed or was when
 * a job was stopped. */
static struct renewal_entry *find_locked(struct renewals *t, const uint8_t *file_id)
{
	for (size_t i = 0; i < t->n; i++)
		if (memcmp(t->at[i].ren.file_id, file_id, FILE_ID_LEN) == 0)
			return &t->at[i];
	return NULL;
}

static int insert_locked(struct renewals *t, const struct renewal *ren)
{
	if (t->n == t->capacity) {
		size_t capacity = t->capacity ? t->capacity * 2 : 8;
		struct renewal_entry *more = reallocarray(t->at, capacity, sizeof(*more));

		if (!more)
			return -ENOMEM;
		t->at = more;
		t->capacity = capacity;
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

static int put_record(struct renewals *t, const struct renewal *ren, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	uint8_t value[VALUE_LEN];
	char name[NAME_LEN + 1];
	int r = store_begin(t->store, STORE_WRITE, &txn, err);

	record_name(ren->file_id, name);
	memcpy(value, ren->old_id, FILE_ID_LEN);
	memcpy(value + FILE_ID_LEN, ren->old_wrap, HEADER_WRAP_LEN);
	if (r == 0)
		r = store_put(txn, TABLE_META, name, NAME_LEN, value, VALUE_LEN, err);
	return r < 0 ? r : store_commit(STEAL(txn), STORE_COMMIT_SNAPSHOT, err);
}

/* The entry in memory is made first, so that nothing can fail once the record is durable. */
int renewal_add(struct renewals *t, const struct renewal *ren, struct err *err)
{
	int r;

	pthread_mutex_lock(&t->lock);
	r = insert_locked(t, ren);
	pthread_mutex_unlock(&t->lock);
	if (r < 0)
		return err_set(err, r, "no memory for one renewal more");
	r = put_record(t, ren, err);
	if (r == 0)
		return 0;
	pthread_mutex_lock(&t->lock);
	remove_locked(t, ren->file_id);
	pthread_mutex_unlock(&t->lock);
	return r;
}

/* The records dropped so far: others may be dropped while these are removed from the state. */
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

static int del_records(struct renewals *t, uint8_t (*ids)[FILE_ID_LEN], size_t n, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	int r = store_begin(t->store, STORE_WRITE, &txn, err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		char name[NAME_LEN + 1];

		record_name(ids[i], name);
		r = store_del(txn, TABLE_META, name, NAME_LEN, err);
	}
	return r < 0 ? r : store_commit(STEAL(txn), STORE_COMMIT_SNAPSHOT, err);
}

int renewals_flush(struct renewals *t, struct err *err)
{
	CLEANUP(free_mem_p) uint8_t(*ids)[FILE_ID_LEN] = NULL;
	size_t n = 0;
	int r = dropped_ids(t, &ids, &n);

	if (r < 0)
		return err_set(err, r, "no memory for the renewals that ended");
	r = n ? del_records(t, ids, n, err) : 0;
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
	r = insert_locked(l->t, &ren); /* no other thread knows the table yet */
	return r < 0 ? err_set(l->err, r, "no memory for the renewals") : 0;
}

static int load_all(struct renewals *t, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;
	struct load l = {t, err};
	int r = store_begin(t->store, STORE_READ, &txn, err);

	if (r == 0)
		r = store_each(txn, TABLE_META, PREFIX, PREFIX_LEN, load_record, &l, err);
	return r < 0 ? r : 0;
}

int renewals_new(struct store *store, struct renewals **ret_renewals, struct err *err)
{
	struct renewals *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return err_set(err, -ENOMEM, "no memory for the renewals");
	t->store = store;
	(void)pthread_mutex_init(&t->lock, NULL); /* default attributes cannot fail on Linux */
	r = load_all(t, err);
	if (r < 0)
		renewals_free(t);
	else
		*ret_renewals = t;
	return r;
}

void renewals_free(struct renewals *t)
{
	if (!t)
		return;
	free(t->at);
	(void)pthread_mutex_destroy(&t->lock);
	free(t);
}

/* ---- in memory ---- */

bool renewal_find(struct renewals *t, const uint8_t file_id[static FILE_ID_LEN],
		  struct renewal *ret_ren)
{
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
	FOUND
};

static void change(struct renewals *t, const uint8_t *file_id, enum change what)
{
	struct renewal_entry *entry;

	pthread_mutex_lock(&t->lock);
	entry = find_locked(t, file_id);
	if (entry) {
		entry->dropped |= what == DROP;
		entry->sought &= what != FOUND;
		entry->holds += what == HOLD;
		entry->holds -= what == UNHOLD;
	}
	pthread_mutex_unlock(&t->lock);
}

void renewal_drop(struct renewals *t, const uint8_t file_id[static FILE_ID_LEN])
{
	change(t, file_id, DROP);
}

void renewal_hold(struct renewals *t, const uint8_t file_id[static FILE_ID_LEN])
{
	change(t, file_id, HOLD);
}

void renewal_unhold(struct renewals *t, const uint8_t file_id[static FILE_ID_LEN])
{
	change(t, file_id, UNHOLD);
}

void renewal_found(struct renewals *t, const uint8_t file_id[static FILE_ID_LEN])
{
	change(t, file_id, FOUND);
}

size_t renewals_left(struct renewals *t)
{
	size_t n = 0;

	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->n; i++)
		n += !t->at[i].dropped && !t->at[i].holds;
	pthread_mutex_unlock(&t->lock);
	return n;
}

void renewals_search_begin(struct renewals *t)
{

	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->n; i++)
		t->at[i].sought = true;
	pthread_mutex_unlock(&t->lock);
}

void renewals_search_end(struct renewals *t, enum renewals_searched look)
{

	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->n; i++) {
		t->at[i].dropped |= t->at[i].sought && !t->at[i].holds && look == SEARCHED_ALL;
		t->at[i].sought = false;
	}
	pthread_mutex_unlock(&t->lock);
}
