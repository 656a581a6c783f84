/* fs/store/store_commit.c - commits: the state, and for keys and policies its snapshot too. */
#include <errno.h>
#include <string.h>

#include "fs/store/store_internal.h"

/*
 * The snapshot is written from within the transaction, before that commits: what can go wrong (no
 * room, a failing disk) goes wrong while nothing has changed. After the commit one rename is left.
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

/* Fill @undo with the opposite of @t, last op first. */
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

static int roll_back(const struct store_txn *t, bool renamed, struct err *err)
{
	struct store_txn undo = {.store = t->store, .access = STORE_WRITE};
	bool ignored;
	int r = txn_begin_mdb(&undo, err);

	if (r == 0)
		r = undo_fill(&undo, t, err);
	if (r == 0)
		r = renamed ? snapshot_commit(&undo, &ignored, &ignored, err)
			    : txn_commit_mdb(&undo, err);
	txn_forget(&undo);
	return r;
}

static int commit_with_snapshot(struct store_txn *t, struct err *err)
{
	bool committed, renamed;
	struct err why = {0};
	int r = snapshot_commit(t, &committed, &renamed, err);

	if (r == 0 || !committed)
		return r;
	if (roll_back(t, renamed, &why) == 0)
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
	store_abort(t); /* what is left of it */
	return r;
}
