/* crypto/oaep.h - software RSA root keys of local vaults: RSA-OAEP-256, RFC 8017 section 7.1. */
#ifndef DEPFS_CRYPTO_OAEP_H
#define DEPFS_CRYPTO_OAEP_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"
#include "crypto/secret.h"

#define OAEP_WRAP_MAX 512 /* bytes: RSA 4096 */

struct rsa_key;

/* rsa_key_generate() - @bits: 2048, 3072 or 4096, else -EINVAL; -ENOMEM, -EIO. */
int rsa_key_generate(unsigned bits, struct rsa_key **ret_key, struct err *err) MUST_CHECK;
void rsa_key_free(struct rsa_key *k);
DEFINE_CLEANUP(struct rsa_key *, rsa_key_free)
unsigned rsa_key_bits(const struct rsa_key *k);

/* rsa_key_to_pem() - unencrypted PKCS #8 PEM, which the caller keeps in a private file. */
int rsa_key_to_pem(const struct rsa_key *k, struct secret **ret_pem, struct err *err) MUST_CHECK;
/* rsa_key_from_pem() - -EBADMSG: not an RSA private key of 2048, 3072 or 4096 bits. */
int rsa_key_from_pem(const uint8_t *pem, size_t pem_len, struct rsa_key **ret_key,
		     struct err *err) MUST_CHECK;

/* oaep_wrap() - SHA-256 as hash and in MGF1, no label. @ret_len: the bytes of the modulus. */
int oaep_wrap(const struct rsa_key *k, const uint8_t *in, size_t in_len,
	      uint8_t out[static OAEP_WRAP_MAX], size_t *ret_len) MUST_CHECK;
/* oaep_unwrap() - -EBADMSG for every cause of failure, so that it is no padding oracle. */
int oaep_unwrap(const struct rsa_key *k, const uint8_t *in, size_t in_len,
		struct secret **ret_key) MUST_CHECK;

#endif
