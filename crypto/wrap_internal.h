/* crypto/wrap_internal.h - AES-256-SIV with the raw key: wrap.c's primitive, for tests. */
#ifndef DEPFS_CRYPTO_WRAP_INTERNAL_H
#define DEPFS_CRYPTO_WRAP_INTERNAL_H

#include "crypto/wrap.h"

#define SIV_LEN 16 /* synthetic IV: one AES block */

/**
 * siv_seal(), siv_open() - RFC 5297 over any length, as published vectors need it
 * @key: CMAC's half, then CTR's
 * @aad, @aad_len, @n_aad: associated data, any number of strings
 * @out: SIV_LEN + @in_len bytes when sealing, @in_len - SIV_LEN when opening
 * Return: 0; -EBADMSG: does not open, @out is then zero; -EIO.
 */
int siv_seal(const uint8_t key[static WRAP_SIV_KEY_LEN], const uint8_t *const *aad,
	     const size_t *aad_len, size_t n_aad, const uint8_t *in, size_t in_len,
	     uint8_t *out) MUST_CHECK;
int siv_open(const uint8_t key[static WRAP_SIV_KEY_LEN], const uint8_t *const *aad,
	     const size_t *aad_len, size_t n_aad, const uint8_t *in, size_t in_len,
	     uint8_t *out) MUST_CHECK;

#endif
