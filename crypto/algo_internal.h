/* crypto/algo_internal.h - OpenSSL's algorithms, fetched once, and the contexts of a thread. */
#ifndef DEPFS_CRYPTO_ALGO_INTERNAL_H
#define DEPFS_CRYPTO_ALGO_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#define ALGO_SHA256_BLOCK_LEN 64 /* bytes, FIPS 180-4 */

/*
 * Fetched once, since fetching looks names up under a lock of the library. Contexts are kept as
 * well: a new one is several allocations. Either costs more than the cryptography itself when a
 * file is created or opened.
 */
struct algo {
	EVP_CIPHER *gcm; /* AES-256-GCM */
	EVP_CIPHER *ctr; /* AES-256-CTR */
	EVP_MAC *cmac;
	EVP_MD *sha256;
};

/* Intermediate key bytes, on the secure heap; zero between calls. Each field has one user, which is
 * named beside it. */
struct algo_scratch {
	uint8_t hmac_pad[ALGO_SHA256_BLOCK_LEN]; /* hmac_sha256() */
	uint8_t hkdf_prk[32];			 /* hkdf_sha256() */
	uint8_t hkdf_t[32];			 /* hkdf_expand() */
	uint8_t siv_d[16];			 /* wrap.c */
	uint8_t siv_piece[16];			 /* wrap.c */
};

/* The contexts of one thread; freed, which wipes them, when the thread ends. */
struct algo_thread {
	EVP_MD_CTX *md;	     /* SHA-256 */
	EVP_MAC_CTX *cmac;   /* over AES-256-CBC */
	EVP_CIPHER_CTX *ctr; /* AES-256-CTR */
	struct algo_scratch *scratch;
};

const struct algo *algo_get(void);	   /* NULL: OpenSSL lacks an algorithm */
struct algo_thread *algo_thread_get(void); /* NULL: out of memory, or as algo_get() */

/* algo_failed() - empties OpenSSL's error queue, which no caller reads. Return: -EIO. */
int algo_failed(void);

#endif
