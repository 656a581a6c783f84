/* crypto/sign.c - Ed25519 (RFC 8032) by OpenSSL: keys, signatures, their check. */
#include "crypto/sign.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/secret.h"

/* In the secure heap. */
struct sign_key {
	uint8_t seed[SIGN_SEED_LEN];
	uint8_t public_key[SIGN_PUBLIC_LEN];
};

static void ctx_free_p(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static void pkey_free_p(EVP_PKEY **pkey)
{
	EVP_PKEY_free(*pkey);
}

/*
 * For one use: OpenSSL 3.0 keeps the seed of a raw private key in the ordinary heap
 * (ossl_ecx_key_fromdata()), where it may be swapped out. EVP_PKEY_free() wipes it.
 */
static EVP_PKEY *pkey_of(const uint8_t seed[static SIGN_SEED_LEN])
{
	return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SIGN_SEED_LEN);
}

int sign_key_new(const uint8_t seed[static SIGN_SEED_LEN], struct sign_key **ret_key)
{
	CLEANUP(sign_key_free_p) struct sign_key *key = secret_alloc(sizeof(*key));
	CLEANUP(pkey_free_p) EVP_PKEY *pkey = NULL;
	size_t len = SIGN_PUBLIC_LEN;

	if (!key)
		return -ENOMEM;
	memcpy(key->seed, seed, SIGN_SEED_LEN);
	pkey = pkey_of(key->seed);
	if (!pkey || EVP_PKEY_get_raw_public_key(pkey, key->public_key, &len) != 1 ||
	    len != SIGN_PUBLIC_LEN) {
		ERR_clear_error();
		return -EIO;
	}
	*ret_key = STEAL(key);
	return 0;
}

void sign_key_free(struct sign_key *key)
{
	secret_free_mem(key, sizeof(*key));
}

const uint8_t *sign_key_public(const struct sign_key *key)
{
	return key->public_key;
}

int sign_make(const struct sign_key *key, const uint8_t *msg, size_t msg_len,
	      uint8_t ret_sig[static SIGN_LEN])
{
	CLEANUP(pkey_free_p) EVP_PKEY *pkey = pkey_of(key->seed);
	CLEANUP(ctx_free_p) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = SIGN_LEN;

	if (pkey && ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	    EVP_DigestSign(ctx, ret_sig, &len, msg, msg_len) == 1 && len == SIGN_LEN)
		return 0;
	ERR_clear_error();
	return -EIO;
}

int sign_check(const uint8_t public_key[static SIGN_PUBLIC_LEN], const uint8_t *msg, size_t msg_len,
	       const uint8_t sig[static SIGN_LEN])
{
	CLEANUP(pkey_free_p)
	EVP_PKEY *pkey =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, SIGN_PUBLIC_LEN);
	CLEANUP(ctx_free_p) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool holds;

	if (!ctx)
		return -ENOMEM;
	holds = pkey && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		EVP_DigestVerify(ctx, sig, SIGN_LEN, msg, msg_len) == 1;
	ERR_clear_error(); /* a failed check leaves an entry */
	return holds ? 0 : -EBADMSG;
}
