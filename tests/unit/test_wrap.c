/* tests/unit/test_wrap.c - AES-256-SIV against published vectors, and every way a wrap must not
 * open. */
#include "tests/unit/crypto_test.h"

#include <pthread.h>

#include <openssl/evp.h>

struct strings {
	const uint8_t *data[3];
	size_t len[3];
	size_t n;
};

static int seal(const uint8_t *key, const struct strings *aad, const uint8_t *in, size_t in_len,
		uint8_t *out)
{
	return siv_seal(key, aad->data, aad->len, aad->n, in, in_len, out);
}

static int open_(const uint8_t *key, const struct strings *aad, const uint8_t *in, size_t in_len,
		 uint8_t *out)
{
	return siv_open(key, aad->data, aad->len, aad->n, in, in_len, out);
}

/* One associated-data string, as every wrap here has. */
static void siv_matches_published_vectors(void **state)
{
	static struct vec v;

	(void)state;
	vec_open(&v, "siv_256.txt");
	while (vec_next(&v, 15)) {
		uint8_t key[64], aad[64], msg[128], want[160], got[160];
		struct strings s = {{aad}, {vec_bytes(&v, "aad", aad, sizeof(aad))}, 1};
		size_t len = vec_bytes(&v, "msg", msg, sizeof(msg));

		assert_int_equal(vec_bytes(&v, "key", key, sizeof(key)), 64);
		assert_int_equal(vec_bytes(&v, "ct", want, sizeof(want)), len + 16);
		assert_int_equal(seal(key, &s, msg, len, got), 0);
		vec_equal(&v, got, want, len + 16);
		assert_int_equal(open_(key, &s, want, len + 16, got), 0);
		vec_equal(&v, got, msg, len);
	}
}

/* Two strings, empty messages, edge-case IVs, and tags that are wrong in one bit. */
static void siv_matches_wycheproof_aead(void **state)
{
	static struct vec v;

	(void)state;
	vec_open(&v, "aead_siv_256.txt");
	while (vec_next(&v, 67)) {
		uint8_t key[64], aad[512], nonce[64], msg[512], want[512], got[512];
		struct strings s = {{aad, nonce},
				    {vec_bytes(&v, "aad", aad, sizeof(aad)),
				     vec_bytes(&v, "nonce", nonce, sizeof(nonce))},
				    2};
		size_t len = vec_bytes(&v, "msg", msg, sizeof(msg));
		bool valid = strcmp(vec_text(&v, "result"), "valid") == 0;

		assert_int_equal(vec_bytes(&v, "key", key, sizeof(key)), 64);
		assert_int_equal(vec_bytes(&v, "ct", want, sizeof(want)), len + 16);
		assert_int_equal(open_(key, &s, want, len + 16, got), valid ? 0 : -EBADMSG);
		if (!valid)
			continue;
		vec_equal(&v, got, msg, len);
		assert_int_equal(seal(key, &s, msg, len, got), 0);
		vec_equal(&v, got, want, len + 16);
	}
}

/* OpenSSL's SIV of either key size, the oracle of the next two tests. */
static void openssl_siv(const char *name, const uint8_t *key, const struct strings *aad,
			const uint8_t *in, size_t in_len, uint8_t *out)
{
	EVP_CIPHER *siv = EVP_CIPHER_fetch(NULL, name, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len;

	assert_non_null(siv);
	assert_non_null(ctx);
	assert_int_equal(EVP_EncryptInit_ex2(ctx, siv, key, NULL, NULL), 1);
	for (size_t i = 0; i < aad->n; i++)
		assert_int_equal(EVP_EncryptUpdate(ctx, NULL, &len, aad->data[i], (int)aad->len[i]),
				 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, out + 16, &len, in, (int)in_len), 1);
	assert_int_equal(EVP_EncryptFinal_ex(ctx, out + 16, &len), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, out), 1);
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(siv);
}

/*
 * RFC 5297 appendix A has 256-bit (two AES-128) keys only, which siv_seal() does not take: here
 * they vouch for the oracle, and the oracle then for us with 512-bit ones.
 */
static void openssl_siv_matches_rfc_5297(void **state)
{
	uint8_t key[32], a1[40], a2[10], a3[16], msg[64], want[80], got[80];
	struct strings s = {{a1, a2, a3}, {24, 10, 16}, 1};

	(void)state;
	/* A.1 */
	assert_int_equal(hex_decode("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0"
				    "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
				    key, 32),
			 0);
	ascending(0x10, a1, 24);
	assert_int_equal(hex_decode("112233445566778899aabbccddee", msg, 14), 0);
	assert_int_equal(hex_decode("85632d07c6e8f37f950acd320a2ecc93"
				    "40c02b9690c4dc04daef7f6afe5c",
				    want, 30),
			 0);
	openssl_siv("AES-128-SIV", key, &s, msg, 14, got);
	assert_memory_equal(got, want, 30);

	/* A.2 */
	s.n = 3;
	s.len[0] = 40;
	assert_int_equal(hex_decode("7f7e7d7c7b7a79787776757473727170"
				    "404142434445464748494a4b4c4d4e4f",
				    key, 32),
			 0);
	assert_int_equal(hex_decode("00112233445566778899aabbccddeeffdeaddadadeaddada"
				    "ffeeddccbbaa99887766554433221100",
				    a1, 40),
			 0);
	assert_int_equal(hex_decode("102030405060708090a0", a2, 10), 0);
	assert_int_equal(hex_decode("09f911029d74e35bd84156c5635688c0", a3, 16), 0);
	memcpy(msg, "this is some plaintext to encrypt using SIV-AES", 47);
	assert_int_equal(hex_decode("7bdb6e3b432667eb06f4d14bff2fbd0f"
				    "cb900f2fddbe404326601965c889bf17dba77ceb094fa663b7a3f748ba8af8"
				    "29ea64ad544a272e9c485b62a3fd5c0d",
				    want, 63),
			 0);
	openssl_siv("AES-128-SIV", key, &s, msg, 47, got);
	assert_memory_equal(got, want, 63);
}

static void siv_agrees_with_openssl_for_any_strings(void **state)
{
	uint8_t key[64], bytes[300], got[200], want[200];

	(void)state;
	for (size_t i = 0; i < 400; i++) {
		struct strings s = {
			{bytes, bytes + 40, bytes + 80}, {i % 37, i % 16, i % 33}, i % 4};
		size_t len = 1 + i % 100; /* OpenSSL's does nothing for an empty message */

		ascending((uint8_t)i, key, sizeof(key));
		ascending((uint8_t)(3 * i), bytes, sizeof(bytes));
		openssl_siv("AES-256-SIV", key, &s, bytes + 120, len, want);
		assert_int_equal(seal(key, &s, bytes + 120, len, got), 0);
		assert_memory_equal(got, want, len + 16);
	}
}

static void siv_open_refuses_every_cut(void **state)
{
	uint8_t key[64] = {1}, msg[40] = {2}, ct[56], out[56];
	struct strings s = {{msg}, {5}, 1};

	(void)state;
	assert_int_equal(seal(key, &s, msg, sizeof(msg), ct), 0);
	for (size_t len = 0; len < sizeof(ct); len++)
		assert_int_equal(open_(key, &s, ct, len, out), -EBADMSG);
	assert_int_equal(open_(key, &s, ct, sizeof(ct), out), 0);
}

#define AAD_LEN 76

struct wrapped {
	struct wrap_key *kek;
	uint8_t aad[AAD_LEN], key[WRAP_KEY_LEN], wrap[WRAP_LEN];
};

static struct wrapped wrapped_make(void)
{
	struct wrapped w = {.kek = key_of(0x40, KDF_DEP_DEK_WRAP)};

	ascending(1, w.aad, sizeof(w.aad));
	ascending(0xa0, w.key, sizeof(w.key));
	assert_int_equal(wrap_seal(w.kek, w.aad, AAD_LEN, w.key, w.wrap), 0);
	return w;
}

/* Refused, and nothing of the key left in the output. */
static void assert_refused(const struct wrap_key *kek, const uint8_t *aad, size_t aad_len,
			   const uint8_t *wrap)
{
	uint8_t out[WRAP_KEY_LEN];

	memset(out, 0x5a, sizeof(out));
	assert_int_equal(wrap_open(kek, aad, aad_len, wrap, out), -EBADMSG);
	assert_true(bytes_are_zero(out, sizeof(out)));
}

static void wrap_opens_what_it_sealed(void **state)
{
	struct wrapped w = wrapped_make();
	uint8_t out[WRAP_KEY_LEN];

	(void)state;
	assert_int_equal(wrap_open(w.kek, w.aad, AAD_LEN, w.wrap, out), 0);
	assert_memory_equal(out, w.key, sizeof(out));
	wrap_key_put(w.kek);
}

static void wrap_refuses_every_flipped_bit(void **state)
{
	struct wrapped w = wrapped_make();

	(void)state;
	for (size_t i = 0; i < 8 * WRAP_LEN; i++) {
		w.wrap[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_refused(w.kek, w.aad, AAD_LEN, w.wrap);
		w.wrap[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	for (size_t i = 0; i < 8 * AAD_LEN; i++) {
		w.aad[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_refused(w.kek, w.aad, AAD_LEN, w.wrap);
		w.aad[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	wrap_key_put(w.kek);
}

static void wrap_refuses_cut_associated_data(void **state)
{
	struct wrapped w = wrapped_make();

	(void)state;
	for (size_t len = 0; len < AAD_LEN; len++)
		assert_refused(w.kek, w.aad, len, w.wrap);
	wrap_key_put(w.kek);
}

/* The same root key under another info string is another key: a wrap has one purpose. */
static void wrap_refuses_another_key_or_purpose(void **state)
{
	struct wrapped w = wrapped_make();
	struct wrap_key *purpose = key_of(0x40, KDF_AVAIL_DEP_WRAP);
	struct wrap_key *other = key_of(0x41, KDF_DEP_DEK_WRAP);

	(void)state;
	assert_refused(purpose, w.aad, AAD_LEN, w.wrap);
	assert_refused(other, w.aad, AAD_LEN, w.wrap);
	wrap_key_put(purpose);
	wrap_key_put(other);
	wrap_key_put(w.kek);
}

/* Bytes from python3-cryptography (vectors/golden.py): the DEP key's copy in a store's record. */
static void wrap_record_matches_golden(void **state)
{
	static const char golden[] =
		"8cb6db86c71f5f1760d61041ff6d17f6"
		"cc60415c93ac0d0e1a97f20035144b0c42d925679c43624aa22c437a7fe4e033";
	struct wrap_key *k = key_of(0x40, KDF_AVAIL_DEP_WRAP);
	uint8_t id[16], aad[WRAP_AAD_MAX], key[WRAP_KEY_LEN], got[WRAP_LEN], want[WRAP_LEN];
	size_t len;

	(void)state;
	ascending(0x60, id, sizeof(id));
	ascending(0xa0, key, sizeof(key));
	len = wrap_record_aad(id, 3, WRAP_PURPOSE_DEP_KEY, aad);
	assert_int_equal(len, 16 + 4 + 7);
	assert_memory_equal(aad, id, 16);
	assert_memory_equal(aad + 16, "\x03\0\0\0dep key", 11);
	assert_int_equal(wrap_seal(k, aad, len, key, got), 0);
	assert_int_equal(hex_decode(golden, want, sizeof(want)), 0);
	assert_memory_equal(got, want, sizeof(want));
	wrap_key_put(k);
}

/* An availability key must not pass for a DEP key, nor one generation for another. */
static void wrap_record_aad_differs_in_each_part(void **state)
{
	uint8_t id[16] = {1}, other_id[16] = {2}, aad[4][WRAP_AAD_MAX] = {0};
	size_t len[4] = {
		wrap_record_aad(id, 1, WRAP_PURPOSE_DEP_KEY, aad[0]),
		wrap_record_aad(other_id, 1, WRAP_PURPOSE_DEP_KEY, aad[1]),
		wrap_record_aad(id, 2, WRAP_PURPOSE_DEP_KEY, aad[2]),
		wrap_record_aad(id, 1, WRAP_PURPOSE_AVAIL_KEY, aad[3]),
	};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < i; j++)
			assert_true(len[i] != len[j] || memcmp(aad[i], aad[j], len[i]) != 0);
}

static void *wrap_often(void *arg)
{
	struct wrap_key *k = arg;
	uint8_t key[WRAP_KEY_LEN] = {1}, out[WRAP_KEY_LEN], wrap[WRAP_LEN];
	void *bad = NULL;

	for (int i = 0; i < 300 && !bad; i++) {
		struct wrap_key *mine = wrap_key_get(k);

		if (wrap_seal(mine, key, 8, key, wrap) < 0 ||
		    wrap_open(mine, key, 8, wrap, out) < 0 || memcmp(out, key, sizeof(key)) != 0)
			bad = arg;
		wrap_key_put(mine);
	}
	wrap_key_put(k); /* the reference this thread was given */
	return bad;
}

/* A key lives until its last holder is done, whichever thread that is (TSan watches the wipe). */
static void wrap_key_is_shared_by_threads(void **state)
{
	struct wrap_key *k = key_of(1, KDF_DEP_DEK_WRAP);
	pthread_t threads[4];
	void *bad;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, wrap_often, wrap_key_get(k)), 0);
	wrap_key_put(k);
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		assert_int_equal(pthread_join(threads[i], &bad), 0);
		assert_null(bad);
	}
	wrap_key_put(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siv_matches_published_vectors),
		cmocka_unit_test(siv_matches_wycheproof_aead),
		cmocka_unit_test(openssl_siv_matches_rfc_5297),
		cmocka_unit_test(siv_agrees_with_openssl_for_any_strings),
		cmocka_unit_test(siv_open_refuses_every_cut),
		cmocka_unit_test(wrap_opens_what_it_sealed),
		cmocka_unit_test(wrap_refuses_every_flipped_bit),
		cmocka_unit_test(wrap_refuses_cut_associated_data),
		cmocka_unit_test(wrap_refuses_another_key_or_purpose),
		cmocka_unit_test(wrap_record_matches_golden),
		cmocka_unit_test(wrap_record_aad_differs_in_each_part),
		cmocka_unit_test(wrap_key_is_shared_by_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
