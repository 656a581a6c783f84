/* crypto/wrap.c - AES-256-SIV (RFC 5297) from CMAC and CTR, and counted wrapping keys. */
#include "crypto/wrap_internal.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/crypto.h>

#include "crypto/algo_internal.h"
#include "crypto/base/bytes.h"
#include "crypto/kdf.h"

/* The first half of a SIV key is CMAC's, the second CTR's, RFC 5297 section 2.2. */
#define SIV_HALF_LEN 32

struct wrap_key {
	atomic_uint refs;
	uint8_t siv_key[WRAP_SIV_KEY_LEN];
};

static_assert(WRAP_LEN == SIV_LEN + WRAP_KEY_LEN, "synthetic IV, then the key");
static_assert(WRAP_SIV_KEY_LEN == 2 * SIV_HALF_LEN, "two 256-bit keys");

/*
 * Why not OpenSSL's AES-256-SIV: it fetches three algorithms anew for each key, under locks that
 * all threads share. A re-wrap job took 33 us of processor time a file with OpenSSL's SIV, HMAC and
 * HKDF, 24 with its HMAC and HKDF alone, and 19.5 with the code here; its rate was 0.62, 0.83 and 1
 * times the 70,000 files/s that it has now, where 60,000 are required (tests/bench/jobs; single
 * functions: tests/bench/primitives.c). Copying a context that was keyed once takes 0.8 of the
 * time, but leaves each policy's key schedule on the ordinary heap while the policy is open.
 * tests/unit/test_wrap.c compares the code here with published vectors and with OpenSSL's.
 */

/* Doubling in GF(2^128), RFC 5297 section 2.3; no branch on the secret bit. */
static void siv_double(uint8_t d[static SIV_LEN])
{
	uint8_t carry = (uint8_t)(0u - (d[0] >> 7)) & 0x87;

	for (size_t i = 0; i + 1 < SIV_LEN; i++)
		d[i] = (uint8_t)(d[i] << 1 | d[i + 1] >> 7);
	d[SIV_LEN - 1] = (uint8_t)(d[SIV_LEN - 1] << 1 ^ carry);
}

static void siv_xor(uint8_t d[static SIV_LEN], const uint8_t *with, size_t len)
{
	for (size_t i = 0; i < len; i++)
		d[i] ^= with[i];
}

/* CMAC of two pieces; a null key keeps the one that is loaded. */
static bool siv_cmac(EVP_MAC_CTX *cmac, const uint8_t *in, size_t in_len, const uint8_t *end,
		     size_t end_len, uint8_t out[static SIV_LEN])
{
	size_t out_len = 0;

	return EVP_MAC_init(cmac, NULL, 0, NULL) == 1 &&
	       (in_len == 0 || EVP_MAC_update(cmac, in, in_len) == 1) &&
	       (end_len == 0 || EVP_MAC_update(cmac, end, end_len) == 1) &&
	       EVP_MAC_final(cmac, out, &out_len, SIV_LEN) == 1 && out_len == SIV_LEN;
}

struct siv_aad {
	const uint8_t *const *data;
	const size_t *len;
	size_t n;
};

/* The last string of S2V: its end is xored with D if it is a block or longer, else it is padded and
 * xored with 2 D. */
static bool siv_last(struct algo_thread *t, const uint8_t *in, size_t in_len,
		     uint8_t iv[static SIV_LEN])
{
	uint8_t *d = t->scratch->siv_d;

	if (in_len >= SIV_LEN) {
		siv_xor(d, in + in_len - SIV_LEN, SIV_LEN);
		return siv_cmac(t->cmac, in, in_len - SIV_LEN, d, SIV_LEN, iv);
	}
	siv_double(d);
	siv_xor(d, in, in_len);
	d[in_len] ^= 0x80;
	return siv_cmac(t->cmac, NULL, 0, d, SIV_LEN, iv);
}

/* S2V, RFC 5297 section 2.4, with at least one string: the plaintext, which may be empty. */
static bool siv_s2v(struct algo_thread *t, const uint8_t *key, const struct siv_aad *aad,
		    const uint8_t *in, size_t in_len, uint8_t iv[static SIV_LEN])
{
	static const uint8_t zero[SIV_LEN];
	uint8_t *d = t->scratch->siv_d, *piece = t->scratch->siv_piece;

	if (EVP_MAC_init(t->cmac, key, SIV_HALF_LEN, NULL) != 1 ||
	    !siv_cmac(t->cmac, zero, SIV_LEN, NULL, 0, d))
		return false;
	for (size_t i = 0; i < aad->n; i++) {
		siv_double(d);
		if (!siv_cmac(t->cmac, aad->data[i], aad->len[i], NULL, 0, piece))
			return false;
		siv_xor(d, piece, SIV_LEN);
	}
	return siv_last(t, in, in_len, iv);
}

static bool siv_ctr(struct algo_thread *t, const uint8_t *key, const uint8_t iv[static SIV_LEN],
		    const uint8_t *in, size_t in_len, uint8_t *out)
{
	uint8_t start[SIV_LEN];
	int out_len = 0;

	memcpy(start, iv, SIV_LEN);
	start[8] &= 0x7f; /* so that 32- and 64-bit counters cannot carry, RFC 5297 section 2.5 */
	start[12] &= 0x7f;
	if (EVP_CipherInit_ex2(t->ctr, NULL, key, start, 1, NULL) != 1)
		return false;
	return in_len == 0 || (EVP_CipherUpdate(t->ctr, out, &out_len, in, (int)in_len) == 1 &&
			       (size_t)out_len == in_len);
}

/* Overwrites the expanded keys: the contexts lie on the ordinary heap and outlive the call. */
static bool siv_forget(struct algo_thread *t)
{
	static const uint8_t zero[SIV_HALF_LEN];

	OPENSSL_cleanse(t->scratch->siv_d, SIV_LEN);
	OPENSSL_cleanse(t->scratch->siv_piece, SIV_LEN);
	return EVP_MAC_init(t->cmac, zero, SIV_HALF_LEN, NULL) == 1 &&
	       EVP_CipherInit_ex2(t->ctr, NULL, zero, zero, 1, NULL) == 1;
}

int siv_seal(const uint8_t key[static WRAP_SIV_KEY_LEN], const uint8_t *const *aad,
	     const size_t *aad_len, size_t n_aad, const uint8_t *in, size_t in_len, uint8_t *out)
{
	const struct siv_aad strings = {aad, aad_len, n_aad};
	struct algo_thread *t = algo_thread_get();
	bool ok;

	if (!t || in_len > INT_MAX)
		return algo_failed();
	ok = siv_s2v(t, key, &strings, in, in_len, out) &&
	     siv_ctr(t, key + SIV_HALF_LEN, out, in, in_len, out + SIV_LEN);
	if (!siv_forget(t) || !ok) {
		OPENSSL_cleanse(out, SIV_LEN + in_len);
		return algo_failed();
	}
	return 0;
}

int siv_open(const uint8_t key[static WRAP_SIV_KEY_LEN], const uint8_t *const *aad,
	     const size_t *aad_len, size_t n_aad, const uint8_t *in, size_t in_len, uint8_t *out)
{
	const struct siv_aad strings = {aad, aad_len, n_aad};
	struct algo_thread *t;
	uint8_t iv[SIV_LEN]; /* recomputed from the plaintext; not secret */
	size_t len;
	bool ok;

	if (in_len < SIV_LEN)
		return -EBADMSG;
	len = in_len - SIV_LEN;
	t = algo_thread_get();
	if (!t || len > INT_MAX)
		return algo_failed();
	ok = siv_ctr(t, key + SIV_HALF_LEN, in, in + SIV_LEN, len, out) &&
	     siv_s2v(t, key, &strings, out, len, iv);
	ok = siv_forget(t) && ok;
	if (ok && CRYPTO_memcmp(iv, in, SIV_LEN) == 0)
		return 0;
	if (len > 0)
		OPENSSL_cleanse(out, len);
	return ok ? -EBADMSG : algo_failed();
}

int wrap_key_new(const uint8_t key[static WRAP_KEY_LEN], const char *info,
		 struct wrap_key **ret_key)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *k = secret_alloc(sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	atomic_init(&k->refs, 1);
	r = kdf_derive(key, WRAP_KEY_LEN, info, k->siv_key, sizeof(k->siv_key));
	if (r < 0)
		return r;
	*ret_key = STEAL(k);
	return 0;
}

struct wrap_key *wrap_key_get(struct wrap_key *k)
{
	atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
	return k;
}

void wrap_key_put(struct wrap_key *k)
{
	/* Acquire and release: the wipe comes after the last use by every other holder. */
	if (k && atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) == 1)
		secret_free_mem(k, sizeof(*k));
}

int wrap_seal(const struct wrap_key *k, const uint8_t *aad, size_t aad_len,
	      const uint8_t in[static WRAP_KEY_LEN], uint8_t out[static WRAP_LEN])
{
	return siv_seal(k->siv_key, &aad, &aad_len, 1, in, WRAP_KEY_LEN, out);
}

int wrap_open(const struct wrap_key *k, const uint8_t *aad, size_t aad_len,
	      const uint8_t in[static WRAP_LEN], uint8_t out[static WRAP_KEY_LEN])
{
	return siv_open(k->siv_key, &aad, &aad_len, 1, in, WRAP_LEN, out);
}

size_t wrap_record_aad(const uint8_t policy_id[static 16], uint32_t generation, const char *purpose,
		       uint8_t out[static WRAP_AAD_MAX])
{
	struct wbuf b = wbuf_to(out, WRAP_AAD_MAX);

	wbuf_bytes(&b, policy_id, 16);
	wbuf_u32(&b, generation);
	wbuf_bytes(&b, purpose, strlen(purpose));
	assert(!b.failed); /* the purposes are wrap.h's, and short */
	return WRAP_AAD_MAX - b.left_len;
}
