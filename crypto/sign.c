/* crypto/sign.c - Ed25519 (RFC 8032) by OpenSSL: keys, signatures, their check. */
#include "crypto/sign.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>

struct sign_key {
	EVP_PKEY *pkey;
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

int sign_key_new(const uint8_t seed[static SIGN_SEED_LEN], struct sign_key **ret_key)
{
	CLEANUP(sign_key_free_p) struct sign_key *key = calloc(1, sizeof(*key));
	size_t len = SIGN_PUBLIC_LEN;

	if (!key)
		return -ENOMEM;
	key->pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SIGN_SEED_LEN);
	if (!key->pkey || EVP_PKEY_get_raw_public_key(key->pkey, key->public_key, &len) != 1 ||
	    len != SIGN_PUBLIC_LEN) {
		ERR_clear_error();
		return -EIO;
	}
	*ret_key = STEAL(key);
	return 0;
}

void sign_key_free(struct sign_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey); /* wipes the private half */
	free(key);
}

const uint8_t *sign_key_public(const struct sign_key *key)
{
	return key->public_key;
}

int sign_make(const struct sign_key *key, const uint8_t *msg, size_t msg_len,
	      uint8_t ret_sig[static SIGN_LEN])
{
	CLEANUP(ctx_free_p) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = SIGN_LEN;

	if (ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key->pkey) == 1 &&
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
