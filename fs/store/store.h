/* fs/store/store.h - a store's state: created, opened, and its records read and written in
 * transactions. */
#ifndef DEPFS_STORE_STORE_H
#define DEPFS_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/base/bytes.h"
#include "crypto/base/err.h"
#include "fs/store/service_key.h"

#define STORE_DIR     ".depfs" /* STORE/.depfs: depfs-format(5) lists what is in it */
#define STORE_VERSION 1

/* The format line: "depfs 1 <uuid> flags=0\n". */
struct store_format {
	uint32_t version;
	uint8_t store_id[UUID_LEN];
	uint64_t flags; /* feature flags; unknown ones are -ENOTSUP */
};

/* store_read_format() - without opening the store. Return: 0; -ENOENT: not a store; -EBADMSG:
 * truncated or malformed; -ENOTSUP: made by a later depfs; others of open(2). */
int store_read_format(const char *store_path, struct store_format *ret_fmt,
		      struct err *err) MUST_CHECK;

/**
 * store_create() - make a store: its folder, service key file, state, snapshot, and format line
 * @store_path: does not exist, or is an empty folder (lost+found may be in it)
 * @service_spec: "file:PATH" of the service key file, which must not exist; NULL: the default
 * Return: 0, all of it durable; -EEXIST: a store, or the key file, is there; -ENOTEMPTY; -EINVAL: a
 * bad @service_spec, a key file inside the store, or a store inside another one; -EBUSY: another
 * store_create() is at work there; others of open(2), mkdir(2), LMDB. A failure removes what was
 * made.
 */
int store_create(const char *store_path, const char *service_spec,
		 uint8_t ret_store_id[static UUID_LEN], struct err *err) MUST_CHECK;

struct store;

enum store_mode {
	STORE_SERVE,	 /* the daemon: takes the lock file's lock, writes, records "in-use" */
	STORE_READ_ONLY, /* tools: takes no lock, writes nothing, opens the state or its snapshot */
};

/**
 * store_open() - open the state, of which every record but the events is checked
 * @service_spec: as in store_create()
 * Which file is opened, state/ or state.snapshot, is decided by the table in state.c. With
 * STORE_SERVE a state that is missing or a copy is made from the snapshot, and "in-use" and a new
 * snapshot are durable when this returns.
 * Return: 0; -ENOENT: not a store; -EBUSY: another daemon still has it after 5 s (the sentence
 * names host and pid); -EBADMSG: the LMDB file is damaged or the MAC of a record does not hold;
 * errors of service_key_load(); -EROFS ... A failure leaves state and snapshot as they were.
 */
int store_open(const char *store_path, enum store_mode mode, const char *service_spec,
	       struct store **ret_store, struct err *err) MUST_CHECK;
/* store_close() - @clean: "in-use" is removed durably, which says that there is nothing to recover.
 * No transaction may be alive. NULL allowed. */
void store_close(struct store *s, bool clean);

const struct store_format *store_format_of(const struct store *s);
struct service_key *store_service_key(struct store *s); /* borrowed, as long as @s is open */
const char *store_path(const struct store *s);		/* absolute, resolved */
/* store_unclean_since() - "in-use" as store_open() found it: seconds since the epoch when the store
 * was opened by the first of the daemons in a row that did not stop cleanly; 0: the last one did.
 */
int64_t store_unclean_since(const struct store *s);
/* store_recovered() - what unclean stops left behind has been recovered: "in-use" becomes the time
 * of this open, durably. Return: 0; errors of store_commit(). */
int store_recovered(struct store *s, struct err *err) MUST_CHECK;
/* store_is_rebuilt() - opened from the snapshot, for state/ was missing, older, or copied while it
 * was in use (it is then kept as state.copied-<seconds>). Events that are neither in the snapshot
 * nor in a file are missing then. */
bool store_is_rebuilt(const struct store *s);

/*
 * Tables are LMDB sub-databases of these names. A value is a record followed by RECORD_MAC_LEN
 * bytes of MAC over: table name, NUL, key length u32, key, record. store_put() appends it,
 * store_get() checks and hides it. A key has 1 to 511 bytes.
 *
 * Records of "meta", integers little-endian u64:
 *   "service-check"  the text "depfs service check": its MAC fails under a wrong service key
 *   "change"         counts commits with a snapshot: state/ is never behind state.snapshot
 *   "in-use"         since when a daemon has had the store open, s since the epoch; absent after
 *                    a clean stop
 *   "events-from"    sequence number of the first event kept here (older ones are in files; a
 *                    snapshot holds the newest 512)
 *   "events-head"    sequence number and hash of the newest event (fs/audit/)
 *   "events-signed"  sequence number of the newest signature among them
 */
#define STORE_META_EVENTS_FROM	 "events-from"
#define STORE_META_EVENTS_HEAD	 "events-head"
#define STORE_META_EVENTS_SIGNED "events-signed"

enum store_table {
	TABLE_META,	   /* "meta":        ASCII key */
	TABLE_POLICIES,	   /* "policies":    policy id 16 */
	TABLE_KEYS,	   /* "keys":        policy id 16 | generation u32 big-endian */
	TABLE_ASSIGNMENTS, /* "assignments": "tenant", or "mailbox/<id>" */
	TABLE_EVENTS,	   /* "events":      sequence number u64 big-endian, from 1 */
	TABLE_JOBS,	   /* "jobs":        number u64 big-endian */
	TABLE_COUNT,
};

struct store_txn; /* used only by the thread that began it */

enum store_access {
	STORE_READ,
	STORE_WRITE
};

/**
 * store_begin() - a transaction that sees the state as it was committed last
 * Writers wait for one another without bound. LMDB's map can grow only while no reading transaction
 * is alive, so these should be short: growing waits 30 s for them, and new ones wait meanwhile. A
 * thread may have several reading transactions of one store, but none of another store then, and no
 * writing one (-EDEADLK).
 * Return: 0; -EDEADLK; -EROFS: to write, in a store opened for reading; -EAGAIN: too many readers;
 * -EIO: the state cannot be read, or an earlier change could not be undone; -ENOMEM.
 */
int store_begin(struct store *s, enum store_access access, struct store_txn **ret_txn,
		struct err *err) MUST_CHECK;
void store_abort(struct store_txn *t); /* nothing of it stays; NULL allowed */
DEFINE_CLEANUP(struct store_txn *, store_abort)

enum store_durability {
	STORE_COMMIT,	       /* the state is durable */
	STORE_COMMIT_SNAPSHOT, /* and so is a new state.snapshot: for every change to a key, policy
				  or assignment record, since a backup of the live store copies that
				*/
};
/**
 * store_commit() - make the changes durable and visible
 * @t: consumed, whatever the outcome
 * Return: 0; -ENOSPC, -EIO ...: the state is as it was. When the snapshot's rename failed, that
 * took a second transaction. Where that one fails too, nothing can be written until the store is
 * opened again, and the sentence in @err says so.
 */
int store_commit(struct store_txn *t, enum store_durability how, struct err *err) MUST_CHECK;

/* store_get() - @ret_value is borrowed until the transaction ends or writes. Return: 0; -ENOENT;
 * -EBADMSG: its MAC does not hold, and @err names table and key. */
int store_get(struct store_txn *t, enum store_table table, const void *key, size_t key_len,
	      const uint8_t **ret_value, size_t *ret_len, struct err *err) MUST_CHECK;
/* store_put(), store_del() - the caller aborts after any failure but -ENOENT, of store_del(). */
int store_put(struct store_txn *t, enum store_table table, const void *key, size_t key_len,
	      const void *value, size_t value_len, struct err *err) MUST_CHECK;
int store_del(struct store_txn *t, enum store_table table, const void *key, size_t key_len,
	      struct err *err) MUST_CHECK;

/* store_each() - the records in key order from the first key >= @from (NULL: all) on, each checked,
 * until @fn, which may not write, returns non-zero. Return: that; 0 at the end; -EBADMSG ... */
typedef int (*store_each_fn)(void *arg, const void *key, size_t key_len, const uint8_t *value,
			     size_t value_len);
int store_each(struct store_txn *t, enum store_table table, const void *from, size_t from_len,
	       store_each_fn fn, void *arg, struct err *err) MUST_CHECK;
/* store_table_len() - bytes of the pages that a table's records take; counted, not walked. */
int store_table_len(struct store_txn *t, enum store_table table, uint64_t *ret_len,
		    struct err *err) MUST_CHECK;
/* store_last() - the greatest key's record; -ENOENT when the table is empty. */
int store_last(struct store_txn *t, enum store_table table, const void **ret_key,
	       size_t *ret_key_len, const uint8_t **ret_value, size_t *ret_len,
	       struct err *err) MUST_CHECK;

#endif
