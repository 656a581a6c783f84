/* fs/store/record.h - records of the state as bytes: policy, key generation, assignment. */
#ifndef DEPFS_STORE_RECORD_H
#define DEPFS_STORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/base/bytes.h"
#include "crypto/base/err.h"
#include "crypto/wrap.h"

#define POLICY_NAME_MAX	       64   /* bytes, UTF-8 */
#define POLICY_DESCRIPTION_MAX 1024 /* bytes, UTF-8 */
#define MAILBOX_ID_MAX	       255  /* bytes: a folder name */
#define RECORD_KEY_ID_MAX      512  /* bytes of a root key's id with its version and NUL */
#define RECORD_ROOT_WRAP_MAX   512  /* bytes of a DEP key wrapped by a root key: RSA 4096 */
#define RECORD_MAX	       4096 /* bytes: the longest encoded record */

enum policy_kind {
	POLICY_MULTI_WORKLOAD = 1,
	POLICY_MAILBOX = 2
};

#define POLICY_FLAG_ENABLED 0x1u
#define POLICY_FLAG_DRAFT \
	0x2u /* mkdir'ed, no keys yet: generation 0, no key ids, no availability key */
#define POLICY_FLAG_REMOVED \
	0x4u /* a tombstone: not a policy any more, but its keys open files of old backups */
#define POLICY_FLAG_PURGED \
	0x8u /* crypto-erased: no availability key and no key records; not enabled */

/*
 * Policy record, version 1, integers little-endian (the store appends the MAC):
 *   magic "DEPP" | version u16 = 1 | flags u16 (unknown -ENOTSUP) | kind u8 | zero 3 | policy id 16
 *   | newest generation u32 | created u64 (s since the epoch)
 *   | wrapped availability key 48 (zeros: draft or purged) | name str16 | description str16
 *   | key id 1 str16 | key id 2 str16 (as the administrator gave them)
 * str16: u16 length, then the bytes.
 */
struct policy_record {
	uint16_t flags;
	enum policy_kind kind;
	uint8_t id[UUID_LEN];
	uint32_t generation;
	uint64_t created;
	uint8_t wrapped_avail[WRAP_LEN];
	char name[POLICY_NAME_MAX + 1];
	char description[POLICY_DESCRIPTION_MAX + 1];
	char key_ids[2][RECORD_KEY_ID_MAX];
};

/* One copy of a DEP key under a root key: RSA-OAEP-256 by the key version that @key_id names. */
struct root_copy {
	char key_id[RECORD_KEY_ID_MAX];
	uint16_t wrapped_len;
	uint8_t wrapped[RECORD_ROOT_WRAP_MAX];
};

/*
 * Key record, version 1: one generation of a DEP key, in three wrapped copies.
 *   magic "DEPK" | version u16 = 1 | flags u16 = 0 | policy id 16 | generation u32 | created u64
 *   | availability copy 48 | twice: key id str16, wrapped bytes (u16 length, bytes)
 */
struct key_record {
	uint8_t policy_id[UUID_LEN];
	uint32_t generation;
	uint64_t created;
	uint8_t avail_copy[WRAP_LEN];
	struct root_copy roots[2];
};

/*
 * Assignment record, version 1:
 *   magic "DEPA" | version u16 = 1 | flags u16 = 0 | policy id 16 | since u64
 */
struct assignment_record {
	uint8_t policy_id[UUID_LEN];
	uint64_t since;
};

/* Encoders: -EINVAL when a field breaks the rules of its table. Decoders: -EBADMSG: malformed, or
 * bytes are left over; -ENOTSUP: an unknown version or flag. */
int policy_record_encode(const struct policy_record *rec, uint8_t out[static RECORD_MAX],
			 size_t *ret_len) MUST_CHECK;
int policy_record_decode(const uint8_t *in, size_t in_len,
			 struct policy_record *ret_rec) MUST_CHECK;
int key_record_encode(const struct key_record *rec, uint8_t out[static RECORD_MAX],
		      size_t *ret_len) MUST_CHECK;
int key_record_decode(const uint8_t *in, size_t in_len, struct key_record *ret_rec) MUST_CHECK;
int assignment_record_encode(const struct assignment_record *rec, uint8_t out[static RECORD_MAX],
			     size_t *ret_len) MUST_CHECK;
int assignment_record_decode(const uint8_t *in, size_t in_len,
			     struct assignment_record *ret_rec) MUST_CHECK;

/* key_table_key() - the key of a key record in TABLE_KEYS: policy id 16 | generation big-endian. */
#define KEY_TABLE_KEY_LEN 20
void key_table_key(const uint8_t policy_id[static UUID_LEN], uint32_t generation,
		   uint8_t out[static KEY_TABLE_KEY_LEN]);

#endif
