/* tests/unit/test_oaep.c - software RSA root keys against Wycheproof's figures. */
#include "tests/unit/crypto_test.h"

#include "crypto/oaep.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

/* PEM text of a PKCS #8 key in DER, as a file would hold it. */
static size_t pem_of(const uint8_t *der, size_t der_len, char *out, size_t out_len)
{
	static const char head[] = "-----BEGIN PRIVATE KEY-----\n";
	unsigned char base64[4096];
	int n = EVP_EncodeBlock(base64, der, (int)der_len);
	size_t at = (size_t)snprintf(out, out_len, "%s", head);

	assert_true(n > 0);
	for (int i = 0; i < n; i += 64)
		at += (size_t)snprintf(out + at, out_len - at, "%.64s\n", base64 + i);
	at += (size_t)snprintf(out + at, out_len - at, "-----END PRIVATE KEY-----\n");
	assert_true(at < out_len);
	return at;
}

/* Made once: 2048 bits take a while under a sanitizer. */
static struct rsa_key *made_key(void)
{
	static struct rsa_key *key;

	if (!key)
		assert_int_equal(rsa_key_generate(2048, &key, NULL), 0);
	return key;
}

/* An entry with a label is valid with that label, which we do not have: it must not open. */
static void check_vector(struct vec *v, const struct rsa_key *k)
{
	uint8_t ct[1024], msg[512];
	size_t ct_len = vec_bytes(v, "ct", ct, sizeof(ct));
	size_t len = vec_bytes(v, "msg", msg, sizeof(msg));
	bool opens = strcmp(vec_text(v, "result"), "valid") == 0 && !*vec_text(v, "label");
	struct secret *got = NULL;
	int r = oaep_unwrap(k, ct, ct_len, &got);

	if (r != (opens ? 0 : -EBADMSG))
		fail_msg("%s: %d", v->note, r);
	if (opens) {
		assert_int_equal(secret_len(got), len);
		vec_equal(v, secret_bytes(got), msg, len);
	} else {
		assert_null(got);
	}
	secret_free(got);
}

static void oaep_matches_wycheproof(void **state)
{
	static struct vec v;
	static uint8_t der[2048];
	static char pem[4096];
	struct rsa_key *k = NULL;
	size_t len;

	(void)state;
	vec_open(&v, "rsa_oaep_2048_sha256.txt");
	assert_true(vec_next(&v, 38)); /* the key, then 37 tests */
	len = vec_bytes(&v, "pkcs8", der, sizeof(der));
	len = pem_of(der, len, pem, sizeof(pem));
	assert_int_equal(rsa_key_from_pem((const uint8_t *)pem, len, &k, NULL), 0);
	while (vec_next(&v, 38))
		check_vector(&v, k);
	rsa_key_free(k);
}

static void oaep_opens_what_it_wrapped_for_each_size(void **state)
{
	static const unsigned sizes[] = {2048, 3072, 4096};
	uint8_t key[32], out[OAEP_WRAP_MAX];

	(void)state;
	ascending(1, key, sizeof(key));
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct rsa_key *k = NULL;
		struct secret *back = NULL;
		size_t len = 0;

		assert_int_equal(rsa_key_generate(sizes[i], &k, NULL), 0);
		assert_int_equal(rsa_key_bits(k), sizes[i]);
		assert_int_equal(oaep_wrap(k, key, sizeof(key), out, &len), 0);
		assert_int_equal(len, sizes[i] / 8);
		assert_int_equal(oaep_unwrap(k, out, len, &back), 0);
		assert_int_equal(secret_len(back), sizeof(key));
		assert_memory_equal(secret_bytes(back), key, sizeof(key));
		secret_free(back);
		rsa_key_free(k);
	}
}

/* Wraps are random: equal keys of two policies must not be seen to be equal. */
static void oaep_wrap_never_repeats(void **state)
{
	uint8_t a[OAEP_WRAP_MAX], b[OAEP_WRAP_MAX], key[32] = {0};
	size_t len;

	(void)state;
	assert_int_equal(oaep_wrap(made_key(), key, 32, a, &len), 0);
	assert_int_equal(oaep_wrap(made_key(), key, 32, b, &len), 0);
	assert_memory_not_equal(a, b, len);
}

/* A copy that is damaged says so and no more, so that the other vault's copy is used. */
static void oaep_unwrap_refuses_every_flipped_byte_and_cut(void **state)
{
	uint8_t wrap[OAEP_WRAP_MAX], key[32] = {3};
	struct secret *got = NULL;
	size_t len;

	(void)state;
	assert_int_equal(oaep_wrap(made_key(), key, 32, wrap, &len), 0);
	for (size_t i = 0; i < len; i++) {
		wrap[i] ^= 0x10;
		assert_int_equal(oaep_unwrap(made_key(), wrap, len, &got), -EBADMSG);
		wrap[i] ^= 0x10;
	}
	for (size_t n = 0; n < len; n += 5)
		assert_int_equal(oaep_unwrap(made_key(), wrap, n, &got), -EBADMSG);
	assert_int_equal(oaep_unwrap(made_key(), wrap, len + 1, &got), -EBADMSG);
	assert_null(got);
}

static void oaep_unwrap_refuses_another_key(void **state)
{
	uint8_t wrap[OAEP_WRAP_MAX], key[32] = {3};
	struct rsa_key *other = NULL;
	struct secret *got = NULL;
	size_t len;

	(void)state;
	assert_int_equal(rsa_key_generate(2048, &other, NULL), 0);
	assert_int_equal(oaep_wrap(made_key(), key, 32, wrap, &len), 0);
	assert_int_equal(oaep_unwrap(other, wrap, len, &got), -EBADMSG);
	assert_null(got);
	rsa_key_free(other);
}

/* RFC 8017 section 7.1.1: k - 2 hLen - 2 bytes at most. */
static void oaep_wrap_takes_what_fits_and_no_more(void **state)
{
	uint8_t in[256] = {0}, out[OAEP_WRAP_MAX];
	size_t len;

	(void)state;
	assert_int_equal(oaep_wrap(made_key(), in, 190, out, &len), 0);
	assert_int_equal(oaep_wrap(made_key(), in, 191, out, &len), -EINVAL);
	assert_int_equal(oaep_wrap(made_key(), in, sizeof(in), out, &len), -EINVAL);
}

static void rsa_key_survives_its_pem(void **state)
{
	uint8_t wrap[OAEP_WRAP_MAX], key[32] = {5};
	struct secret *pem = NULL, *got = NULL;
	struct rsa_key *back = NULL;
	size_t len;

	(void)state;
	assert_int_equal(rsa_key_to_pem(made_key(), &pem, NULL), 0);
	assert_memory_equal(secret_bytes(pem), "-----BEGIN PRIVATE KEY-----\n", 28);
	assert_int_equal(rsa_key_from_pem(secret_bytes(pem), secret_len(pem), &back, NULL), 0);
	assert_int_equal(oaep_wrap(back, key, 32, wrap, &len), 0);
	assert_int_equal(oaep_unwrap(made_key(), wrap, len, &got), 0);
	assert_memory_equal(secret_bytes(got), key, 32);
	secret_free(pem);
	secret_free(got);
	rsa_key_free(back);
}

static void rsa_key_generate_refuses_other_sizes(void **state)
{
	static const unsigned sizes[] = {0, 1, 512, 1024, 2047, 2056, 8192, UINT32_MAX};
	struct rsa_key *k = NULL;
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		err.text[0] = '\0';
		assert_int_equal(rsa_key_generate(sizes[i], &k, &err), -EINVAL);
		assert_non_null(strstr(err.text, "2048"));
		assert_null(k);
	}
}

static void assert_no_key(const uint8_t *pem, size_t len)
{
	struct rsa_key *k = NULL;
	struct err err = {0};

	assert_int_equal(rsa_key_from_pem(pem, len, &k, &err), -EBADMSG);
	assert_null(k);
	assert_true(err.text[0] != '\0');
}

/* The PEM of any key, also of those that we do not make. */
static void assert_no_key_in(EVP_PKEY *pkey, const EVP_CIPHER *cipher)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *pem = NULL;
	long len;

	assert_non_null(pkey);
	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(out, pkey, cipher, cipher ? "pass" : NULL,
						       cipher ? 4 : 0, NULL, NULL),
			 1);
	len = BIO_get_mem_data(out, &pem);
	assert_no_key((uint8_t *)pem, (size_t)len);
	BIO_free(out);
}

static void rsa_key_from_pem_refuses_other_keys(void **state)
{
	EVP_PKEY *ec = EVP_EC_gen("P-256"), *small = EVP_RSA_gen(1024), *rsa = EVP_RSA_gen(2048);

	(void)state;
	assert_no_key_in(ec, NULL);
	assert_no_key_in(small, NULL);
	assert_no_key_in(rsa, EVP_aes_128_cbc()); /* and does not ask for a passphrase */
	EVP_PKEY_free(ec);
	EVP_PKEY_free(small);
	EVP_PKEY_free(rsa);
}

static void rsa_key_from_pem_refuses_every_cut(void **state)
{
	struct secret *pem = NULL;

	(void)state;
	assert_int_equal(rsa_key_to_pem(made_key(), &pem, NULL), 0);
	for (size_t len = 0; len < secret_len(pem) - 2; len += 7)
		assert_no_key(secret_bytes(pem), len);
	assert_no_key((const uint8_t *)"not a key\n", 10);
	secret_free(pem);
}

static void *unwrap_some(void *arg)
{
	struct secret *got = NULL;

	for (int i = 0; i < 10; i++) {
		if (oaep_unwrap(made_key(), arg, 256, &got) < 0)
			return arg;
		secret_free(got);
		got = NULL;
	}
	return NULL;
}

/* A vault answers several requests at once with one key. */
static void oaep_unwraps_in_threads_at_once(void **state)
{
	uint8_t wrap[OAEP_WRAP_MAX], key[32] = {8};
	pthread_t threads[4];
	size_t len;
	void *bad;

	(void)state;
	assert_int_equal(oaep_wrap(made_key(), key, 32, wrap, &len), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, unwrap_some, wrap), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		assert_int_equal(pthread_join(threads[i], &bad), 0);
		assert_null(bad);
	}
}

static int free_made_key(void **state)
{
	(void)state;
	rsa_key_free(made_key());
	rsa_key_free(NULL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(oaep_matches_wycheproof),
		cmocka_unit_test(oaep_opens_what_it_wrapped_for_each_size),
		cmocka_unit_test(oaep_wrap_never_repeats),
		cmocka_unit_test(oaep_unwrap_refuses_every_flipped_byte_and_cut),
		cmocka_unit_test(oaep_unwrap_refuses_another_key),
		cmocka_unit_test(oaep_wrap_takes_what_fits_and_no_more),
		cmocka_unit_test(rsa_key_survives_its_pem),
		cmocka_unit_test(rsa_key_generate_refuses_other_sizes),
		cmocka_unit_test(rsa_key_from_pem_refuses_other_keys),
		cmocka_unit_test(rsa_key_from_pem_refuses_every_cut),
		cmocka_unit_test(oaep_unwraps_in_threads_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, free_made_key);
}
