/* crypto/kdf.c - HKDF-SHA256, HMAC-SHA256 and SHA-256 on a thread's SHA-256 context. */
#include "crypto/kdf.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/crypto.h>

#include "crypto/algo_internal.h"

#define HKDF_ROUNDS_MAX 255 /* RFC 5869 section 2.3: the counter is one byte */

static bool hash_parts(EVP_MD_CTX *md, const struct kdf_part *parts, size_t n_parts)
{
	for (size_t i = 0; i < n_parts; i++)
		if (EVP_DigestUpdate(md, parts[i].data, parts[i].len) != 1)
			return false;
	return true;
}

/*
 * A null type keeps the fetched digest and skips its look-up. Called after a hash too, since it
 * overwrites the chaining value, which for a derived key is the key.
 */
static bool hash_start(EVP_MD_CTX *md)
{
	return EVP_DigestInit_ex2(md, NULL, NULL) == 1;
}

static bool hash_whole(EVP_MD_CTX *md, const struct kdf_part *parts, size_t n_parts, uint8_t *out)
{
	return hash_start(md) && hash_parts(md, parts, n_parts) &&
	       EVP_DigestFinal_ex(md, out, NULL) == 1;
}

int sha256(const struct kdf_part *parts, size_t n_parts, uint8_t out[static SHA256_LEN])
{
	struct algo_thread *t = algo_thread_get();

	if (!t || !hash_whole(t->md, parts, n_parts, out) || !hash_start(t->md))
		return algo_failed();
	return 0;
}

/* RFC 2104 section 2: a key longer than a block is hashed first, a shorter one is zero-padded. */
static bool hmac_load_key(struct algo_thread *t, const uint8_t *key, size_t key_len)
{
	const struct kdf_part whole = {key, key_len};
	uint8_t *pad = t->scratch->hmac_pad;

	if (key_len > ALGO_SHA256_BLOCK_LEN)
		return hash_whole(t->md, &whole, 1, pad);
	if (key_len > 0)
		memcpy(pad, key, key_len);
	return true;
}

static void pad_xor(uint8_t pad[static ALGO_SHA256_BLOCK_LEN], uint8_t v)
{
	for (size_t i = 0; i < ALGO_SHA256_BLOCK_LEN; i++)
		pad[i] ^= v;
}

static bool hmac_run(struct algo_thread *t, const struct kdf_part *parts, size_t n_parts,
		     uint8_t out[static SHA256_LEN])
{
	uint8_t *pad = t->scratch->hmac_pad;
	const struct kdf_part outer[] = {
		{pad, ALGO_SHA256_BLOCK_LEN},
		{out, SHA256_LEN},
	};

	pad_xor(pad, 0x36);
	if (!hash_start(t->md) || EVP_DigestUpdate(t->md, pad, ALGO_SHA256_BLOCK_LEN) != 1 ||
	    !hash_parts(t->md, parts, n_parts) || EVP_DigestFinal_ex(t->md, out, NULL) != 1)
		return false;
	pad_xor(pad, 0x36 ^ 0x5c);
	return hash_whole(t->md, outer, 2, out);
}

/*
 * Why not EVP_MAC and EVP_KDF: both allocate from the secure heap for each key, under its one lock,
 * and keep keyed states on the ordinary heap until they are keyed again. A MAC takes 1.8 times as
 * long that way, the two keys of a DEK 3.2 times (tests/bench/primitives.c). A re-wrap job needs
 * five HMACs a file: with EVP_MAC alone it took 22.5 us of processor time a file instead of 19.9,
 * which leaves 62,000 files/s of 70,000; with EVP_KDF too, 58,000, where 60,000 are required.
 */
int hmac_sha256(const uint8_t *key, size_t key_len, const struct kdf_part *parts, size_t n_parts,
		uint8_t out[static SHA256_LEN])
{
	struct algo_thread *t = algo_thread_get();
	bool ok;

	if (!t)
		return algo_failed();
	ok = hmac_load_key(t, key, key_len) && hmac_run(t, parts, n_parts, out);
	OPENSSL_cleanse(t->scratch->hmac_pad, sizeof(t->scratch->hmac_pad));
	if (!hash_start(t->md) || !ok) {
		OPENSSL_cleanse(out, SHA256_LEN);
		return algo_failed();
	}
	return 0;
}

int hkdf_extract(const uint8_t *key, size_t key_len, const uint8_t *salt, size_t salt_len,
		 uint8_t ret_prk[static SHA256_LEN])
{
	const struct kdf_part ikm = {key, key_len};

	return hmac_sha256(salt, salt_len, &ikm, 1, ret_prk);
}

int hkdf_expand(const uint8_t prk[static SHA256_LEN], const uint8_t *info, size_t info_len,
		uint8_t *out, size_t out_len)
{
	struct algo_thread *at = algo_thread_get();
	size_t done = 0, n;
	uint8_t round = 0;
	int r = 0;

	if (out_len > (size_t)HKDF_ROUNDS_MAX * SHA256_LEN)
		return -EINVAL;
	if (!at)
		return algo_failed();
	for (; r == 0 && done < out_len; done += n) {
		uint8_t *t = at->scratch->hkdf_t; /* T(round - 1), then T(round) */
		const struct kdf_part parts[] = {
			{t, round == 0 ? 0 : SHA256_LEN},
			{info, info_len},
			{&(uint8_t){(uint8_t)(round + 1)}, 1},
		};

		r = hmac_sha256(prk, SHA256_LEN, parts, 3, t);
		n = out_len - done < SHA256_LEN ? out_len - done : SHA256_LEN;
		if (r == 0)
			memcpy(out + done, t, n);
		round++;
	}
	OPENSSL_cleanse(at->scratch->hkdf_t, SHA256_LEN);
	if (r < 0)
		OPENSSL_cleanse(out, out_len);
	return r;
}

int hkdf_sha256(const uint8_t *key, size_t key_len, const uint8_t *salt, size_t salt_len,
		const uint8_t *info, size_t info_len, uint8_t *out, size_t out_len)
{
	struct algo_thread *t = algo_thread_get();
	uint8_t *prk;
	int r;

	if (!t)
		return algo_failed();
	prk = t->scratch->hkdf_prk;
	r = hkdf_extract(key, key_len, salt, salt_len, prk);
	if (r == 0)
		r = hkdf_expand(prk, info, info_len, out, out_len);
	OPENSSL_cleanse(prk, SHA256_LEN);
	return r;
}

int kdf_derive(const uint8_t *key, size_t key_len, const char *info, uint8_t *out, size_t out_len)
{
	return hkdf_sha256(key, key_len, NULL, 0, (const uint8_t *)info, strlen(info), out,
			   out_len);
}
