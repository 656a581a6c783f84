/*
 * primitives - SIV, HMAC and HKDF of crypto/ beside OpenSSL's own, as the program uses them
 *
 *     build/bin/primitives [ROUNDS]
 *
 * Each row is one operation with a key of its own each time (files have keys of their own), on
 * contexts that last for the thread and algorithms that were fetched before.  Ours and OpenSSL's
 * take turns in one run; a figure is processor time, the best of five turns, and the ratio is to
 * ours.  Before, both are checked to give the same bytes.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "crypto/header.h"
#include "crypto/kdf.h"
#include "crypto/secret.h"
#include "crypto/wrap_internal.h"

#define AAD_LEN	  HEADER_AAD_LEN
#define MACED_LEN (HEADER_LEN - HEADER_MAC_LEN)
#define TURNS	  5

static const char block_info[] = KDF_DEK_BLOCK, mac_info[] = KDF_DEK_HEADER_MAC;

static struct {
	EVP_CIPHER *siv;
	EVP_CIPHER_CTX *siv_ctx, *siv_keyed, *siv_copy;
	EVP_MAC_CTX *hmac;
	EVP_KDF_CTX *hkdf;
	uint8_t kek[64], aad[AAD_LEN], msg[MACED_LEN];
	uint8_t dek[32], wrap[48], out[64], mac[32]; /* what the rows leave */
	uint64_t n;
} b;

static void need(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "primitives: %s\n", what);
	exit(1);
}

static uint8_t *next_key(void)
{
	b.n++;
	memcpy(b.kek, &b.n, sizeof(b.n));
	return b.kek;
}

/* SIV: seal 32 bytes with 76 of associated data, then open them. */
static void ours_siv(void)
{
	const uint8_t *key = next_key(), *aad = b.aad;
	const size_t aad_len = AAD_LEN;

	need(siv_seal(key, &aad, &aad_len, 1, b.dek, 32, b.wrap) == 0 &&
		     siv_open(key, &aad, &aad_len, 1, b.wrap, 48, b.out) == 0,
	     "siv");
}

static void evp_seal(EVP_CIPHER_CTX *ctx, const uint8_t *key)
{
	int len;

	need(EVP_CipherInit_ex2(ctx, NULL, key, NULL, 1, NULL) == 1 &&
		     EVP_CipherUpdate(ctx, NULL, &len, b.aad, AAD_LEN) == 1 &&
		     EVP_CipherUpdate(ctx, b.wrap + 16, &len, b.dek, 32) == 1 &&
		     EVP_CipherFinal_ex(ctx, b.wrap + 48, &len) == 1 &&
		     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, b.wrap) == 1,
	     "AES-256-SIV seal");
}

static void evp_open(EVP_CIPHER_CTX *ctx, const uint8_t *key)
{
	int len;

	need(EVP_CipherInit_ex2(ctx, NULL, key, NULL, 0, NULL) == 1 &&
		     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, b.wrap) == 1 &&
		     EVP_CipherUpdate(ctx, NULL, &len, b.aad, AAD_LEN) == 1 &&
		     EVP_CipherUpdate(ctx, b.out, &len, b.wrap + 16, 32) == 1 &&
		     EVP_CipherFinal_ex(ctx, b.out + 32, &len) == 1,
	     "AES-256-SIV open");
}

static void openssl_siv(void)
{
	const uint8_t *key = next_key();

	evp_seal(b.siv_ctx, key);
	evp_open(b.siv_ctx, key);
}

/* The same with a context that was keyed once and is copied: what one policy's files could do. */
static void openssl_siv_copied(void)
{
	need(EVP_CIPHER_CTX_copy(b.siv_copy, b.siv_keyed) == 1, "copy");
	evp_seal(b.siv_copy, NULL);
	need(EVP_CIPHER_CTX_copy(b.siv_copy, b.siv_keyed) == 1, "copy");
	evp_open(b.siv_copy, NULL);
}

static void ours_hmac(void)
{
	const struct kdf_part part = {b.msg, MACED_LEN};

	need(hmac_sha256(next_key(), 32, &part, 1, b.mac) == 0, "hmac");
}

/* Wiped as crypto/ promises: another key over the one that is loaded. */
static void openssl_hmac(void)
{
	static const uint8_t zero[32];
	size_t len;

	need(EVP_MAC_init(b.hmac, next_key(), 32, NULL) == 1 &&
		     EVP_MAC_update(b.hmac, b.msg, MACED_LEN) == 1 &&
		     EVP_MAC_final(b.hmac, b.mac, &len, 32) == 1 &&
		     EVP_MAC_init(b.hmac, zero, 32, NULL) == 1,
	     "EVP_MAC HMAC");
}

static void openssl_hmac_no_wipe(void)
{
	size_t len;

	need(EVP_MAC_init(b.hmac, next_key(), 32, NULL) == 1 &&
		     EVP_MAC_update(b.hmac, b.msg, MACED_LEN) == 1 &&
		     EVP_MAC_final(b.hmac, b.mac, &len, 32) == 1,
	     "EVP_MAC HMAC");
}

/* The two keys that a DEK gives. */
static void ours_hkdf(void)
{
	uint8_t prk[32];

	need(hkdf_extract(next_key(), 32, NULL, 0, prk) == 0 &&
		     hkdf_expand(prk, (const uint8_t *)block_info, sizeof(block_info) - 1, b.out,
				 32) == 0 &&
		     hkdf_expand(prk, (const uint8_t *)mac_info, sizeof(mac_info) - 1, b.out + 32,
				 32) == 0,
	     "hkdf");
}

static void evp_hkdf(int mode, const uint8_t *key, const char *info, size_t info_len, uint8_t *out)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, 32),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, info_len),
		OSSL_PARAM_construct_end(),
		OSSL_PARAM_construct_end(),
	};

	if (mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY && b.n == 1) /* named once */
		params[3] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	need(EVP_KDF_derive(b.hkdf, out, 32, params) == 1, "EVP_KDF HKDF");
}

static void openssl_hkdf(void)
{
	uint8_t prk[32];

	evp_hkdf(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, next_key(), "", 0, prk);
	evp_hkdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, prk, block_info, sizeof(block_info) - 1, b.out);
	evp_hkdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, prk, mac_info, sizeof(mac_info) - 1, b.out + 32);
}

/* A job's work on one file: unwrap, derive, check the MAC, wrap, a new MAC. */
static void ours_rewrap(void)
{
	ours_siv();
	ours_hkdf();
	ours_hmac();
	ours_hmac();
}

static void openssl_rewrap(void)
{
	openssl_siv();
	openssl_hkdf();
	openssl_hmac();
	openssl_hmac();
}

static void openssl_rewrap_copied(void)
{
	openssl_siv_copied();
	openssl_hkdf();
	openssl_hmac();
	openssl_hmac();
}

static void mixed_rewrap(void)
{
	ours_siv();
	openssl_hkdf();
	openssl_hmac();
	openssl_hmac();
}

/* Both under one key: the same wrap, MAC and derived keys. */
static void check_same(void (*ours)(void), void (*openssl)(void), const char *what)
{
	uint8_t wrap[48], out[64], mac[32];

	b.n = 0;
	ours();
	memcpy(wrap, b.wrap, sizeof(wrap));
	memcpy(out, b.out, sizeof(out));
	memcpy(mac, b.mac, sizeof(mac));
	b.n = 0;
	openssl();
	need(memcmp(wrap, b.wrap, sizeof(wrap)) == 0 && memcmp(out, b.out, sizeof(out)) == 0 &&
		     memcmp(mac, b.mac, sizeof(mac)) == 0,
	     what);
}

static double now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static const struct {
	const char *name;
	void (*run)(void);
	int base; /* row it is compared with */
} rows[] = {
	{"SIV seal and open, ours", ours_siv, 0},
	{"  OpenSSL, keyed each time", openssl_siv, 0},
	{"  OpenSSL, copy of a keyed context", openssl_siv_copied, 0},
	{"HMAC of a header, ours", ours_hmac, 3},
	{"  OpenSSL, and wiped", openssl_hmac, 3},
	{"  OpenSSL, not wiped", openssl_hmac_no_wipe, 3},
	{"HKDF of a DEK, ours", ours_hkdf, 6},
	{"  OpenSSL", openssl_hkdf, 6},
	{"re-wrap of a file, ours", ours_rewrap, 8},
	{"  our SIV, OpenSSL's HMAC and HKDF", mixed_rewrap, 8},
	{"  OpenSSL, SIV copied", openssl_rewrap_copied, 8},
	{"  OpenSSL", openssl_rewrap, 8},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void setup(void)
{
	char name[] = "SHA256";
	const OSSL_PARAM digest[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_end(),
	};
	const uint8_t first_key[64] = {1}; /* next_key() gives it first */
	struct err err = {0};

	need(secret_init(&err) >= 0, "secure heap");
	b.siv = EVP_CIPHER_fetch(NULL, "AES-256-SIV", NULL);
	b.siv_ctx = EVP_CIPHER_CTX_new();
	b.siv_keyed = EVP_CIPHER_CTX_new();
	b.siv_copy = EVP_CIPHER_CTX_new();
	b.hmac = EVP_MAC_CTX_new(EVP_MAC_fetch(NULL, "HMAC", NULL));
	b.hkdf = EVP_KDF_CTX_new(EVP_KDF_fetch(NULL, "HKDF", NULL));
	need(b.siv && b.hmac && b.hkdf && EVP_MAC_CTX_set_params(b.hmac, digest) == 1 &&
		     EVP_CipherInit_ex2(b.siv_ctx, b.siv, NULL, NULL, 1, NULL) == 1 &&
		     EVP_CipherInit_ex2(b.siv_keyed, b.siv, first_key, NULL, 1, NULL) == 1,
	     "OpenSSL lacks one");
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 50000;
	double best[ROWS];

	setup();
	check_same(ours_siv, openssl_siv, "SIV differs");
	check_same(ours_siv, openssl_siv_copied, "SIV of a copy differs");
	check_same(ours_hmac, openssl_hmac, "HMAC differs");
	check_same(ours_hkdf, openssl_hkdf, "HKDF differs");
	for (size_t i = 0; i < ROWS; i++)
		best[i] = 1e9;
	for (int turn = 0; turn < TURNS; turn++)
		for (size_t i = 0; i < ROWS; i++) {
			double start = now_us(), us;

			for (unsigned long n = 0; n < rounds; n++)
				rows[i].run();
			us = (now_us() - start) / (double)rounds;
			best[i] = us < best[i] ? us : best[i];
		}
	printf("%-38s %8s %8s\n", "operation", "us", "ratio");
	for (size_t i = 0; i < ROWS; i++)
		printf("%-38s %8.2f %8.2f\n", rows[i].name, best[i], best[i] / best[rows[i].base]);
	return 0;
}
