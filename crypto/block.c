/* crypto/block.c - one 4 KiB block (layout: block.h): AES-256-GCM seal and open, nonces, sizes. */
#include "crypto/block_internal.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "crypto/algo_internal.h"
#include "crypto/dek_internal.h"
#include "crypto/secret.h"

#define META_LEN       4
#define BLOCK_AAD_LEN  (FILE_ID_LEN + 4 + META_LEN)
#define NONCE_POOL_LEN (256 * GCM_NONCE_LEN) /* one RAND_bytes() costs as much as a whole block */

static_assert(BLOCK_OVERHEAD == GCM_NONCE_LEN + GCM_TAG_LEN + META_LEN, "what precedes the text");
static_assert(BLOCK_CAP <= UINT16_MAX, "meta.used is a u16");

struct nonce_pool {
	size_t used_len; /* bytes before this offset have been used, and are zero again */
	unsigned forks;	 /* fork_count when it was filled */
	uint8_t bytes[NONCE_POOL_LEN];
};

/* The cipher context of one direction. There are two, so that a read expands one key schedule
 * only. */
struct gcm_direction {
	EVP_CIPHER_CTX *evp;
	bool current; /* has expanded the key of the last block_ctx_load() */
	bool dirty;   /* holds that key or an earlier one */
};

struct block_ctx {
	struct gcm_direction enc, dec;
	uint8_t *key; /* DEK_LEN bytes, secure heap */
	bool has_key;
	uint8_t file_id[FILE_ID_LEN];
	struct nonce_pool nonces;
};

/* After fork() the child holds a copy of the pool: nonces drawn from both would repeat. */
static atomic_uint fork_count;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
static bool fork_watched; /* written in fork_once, constant after */

static void fork_child(void)
{
	atomic_fetch_add_explicit(&fork_count, 1, memory_order_relaxed);
}

static void fork_watch(void)
{
	fork_watched = pthread_atfork(NULL, NULL, fork_child) == 0;
}

static int direction_init(struct gcm_direction *dir, const EVP_CIPHER *gcm, int enc)
{
	dir->evp = EVP_CIPHER_CTX_new();
	if (!dir->evp)
		return -ENOMEM;
	/* The cipher is set once: setting it again would free the context's state. */
	if (EVP_CipherInit_ex2(dir->evp, gcm, NULL, NULL, enc, NULL) != 1)
		return algo_failed();
	return 0;
}

int block_ctx_new(struct block_ctx **ret_ctx)
{
	CLEANUP(block_ctx_free_p) struct block_ctx *ctx = calloc(1, sizeof(*ctx));
	const struct algo *algo = algo_get();
	int r;

	if (!ctx)
		return -ENOMEM;
	(void)pthread_once(&fork_once, fork_watch); /* fails only for a bad argument */
	if (!algo || !fork_watched)
		return algo_failed();
	ctx->nonces.used_len = NONCE_POOL_LEN;
	ctx->key = secret_alloc(DEK_LEN);
	if (!ctx->key)
		return -ENOMEM;
	r = direction_init(&ctx->enc, algo->gcm, 1);
	if (r == 0)
		r = direction_init(&ctx->dec, algo->gcm, 0);
	if (r < 0)
		return r;
	*ret_ctx = STEAL(ctx);
	return 0;
}

void block_ctx_free(struct block_ctx *ctx)
{
	if (!ctx)
		return;
	EVP_CIPHER_CTX_free(ctx->enc.evp); /* wipes the expanded key */
	EVP_CIPHER_CTX_free(ctx->dec.evp);
	secret_free_mem(ctx->key, DEK_LEN);
	free(ctx);
}

int block_ctx_load_key(struct block_ctx *ctx, const uint8_t key[static DEK_LEN],
		       const uint8_t file_id[static FILE_ID_LEN])
{
	memcpy(ctx->key, key, DEK_LEN);
	memcpy(ctx->file_id, file_id, FILE_ID_LEN);
	ctx->has_key = true;
	ctx->enc.current = false; /* each direction expands the key at its first block */
	ctx->dec.current = false;
	return 0;
}

int block_ctx_load(struct block_ctx *ctx, const struct dek *dek,
		   const uint8_t file_id[static FILE_ID_LEN])
{
	return block_ctx_load_key(ctx, dek->block_key, file_id);
}

/*
 * Expanding a key of zeros overwrites key schedule and hash table in place. It takes about half the
 * time of a reset, which frees them, so that the next block allocates again.
 */
static void direction_forget(struct gcm_direction *dir, int enc)
{
	static const uint8_t zero[DEK_LEN];

	dir->current = false;
	if (!dir->dirty)
		return;
	dir->dirty = false;
	if (EVP_CipherInit_ex2(dir->evp, NULL, zero, zero, enc, NULL) == 1)
		return;
	(void)algo_failed();
	/* A reset forgets the cipher too: the next use fails with -EIO instead of using this
	 * key. */
	EVP_CIPHER_CTX_reset(dir->evp);
}

void block_ctx_forget(struct block_ctx *ctx)
{
	OPENSSL_cleanse(ctx->key, DEK_LEN);
	ctx->has_key = false;
	direction_forget(&ctx->enc, 1);
	direction_forget(&ctx->dec, 0);
}

static int nonce_draw(struct nonce_pool *pool, uint8_t out[static GCM_NONCE_LEN])
{
	unsigned forks = atomic_load_explicit(&fork_count, memory_order_relaxed);
	int r;

	if (pool->used_len == NONCE_POOL_LEN || pool->forks != forks) {
		pool->used_len = NONCE_POOL_LEN; /* empty, should the next call fail */
		r = random_bytes(pool->bytes, NONCE_POOL_LEN);
		if (r < 0)
			return r;
		pool->used_len = 0;
		pool->forks = forks;
	}
	memcpy(out, pool->bytes + pool->used_len, GCM_NONCE_LEN);
	memset(pool->bytes + pool->used_len, 0, GCM_NONCE_LEN);
	pool->used_len += GCM_NONCE_LEN;
	return 0;
}

/* Sets the key (before the first block only), the nonce and, for opening, the tag in one call. */
static bool gcm_start(struct block_ctx *ctx, struct gcm_direction *dir, int enc,
		      const uint8_t *nonce, const OSSL_PARAM *params, struct gcm_aad aad)
{
	const uint8_t *key = dir->current ? NULL : ctx->key;
	int len;

	if (!ctx->has_key)
		return false;
	dir->dirty = true;
	if (EVP_CipherInit_ex2(dir->evp, NULL, key, nonce, enc, params) != 1)
		return false;
	dir->current = true;
	return aad.len == 0 || EVP_CipherUpdate(dir->evp, NULL, &len, aad.data, (int)aad.len) == 1;
}

static bool gcm_text(struct gcm_direction *dir, const uint8_t *in, size_t in_len, uint8_t *out)
{
	int len = 0;

	return in_len == 0 || (EVP_CipherUpdate(dir->evp, out, &len, in, (int)in_len) == 1 &&
			       (size_t)len == in_len);
}

int gcm_seal_with_nonce(struct block_ctx *ctx, const uint8_t nonce[static GCM_NONCE_LEN],
			struct gcm_aad aad, const uint8_t *in, size_t in_len, uint8_t *out,
			uint8_t ret_tag[static GCM_TAG_LEN])
{
	struct gcm_direction *dir = &ctx->enc;
	OSSL_PARAM tag[] = {
		OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, ret_tag, GCM_TAG_LEN),
		OSSL_PARAM_END,
	};
	uint8_t none[1];
	int len;

	if (!gcm_start(ctx, dir, 1, nonce, NULL, aad) || !gcm_text(dir, in, in_len, out) ||
	    EVP_CipherFinal_ex(dir->evp, none, &len) != 1 || len != 0 ||
	    EVP_CIPHER_CTX_get_params(dir->evp, tag) != 1)
		return algo_failed();
	return 0;
}

int gcm_open_with_nonce(struct block_ctx *ctx, const uint8_t nonce[static GCM_NONCE_LEN],
			struct gcm_aad aad, const uint8_t tag[static GCM_TAG_LEN],
			const uint8_t *in, size_t in_len, uint8_t *out)
{
	struct gcm_direction *dir = &ctx->dec;
	const OSSL_PARAM want[] = {
		OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, (void *)tag, GCM_TAG_LEN),
		OSSL_PARAM_END,
	};
	uint8_t none[1];
	int len, r = 0;

	if (!gcm_start(ctx, dir, 0, nonce, want, aad) || !gcm_text(dir, in, in_len, out))
		r = algo_failed();
	else if (EVP_CipherFinal_ex(dir->evp, none, &len) != 1 || len != 0)
		r = -EBADMSG;
	if (r < 0) {
		(void)algo_failed(); /* empties OpenSSL's error queue */
		if (in_len > 0)
			OPENSSL_cleanse(out, in_len);
	}
	return r;
}

static void encode_meta(struct block_meta meta, uint8_t out[static META_LEN])
{
	struct wbuf b = wbuf_to(out, META_LEN);

	wbuf_u16(&b, meta.used);
	wbuf_u8(&b, meta.final ? BLOCK_FLAG_FINAL : 0);
	wbuf_zero(&b, 1);
	assert(wbuf_done(&b));
}

static bool meta_ok(struct block_meta meta, uint32_t cap)
{
	return meta.final ? meta.used <= cap : meta.used == cap;
}

static bool decode_meta(const uint8_t in[static META_LEN], uint32_t cap,
			struct block_meta *ret_meta)
{
	struct rbuf b = rbuf_from(in, META_LEN);
	struct block_meta meta;
	uint8_t flags;

	meta.used = rbuf_u16(&b);
	flags = rbuf_u8(&b);
	rbuf_zero(&b, 1);
	if (!rbuf_done(&b) || (flags & ~BLOCK_FLAG_FINAL))
		return false;
	meta.final = flags & BLOCK_FLAG_FINAL;
	*ret_meta = meta;
	return meta_ok(meta, cap);
}

static struct gcm_aad encode_aad(const struct block_ctx *ctx, uint32_t block_no,
				 const uint8_t meta[static META_LEN],
				 uint8_t out[static BLOCK_AAD_LEN])
{
	struct wbuf b = wbuf_to(out, BLOCK_AAD_LEN);

	wbuf_bytes(&b, ctx->file_id, FILE_ID_LEN);
	wbuf_u32(&b, block_no);
	wbuf_bytes(&b, meta, META_LEN);
	assert(wbuf_done(&b));
	return (struct gcm_aad){out, BLOCK_AAD_LEN};
}

int block_seal(struct block_ctx *ctx, uint32_t block_no, struct block_meta meta, const uint8_t *in,
	       uint8_t out[static BLOCK_LEN])
{
	uint32_t cap = block_cap(block_no);
	uint8_t *nonce = out + BLOCK_LEN - cap - BLOCK_OVERHEAD;
	uint8_t *tag = nonce + GCM_NONCE_LEN;
	uint8_t *meta_out = tag + GCM_TAG_LEN;
	uint8_t *text = meta_out + META_LEN;
	uint8_t aad[BLOCK_AAD_LEN];
	int r;

	if (!meta_ok(meta, cap) || !ctx->has_key)
		return -EINVAL;
	r = nonce_draw(&ctx->nonces, nonce);
	if (r < 0)
		return r;
	encode_meta(meta, meta_out);
	if (meta.used < cap) { /* pad and encrypt in the output: no third buffer */
		if (meta.used > 0)
			memcpy(text, in, meta.used);
		memset(text + meta.used, 0, cap - meta.used);
		in = text;
	}
	r = gcm_seal_with_nonce(ctx, nonce, encode_aad(ctx, block_no, meta_out, aad), in, cap, text,
				tag);
	if (r < 0)
		OPENSSL_cleanse(text, cap); /* may still be plaintext */
	return r;
}

int block_open(struct block_ctx *ctx, uint32_t block_no, const uint8_t in[static BLOCK_LEN],
	       uint8_t *out, struct block_meta *ret_meta)
{
	uint32_t cap = block_cap(block_no);
	const uint8_t *nonce = in + BLOCK_LEN - cap - BLOCK_OVERHEAD;
	const uint8_t *tag = nonce + GCM_NONCE_LEN;
	const uint8_t *meta_in = tag + GCM_TAG_LEN;
	uint8_t aad[BLOCK_AAD_LEN];
	struct block_meta meta;
	int r;

	if (!decode_meta(meta_in, cap, &meta)) {
		memset(out, 0, cap);
		return -EBADMSG;
	}
	r = gcm_open_with_nonce(ctx, nonce, encode_aad(ctx, block_no, meta_in, aad), tag,
				meta_in + META_LEN, cap, out);
	if (r < 0)
		return r;
	if (!bytes_are_zero(out + meta.used, cap - meta.used)) {
		OPENSSL_cleanse(out, cap);
		return -EBADMSG;
	}
	*ret_meta = meta;
	return 0;
}

bool file_plain_size(uint64_t disk_len, uint64_t *ret_size)
{
	uint64_t n = disk_len / BLOCK_LEN, tail_len = disk_len % BLOCK_LEN;
	uint64_t last = n - 1, cap;

	*ret_size = 0;
	if (n == 0)
		return false;
	*ret_size = FILE_SIZE_MAX;
	if (last > BLOCK_NO_MAX)
		return false;
	cap = block_cap((uint32_t)last);
	/* Not a length that file_disk_len() gives: all blocks are counted as full. */
	if (tail_len > cap || (tail_len == 0 && last > 0)) {
		*ret_size = block_start(last) + cap;
		return false;
	}
	*ret_size = block_start(last) + tail_len;
	return file_disk_len(*ret_size) == disk_len;
}
