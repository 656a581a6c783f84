/* crypto/dek.h - one file's data key: made, wrapped under a policy key, unwrapped, wiped. */
#ifndef DEPFS_CRYPTO_DEK_H
#define DEPFS_CRYPTO_DEK_H

#include <stdint.h>

#include "crypto/header.h"
#include "crypto/wrap.h"

#define DEK_LEN 32 /* bytes, AES-256 */

/*
 * On the secure heap: the DEK, its block key (HKDF, KDF_DEK_BLOCK) and its header MAC key
 * (KDF_DEK_HEADER_MAC). Constant after it is made; its bytes never leave crypto/.
 */
struct dek;

int dek_new(struct dek **ret_dek) MUST_CHECK; /* random; -ENOMEM, -EIO */
void dek_free(struct dek *dek);
DEFINE_CLEANUP(struct dek *, dek_free)

/**
 * dek_wrap() - seal the data key into hdr->wrapped_dek
 * @kek: wrapping key of the policy and generation that @hdr already names
 * @hdr: fixed fields, policy id and generation are set; they are the associated data, so that a
 *       wrap opens for no other file, store, scope, policy or generation
 * Return: 0; -ENOMEM; -EIO.
 */
int dek_wrap(const struct dek *dek, const struct wrap_key *kek, struct header *hdr) MUST_CHECK;

/**
 * dek_unwrap() - open hdr->wrapped_dek; the caller checks the header's MAC next (header_verify())
 * Return: 0; -EBADMSG: @kek is not the wrapping key, or a bound field was changed; -ENOMEM; -EIO.
 */
int dek_unwrap(const struct wrap_key *kek, const struct header *hdr,
	       struct dek **ret_dek) MUST_CHECK;

/**
 * dek_wrap_old() - seal a file's previous data key under its present one, while it is renewed
 * @id, @old_id: the file_id of @dek and of @old; the associated data is @old_id | @id
 * Only @dek opens @old, so a re-wrap or the loss of @dek covers @old too.
 * Return: 0; -ENOMEM; -EIO.
 */
int dek_wrap_old(const struct dek *dek, const uint8_t id[static FILE_ID_LEN], const struct dek *old,
		 const uint8_t old_id[static FILE_ID_LEN],
		 uint8_t ret_wrap[static WRAP_LEN]) MUST_CHECK;
/* dek_unwrap_old() - the reverse; -EBADMSG: key, ids and wrap do not belong together. */
int dek_unwrap_old(const struct dek *dek, const uint8_t id[static FILE_ID_LEN],
		   const uint8_t wrap[static WRAP_LEN], const uint8_t old_id[static FILE_ID_LEN],
		   struct dek **ret_old) MUST_CHECK;

#endif
