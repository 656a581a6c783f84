/* fs/store/read.c - records read, each after its MAC was checked. */
#include <errno.h>
#include <string.h>

#include "fs/store/store_internal.h"

/* A transaction that failed cannot be read any more. */
static int txn_check(const struct store_txn *t, struct err *err)
{
	if (t->mdb && t->failed == 0)
		return 0;
	return err_set(err, t->failed < 0 ? t->failed : -EIO,
		       "state: the transaction has failed already");
}

int store_get(struct store_txn *t, enum store_table table, const void *key, size_t key_len,
	      const uint8_t **ret_value, size_t *ret_len, struct err *err)
{
	MDB_val rec;
	int r;

	r = txn_check(t, err);
	if (r < 0)
		return r;
	r = raw_get(&t->store->env, t->mdb, t->store->sk, table, key, key_len, &rec, err);
	if (r == -ENOENT)
		return err_set(err, r, "state: no such record in table %s",
			       store_table_names[table]);
	if (r < 0)
		return r;
	*ret_value = rec.mv_data;
	*ret_len = rec.mv_size;
	return 0;
}

struct cursor {
	struct store_txn *t;
	enum store_table table;
	MDB_cursor *mdb;
};

static void cursor_close_p(struct cursor *c)
{
	if (c->mdb)
		mdb_cursor_close(c->mdb);
}

static int cursor_open(struct cursor *c, struct err *err)
{
	int r = txn_check(c->t, err);
	int rc;

	if (r < 0)
		return r;
	rc = mdb_cursor_open(c->t->mdb, c->t->store->env.dbi[c->table], &c->mdb);
	if (rc == 0)
		return 0;
	c->mdb = NULL;
	return env_error(rc, store_table_names[c->table], err);
}

/* The record that @op leads to, without its MAC; -ENOENT without a sentence: there is none. */
static int cursor_get(struct cursor *c, MDB_cursor_op op, MDB_val *key, MDB_val *ret_rec,
		      struct err *err)
{
	int rc = mdb_cursor_get(c->mdb, key, ret_rec, op);
	int r;

	if (rc == MDB_NOTFOUND)
		return -ENOENT;
	if (rc != 0)
		return env_error(rc, store_table_names[c->table], err);
	r = raw_check(c->t->store->sk, c->table, key, ret_rec, err);
	if (r == 0)
		ret_rec->mv_size -= RECORD_MAC_LEN;
	return r;
}

int store_each(struct store_txn *t, enum store_table table, const void *from, size_t from_len,
	       store_each_fn fn, void *arg, struct err *err)
{
	CLEANUP(cursor_close_p) struct cursor c = {t, table, NULL};
	MDB_val key = {from_len, (void *)from}, rec;
	int r = cursor_open(&c, err);

	if (r < 0)
		return r;
	r = cursor_get(&c, from ? MDB_SET_RANGE : MDB_FIRST, &key, &rec, err);
	while (r == 0) {
		r = fn(arg, key.mv_data, key.mv_size, rec.mv_data, rec.mv_size);
		if (r != 0)
			return r;
		r = cursor_get(&c, MDB_NEXT, &key, &rec, err);
	}
	return r == -ENOENT ? 0 : r;
}

int store_last(struct store_txn *t, enum store_table table, const void **ret_key,
	       size_t *ret_key_len, const uint8_t **ret_value, size_t *ret_len, struct err *err)
{
	CLEANUP(cursor_close_p) struct cursor c = {t, table, NULL};
	MDB_val key, rec;
	int r = cursor_open(&c, err);

	if (r < 0)
		return r;
	r = cursor_get(&c, MDB_LAST, &key, &rec, err);
	if (r == -ENOENT)
		return err_set(err, r, "state: table %s is empty", store_table_names[table]);
	if (r < 0)
		return r;
	*ret_key = key.mv_data;
	*ret_key_len = key.mv_size;
	*ret_value = rec.mv_data;
	*ret_len = rec.mv_size;
	return 0;
}

int store_table_len(struct store_txn *t, enum store_table table, uint64_t *ret_len, struct err *err)
{
	MDB_stat stat;
	int r = txn_check(t, err);
	int rc;

	if (r < 0)
		return r;
	rc = mdb_stat(t->mdb, t->store->env.dbi[table], &stat);
	if (rc != 0)
		return env_error(rc, store_table_names[table], err);
	*ret_len = (uint64_t)(stat.ms_leaf_pages + stat.ms_overflow_pages) * stat.ms_psize;
	return 0;
}

int txn_put_u64(struct store_txn *t, const char *meta_key, uint64_t v, struct err *err)
{
	uint8_t rec[8];
	struct wbuf w = wbuf_to(rec, sizeof(rec));

	wbuf_u64(&w, v);
	return store_put(t, TABLE_META, meta_key, strlen(meta_key), rec, sizeof(rec), err);
}

int txn_get_u64(struct store_txn *t, const char *meta_key, uint64_t *ret_v, struct err *err)
{
	struct rbuf b;
	MDB_val rec;
	uint64_t v;
	int r = raw_get(&t->store->env, t->mdb, t->store->sk, TABLE_META, meta_key,
			strlen(meta_key), &rec, err);

	if (r == -ENOENT) {
		*ret_v = 0;
		return 0;
	}
	if (r < 0)
		return r;
	b = rbuf_from(rec.mv_data, rec.mv_size);
	v = rbuf_u64(&b);
	if (!rbuf_done(&b))
		return err_set(err, -EBADMSG, "state: the record %s is not a number", meta_key);
	*ret_v = v;
	return 0;
}
