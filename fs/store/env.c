/* fs/store/env.c - an LMDB file, its tables, and the MAC that ends each record. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "crypto/kdf.h"
#include "fs/store/store_internal.h"

#include <openssl/crypto.h>

#define READERS_MAX	1022	   /* threads that read at once */
#define WRITE_SPACE_LEN (4u << 20) /* bytes: more than a usual commit writes */

const char *const store_table_names[TABLE_COUNT] = {
	[TABLE_META] = "meta",	   [TABLE_POLICIES] = "policies",
	[TABLE_KEYS] = "keys",	   [TABLE_ASSIGNMENTS] = "assignments",
	[TABLE_EVENTS] = "events", [TABLE_JOBS] = "jobs",
};

/* LMDB's own codes and the system's share one int: the system's are positive. */
static int env_errno(int rc)
{
	switch (rc) {
	case MDB_NOTFOUND:
		return -ENOENT;
	case MDB_MAP_FULL:
		return -ENOSPC;
	case MDB_READERS_FULL:
		return -EAGAIN;
	case MDB_CORRUPTED:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_PAGE_NOTFOUND:
	case MDB_INCOMPATIBLE:
		return -EBADMSG;
	default:
		return rc > 0 ? -rc : -EIO;
	}
}

int env_error(int rc, const char *what, struct err *err)
{
	return err_set(err, env_errno(rc), "state: %s: %s", what, mdb_strerror(rc));
}

/* LMDB reports a short write as EIO. On a full disk, allocating space fails with the exact errno.
 */
int env_write_error(struct store_env *env, int rc)
{
	struct stat st;
	int fd;

	if (rc != EIO || mdb_env_get_fd(env->env, &fd) != 0 || fstat(fd, &st) < 0)
		return rc;
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, st.st_size, WRITE_SPACE_LEN) == 0)
		return rc;
	return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? errno : rc;
}

static int tables_open(struct store_env *env, enum env_access access, struct err *err)
{
	unsigned flags = access == ENV_CREATE ? MDB_CREATE : 0;
	MDB_txn *mdb;
	int rc = mdb_txn_begin(env->env, NULL, access == ENV_CREATE ? 0 : MDB_RDONLY, &mdb);

	if (rc != 0)
		return env_error(rc, "cannot be read", err);
	for (int i = 0; i < TABLE_COUNT; i++) {
		rc = mdb_dbi_open(mdb, store_table_names[i], flags, &env->dbi[i]);
		if (rc != 0) {
			mdb_txn_abort(mdb);
			return env_error(rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc,
					 store_table_names[i], err);
		}
	}
	rc = mdb_txn_commit(mdb); /* keeps the handles, of a reading transaction too */
	return rc != 0 ? env_error(env_write_error(env, rc), "tables cannot be opened", err) : 0;
}

static unsigned env_flags(enum env_access access)
{
	switch (access) {
	case ENV_CREATE: /* under a temporary name; its maker syncs it */
		return MDB_NOTLS | MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC;
	case ENV_READ_ONLY:
		return MDB_NOTLS | MDB_NOSUBDIR | MDB_NOLOCK | MDB_RDONLY;
	case ENV_SERVE:
		break;
	}
	return MDB_NOTLS;
}

int env_open(struct store_env *env, const char *path, enum env_access access, size_t map_len,
	     struct err *err)
{
	int rc, r;

	rc = mdb_env_create(&env->env);
	if (rc != 0)
		return env_error(rc, "cannot be opened", err);
	rc = mdb_env_set_maxdbs(env->env, TABLE_COUNT);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(env->env, READERS_MAX);
	if (rc == 0 && map_len > 0) /* 0: as large as the file says */
		rc = mdb_env_set_mapsize(env->env, map_len);
	if (rc == 0)
		rc = mdb_env_open(env->env, path, env_flags(access), 0600);
	r = rc == 0 ? tables_open(env, access, err) : env_error(rc, path, err);
	if (r < 0)
		env_close(env);
	else
		env->map_len = map_len;
	return r;
}

void env_close(struct store_env *env)
{
	if (env->env)
		mdb_env_close(env->env);
	env->env = NULL;
}

/* The key's length is part of the message, so that no byte can move between key and record. */
int record_mac(const struct service_key *sk, enum store_table table, const MDB_val *key,
	       const void *rec, size_t rec_len, uint8_t ret_mac[static RECORD_MAC_LEN])
{
	const char *name = store_table_names[table];
	uint8_t key_len[4];
	struct wbuf w = wbuf_to(key_len, sizeof(key_len));
	const struct kdf_part parts[] = {
		{name, strlen(name) + 1},
		{key_len, sizeof(key_len)},
		{key->mv_data, key->mv_size},
		{rec, rec_len},
	};

	wbuf_u32(&w, (uint32_t)key->mv_size);
	return service_record_mac(sk, parts, 4, ret_mac);
}

static int record_check(const struct service_key *sk, enum store_table table, const MDB_val *key,
			const MDB_val *raw)
{
	uint8_t mac[RECORD_MAC_LEN];
	size_t rec_len;
	int r;

	if (raw->mv_size < RECORD_MAC_LEN)
		return -EBADMSG;
	rec_len = raw->mv_size - RECORD_MAC_LEN;
	r = record_mac(sk, table, key, raw->mv_data, rec_len, mac);
	if (r < 0)
		return r;
	if (CRYPTO_memcmp(mac, (const uint8_t *)raw->mv_data + rec_len, RECORD_MAC_LEN) != 0)
		return -EBADMSG;
	return 0;
}

/* A key for an error sentence: ASCII as it is, anything else in hex. */
static void key_show(const MDB_val *key, char *out, size_t out_len)
{
	const uint8_t *in = key->mv_data;
	size_t n = key->mv_size < (out_len - 1) / 2 ? key->mv_size : (out_len - 1) / 2;

	for (size_t i = 0; i < n; i++)
		if (in[i] < ' ' || in[i] > '~') {
			hex_encode(in, n, out);
			return;
		}
	memcpy(out, in, n);
	out[n] = '\0';
}

int raw_check(const struct service_key *sk, enum store_table table, const MDB_val *key,
	      const MDB_val *raw, struct err *err)
{
	char text[129];
	int r = record_check(sk, table, key, raw);

	if (r != -EBADMSG)
		return r;
	key_show(key, text, sizeof(text));
	return err_set(err, r,
		       "state: the record %s of table %s is damaged (its MAC does not hold)", text,
		       store_table_names[table]);
}

int raw_get(struct store_env *env, MDB_txn *mdb, const struct service_key *sk,
	    enum store_table table, const void *key, size_t key_len, MDB_val *ret_rec,
	    struct err *err)
{
	MDB_val k = {key_len, (void *)key}, raw;
	int rc, r;

	rc = mdb_get(mdb, env->dbi[table], &k, &raw);
	if (rc == MDB_NOTFOUND)
		return -ENOENT;
	if (rc != 0)
		return env_error(rc, store_table_names[table], err);
	r = raw_check(sk, table, &k, &raw, err);
	if (r < 0)
		return r;
	ret_rec->mv_data = raw.mv_data;
	ret_rec->mv_size = raw.mv_size - RECORD_MAC_LEN;
	return 0;
}

static bool record_is_intact(struct store_env *env, MDB_txn *mdb, const struct service_key *sk,
			     const char *name)
{
	MDB_val rec;

	return raw_get(env, mdb, sk, TABLE_META, name, strlen(name), &rec, NULL) == 0;
}

/* Under a wrong key no MAC holds. So where the MAC of META_CHECK fails, another record decides
 * whether the key is wrong or that record is damaged. */
int env_check_key(struct store_env *env, const struct service_key *sk, struct err *err)
{
	MDB_val rec;
	MDB_txn *mdb;
	int rc, r;

	rc = mdb_txn_begin(env->env, NULL, MDB_RDONLY, &mdb);
	if (rc != 0)
		return env_error(rc, "cannot be read", err);
	r = raw_get(env, mdb, sk, TABLE_META, META_CHECK, strlen(META_CHECK), &rec, NULL);
	if (r == -EBADMSG && !record_is_intact(env, mdb, sk, META_CHANGE))
		r = err_set(err, -EKEYREJECTED,
			    "the service key is not the one this store was made with");
	mdb_txn_abort(mdb);
	if (r == -EKEYREJECTED)
		return r;
	if (r == -EBADMSG)
		return err_set(err, r, "state: the record " META_CHECK " is damaged");
	if (r == -ENOENT)
		return err_set(err, -EBADMSG, "state: it lacks the record " META_CHECK);
	return r < 0 ? err_set(err, r, "state: cannot be read") : 0;
}
