/* crypto/header.h - the 256-byte file header at the start of block 0: layout, codec, MAC. */
#ifndef DEPFS_CRYPTO_HEADER_H
#define DEPFS_CRYPTO_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/base/bytes.h"
#include "crypto/base/err.h"

#define HEADER_LEN	 256
#define HEADER_VERSION	 1
#define HEADER_SUITE	 1 /* AES-256-GCM blocks, AES-256-SIV wrap, HMAC-SHA256 header MAC */
#define HEADER_MAC_LEN	 32
#define HEADER_AAD_LEN	 76 /* bytes 0..75 of the table: associated data of the DEK wrap */
#define HEADER_HOLES_MAX 4
#define HEADER_WRAP_LEN	 48

#define FILE_ID_LEN  16
#define SCOPE_ID_LEN 16

/* crypto/README.md, Holes; and depfs-format(5), Renewing. */
#define HEADER_FLAG_LOOSE_HOLES 0x1u /* any zero block is a hole */
#define HEADER_FLAG_RENEWING	0x2u /* blocks may be under the previous DEK */

/* Block writes under one DEK: crypto/README.md, Limits. */
#define BUDGET_MAX  (UINT64_C(1) << 32)
#define BUDGET_STEP (UINT64_C(1) << 20) /* reserved ahead at most */
#define BUDGET_WARN (BUDGET_MAX - (UINT64_C(1) << 24))

struct dek;

struct hole {
	uint32_t start; /* first block, 1 or more: block 0 is never a hole */
	uint32_t count; /* blocks; 0 and start 0: slot unused */
};

/*
 * The key under which a DEK is wrapped. A policy id of zeros is the service key, whose only
 * generation is 1.
 */
struct wrap_ref {
	uint8_t policy_id[UUID_LEN];
	uint32_t generation;
};

/*
 * File header, version 1: 256 bytes, integers little-endian.
 *   off len  field        meaning
 *     0   4  magic        "DEPF"
 *     4   2  version      1, else -ENOTSUP
 *     6   2  suite        1, else -ENOTSUP
 *     8  16  store_id     UUID of the store
 *    24  16  file_id      random; changes with the DEK
 *    40  16  scope_id     keyed hash of the scope's name (first 16 bytes of HMAC-SHA256)
 *    56  16  policy_id    UUID of the policy, zeros: the service key
 *    72   4  generation   of the policy's key, 1 and up
 *    76  48  wrapped_dek  synthetic IV 16 | sealed key 32; associated data = bytes 0..75
 *   124   4  flags        bit 0: loose holes, bit 1: renewing; unknown bits -ENOTSUP
 *   128  32  holes        four of: start block u32, count u32; unused slots zero, used ones first,
 *                         ascending and disjoint, none touching the next, start 1 and up
 *   160   8  version_no   raised with every rewrite of the header
 *   168   8  budget       block writes reserved under this DEK, at most 2^32
 *   176  48  reserved     zero, else -EBADMSG
 *   224  32  mac          HMAC-SHA256 over bytes 0..223, key: HKDF(DEK, KDF_DEK_HEADER_MAC)
 */
struct header {
	uint8_t store_id[UUID_LEN];
	uint8_t file_id[FILE_ID_LEN];
	uint8_t scope_id[SCOPE_ID_LEN];
	struct wrap_ref ref;
	uint8_t wrapped_dek[HEADER_WRAP_LEN];
	uint32_t flags;
	struct hole holes[HEADER_HOLES_MAX];
	uint64_t version_no;
	uint64_t budget;
};

/**
 * header_encode() - bytes of @hdr with their MAC
 * @dek: data key of this file, for the MAC; borrowed
 * Return: 0; -EINVAL when @hdr breaks the table's rules (our own mistake); -EIO.
 */
int header_encode(const struct header *hdr, const struct dek *dek,
		  uint8_t out[static HEADER_LEN]) MUST_CHECK;

/**
 * header_decode() - parse without a key: the MAC is not checked
 * Return: 0; -ENOTSUP: unknown version, suite or flag; -EBADMSG: anything else that the table
 * forbids. @err says which field.
 */
int header_decode(const uint8_t in[static HEADER_LEN], struct header *ret_hdr,
		  struct err *err) MUST_CHECK;

/* header_verify() - the MAC of @in under @dek, compared in constant time; -EBADMSG, -EIO. */
int header_verify(const uint8_t in[static HEADER_LEN], const struct dek *dek) MUST_CHECK;

/* header_aad() - bytes 0..75 of the table, the associated data of the DEK wrap. */
void header_aad(const struct header *hdr, uint8_t out[static HEADER_AAD_LEN]);

static inline bool wrap_ref_equal(const struct wrap_ref *a, const struct wrap_ref *b)
{
	return a->generation == b->generation &&
	       __builtin_memcmp(a->policy_id, b->policy_id, UUID_LEN) == 0;
}

static inline bool wrap_ref_is_service(const struct wrap_ref *ref)
{
	return bytes_are_zero(ref->policy_id, UUID_LEN);
}

#endif
