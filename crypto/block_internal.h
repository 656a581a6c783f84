/* crypto/block_internal.h - AES-256-GCM with a given nonce, and raw block keys: for tests only. */
#ifndef DEPFS_CRYPTO_BLOCK_INTERNAL_H
#define DEPFS_CRYPTO_BLOCK_INTERNAL_H

#include "crypto/block.h"

#define GCM_NONCE_LEN 12
#define GCM_TAG_LEN   16

struct gcm_aad {
	const uint8_t *data;
	size_t len;
};

/* block_ctx_load_key() - block_ctx_load() with the block key itself */
int block_ctx_load_key(struct block_ctx *ctx, const uint8_t key[static DEK_LEN],
		       const uint8_t file_id[static FILE_ID_LEN]) MUST_CHECK;

/* gcm_seal_with_nonce() - what block_seal() runs; in and out may be the same. -EIO. */
int gcm_seal_with_nonce(struct block_ctx *ctx, const uint8_t nonce[static GCM_NONCE_LEN],
			struct gcm_aad aad, const uint8_t *in, size_t in_len, uint8_t *out,
			uint8_t ret_tag[static GCM_TAG_LEN]) MUST_CHECK;

/* gcm_open_with_nonce() - what block_open() runs; out is wiped on -EBADMSG and -EIO. */
int gcm_open_with_nonce(struct block_ctx *ctx, const uint8_t nonce[static GCM_NONCE_LEN],
			struct gcm_aad aad, const uint8_t tag[static GCM_TAG_LEN],
			const uint8_t *in, size_t in_len, uint8_t *out) MUST_CHECK;

#endif
