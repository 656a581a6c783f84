/* fs/store/store_internal.h - an open store, its LMDB environment and its transactions. */
#ifndef DEPFS_STORE_STORE_INTERNAL_H
#define DEPFS_STORE_STORE_INTERNAL_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include <lmdb.h>

#include "crypto/base/clock.h"
#include "fs/store/files_internal.h"
#include "fs/store/store.h"

/* Keys of TABLE_META; the table in store.h describes the records. */
#define META_CHECK	 "service-check"
#define META_CHECK_TEXT	 "depfs service check"
#define META_CHANGE	 "change"
#define META_IN_USE	 "in-use"
#define META_EVENTS_FROM STORE_META_EVENTS_FROM

#define SNAPSHOT_EVENTS 512 /* newest events that a snapshot holds */
#define STORE_KEY_MAX	511 /* bytes of a key: LMDB's own limit */

#define GATE_WAIT_MS 30000 /* for which a closing gate waits for readers to leave */

/* One LMDB file, opened with its tables. */
struct store_env {
	MDB_env *env; /* NULL: closed */
	MDB_dbi dbi[TABLE_COUNT];
	size_t map_len; /* bytes; 0: as the file says */
};

/*
 * The order of locks: fs/README.md, Locks. env is changed under write_lock with the gate closed,
 * and may be used under write_lock or by a reader inside the gate; while the map moves, gate.closed
 * keeps readers out, not gate.lock.
 */
struct store {
	char *path;  /* absolute, resolved; constant, as the next three */
	char *dir;   /* path "/.depfs" */
	int dir_fd;  /* of dir */
	int lock_fd; /* of the lock file; -1: STORE_READ_ONLY */
	enum store_mode mode;
	struct store_format format; /* constant */
	struct service_key *sk;	    /* constant */
	struct store_env env;
	pthread_mutex_t write_lock;
	struct {
		pthread_mutex_t lock;
		pthread_cond_t idle; /* readers became 0, or closed became false */
		unsigned readers;    /* live reading transactions; guarded by lock */
		bool closed;	     /* the map is about to move; guarded by lock */
	} gate;
	atomic_bool stuck;     /* a change could not be undone: nothing may be written any more */
	bool rebuilt;	       /* opened from the snapshot; constant once open */
	int64_t opened;	       /* s since the epoch; guarded by write_lock once open */
	int64_t unclean_since; /* of store_unclean_since(); constant once open */
	struct {
		bool watched; /* thread runs */
		pthread_t thread;
		pthread_mutex_t lock;
		pthread_cond_t stop; /* stopping became true */
		bool stopping;	     /* guarded by lock */
	} in_use;		     /* in_use.c */
};

/* One put or removal: repeated on a bigger map, reversed when a commit is undone. One allocation.
 */
struct store_op {
	enum store_table table;
	size_t key_len;
	const uint8_t *key;
	MDB_val now;	/* record and MAC; mv_data NULL: removed */
	MDB_val before; /* the same */
};

struct store_txn {
	struct store *store;
	MDB_txn *mdb; /* NULL: ended by a failure */
	enum store_access access;
	int failed; /* negative errno of the first write that failed */
	struct store_op **ops;
	size_t n_ops, ops_capacity;
};

/* ---- open.c ---- */

struct store *store_new(void); /* NULL: out of memory */
void store_free(struct store *s);
DEFINE_CLEANUP(struct store *, store_free)

/* ---- in_use.c ---- */

/* in_use_mark() - record "in-use", sets s->unclean_since. */
int in_use_mark(struct store *s, struct err *err) MUST_CHECK;
/* in_use_clear() - remove the record, and the lock file's text. A failure leaves it, which makes
 * the next start recover without need. */
void in_use_clear(struct store *s);
/* in_use_get() - the record as it is; 0: there is none. */
int in_use_get(struct store *s, int64_t *ret_since, struct err *err) MUST_CHECK;

/* in_use_watch() - start the thread that lowers "in-use" when the wall clock is set back; -EAGAIN:
 * no thread can be had. */
int in_use_watch(struct store *s) MUST_CHECK;
void in_use_watch_end(struct store *s); /* does nothing where it was never started */

struct clocks {
	int64_t wall_s, mono_s;
};
/* in_use_compare() - lower "in-use" if the wall clock was set back between the two readings; then
 * @io_last becomes @now. A failure leaves @io_last, so that the next call tries again. */
void in_use_compare(struct store *s, struct clocks *io_last, struct clocks now);

/* ---- env.c ---- */

extern const char *const store_table_names[TABLE_COUNT];

enum env_access {
	ENV_CREATE,    /* a new file, which the caller syncs; no lock file beside it */
	ENV_READ_ONLY, /* nothing is written, no lock file used */
	ENV_SERVE,
};
/* env_open() - @path: the LMDB file itself, or (ENV_SERVE) the folder of data.mdb. */
int env_open(struct store_env *env, const char *path, enum env_access access, size_t map_len,
	     struct err *err) MUST_CHECK;
void env_close(struct store_env *env);
int env_error(int rc, const char *what, struct err *err); /* LMDB's code as a negative errno */
/* env_write_error() - LMDB's code of a failed commit; EIO becomes ENOSPC, EDQUOT or EFBIG where
 * the disk is full. */
int env_write_error(struct store_env *env, int rc);
int record_mac(const struct service_key *sk, enum store_table table, const MDB_val *key,
	       const void *rec, size_t rec_len, uint8_t ret_mac[static RECORD_MAC_LEN]) MUST_CHECK;
/* raw_check() - -EBADMSG, naming table and key, unless @raw is a record followed by its MAC. */
int raw_check(const struct service_key *sk, enum store_table table, const MDB_val *key,
	      const MDB_val *raw, struct err *err) MUST_CHECK;
/* raw_get() - a checked record, without its MAC, outside of a store_txn; -ENOENT, without a
 * sentence; -EBADMSG. */
int raw_get(struct store_env *env, MDB_txn *mdb, const struct service_key *sk,
	    enum store_table table, const void *key, size_t key_len, MDB_val *ret_rec,
	    struct err *err) MUST_CHECK;
/* env_check_key() - -EKEYREJECTED: the state was made with another service key. */
int env_check_key(struct store_env *env, const struct service_key *sk, struct err *err) MUST_CHECK;

/* ---- state.c ---- */

/* state_open() - open s->env; @before: the lock file's content; @held: a daemon serves the store.
 */
int state_open(struct store *s, const struct lock_text *before, bool held,
	       struct err *err) MUST_CHECK;

/* ---- map.c ---- */

/* Bytes of the smallest map that a serving store starts with; a test makes it tiny. */
extern size_t store_map_min_len;

int gate_enter(struct store *s, struct err *err) MUST_CHECK; /* before a reading transaction */
void gate_leave(struct store *s);
bool gate_is_inside(const struct store *s); /* this thread has a reading transaction of @s */
/* The next four: write_lock is held, this thread has no LMDB transaction. */
/* map_grow() - to twice its length; -EAGAIN: readers were there for @wait_ms. */
int map_grow(struct store *s, unsigned wait_ms, struct err *err);
void map_grow_ahead(struct store *s);
/* map_swap() - @name (in .depfs) becomes the state's file, and is opened. Where the state cannot be
 * opened afterwards, the store is stuck. */
int map_swap(struct store *s, const char *name, struct err *err) MUST_CHECK;
/* map_revive() - after a commit that failed: open the state again if LMDB gave it up. A failure
 * leaves the store stuck. */
void map_revive(struct store *s);

/* ---- read.c ---- */

int txn_put_u64(struct store_txn *t, const char *meta_key, uint64_t v, struct err *err) MUST_CHECK;
/* txn_get_u64() - 0 when there is no such record. */
int txn_get_u64(struct store_txn *t, const char *meta_key, uint64_t *ret_v,
		struct err *err) MUST_CHECK;

/* ---- snapshot.c ---- */

/* snapshot_build() - write state.snapshot.tmp as @t sees the tables, durable under that name. */
int snapshot_build(struct store_txn *t, struct err *err) MUST_CHECK;
/* state_copy_build() - the same with every event, as state.scrub. */
int state_copy_build(struct store_txn *t, struct err *err) MUST_CHECK;
/* snapshot_publish() - rename it to state.snapshot, durably; @ret_renamed: on failure, whether the
 * rename was done. */
int snapshot_publish(struct store *s, bool *ret_renamed, struct err *err) MUST_CHECK;
void snapshot_discard(struct store *s);
/* snapshot_change() - the record "change" in state.snapshot. -EBADMSG also where it is missing. */
int snapshot_change(struct store *s, uint64_t *ret_change, struct err *err) MUST_CHECK;
/* snapshot_restore() - make state/, which must be missing, out of it. */
int snapshot_restore(struct store *s, struct err *err) MUST_CHECK;

#endif
