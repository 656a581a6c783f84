/* fs/store/store_internal.h - inside store*.c and snapshot.c only: an open store and its
 * transactions.
 */
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

/* Keys of TABLE_META; store.h tells what their records hold. */
#define META_CHECK	 "service-check"
#define META_CHECK_TEXT	 "depfs service check"
#define META_CHANGE	 "change"
#define META_IN_USE	 "in-use"
#define META_EVENTS_FROM STORE_META_EVENTS_FROM

#define SNAPSHOT_EVENTS 512 /* newest events that a snapshot carries along */
#define STORE_KEY_MAX	511 /* bytes of a key: LMDB's own limit */

#define GATE_WAIT_MS 30000 /* for readers; they are short */

/* One LMDB file, opened with its tables. */
struct store_env {
	MDB_env *env;
	MDB_dbi dbi[TABLE_COUNT];
	size_t map_len;
};

/*
 * Lock order: write_lock, gate.lock. write_lock is held as long as a write transaction lives;
 * gate.lock only for a moment.
 */
struct store {
	char *path;  /* absolute, resolved */
	char *dir;   /* path "/.depfs" */
	int dir_fd;  /* of dir */
	int lock_fd; /* -1: STORE_READ_ONLY */
	enum store_mode mode;
	struct store_format format;
	struct service_key *sk;
	struct store_env env;
	pthread_mutex_t write_lock;
	struct {
		pthread_mutex_t lock;
		pthread_cond_t idle; /* readers became 0, or closed became false */
		unsigned readers;    /* live read transactions; guarded by lock */
		bool closed;	     /* the map is about to move; guarded by lock */
	} gate;
	atomic_bool stuck;     /* a roll-back failed: nothing may be written any more */
	bool rebuilt;	       /* opened from the snapshot */
	int64_t opened;	       /* s since the epoch; guarded by write_lock once served */
	int64_t unclean_since; /* 0: clean */
	struct {
		bool watched;
		pthread_t thread;
		pthread_mutex_t lock;
		pthread_cond_t stop; /* on the monotonic clock */
		bool stopping;	     /* guarded by lock */
	} clock;		     /* store_clock.c */
};

/* One put or del: what to do again on a bigger map, and what to undo. One allocation. */
struct store_op {
	enum store_table table;
	size_t key_len;
	const uint8_t *key;
	MDB_val now;	/* record and MAC; mv_data NULL: deleted */
	MDB_val before; /* the same */
};

struct store_txn {
	struct store *store;
	MDB_txn *mdb; /* NULL: ended by a failure */
	enum store_access access;
	int failed; /* negative errno of the first write that failed */
	struct store_op **ops;
	size_t n_ops, ops_room;
};

extern const char *const store_table_names[TABLE_COUNT];
/* The smallest map that a serving store starts with; a test makes it tiny. */
extern size_t store_map_min_len;

/* store.c */
struct store *store_new(void); /* NULL: out of memory */
void store_free(struct store *s);
DEFINE_CLEANUP(struct store *, store_free)

/* store_clock.c */
/* clock_watch() - from now on META_IN_USE is moved back when the wall clock is; -EAGAIN: no thread.
 */
int clock_watch(struct store *s) MUST_CHECK;
void clock_watch_end(struct store *s); /* also where nothing is watched */

/* store_env.c */
enum env_access {
	ENV_CREATE,    /* a new file, no lock file beside it */
	ENV_READ_ONLY, /* nothing is written, no lock file used */
	ENV_SERVE,
};
/* env_open() - @path: the LMDB file itself, or (ENV_SERVE) the folder of data.mdb. */
int env_open(struct store_env *env, const char *path, enum env_access access, size_t map_len,
	     struct err *err) MUST_CHECK;
void env_close(struct store_env *env);
/* env_write_error() - what a failed commit of @env means: LMDB's code made more exact. */
int env_write_error(struct store_env *env, int rc);
int env_error(int rc, const char *what, struct err *err); /* LMDB's code as a negative errno */
int record_mac(const struct service_key *sk, enum store_table table, const MDB_val *key,
	       const void *rec, size_t rec_len, uint8_t ret_mac[static RECORD_MAC_LEN]) MUST_CHECK;
/* raw_check() - -EBADMSG, naming table and key, unless @raw is a record followed by its MAC. */
int raw_check(const struct service_key *sk, enum store_table table, const MDB_val *key,
	      const MDB_val *raw, struct err *err) MUST_CHECK;
/* raw_get() - a checked record outside of a store_txn; -ENOENT, -EBADMSG and a sentence. */
int raw_get(struct store_env *env, MDB_txn *mdb, const struct service_key *sk,
	    enum store_table table, const void *key, size_t key_len, MDB_val *ret_rec,
	    struct err *err) MUST_CHECK;

/* env_check_key() - -EKEYREJECTED: the state was made with another service key. */
int env_check_key(struct store_env *env, const struct service_key *sk, struct err *err) MUST_CHECK;

/* store_open.c */
/* state_open() - open s->env; @before: the lock file's text; @held: a daemon serves the store. */
int state_open(struct store *s, const struct lock_text *before, bool held,
	       struct err *err) MUST_CHECK;

/* store_map.c */
int gate_enter(struct store *s, struct err *err) MUST_CHECK; /* before a read transaction */
void gate_leave(struct store *s);
bool gate_is_inside(const struct store *s);			  /* this thread reads */
int map_grow(struct store *s, unsigned wait_ms, struct err *err); /* no txn of ours */
void map_grow_ahead(struct store *s);
/* map_swap() - @name (in .depfs) becomes the state's file, and is opened. write_lock is held, no
 * transaction of this thread lives. A failure after the swap leaves the store stuck. */
int map_swap(struct store *s, const char *name, struct err *err) MUST_CHECK;
/* map_revive() - after a commit that failed: open the state again if LMDB gave it up. What cannot
 * be had again leaves the store stuck. write_lock is held, no transaction of this thread lives. */
void map_revive(struct store *s);

/* store_txn.c */
int txn_begin_mdb(struct store_txn *t, struct err *err) MUST_CHECK;
int txn_commit_mdb(struct store_txn *t, struct err *err) MUST_CHECK; /* replays on a bigger map */
void txn_forget(struct store_txn *t); /* frees what it holds, not @t; takes no lock */
/* op_new() - without its new record's bytes, for which there is room; NULL: out of memory. */
struct store_op *op_new(enum store_table table, const MDB_val *key, size_t now_len,
			const MDB_val *before);
/* txn_do() - apply @op and keep it; @op is freed with @t, or at once on failure. */
int txn_do(struct store_txn *t, struct store_op *op, struct err *err) MUST_CHECK;

/* store_read.c */
int txn_put_u64(struct store_txn *t, const char *meta_key, uint64_t v, struct err *err) MUST_CHECK;
/* txn_get_u64() - 0 when there is no such record. */
int txn_get_u64(struct store_txn *t, const char *meta_key, uint64_t *ret_v,
		struct err *err) MUST_CHECK;

/* snapshot.c */
/* dir_path() - of a file in STORE/.depfs. */
int dir_path(const struct store *s, const char *name, char out[static PATH_MAX],
	     struct err *err) MUST_CHECK;
/* snapshot_build() - write state.snapshot.tmp as @t sees the tables, durable under that name. */
int snapshot_build(struct store_txn *t, struct err *err) MUST_CHECK;
/* state_copy_build() - the same with every event, as state.scrub. */
int state_copy_build(struct store_txn *t, struct err *err) MUST_CHECK;
/* snapshot_publish() - rename it; @ret_renamed tells whether that much happened on failure. */
int snapshot_publish(struct store *s, bool *ret_renamed, struct err *err) MUST_CHECK;
void snapshot_discard(struct store *s);
/* snapshot_change() - the change counter in state.snapshot; -ENOENT: there is none. */
int snapshot_change(struct store *s, uint64_t *ret_change, struct err *err) MUST_CHECK;
/* snapshot_restore() - make state/ out of it; state/ must be missing. */
int snapshot_restore(struct store *s, struct err *err) MUST_CHECK;

#endif
