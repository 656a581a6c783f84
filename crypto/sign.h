/* crypto/sign.h - Ed25519 signatures: made with a private key, checked with the public one. */
#ifndef DEPFS_CRYPTO_SIGN_H
#define DEPFS_CRYPTO_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"

#define SIGN_SEED_LEN	32 /* bytes: the private key of RFC 8032 */
#define SIGN_PUBLIC_LEN 32
#define SIGN_LEN	64

struct sign_key; /* lies in OpenSSL's secure heap; safe to use from many threads */

/* sign_key_new() - @seed: 32 secret bytes, borrowed. -ENOMEM; -EIO when OpenSSL refuses. */
int sign_key_new(const uint8_t seed[static SIGN_SEED_LEN], struct sign_key **ret_key) MUST_CHECK;
void sign_key_free(struct sign_key *key);
DEFINE_CLEANUP(struct sign_key *, sign_key_free)
const uint8_t *sign_key_public(const struct sign_key *key); /* SIGN_PUBLIC_LEN bytes, borrowed */

/* sign_make() - RFC 8032 section 5.1.6: the same message gives the same signature. -EIO. */
int sign_make(const struct sign_key *key, const uint8_t *msg, size_t msg_len,
	      uint8_t ret_sig[static SIGN_LEN]) MUST_CHECK;
/* sign_check() - RFC 8032 section 5.1.7. Return: 0; -EBADMSG: not a signature of @msg by the key;
 * -ENOMEM. */
int sign_check(const uint8_t public_key[static SIGN_PUBLIC_LEN], const uint8_t *msg, size_t msg_len,
	       const uint8_t sig[static SIGN_LEN]) MUST_CHECK;

#endif
