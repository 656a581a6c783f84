/* crypto/block.h - one 4 KiB block: AES-256-GCM seal and open, and the arithmetic of blocks. */
#ifndef DEPFS_CRYPTO_BLOCK_H
#define DEPFS_CRYPTO_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/dek.h"
#include "crypto/header.h"

#define BLOCK_LEN	 4096
#define BLOCK_OVERHEAD	 32			      /* nonce 12 | tag 16 | meta 4 */
#define BLOCK_CAP	 (BLOCK_LEN - BLOCK_OVERHEAD) /* 4064 plaintext bytes, block 1 and up */
#define BLOCK0_CAP	 (BLOCK_LEN - HEADER_LEN - BLOCK_OVERHEAD) /* 3808 plaintext bytes, block 0 */
#define BLOCK_NO_MAX	 UINT32_MAX
#define BLOCK_FLAG_FINAL 0x1u

/*
 * A block, integers little-endian.
 *   block 0:      header 256 | nonce 12 | tag 16 | meta 4 | ciphertext 3808
 *   block i >= 1:              nonce 12 | tag 16 | meta 4 | ciphertext 4064
 *   meta: u16 bytes used, u8 flags (bit 0: final), u8 zero
 *   associated data, 24 bytes: file_id 16 | block number u32 | meta 4
 * The whole capacity is encrypted, zero-padded. Only a final block may be short; a block that is
 * not final is full.
 */
struct block_meta {
	uint16_t used; /* plaintext bytes */
	bool final;
};

/* Cipher contexts and a pool of nonces, for one thread at a time. */
struct block_ctx;
int block_ctx_new(struct block_ctx **ret_ctx) MUST_CHECK; /* -ENOMEM, -EIO */
void block_ctx_free(struct block_ctx *ctx);
DEFINE_CLEANUP(struct block_ctx *, block_ctx_free)

/**
 * block_ctx_load() - use @dek's block key for the next calls
 * @dek: borrowed; its block key is copied (secure heap), and expanded by the first block_seal() and
 *       the first block_open() for their own direction only
 * @file_id: FILE_ID_LEN bytes, bound into every block; copied
 * block_ctx_forget() - overwrite the expanded key; call when the request is answered
 */
int block_ctx_load(struct block_ctx *ctx, const struct dek *dek,
		   const uint8_t file_id[static FILE_ID_LEN]) MUST_CHECK;
void block_ctx_forget(struct block_ctx *ctx);

/**
 * block_seal() - encrypt one block; draws its own random nonce
 * @block_no: 0 and up; decides the capacity
 * @in: meta.used plaintext bytes; the rest of the capacity is zeros; may be NULL when used is 0
 * @out: the whole block of BLOCK_LEN bytes; of block 0 the first HEADER_LEN are left alone
 * Return: 0; -EINVAL: meta breaks the rules above, or no key is loaded; -EIO.
 */
int block_seal(struct block_ctx *ctx, uint32_t block_no, struct block_meta meta, const uint8_t *in,
	       uint8_t out[static BLOCK_LEN]) MUST_CHECK;

/**
 * block_open() - decrypt and check one block
 * @in: the whole block; of block 0 the first HEADER_LEN bytes are not looked at
 * @out: space for the whole capacity; holds plaintext, zero-padded, only on success, else zeros
 * Return: 0; -EBADMSG: tag, meta or padding rule does not hold; -EIO, also without a key.
 */
int block_open(struct block_ctx *ctx, uint32_t block_no, const uint8_t in[static BLOCK_LEN],
	       uint8_t *out, struct block_meta *ret_meta) MUST_CHECK;

static inline uint32_t block_cap(uint32_t block_no)
{
	return block_no == 0 ? BLOCK0_CAP : BLOCK_CAP;
}

/* block_no_of() - the block that holds plaintext byte @off. */
static inline uint64_t block_no_of(uint64_t off)
{
	return off < BLOCK0_CAP ? 0 : 1 + (off - BLOCK0_CAP) / BLOCK_CAP;
}

/* block_start() - plaintext offset of a block's first byte. */
static inline uint64_t block_start(uint64_t block_no)
{
	return block_no == 0 ? 0 : BLOCK0_CAP + (block_no - 1) * (uint64_t)BLOCK_CAP;
}

/* block_count() - blocks of a file of @size plaintext bytes; an empty file has one. */
static inline uint64_t block_count(uint64_t size)
{
	return size == 0 ? 1 : block_no_of(size - 1) + 1;
}

#define FILE_SIZE_MAX (BLOCK0_CAP + (uint64_t)BLOCK_NO_MAX * BLOCK_CAP) /* more is EFBIG */

/* file_disk_len() - st_size of the ciphertext file for @size plaintext bytes (crypto/README.md,
 * Blocks). */
static inline uint64_t file_disk_len(uint64_t size)
{
	uint64_t n = block_count(size);

	return n * BLOCK_LEN + (size - block_start(n - 1));
}

/**
 * file_plain_size() - plaintext size from st_size, without reading or a key
 * Return: true when @disk_len is one that file_disk_len() gives; else false and *ret_size is the
 * nearest guess, so that stat(2) still answers for a damaged file.
 */
bool file_plain_size(uint64_t disk_len, uint64_t *ret_size);

#endif
