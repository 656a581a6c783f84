/* fs/store/txn.c - transactions: begun, written, replayed on a bigger map, committed, undone. */
#include <errno.h>
#include <string.h>

#include "fs/store/store_internal.h"

#define OPS_CAPACITY_MIN 16

/* Frees what @t holds, but not @t; takes no lock. */
static void txn_fini(struct store_txn *t)
{
	if (t->mdb)
		mdb_txn_abort(t->mdb);
	t->mdb = NULL;
	for (size_t i = 0; i < t->n_ops; i++)
		free(t->ops[i]);
	free(t->ops);
}

static int txn_begin_mdb(struct store_txn *t, struct err *err)
{
	unsigned flags = t->access == STORE_READ ? MDB_RDONLY : 0;
	int rc;

	if (!t->store->env.env)
		return err_set(err, -EIO,
			       "state: its disk failed and it could not be opened again");
	rc = mdb_txn_begin(t->store->env.env, NULL, flags, &t->mdb);

	if (rc == 0)
		return 0;
	t->mdb = NULL;
	return env_error(rc, "a transaction cannot begin", err);
}

static int write_lock_take(struct store *s, struct err *err)
{
	if (s->mode != STORE_SERVE)
		return err_set(err, -EROFS, "state: the store is open for reading only");
	if (gate_is_inside(s))
		return err_set(err, -EDEADLK, "state: this thread reads: end that first");
	pthread_mutex_lock(&s->write_lock);
	if (!s->stuck) {
		map_grow_ahead(s);
		return 0;
	}
	pthread_mutex_unlock(&s->write_lock);
	return err_set(err, -EIO,
		       "state: an earlier change could not be taken back: remount the store");
}

static void store_leave(struct store *s, enum store_access access)
{
	if (access == STORE_READ)
		gate_leave(s);
	else
		pthread_mutex_unlock(&s->write_lock);
}

static int enter_and_begin(struct store_txn *t, struct err *err)
{
	struct store *s = t->store;
	int r = t->access == STORE_READ ? gate_enter(s, err) : write_lock_take(s, err);

	if (r < 0)
		return r;
	r = txn_begin_mdb(t, err);
	if (r < 0)
		store_leave(s, t->access);
	return r;
}

int store_begin(struct store *s, enum store_access access, struct store_txn **ret_txn,
		struct err *err)
{
	CLEANUP(free_mem_p) struct store_txn *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return err_set(err, -ENOMEM, "state: out of memory");
	t->store = s;
	t->access = access;
	r = enter_and_begin(t, err);
	if (r == -EIO && access == STORE_READ && !gate_is_inside(s)) {
		/* after a failed commit its thread reopens the state, map_revive(), under
		 * write_lock */
		pthread_mutex_lock(&s->write_lock);
		pthread_mutex_unlock(&s->write_lock);
		r = enter_and_begin(t, err);
	}
	if (r < 0)
		return r;
	*ret_txn = STEAL(t);
	return 0;
}

void store_abort(struct store_txn *t)
{
	if (!t)
		return;
	txn_fini(t);
	store_leave(t->store, t->access);
	free(t);
}

/* One allocation: op, key, space for the new record and its MAC, old record and its MAC. The caller
 * fills op->now. NULL: out of memory. */
static struct store_op *op_new(enum store_table table, const MDB_val *key, size_t now_len,
			       const MDB_val *before)
{
	struct store_op *op = calloc(1, sizeof(*op) + key->mv_size + now_len + before->mv_size);
	uint8_t *at;

	if (!op)
		return NULL;
	at = (uint8_t *)(op + 1);
	op->table = table;
	op->key = memcpy(at, key->mv_data, key->mv_size);
	op->key_len = key->mv_size;
	at += key->mv_size;
	if (now_len > 0)
		op->now = (MDB_val){now_len, at};
	at += now_len;
	if (before->mv_data)
		op->before =
			(MDB_val){before->mv_size, memcpy(at, before->mv_data, before->mv_size)};
	return op;
}

/* LMDB takes pointers that are not const, but only reads through them. */
static int op_apply(struct store_txn *t, const struct store_op *op)
{
	MDB_dbi dbi = t->store->env.dbi[op->table];
	MDB_val key = {op->key_len, (void *)op->key}, data = op->now;
	int rc;

	if (data.mv_data)
		return mdb_put(t->mdb, dbi, &key, &data, 0);
	rc = mdb_del(t->mdb, dbi, &key, NULL);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int ops_apply(struct store_txn *t)
{
	int rc = 0;

	for (size_t i = 0; i < t->n_ops && rc == 0; i++)
		rc = op_apply(t, t->ops[i]);
	return rc;
}

/* MDB_MAP_FULL spoils a transaction: all of it is repeated on a bigger map. */
static int txn_replay(struct store_txn *t, struct err *err)
{
	int rc, r;

	do {
		if (t->mdb)
			mdb_txn_abort(t->mdb);
		t->mdb = NULL;
		r = map_grow(t->store, GATE_WAIT_MS, err);
		if (r < 0)
			return r;
		r = txn_begin_mdb(t, err);
		if (r < 0)
			return r;
		rc = ops_apply(t);
	} while (rc == MDB_MAP_FULL);
	return rc != 0 ? env_error(rc, "cannot be written", err) : 0;
}

static int op_push(struct store_txn *t, struct store_op *op)
{
	if (t->n_ops == t->ops_capacity) {
		size_t capacity = t->ops_capacity ? 2 * t->ops_capacity : OPS_CAPACITY_MIN;
		struct store_op **ops = reallocarray(t->ops, capacity, sizeof(*ops));

		if (!ops)
			return -ENOMEM;
		t->ops = ops;
		t->ops_capacity = capacity;
	}
	t->ops[t->n_ops++] = op;
	return 0;
}

/* Apply @op and keep it: freed with @t, or at once on failure. */
static int txn_do(struct store_txn *t, struct store_op *op, struct err *err)
{
	int rc, r;

	r = op_push(t, op);
	if (r < 0) {
		free(op);
		t->failed = r;
		return err_set(err, r, "state: out of memory");
	}
	rc = op_apply(t, op);
	if (rc == MDB_MAP_FULL)
		r = txn_replay(t, err); /* includes @op */
	else if (rc != 0)
		r = env_error(rc, "cannot be written", err);
	t->failed = r;
	return r;
}

static int write_check(const struct store_txn *t, size_t key_len, struct err *err)
{
	if (t->access != STORE_WRITE)
		return err_set(err, -EINVAL, "state: a reading transaction cannot write");
	if (t->failed < 0)
		return err_set(err, t->failed, "state: the transaction has failed already");
	if (key_len == 0 || key_len > STORE_KEY_MAX)
		return err_set(err, -EINVAL, "state: a key has 1 to %d bytes", STORE_KEY_MAX);
	return 0;
}

static int before_get(struct store_txn *t, enum store_table table, MDB_val *key, MDB_val *ret_raw,
		      struct err *err)
{
	int rc = mdb_get(t->mdb, t->store->env.dbi[table], key, ret_raw);

	if (rc == 0)
		return 0;
	*ret_raw = (MDB_val){0};
	return rc == MDB_NOTFOUND ? -ENOENT : env_error(rc, "cannot be read", err);
}

int store_put(struct store_txn *t, enum store_table table, const void *key, size_t key_len,
	      const void *value, size_t value_len, struct err *err)
{
	MDB_val k = {key_len, (void *)key}, before;
	struct store_op *op;
	uint8_t *raw;
	int r = write_check(t, key_len, err);

	if (r < 0)
		return r;
	r = before_get(t, table, &k, &before, err);
	if (r < 0 && r != -ENOENT)
		return r;
	op = op_new(table, &k, value_len + RECORD_MAC_LEN, &before);
	if (!op)
		return err_set(err, -ENOMEM, "state: out of memory");
	raw = op->now.mv_data;
	if (value_len > 0)
		memcpy(raw, value, value_len);
	r = record_mac(t->store->sk, table, &k, raw, value_len, raw + value_len);
	if (r < 0) {
		free(op);
		return err_set(err, r, "state: the MAC of a record cannot be made");
	}
	return txn_do(t, op, err);
}

int store_del(struct store_txn *t, enum store_table table, const void *key, size_t key_len,
	      struct err *err)
{
	MDB_val k = {key_len, (void *)key}, before;
	struct store_op *op;
	int r = write_check(t, key_len, err);

	if (r < 0)
		return r;
	r = before_get(t, table, &k, &before, err);
	if (r == -ENOENT)
		return err_set(err, r, "state: no such record in table %s",
			       store_table_names[table]);
	if (r < 0)
		return r;
	op = op_new(table, &k, 0, &before);
	if (!op)
		return err_set(err, -ENOMEM, "state: out of memory");
	return txn_do(t, op, err);
}

/* mdb_txn_commit() frees the transaction, whether it succeeds or not. */
static int txn_commit_mdb(struct store_txn *t, struct err *err)
{
	int rc, r;

	for (;;) {
		rc = mdb_txn_commit(STEAL(t->mdb));
		if (rc == 0)
			return 0;
		if (rc != MDB_MAP_FULL) {
			r = env_error(env_write_error(&t->store->env, rc),
				      "the change was not made", err);
			map_revive(t->store);
			return r;
		}
		r = txn_replay(t, err);
		if (r < 0)
			return r;
	}
}

/* ---- a commit with a snapshot ---- */

/*
 * The snapshot is written from within the transaction, before that commits, so that a full or
 * failing disk is met while nothing has changed. After the commit only a rename is left.
 *
 *   step              crash after it: the next open finds         failure in it
 *   build tmp, fsync  old state, old snapshot                     transaction aborted
 *   commit            new state, old snapshot: makes a new one    transaction aborted
 *   rename            new state, new snapshot                     undone by a second transaction
 *   fsync of folder   acknowledged                                undone, with a new snapshot
 *
 * So the snapshot is never behind what was acknowledged, and never ahead of the state.
 */
static int snapshot_prepare(struct store_txn *t, struct err *err)
{
	uint64_t n;
	int r = txn_get_u64(t, META_CHANGE, &n, err);

	if (r < 0)
		return r;
	r = txn_put_u64(t, META_CHANGE, n + 1, err);
	return r < 0 ? r : snapshot_build(t, err);
}

static int snapshot_commit(struct store_txn *t, bool *ret_committed, bool *ret_renamed,
			   struct err *err)
{
	int r;

	*ret_committed = *ret_renamed = false;
	r = snapshot_prepare(t, err);
	if (r == 0)
		r = txn_commit_mdb(t, err);
	if (r < 0) {
		snapshot_discard(t->store);
		return r;
	}
	*ret_committed = true;
	return snapshot_publish(t->store, ret_renamed, err);
}

/* Fill @undo with the reverse of @t, last op first. */
static int undo_fill(struct store_txn *undo, const struct store_txn *t, struct err *err)
{
	for (size_t i = t->n_ops; i-- > 0;) {
		const struct store_op *op = t->ops[i];
		const MDB_val key = {op->key_len, (void *)op->key};
		struct store_op *back = op_new(op->table, &key, op->before.mv_size, &op->now);
		int r;

		if (!back)
			return err_set(err, -ENOMEM, "out of memory");
		if (op->before.mv_size > 0)
			memcpy(back->now.mv_data, op->before.mv_data, op->before.mv_size);
		r = txn_do(undo, back, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int undo(const struct store_txn *t, bool renamed, struct err *err)
{
	struct store_txn back = {.store = t->store, .access = STORE_WRITE};
	bool ignored;
	int r = txn_begin_mdb(&back, err);

	if (r == 0)
		r = undo_fill(&back, t, err);
	if (r == 0)
		r = renamed ? snapshot_commit(&back, &ignored, &ignored, err)
			    : txn_commit_mdb(&back, err);
	txn_fini(&back);
	return r;
}

static int commit_with_snapshot(struct store_txn *t, struct err *err)
{
	bool committed, renamed;
	struct err why = {0};
	int r = snapshot_commit(t, &committed, &renamed, err);

	if (r == 0 || !committed)
		return r;
	if (undo(t, renamed, &why) == 0)
		return err_prefix(err, r, "the change was taken back");
	t->store->stuck = true;
	return err_prefix(err, r,
			  "the change may come to life at the next mount, nothing is written until "
			  "then (it could not be taken back: %s)",
			  why.text);
}

int store_commit(struct store_txn *t, enum store_durability how, struct err *err)
{
	int r = t->failed;

	if (r < 0)
		(void)err_set(err, r, "state: the transaction has failed already");
	else if (t->access == STORE_WRITE && how == STORE_COMMIT_SNAPSHOT)
		r = commit_with_snapshot(t, err);
	else if (t->access == STORE_WRITE)
		r = txn_commit_mdb(t, err);
	store_abort(t); /* frees it, and leaves gate or lock */
	return r;
}
