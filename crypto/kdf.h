/* crypto/kdf.h - HKDF-SHA256, HMAC-SHA256 and SHA-256, and the info string of each derived key. */
#ifndef DEPFS_CRYPTO_KDF_H
#define DEPFS_CRYPTO_KDF_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"

#define SHA256_LEN 32

/* Every info string of the format (crypto/README.md, Keys). A derived key has one purpose. */
#define KDF_DEK_BLOCK	       "depfs 1 dek block"
#define KDF_DEK_HEADER_MAC     "depfs 1 dek header mac"
#define KDF_DEK_OLD_WRAP       "depfs 1 dek old dek wrap"
#define KDF_DEP_DEK_WRAP       "depfs 1 dep dek wrap"
#define KDF_AVAIL_DEP_WRAP     "depfs 1 availability dep wrap"
#define KDF_SERVICE_DEK_WRAP   "depfs 1 service dek wrap"
#define KDF_SERVICE_AVAIL_WRAP "depfs 1 service availability wrap"
#define KDF_SERVICE_SCOPE_ID   "depfs 1 service scope id"
#define KDF_SERVICE_RECORD_MAC "depfs 1 service record mac"
#define KDF_SERVICE_AUDIT_SIGN "depfs 1 service audit sign"

/**
 * hkdf_sha256() - RFC 5869 extract (salt may be empty) and expand
 * @out: key material of @out_len bytes, at most 255 * 32; the caller keeps it on the secure heap
 * Return: 0; -EINVAL when @out_len is too large; -EIO when OpenSSL refuses.
 */
int hkdf_sha256(const uint8_t *key, size_t key_len, const uint8_t *salt, size_t salt_len,
		const uint8_t *info, size_t info_len, uint8_t *out, size_t out_len) MUST_CHECK;

/* hkdf_extract(), hkdf_expand() - the two steps of hkdf_sha256(), RFC 5869 sections 2.2 and 2.3,
 * for several outputs from one extract. */
int hkdf_extract(const uint8_t *key, size_t key_len, const uint8_t *salt, size_t salt_len,
		 uint8_t ret_prk[static SHA256_LEN]) MUST_CHECK;
int hkdf_expand(const uint8_t prk[static SHA256_LEN], const uint8_t *info, size_t info_len,
		uint8_t *out, size_t out_len) MUST_CHECK;

/* kdf_derive() - hkdf_sha256() with an empty salt and one of the info strings above. */
int kdf_derive(const uint8_t *key, size_t key_len, const char *info, uint8_t *out,
	       size_t out_len) MUST_CHECK;

/* A piece of a message; the concatenation of all pieces is hashed. */
struct kdf_part {
	const void *data;
	size_t len;
};

/* hmac_sha256() - RFC 2104 over the parts in order; -EIO when OpenSSL refuses. */
int hmac_sha256(const uint8_t *key, size_t key_len, const struct kdf_part *parts, size_t n_parts,
		uint8_t out[static SHA256_LEN]) MUST_CHECK;
int sha256(const struct kdf_part *parts, size_t n_parts, uint8_t out[static SHA256_LEN]) MUST_CHECK;

#endif
