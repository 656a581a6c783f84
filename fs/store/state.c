/* fs/store/state.c - which file the state is opened from, state/ or its snapshot, and its check. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "fs/store/store_internal.h"

#define FALL_BACK_HINT                                                             \
	"to open the store from " STORE_DIR "/" STORE_SNAPSHOT ", move " STORE_DIR \
	"/" STORE_STATE_DIR " out of it"
#define NO_FALL_BACK_HINT \
	STORE_DIR "/" STORE_SNAPSHOT ", which could take its place, is damaged or missing too"

static int have(const struct store *s, const char *name, bool *ret_have, struct err *err)
{
	struct stat st;

	if (fstatat(s->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return err_set(err, -errno, "%s/%s: %m", s->dir, name);
		*ret_have = false;
		return 0;
	}
	*ret_have = true;
	return 0;
}

struct check {
	struct store_txn *t;
	enum store_table table;
	size_t seen;
	struct err *err;
};

/* A walk passes the leaves, a look-up the branches: both must lead to the same record. */
static int check_one(void *arg, const void *key, size_t key_len, const uint8_t *value,
		     size_t value_len)
{
	struct check *c = arg;
	const uint8_t *found;
	size_t len;
	int r = store_get(c->t, c->table, key, key_len, &found, &len, c->err);

	c->seen++;
	if (r == 0 && found == value && len == value_len)
		return 0;
	if (r < 0 && r != -ENOENT)
		return r;
	return err_set(c->err, -EBADMSG, "state: table %s is out of order",
		       store_table_names[c->table]);
}

static int check_table(struct store_txn *t, enum store_table table, struct err *err)
{
	struct check c = {.t = t, .table = table, .err = err};
	MDB_stat stat;
	int rc = mdb_stat(t->mdb, t->store->env.dbi[table], &stat);
	int r;

	if (rc != 0)
		return env_error(rc, store_table_names[table], err);
	r = store_each(t, table, NULL, 0, check_one, &c, err);
	if (r == 0 && c.seen != stat.ms_entries)
		r = err_set(err, -EBADMSG, "state: table %s lacks records",
			    store_table_names[table]);
	return r;
}

/* Every record but the events: those are many, and each is checked when it is read. */
static int check_records(struct store *s, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *t = NULL;
	int r = store_begin(s, STORE_READ, &t, err);

	for (int table = 0; r == 0 && table < TABLE_COUNT; table++)
		if (table != TABLE_EVENTS)
			r = check_table(t, table, err);
	return r;
}

static size_t map_len_for(const struct store *s)
{
	size_t len = store_map_min_len;
	struct stat st;

	if (fstatat(s->dir_fd, STORE_DATA_FILE, &st, 0) == 0)
		while (len < 2 * (size_t)st.st_size)
			len *= 2;
	return len;
}

/* Opens @file, of which all but the events is read and checked. On failure s->env is closed. */
static int open_env(struct store *s, const char *file, struct err *err)
{
	char path[PATH_MAX];
	int r = state_file_check(s->dir_fd, file, err);

	if (r == 0)
		r = dir_path(s->dir, file, path, err);
	if (r == 0)
		r = env_open(&s->env, path, ENV_READ_ONLY, 0, err);
	if (r == 0)
		r = env_check_key(&s->env, s->sk, err);
	if (r == 0)
		r = check_records(s, err);
	if (r < 0)
		env_close(&s->env);
	return r;
}

/* LMDB opens its lock file through a symbolic link, and would write into the file that it names. */
static int lmdb_lock_check(const struct store *s, struct err *err)
{
	struct stat st;

	if (fstatat(s->dir_fd, STORE_STATE_DIR, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(err, -errno, STORE_DIR "/" STORE_STATE_DIR ": %m");
	if (!S_ISDIR(st.st_mode))
		return err_set(err, -ENOTDIR, STORE_DIR "/" STORE_STATE_DIR " is not a folder");
	if (fstatat(s->dir_fd, STORE_LMDB_LOCK_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT
			       ? 0
			       : err_set(err, -errno, STORE_DIR "/%s: %m", STORE_LMDB_LOCK_FILE);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, STORE_DIR "/%s is not a plain file: remove it",
			       STORE_LMDB_LOCK_FILE);
	return 0;
}

/* A daemon opens the state twice: opened to serve, LMDB writes its lock file, and a state that is
 * refused is to be left as it was. */
static int open_state(struct store *s, struct err *err)
{
	char path[PATH_MAX];
	int r = open_env(s, STORE_DATA_FILE, err);

	if (r < 0 || s->mode == STORE_READ_ONLY)
		return r;
	env_close(&s->env);
	r = dir_path(s->dir, STORE_STATE_DIR, path, err);
	if (r == 0)
		r = lmdb_lock_check(s, err);
	return r < 0 ? r : env_open(&s->env, path, ENV_SERVE, map_len_for(s), err);
}

/* The sentence for a damaged state: what to do, if the snapshot (@snap_r: its outcome) can be used.
 */
static int state_error(const struct store *s, int r, int snap_r, struct err *err)
{
	(void)err_prefix(err, r, "store %s", s->path);
	if (r != -EBADMSG && r != -ENOENT && r != -ENOTDIR)
		return r;
	return err_set(err, -EBADMSG, "%s; %s", err_text(err, r),
		       snap_r < 0 ? NO_FALL_BACK_HINT : FALL_BACK_HINT);
}

/* A state/ that the snapshot replaces is renamed, never removed. */
struct aside {
	char name[64]; /* its new name; empty: there was none */
};

static int aside_move(struct store *s, struct aside *a, struct err *err)
{
	(void)snprintf(a->name, sizeof(a->name), STORE_COPIED_DIR "%" PRId64, s->opened);
	if (renameat(s->dir_fd, STORE_STATE_DIR, s->dir_fd, a->name) == 0)
		return 0;
	a->name[0] = '\0';
	return err_set(err, -errno, "store %s: its copied state/ cannot be set aside: %m", s->path);
}

/* Failures are ignored: the error that led here is reported. */
static void aside_undo(struct store *s, const struct aside *a)
{
	(void)state_folder_remove(s->dir_fd, STORE_STATE_DIR);
	if (a->name[0])
		(void)renameat(s->dir_fd, a->name, s->dir_fd, STORE_STATE_DIR);
}

/* Checks the snapshot before anything is moved or made. */
static int snapshot_check(struct store *s, struct err *err)
{
	int r = open_env(s, STORE_SNAPSHOT, err);

	if (r < 0)
		return err_prefix(err, r, "store %s", s->path);
	env_close(&s->env);
	return 0;
}

static int rebuild_state(struct store *s, bool state_there, struct err *err)
{
	struct aside a = {""};
	int r = snapshot_check(s, err);

	if (r == 0 && state_there)
		r = aside_move(s, &a, err);
	if (r < 0)
		return r;
	r = snapshot_restore(s, err);
	if (r == 0)
		r = open_state(s, err);
	if (r < 0) {
		aside_undo(s, &a);
		return err_prefix(err, r, "store %s: from " STORE_DIR "/" STORE_SNAPSHOT, s->path);
	}
	s->rebuilt = true;
	return 0;
}

static int open_snapshot(struct store *s, bool state_there, struct err *err)
{
	int r;

	if (s->mode == STORE_SERVE)
		return rebuild_state(s, state_there, err);
	r = open_env(s, STORE_SNAPSHOT, err);
	s->rebuilt = r == 0;
	return r < 0 ? err_prefix(err, r, "store %s", s->path) : 0;
}

/* Reads the snapshot's record "change"; 0 only where it opens with this service key. */
static int snapshot_look(struct store *s, uint64_t *ret_change, struct err *err)
{
	bool there = false;
	int r = have(s, STORE_SNAPSHOT, &there, err);

	if (r == 0 && !there)
		return err_set(err, -EBADMSG,
			       "store %s: " STORE_DIR "/" STORE_STATE_DIR " and " STORE_DIR
			       "/" STORE_SNAPSHOT " are both missing",
			       s->path);
	if (r == 0)
		r = snapshot_change(s, ret_change, err);
	return r < 0 ? err_prefix(err, r, "store %s", s->path) : 0;
}

/* Whether state/data.mdb is another file than the one that the last daemon served and did not close
 * cleanly. Then it was copied while that daemon wrote it, and may be torn. */
static bool state_is_live_copy(struct store *s, const struct lock_text *before)
{
	struct lock_text id;

	if (before->ino == 0 || state_identity(s->dir_fd, &id) < 0)
		return false;
	return id.ino != before->ino || id.birth_ns != before->birth_ns;
}

static int state_change(struct store *s, uint64_t *ret_change, struct err *err)
{
	struct store_txn *t;
	int r = store_begin(s, STORE_READ, &t, err);

	if (r < 0)
		return r;
	r = txn_get_u64(t, META_CHANGE, ret_change, err);
	store_abort(t);
	return r;
}

/*
 * state/    snapshot  held, or a live copy   older than the snapshot   opened
 * there     usable    no                     no                        state/
 * there     usable    yes, or                yes                       snapshot
 * there     not       any                    -                         state/
 * missing   usable    -                      -                         snapshot
 * A daemon never leaves a state/ that is older than its snapshot (txn.c), so such a one is a copy
 * as well.
 */
int state_open(struct store *s, const struct lock_text *before, bool held, struct err *err)
{
	uint64_t snap = 0, own = 0;
	struct err why = {0};
	bool there = false;
	int snap_r, r;

	r = have(s, STORE_STATE_DIR, &there, err);
	if (r < 0)
		return r;
	snap_r = snapshot_look(s, &snap, &why);
	if (!there && snap_r < 0)
		return err_set(err, snap_r, "%s", why.text);
	if (!there || (snap_r == 0 && (held || state_is_live_copy(s, before))))
		return open_snapshot(s, there, err);
	r = open_state(s, err);
	if (r == 0)
		r = state_change(s, &own, err);
	if (r < 0)
		return state_error(s, r, snap_r, err);
	if (snap_r < 0 || own >= snap)
		return 0;
	env_close(&s->env);
	return open_snapshot(s, there, err);
}
