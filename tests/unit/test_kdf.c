/* tests/unit/test_kdf.c - HKDF, HMAC and SHA-256 against the RFCs and against OpenSSL's own. */
#include "tests/unit/crypto_test.h"

#include <pthread.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

static void hmac_matches_rfc_4231(void **state)
{
	static struct vec v;

	(void)state;
	vec_open(&v, "hmac_sha256.txt");
	while (vec_next(&v, 6)) {
		uint8_t key[256], msg[256], want[SHA256_LEN], got[SHA256_LEN];
		size_t key_len = vec_bytes(&v, "key", key, sizeof(key));
		struct kdf_part part = {msg, vec_bytes(&v, "msg", msg, sizeof(msg))};

		assert_int_equal(vec_bytes(&v, "mac", want, sizeof(want)), SHA256_LEN);
		assert_int_equal(hmac_sha256(key, key_len, &part, 1, got), 0);
		vec_equal(&v, got, want, SHA256_LEN);
	}
}

static void hkdf_matches_rfc_5869(void **state)
{
	static struct vec v;

	(void)state;
	vec_open(&v, "hkdf_sha256.txt");
	while (vec_next(&v, 3)) {
		uint8_t ikm[128], salt[128], info[128], prk[SHA256_LEN], want[128], got[128];
		size_t ikm_len = vec_bytes(&v, "ikm", ikm, sizeof(ikm));
		size_t salt_len = vec_bytes(&v, "salt", salt, sizeof(salt));
		size_t info_len = vec_bytes(&v, "info", info, sizeof(info));
		size_t len = vec_bytes(&v, "okm", want, sizeof(want));

		assert_int_equal(
			hkdf_sha256(ikm, ikm_len, salt, salt_len, info, info_len, got, len), 0);
		vec_equal(&v, got, want, len);
		assert_int_equal(hkdf_extract(ikm, ikm_len, salt, salt_len, prk), 0);
		(void)vec_bytes(&v, "prk", want, sizeof(want));
		vec_equal(&v, prk, want, SHA256_LEN);
	}
}

/* FIPS 180-2 appendix B.1, and the empty message of NIST's SHA256ShortMsg.rsp (Len = 0). */
static void sha256_matches_fips_180(void **state)
{
	static const struct {
		const char *msg, *hash;
	} rows[] = {
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct kdf_part part = {rows[i].msg, strlen(rows[i].msg)};
		uint8_t got[SHA256_LEN], want[SHA256_LEN];

		assert_int_equal(hex_decode(rows[i].hash, want, sizeof(want)), 0);
		assert_int_equal(sha256(&part, 1, got), 0);
		assert_memory_equal(got, want, sizeof(want));
	}
}

/* The HMAC is ours, from the digest: every key length about the block size must agree. */
static void hmac_agrees_with_openssl_for_every_key_length(void **state)
{
	uint8_t key[200], msg[100], got[SHA256_LEN], want[SHA256_LEN];

	(void)state;
	ascending(1, key, sizeof(key));
	ascending(7, msg, sizeof(msg));
	for (size_t len = 0; len <= sizeof(key); len++) {
		struct kdf_part part = {msg, len % sizeof(msg)};
		unsigned want_len = 0;

		assert_non_null(HMAC(EVP_sha256(), key, (int)len, msg, part.len, want, &want_len));
		assert_int_equal(want_len, SHA256_LEN);
		assert_int_equal(hmac_sha256(key, len, &part, 1, got), 0);
		assert_memory_equal(got, want, SHA256_LEN);
	}
}

/* Parts are only a way to pass a message: where it is split changes nothing. */
static void hmac_and_sha256_hash_the_concatenation(void **state)
{
	uint8_t msg[70], whole[SHA256_LEN], split[SHA256_LEN];

	(void)state;
	ascending(3, msg, sizeof(msg));
	for (size_t cut = 0; cut <= sizeof(msg); cut++) {
		struct kdf_part one = {msg, sizeof(msg)};
		struct kdf_part two[] = {{msg, cut}, {msg + cut, sizeof(msg) - cut}};

		assert_int_equal(hmac_sha256(msg, 32, &one, 1, whole), 0);
		assert_int_equal(hmac_sha256(msg, 32, two, 2, split), 0);
		assert_memory_equal(whole, split, SHA256_LEN);
		assert_int_equal(sha256(&one, 1, whole), 0);
		assert_int_equal(sha256(two, 2, split), 0);
		assert_memory_equal(whole, split, SHA256_LEN);
	}
}

/* RFC 5869 section 2.3 counts rounds in one byte; one more would repeat key material. */
static void hkdf_refuses_more_than_255_blocks(void **state)
{
	static uint8_t out[255 * SHA256_LEN + 1];
	uint8_t key[32] = {1};

	(void)state;
	assert_int_equal(hkdf_sha256(key, 32, NULL, 0, NULL, 0, out, sizeof(out) - 1), 0);
	assert_int_equal(hkdf_sha256(key, 32, NULL, 0, NULL, 0, out, sizeof(out)), -EINVAL);
}

/* One key, one purpose: two equal info strings would make two purposes share a key. */
static void kdf_info_strings_give_distinct_keys(void **state)
{
	static const char *const infos[] = {
		KDF_DEK_BLOCK,	      KDF_DEK_HEADER_MAC,     KDF_DEP_DEK_WRAP,
		KDF_AVAIL_DEP_WRAP,   KDF_SERVICE_DEK_WRAP,   KDF_SERVICE_AVAIL_WRAP,
		KDF_SERVICE_SCOPE_ID, KDF_SERVICE_RECORD_MAC, KDF_SERVICE_AUDIT_SIGN,
	};
	uint8_t out[COUNT_OF(infos)][32], key[32] = {9};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(infos); i++) {
		assert_int_equal(kdf_derive(key, 32, infos[i], out[i], 32), 0);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(out[i], out[j], 32);
	}
}

static void *derive_often(void *arg)
{
	uint8_t key[32], first[64], again[64];

	memset(key, *(const uint8_t *)arg, sizeof(key));
	if (kdf_derive(key, 32, KDF_DEK_BLOCK, first, sizeof(first)) < 0)
		return arg;
	for (int i = 0; i < 500; i++)
		if (kdf_derive(key, 32, KDF_DEK_BLOCK, again, sizeof(again)) < 0 ||
		    memcmp(first, again, sizeof(first)) != 0)
			return arg;
	return NULL;
}

/* Contexts and scratch belong to a thread: others at work at once must not change a result. */
static void kdf_works_in_threads_at_once(void **state)
{
	uint8_t names[4] = {1, 2, 3, 4};
	pthread_t threads[4];
	void *bad;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, derive_often, &names[i]), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		assert_int_equal(pthread_join(threads[i], &bad), 0);
		assert_null(bad);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hmac_matches_rfc_4231),
		cmocka_unit_test(hkdf_matches_rfc_5869),
		cmocka_unit_test(sha256_matches_fips_180),
		cmocka_unit_test(hmac_agrees_with_openssl_for_every_key_length),
		cmocka_unit_test(hmac_and_sha256_hash_the_concatenation),
		cmocka_unit_test(hkdf_refuses_more_than_255_blocks),
		cmocka_unit_test(kdf_info_strings_give_distinct_keys),
		cmocka_unit_test(kdf_works_in_threads_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
