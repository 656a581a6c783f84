/* tests/unit/fault.h - one call fails: the nth of the chosen kind, counted over all threads.
 *
 * mdb_*() and kms_*() are wrapped by the linker (tests/unit/CMakeLists.txt); the system calls are
 * defined here and so stand before libc's, for LMDB too. A failing one has done nothing.
 */
#ifndef DEPFS_TEST_FAULT_H
#define DEPFS_TEST_FAULT_H

#include <errno.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "kms/kms.h"

enum fault_kind {
	FAULT_LMDB,
	FAULT_VAULT,
	FAULT_WRITE, /* whatever changes the store's folder, or brings a change to the disk */
	FAULT_KINDS
};

static const char *const fault_names[FAULT_KINDS] = {"LMDB call", "vault call", "backing write"};

static struct {
	_Atomic int kind; /* FAULT_KINDS: none */
	_Atomic long left;
	_Atomic bool hit;
} fault = {.kind = FAULT_KINDS};

static inline void fault_arm(enum fault_kind kind, long nth)
{
	atomic_store(&fault.hit, false);
	atomic_store(&fault.left, nth);
	atomic_store(&fault.kind, (int)kind);
}

/* Was there an nth call? */
static inline bool fault_disarm(void)
{
	atomic_store(&fault.kind, FAULT_KINDS);
	return atomic_load(&fault.hit);
}

static inline bool fault_now(enum fault_kind kind)
{
	if (atomic_load(&fault.kind) != (int)kind || atomic_fetch_sub(&fault.left, 1) != 1)
		return false;
	atomic_store(&fault.hit, true);
	return true;
}

/* ---- LMDB: what may fail when nothing is wrong with the program ---- */

#define WRAP_MDB(name, params, args)                                     \
	int __real_##name params;                                        \
	int __wrap_##name params;                                        \
	int __wrap_##name params                                         \
	{                                                                \
		return fault_now(FAULT_LMDB) ? EIO : __real_##name args; \
	}

WRAP_MDB(mdb_txn_begin, (MDB_env * e, MDB_txn *p, unsigned f, MDB_txn **t), (e, p, f, t))
WRAP_MDB(mdb_put, (MDB_txn * t, MDB_dbi d, MDB_val *k, MDB_val *v, unsigned f), (t, d, k, v, f))
WRAP_MDB(mdb_get, (MDB_txn * t, MDB_dbi d, MDB_val *k, MDB_val *v), (t, d, k, v))
WRAP_MDB(mdb_del, (MDB_txn * t, MDB_dbi d, MDB_val *k, MDB_val *v), (t, d, k, v))
WRAP_MDB(mdb_cursor_open, (MDB_txn * t, MDB_dbi d, MDB_cursor **c), (t, d, c))
WRAP_MDB(mdb_cursor_get, (MDB_cursor * c, MDB_val *k, MDB_val *v, MDB_cursor_op o), (c, k, v, o))
WRAP_MDB(mdb_env_create, (MDB_env * *e), (e))
WRAP_MDB(mdb_env_open, (MDB_env * e, const char *p, unsigned f, mdb_mode_t m), (e, p, f, m))
WRAP_MDB(mdb_env_set_mapsize, (MDB_env * e, size_t s), (e, s))
WRAP_MDB(mdb_dbi_open, (MDB_txn * t, const char *n, unsigned f, MDB_dbi *d), (t, n, f, d))

/* A commit that fails has ended its transaction all the same. */
int __real_mdb_txn_commit(MDB_txn *t);
int __wrap_mdb_txn_commit(MDB_txn *t);
int __wrap_mdb_txn_commit(MDB_txn *t)
{
	if (!fault_now(FAULT_LMDB))
		return __real_mdb_txn_commit(t);
	mdb_txn_abort(t);
	return EIO;
}

/*
 * ---- vaults: out of reach for one request ----
 *
 * What a vault wrapped or opened once it is not asked again: an RSA key is parsed for each request,
 * which is most of what an act costs. A test that changes a vault calls fault_forget().
 */

#define FAULT_KNOWN 64

struct fault_known {
	char key_id[KEY_ID_MAX];
	uint8_t wrapped[KMS_WRAP_MAX];
	size_t len;
	struct secret *key;
};

static struct {
	pthread_mutex_t lock;
	struct fault_known at[FAULT_KNOWN];
	unsigned next; /* the oldest goes first */
} fault_known = {.lock = PTHREAD_MUTEX_INITIALIZER};

static inline void fault_forget(void)
{
	pthread_mutex_lock(&fault_known.lock);
	for (size_t i = 0; i < FAULT_KNOWN; i++) {
		secret_free(fault_known.at[i].key);
		fault_known.at[i].key = NULL;
	}
	pthread_mutex_unlock(&fault_known.lock);
}

static inline struct secret *fault_secret_copy(struct secret *key)
{
	struct secret *copy = NULL;

	return secret_new_from(secret_bytes(key), secret_len(key), &copy) == 0 ? copy : NULL;
}

static inline void fault_learn(const char *key_id, const uint8_t *wrapped, size_t len,
			       struct secret *key)
{
	struct fault_known *k;

	pthread_mutex_lock(&fault_known.lock);
	k = &fault_known.at[fault_known.next++ % FAULT_KNOWN];
	secret_free(k->key);
	(void)snprintf(k->key_id, sizeof(k->key_id), "%s", key_id);
	memcpy(k->wrapped, wrapped, len);
	k->len = len;
	k->key = fault_secret_copy(key);
	pthread_mutex_unlock(&fault_known.lock);
}

static inline struct secret *fault_recall(const char *key_id, const uint8_t *wrapped, size_t len)
{
	struct secret *key = NULL;

	pthread_mutex_lock(&fault_known.lock);
	for (size_t i = 0; !key && i < FAULT_KNOWN; i++) {
		const struct fault_known *k = &fault_known.at[i];

		if (k->key && k->len == len && strcmp(k->key_id, key_id) == 0 &&
		    memcmp(k->wrapped, wrapped, len) == 0)
			key = fault_secret_copy(k->key);
	}
	pthread_mutex_unlock(&fault_known.lock);
	return key;
}

static inline enum kms_outcome fault_vault(const char *key_id, struct err *err)
{
	(void)err_set(err, -EAGAIN, "key %s: no answer", key_id);
	return KMS_TRANSIENT;
}

enum kms_outcome __real_kms_describe(struct kms *kms, const char *key_id,
				     struct kms_key_info *ret_info, char *request_id,
				     struct err *err);
enum kms_outcome __wrap_kms_describe(struct kms *kms, const char *key_id,
				     struct kms_key_info *ret_info, char *request_id,
				     struct err *err);
enum kms_outcome __wrap_kms_describe(struct kms *kms, const char *key_id,
				     struct kms_key_info *ret_info, char *request_id,
				     struct err *err)
{
	return fault_now(FAULT_VAULT) ? fault_vault(key_id, err)
				      : __real_kms_describe(kms, key_id, ret_info, request_id, err);
}

enum kms_outcome __real_kms_wrap(struct kms *kms, const char *key_id, struct secret *key,
				 uint8_t *ret_wrapped, size_t *ret_len, char *ret_key_id,
				 char *request_id, struct err *err);
enum kms_outcome __wrap_kms_wrap(struct kms *kms, const char *key_id, struct secret *key,
				 uint8_t *ret_wrapped, size_t *ret_len, char *ret_key_id,
				 char *request_id, struct err *err);
enum kms_outcome __wrap_kms_wrap(struct kms *kms, const char *key_id, struct secret *key,
				 uint8_t *ret_wrapped, size_t *ret_len, char *ret_key_id,
				 char *request_id, struct err *err)
{
	enum kms_outcome o;

	if (fault_now(FAULT_VAULT))
		return fault_vault(key_id, err);
	o = __real_kms_wrap(kms, key_id, key, ret_wrapped, ret_len, ret_key_id, request_id, err);
	if (o == KMS_OK)
		fault_learn(ret_key_id, ret_wrapped, *ret_len, key);
	return o;
}

enum kms_outcome __real_kms_unwrap(struct kms *kms, const char *key_id, const uint8_t *wrapped,
				   size_t len, struct secret **ret_key, char *request_id,
				   struct err *err);
enum kms_outcome __wrap_kms_unwrap(struct kms *kms, const char *key_id, const uint8_t *wrapped,
				   size_t len, struct secret **ret_key, char *request_id,
				   struct err *err);
enum kms_outcome __wrap_kms_unwrap(struct kms *kms, const char *key_id, const uint8_t *wrapped,
				   size_t len, struct secret **ret_key, char *request_id,
				   struct err *err)
{
	enum kms_outcome o;

	if (fault_now(FAULT_VAULT))
		return fault_vault(key_id, err);
	*ret_key = fault_recall(key_id, wrapped, len);
	if (*ret_key)
		return KMS_OK;
	o = __real_kms_unwrap(kms, key_id, wrapped, len, ret_key, request_id, err);
	if (o == KMS_OK)
		fault_learn(key_id, wrapped, len, *ret_key);
	return o;
}

/* ---- system calls ---- */

#define FAULTY(result, name, params, number, ...)            \
	result name params                                   \
	{                                                    \
		if (fault_now(FAULT_WRITE)) {                \
			errno = EIO;                         \
			return -1;                           \
		}                                            \
		return (result)syscall(number, __VA_ARGS__); \
	}

FAULTY(ssize_t, pwrite, (int fd, const void *b, size_t n, off_t at), SYS_pwrite64, fd, b, n, at)
FAULTY(ssize_t, pwritev, (int fd, const struct iovec *v, int n, off_t at), SYS_pwritev, fd, v, n,
       at, 0)
FAULTY(int, fsync, (int fd), SYS_fsync, fd)
FAULTY(int, fdatasync, (int fd), SYS_fdatasync, fd)
FAULTY(int, ftruncate, (int fd, off_t len), SYS_ftruncate, fd, len)
FAULTY(int, renameat, (int from, const char *a, int to, const char *b), SYS_renameat, from, a, to,
       b)
FAULTY(int, unlinkat, (int dir, const char *name, int flags), SYS_unlinkat, dir, name, flags)
FAULTY(int, mkdirat, (int dir, const char *name, mode_t mode), SYS_mkdirat, dir, name, mode)

#endif
