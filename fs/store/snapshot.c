/* fs/store/snapshot.c - state.snapshot: a compact copy of the tables, replaced by rename(2), so
 * that a backup of a live store copies a whole one. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "fs/store/store_internal.h"

#define MAP_MORE (1u << 20) /* bytes: an empty file needs some, whatever its source has */

/* Copying from the tables of an open transaction into those of a new file. */
struct copy {
	bool whole; /* every event, not only the newest */
	struct store_txn *from;
	struct store_env to;
	MDB_txn *to_txn;
};

static void copy_end_p(struct copy *c)
{
	if (c->to_txn)
		mdb_txn_abort(c->to_txn);
	env_close(&c->to);
}

static void cursor_close_p(MDB_cursor **c)
{
	if (*c)
		mdb_cursor_close(*c);
}

/* Records are copied with their MACs, which hold for the same table and key in any file. */
static int table_copy(struct copy *c, enum store_table table, MDB_cursor *cur, MDB_val *key,
		      MDB_val *raw)
{
	int rc = 0;

	while (rc == 0) {
		rc = mdb_put(c->to_txn, c->to.dbi[table], key, raw, MDB_APPEND);
		if (rc == 0)
			rc = mdb_cursor_get(cur, key, raw, MDB_NEXT);
	}
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Set @cur to the oldest of the newest SNAPSHOT_EVENTS events. */
static int events_seek(MDB_cursor *cur, MDB_val *key, MDB_val *raw)
{
	int rc = mdb_cursor_get(cur, key, raw, MDB_LAST);

	for (unsigned i = 1; rc == 0 && i < SNAPSHOT_EVENTS; i++) {
		rc = mdb_cursor_get(cur, key, raw, MDB_PREV);
		if (rc == MDB_NOTFOUND)
			return mdb_cursor_get(cur, key, raw, MDB_FIRST);
	}
	return rc;
}

/* Older events are left out, or each act would take longer as the log grows. The record
 * "events-from" says where the rest begins, or they would count as removed. */
static int events_from_put(struct copy *c, const MDB_val *first_key)
{
	MDB_val key = {strlen(META_EVENTS_FROM), (void *)META_EVENTS_FROM};
	struct rbuf b = rbuf_from(first_key->mv_data, first_key->mv_size);
	uint8_t raw[8 + RECORD_MAC_LEN];
	struct wbuf w = wbuf_to(raw, 8);
	MDB_val val = {sizeof(raw), raw};

	wbuf_u64(&w, __builtin_bswap64(rbuf_u64(&b))); /* keys are big-endian */
	if (!rbuf_done(&b))
		return MDB_CORRUPTED;
	if (record_mac(c->from->store->sk, TABLE_META, &key, raw, 8, raw + 8) < 0)
		return EIO;
	return mdb_put(c->to_txn, c->to.dbi[TABLE_META], &key, &val, 0);
}

static int copy_one(struct copy *c, enum store_table table)
{
	CLEANUP(cursor_close_p) MDB_cursor *cur = NULL;
	MDB_val key, raw;
	bool cut;
	int rc;

	rc = mdb_cursor_open(c->from->mdb, c->from->store->env.dbi[table], &cur);
	if (rc != 0)
		return rc;
	cut = table == TABLE_EVENTS && !c->whole;
	rc = cut ? events_seek(cur, &key, &raw) : mdb_cursor_get(cur, &key, &raw, MDB_FIRST);
	if (rc == MDB_NOTFOUND) /* empty */
		return 0;
	if (rc == 0 && cut)
		rc = events_from_put(c, &key);
	return rc == 0 ? table_copy(c, table, cur, &key, &raw) : rc;
}

static int copy_all(struct copy *c)
{
	int rc = mdb_txn_begin(c->to.env, NULL, 0, &c->to_txn);

	for (int table = 0; rc == 0 && table < TABLE_COUNT; table++)
		rc = copy_one(c, table);
	return rc == 0 ? mdb_txn_commit(STEAL(c->to_txn)) : rc;
}

/* What a crash left under that name is removed: the file must hold this snapshot alone. */
static int tmp_make(struct store *s, const char *name, int *ret_fd)
{
	int fd;

	if (unlinkat(s->dir_fd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(s->dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int copy_build(struct store_txn *t, const char *name, bool whole, struct err *err)
{
	CLEANUP(close_fd_p) int fd = -1;
	CLEANUP(copy_end_p) struct copy c = {.from = t, .whole = whole};
	char path[PATH_MAX];
	int rc, r;

	r = dir_path(t->store->dir, name, path, err);
	if (r < 0)
		return r;
	r = tmp_make(t->store, name, &fd);
	if (r < 0)
		return err_set(err, r, "snapshot: cannot be made: %s", strerrordesc_np(-r));
	r = env_open(&c.to, path, ENV_CREATE, t->store->env.map_len + MAP_MORE, err);
	if (r < 0)
		return err_prefix(err, r, "snapshot");
	rc = copy_all(&c);
	if (rc != 0) {
		r = env_error(rc, "cannot be copied", err);
		return err_prefix(err, r, "snapshot");
	}
	if (fsync(fd) < 0)
		return err_set(err, -errno, "snapshot: cannot be written: %m");
	return 0;
}

int snapshot_build(struct store_txn *t, struct err *err)
{
	return copy_build(t, STORE_SNAPSHOT_TMP, false, err);
}

int state_copy_build(struct store_txn *t, struct err *err)
{
	return copy_build(t, STORE_SCRUB_TMP, true, err);
}

int snapshot_publish(struct store *s, bool *ret_renamed, struct err *err)
{
	*ret_renamed = false;
	if (renameat(s->dir_fd, STORE_SNAPSHOT_TMP, s->dir_fd, STORE_SNAPSHOT) < 0)
		return err_set(err, -errno, "snapshot: cannot be put in place: %m");
	*ret_renamed = true;
	if (fsync(s->dir_fd) < 0)
		return err_set(err, -errno, "snapshot: its folder cannot be written: %m");
	return 0;
}

void snapshot_discard(struct store *s)
{
	(void)unlinkat(s->dir_fd, STORE_SNAPSHOT_TMP, 0); /* else the next build removes it */
}

static int change_get(struct store *s, struct store_env *env, uint64_t *ret_change, struct err *err)
{
	MDB_val rec;
	MDB_txn *mdb;
	int rc, r;

	rc = mdb_txn_begin(env->env, NULL, MDB_RDONLY, &mdb);
	if (rc != 0)
		return env_error(rc, "cannot be read", err);
	r = raw_get(env, mdb, s->sk, TABLE_META, META_CHANGE, strlen(META_CHANGE), &rec, err);
	if (r == 0) {
		struct rbuf b = rbuf_from(rec.mv_data, rec.mv_size);

		*ret_change = rbuf_u64(&b);
		r = rbuf_done(&b) ? 0 : -EBADMSG;
	}
	mdb_txn_abort(mdb);
	return r;
}

int snapshot_change(struct store *s, uint64_t *ret_change, struct err *err)
{
	struct store_env env = {0};
	char path[PATH_MAX];
	int r;

	r = dir_path(s->dir, STORE_SNAPSHOT, path, err);
	if (r == 0)
		r = state_file_check(s->dir_fd, STORE_SNAPSHOT, err);
	if (r == 0)
		r = env_open(&env, path, ENV_READ_ONLY, 0, err);
	if (r < 0)
		return r;
	r = env_check_key(&env, s->sk, err);
	if (r == 0)
		r = change_get(s, &env, ret_change, err);
	env_close(&env);
	if (r == -ENOENT)
		return err_set(err, -EBADMSG, "snapshot: it lacks the record " META_CHANGE);
	return r;
}

/* Made under another name and renamed, so that state/ is complete whenever it exists. */
static int restore_tmp(struct store *s)
{
	CLEANUP(close_fd_p) int tmp_fd = -1;
	int r = state_folder_remove(s->dir_fd, STORE_STATE_TMP);

	if (r < 0)
		return r;
	if (mkdirat(s->dir_fd, STORE_STATE_TMP, 0700) < 0)
		return -errno;
	tmp_fd = openat(s->dir_fd, STORE_STATE_TMP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tmp_fd < 0)
		return -errno;
	r = file_copy(s->dir_fd, STORE_SNAPSHOT, tmp_fd, "data.mdb");
	if (r == 0 && fsync(tmp_fd) < 0)
		r = -errno;
	return r;
}

int snapshot_restore(struct store *s, struct err *err)
{
	int r = restore_tmp(s);

	if (r == 0 && renameat(s->dir_fd, STORE_STATE_TMP, s->dir_fd, STORE_STATE_DIR) < 0)
		r = -errno;
	if (r == 0 && fsync(s->dir_fd) < 0)
		r = -errno;
	if (r < 0) {
		(void)state_folder_remove(s->dir_fd, STORE_STATE_TMP); /* r is reported */
		return err_set(err, r, "the state cannot be made from its snapshot: %s",
			       strerrordesc_np(-r));
	}
	return 0;
}
