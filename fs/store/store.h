/* fs/store/store.h - a store's own records: format line, lock, LMDB state, snapshot. */
#ifndef DEPFS_STORE_STORE_H
#define DEPFS_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "crypto/base/bytes.h"
#include "crypto/base/err.h"
#include "fs/store/service_key.h"

#define STORE_DIR     ".depfs" /* STORE/.depfs/{format,lock,state/,state.snapshot} */
#define STORE_VERSION 1

/* format: "depfs 1 <uuid> flags=0\n" */
struct store_format {
	uint32_t version;
	uint8_t store_id[UUID_LEN];
	uint64_t flags; /* feature flags; unknown ones are -ENOTSUP */
};

/* store_read_format() - -ENOENT: not a store; -EBADMSG: truncated or malformed; -ENOTSUP: made by a
 * later depfs. */
int store_read_format(const char *store_path, struct store_format *ret_fmt,
		      struct err *err) MUST_CHECK;

/**
 * store_create() - make a store (mkfs.depfs): folder, service key file, state, snapshot, and last
 * the format line
 * @store_path: missing or an empty folder, else -ENOTEMPTY/-EEXIST
 * @service_spec: NULL for the default; a path inside the store is refused (-EINVAL)
 * A failure leaves nothing behind that was not there before.
 */
int store_create(const char *store_path, const char *service_spec,
		 uint8_t ret_store_id[static UUID_LEN], struct err *err) MUST_CHECK;

struct store;

enum store_mode {
	STORE_SERVE,	 /* the daemon: takes the lock, writes, marks "in use since" */
	STORE_READ_ONLY, /* tools: no lock taken, nothing written, opens state or snapshot */
};

/**
 * store_open() - lock and open
 * STORE_SERVE: a missing state/ is rebuilt from state.snapshot; state newer than the snapshot gets
 * a new snapshot. Records in use since T durably. Return: 0; -EBUSY: another daemon has it (the
 * sentence names host and pid); -EBADMSG: damaged LMDB file or a record whose MAC does not hold;
 * -EROFS ...; leaves everything as it was.
 */
int store_open(const char *store_path, enum store_mode mode, const char *service_spec,
	       struct store **ret_store, struct err *err) MUST_CHECK;
/* store_close() - clears "in use" (durably) when @clean; waits for nobody. NULL allowed. */
void store_close(struct store *s, bool clean);

const struct store_format *store_format_of(const struct store *s);
struct service_key *store_service_key(struct store *s);
const char *store_path(const struct store *s); /* absolute, resolved */
/* store_unclean_since() - seconds since the epoch when the last daemon opened the store and did not
 * stop cleanly (of several such in a row: the first); 0: it did. As it was at store_open(). */
int64_t store_unclean_since(const struct store *s);
/* store_recovered() - what the unclean stop left behind has been seen to: in use since this open.
 */
int store_recovered(struct store *s, struct err *err) MUST_CHECK;
/* store_is_rebuilt() - opened from the snapshot: state/ was missing, older, or copied while in use
 * (it is then kept as state.copied-<seconds>). Events older than the snapshot's are gone. */
bool store_is_rebuilt(const struct store *s);

/*
 * Tables are LMDB sub-databases of these names. A value is a record followed by RECORD_MAC_LEN
 * bytes of MAC over: table name, NUL, key length u32, key, record. store_put() appends it,
 * store_get() checks and hides it. A key has 1 to 511 bytes.
 *
 * Records of "meta", integers little-endian u64:
 *   "service-check"  "depfs service check", never changes: tells a wrong service key
 *   "change"         counts commits with a snapshot: state/ is never behind state.snapshot
 *   "in-use"         since when, s since the epoch; absent after a clean stop
 *   "events-from"    sequence number of the first event kept here (older ones are in files; a
 *                    snapshot holds the newest 512)
 *   "events-head"    audit.h: sequence number and hash of the newest event
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

struct store_txn; /* used by the thread that began it */

enum store_access {
	STORE_READ,
	STORE_WRITE
};

/*
 * store_begin() - writers queue behind one another. The map grows by itself, for which it waits for
 * the readers of the moment: keep reading transactions short. A thread that has one cannot begin a
 * writing one (-EDEADLK); a second reading one is fine.
 */
int store_begin(struct store *s, enum store_access access, struct store_txn **ret_txn,
		struct err *err) MUST_CHECK;
void store_abort(struct store_txn *t); /* NULL allowed */
DEFINE_CLEANUP(struct store_txn *, store_abort)

enum store_durability {
	STORE_COMMIT,	       /* fsync'ed state */
	STORE_COMMIT_SNAPSHOT, /* and state.snapshot replaced atomically before this returns: every
				  change to a key, policy or assignment record */
};
/* store_commit() - consumes @t whatever the outcome. -ENOSPC, -EIO ...: nothing changed, or
 * (snapshot failed) the change is rolled back by a second transaction and the sentence says so. */
int store_commit(struct store_txn *t, enum store_durability how, struct err *err) MUST_CHECK;

/* Values are borrowed until the transaction ends or writes. -ENOENT; -EBADMSG with table and key
 * named. */
int store_get(struct store_txn *t, enum store_table table, const void *key, size_t key_len,
	      const uint8_t **ret_value, size_t *ret_len, struct err *err) MUST_CHECK;
int store_put(struct store_txn *t, enum store_table table, const void *key, size_t key_len,
	      const void *value, size_t value_len, struct err *err) MUST_CHECK;
int store_del(struct store_txn *t, enum store_table table, const void *key, size_t key_len,
	      struct err *err) MUST_CHECK; /* -ENOENT */

/* store_each() - in key order from the first key >= @from (NULL: all), until @fn returns non-zero,
 * which is handed back. @fn may not write. */
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

/**
 * store_scrub() - no byte of a record that was removed or replaced stays in the store's files
 * LMDB leaves old records in pages that are free, and in the gaps of those that are not. So the
 * state is made anew from its records, put in place, and the old file overwritten; so are states
 * that were set aside (state.copied-*). What the disk below keeps (journal, copy on write, flash)
 * is beyond reach, as are backups. Return: 0; -EAGAIN, -ENOSPC, -EIO ...: may be repeated.
 */
int store_scrub(struct store *s, struct err *err) MUST_CHECK;
/* store_snapshot_hold() - the present state.snapshot, to be overwritten once another is in place.
 */
int store_snapshot_hold(struct store *s, int *ret_fd, struct err *err) MUST_CHECK;
/* store_shred() - overwrite an open file with zeros, durably. */
int store_shred(int fd, struct err *err) MUST_CHECK;

/*
 * A receipt is a text file STORE/.depfs/receipts/NAME. store_receipt_begin() - to be written, under
 * another name. store_receipt_end() - durable and whole under its own, over an older one; @out is
 * consumed whatever the outcome. @ret_hash: SHA-256 of all of it. store_receipt_read() - *ret_text
 * malloc'ed; -ENOENT; -EFBIG: longer than STORE_RECEIPT_MAX; -EINVAL: not a plain file.
 */
#define STORE_RECEIPT_MAX (64 << 20) /* bytes that are read; who needs more opens the file */
int store_receipt_begin(struct store *s, const char *name, FILE **ret_out,
			struct err *err) MUST_CHECK;
int store_receipt_end(struct store *s, const char *name, FILE *out, uint8_t ret_hash[static 32],
		      struct err *err) MUST_CHECK;
int store_receipt_read(struct store *s, const char *name, char **ret_text) MUST_CHECK;

#endif
