/* crypto/oaep.c - software RSA keys by OpenSSL: made, read, written; RSA-OAEP-256 (RFC 8017). */
#include "crypto/oaep.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "crypto/algo_internal.h"

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(BIO *, BIO_free_all)

struct rsa_key {
	EVP_PKEY *pkey;
};

static bool bits_ok(unsigned bits)
{
	return bits == 2048 || bits == 3072 || bits == 4096;
}

/* On success the key owns @pkey. */
static int key_new(EVP_PKEY *pkey, struct rsa_key **ret_key)
{
	struct rsa_key *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->pkey = pkey;
	*ret_key = k;
	return 0;
}

int rsa_key_generate(unsigned bits, struct rsa_key **ret_key, struct err *err)
{
	CLEANUP(EVP_PKEY_free_p) EVP_PKEY *pkey = NULL;
	int r;

	if (!bits_ok(bits))
		return err_set(err, -EINVAL, "RSA keys have 2048, 3072 or 4096 bits, not %u", bits);
	pkey = EVP_RSA_gen(bits);
	if (!pkey)
		return err_set(err, algo_failed(), "an RSA key of %u bits cannot be made", bits);
	r = key_new(pkey, ret_key);
	if (r == 0)
		pkey = NULL;
	return r;
}

void rsa_key_free(struct rsa_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey); /* wipes the private parts */
	free(k);
}

unsigned rsa_key_bits(const struct rsa_key *k)
{
	return (unsigned)EVP_PKEY_get_bits(k->pkey);
}

int rsa_key_to_pem(const struct rsa_key *k, struct secret **ret_pem, struct err *err)
{
	CLEANUP(BIO_free_all_p) BIO *out = BIO_new(BIO_s_secmem());
	char *text = NULL;
	long len;

	if (!out || PEM_write_bio_PKCS8PrivateKey(out, k->pkey, NULL, NULL, 0, NULL, NULL) != 1)
		return err_set(err, algo_failed(), "an RSA key cannot be written as PEM");
	len = BIO_get_mem_data(out, &text);
	if (len <= 0)
		return err_set(err, algo_failed(), "an RSA key cannot be written as PEM");
	return secret_new_from(text, (size_t)len, ret_pem);
}

/* Given to OpenSSL because its default function asks for a passphrase on the terminal. */
static int no_passphrase(char *buf, int len, int rw, void *data)
{
	(void)buf, (void)len, (void)rw, (void)data;
	return -1;
}

int rsa_key_from_pem(const uint8_t *pem, size_t pem_len, struct rsa_key **ret_key, struct err *err)
{
	CLEANUP(EVP_PKEY_free_p) EVP_PKEY *pkey = NULL;
	CLEANUP(BIO_free_all_p) BIO *in = NULL;
	int r;

	if (pem_len == 0 || pem_len > INT_MAX)
		return err_set(err, -EBADMSG, "not an RSA private key");
	in = BIO_new_mem_buf(pem, (int)pem_len);
	if (!in)
		return -ENOMEM;
	pkey = PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL);
	if (!pkey || !EVP_PKEY_is_a(pkey, "RSA")) {
		(void)algo_failed(); /* empties OpenSSL's error queue */
		return err_set(err, -EBADMSG, "not an RSA private key");
	}
	if (!bits_ok((unsigned)EVP_PKEY_get_bits(pkey)))
		return err_set(err, -EBADMSG, "an RSA key of %d bits, not of 2048, 3072 or 4096",
			       EVP_PKEY_get_bits(pkey));
	r = key_new(pkey, ret_key);
	if (r == 0)
		pkey = NULL;
	return r;
}

/* RSAES-OAEP, RFC 8017 section 7.1, with the two hashes and the empty label of RSA-OAEP-256. */
static bool oaep_set(EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, "SHA256", NULL) > 0 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, "SHA256", NULL) > 0;
}

int oaep_wrap(const struct rsa_key *k, const uint8_t *in, size_t in_len,
	      uint8_t out[static OAEP_WRAP_MAX], size_t *ret_len)
{
	CLEANUP(EVP_PKEY_CTX_free_p) EVP_PKEY_CTX *ctx = NULL;
	size_t modulus_len = rsa_key_bits(k) / 8, len = OAEP_WRAP_MAX;

	if (in_len > modulus_len - 2 * 32 - 2) /* RFC 8017 section 7.1.1: two hashes, two bytes */
		return -EINVAL;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
	if (!ctx || EVP_PKEY_encrypt_init(ctx) != 1 || !oaep_set(ctx) ||
	    EVP_PKEY_encrypt(ctx, out, &len, in, in_len) != 1 || len != modulus_len)
		return algo_failed();
	*ret_len = len;
	return 0;
}

int oaep_unwrap(const struct rsa_key *k, const uint8_t *in, size_t in_len, struct secret **ret_key)
{
	CLEANUP(EVP_PKEY_CTX_free_p) EVP_PKEY_CTX *ctx = NULL;
	CLEANUP(secret_free_p) struct secret *key = NULL;
	size_t len = rsa_key_bits(k) / 8;
	int r;

	if (in_len != len)
		return -EBADMSG;
	r = secret_new(len, &key);
	if (r < 0)
		return r;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
	if (!ctx || EVP_PKEY_decrypt_init(ctx) != 1 || !oaep_set(ctx))
		return algo_failed();
	if (EVP_PKEY_decrypt(ctx, secret_bytes(key), &len, in, in_len) != 1) {
		(void)algo_failed(); /* the queue tells which padding check failed: an oracle */
		return -EBADMSG;
	}
	secret_shrink(key, len);
	*ret_key = STEAL(key);
	return 0;
}
