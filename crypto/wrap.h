/* crypto/wrap.h - AES-256-SIV: keys sealed under keys, RFC 5297. */
#ifndef DEPFS_CRYPTO_WRAP_H
#define DEPFS_CRYPTO_WRAP_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"
#include "crypto/secret.h"

#define WRAP_KEY_LEN	 32 /* every key that is wrapped: DEK, DEP key, availability key */
#define WRAP_LEN	 (16 + WRAP_KEY_LEN) /* synthetic IV | sealed key */
#define WRAP_SIV_KEY_LEN 64 /* AES-256-SIV takes two 256-bit keys, RFC 5297 section 2.2 */

/*
 * A key that wraps keys: 64 bytes of SIV key on the secure heap, derived with one info string.
 * Counted; constant after it is made, so threads share it without a lock.
 */
struct wrap_key;

/**
 * wrap_key_new() - derive a wrapping key
 * @key: WRAP_KEY_LEN bytes of root, DEP or availability key; borrowed
 * @info: one of kdf.h's strings, so that the key serves one purpose only
 * Return: 0; -ENOMEM (secure heap full); -EIO.
 */
int wrap_key_new(const uint8_t key[static WRAP_KEY_LEN], const char *info,
		 struct wrap_key **ret_key) MUST_CHECK;
struct wrap_key *wrap_key_get(struct wrap_key *k); /* one more reference */
void wrap_key_put(struct wrap_key *k);		   /* at zero the bytes are wiped; NULL allowed */
DEFINE_CLEANUP(struct wrap_key *, wrap_key_put)

/**
 * wrap_seal() - seal 32 key bytes with one associated-data string
 * AES-256-SIV needs no nonce, so no limit on the number of keys under one wrapping key.
 * Return: 0; -ENOMEM; -EIO when OpenSSL refuses.
 */
int wrap_seal(const struct wrap_key *k, const uint8_t *aad, size_t aad_len,
	      const uint8_t in[static WRAP_KEY_LEN], uint8_t out[static WRAP_LEN]) MUST_CHECK;

/**
 * wrap_open() - the reverse
 * Return: 0; -EBADMSG: key, associated data and bytes do not belong together, and @out is zero.
 */
int wrap_open(const struct wrap_key *k, const uint8_t *aad, size_t aad_len,
	      const uint8_t in[static WRAP_LEN], uint8_t out[static WRAP_KEY_LEN]) MUST_CHECK;

/*
 * Associated data of the wraps in a store's records (crypto/README.md, What binds what): policy id
 * 16 | generation u32 little-endian | purpose, ASCII without NUL.
 */
#define WRAP_PURPOSE_DEP_KEY   "dep key"	  /* under the availability key */
#define WRAP_PURPOSE_AVAIL_KEY "availability key" /* under the service key; generation 0 */
#define WRAP_AAD_MAX	       64
size_t wrap_record_aad(const uint8_t policy_id[static 16], uint32_t generation, const char *purpose,
		       uint8_t out[static WRAP_AAD_MAX]);

#endif
