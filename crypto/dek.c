/* crypto/dek.c - one file's data key: made, wrapped under a policy key, unwrapped, wiped. */
#include "crypto/dek_internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <openssl/rand.h>

#include "crypto/algo_internal.h"
#include "crypto/kdf.h"
#include "crypto/secret.h"

static_assert(DEK_LEN == WRAP_KEY_LEN, "a DEK is wrapped like any key");
static_assert(HEADER_WRAP_LEN == WRAP_LEN, "the header's slot takes one wrap");
static_assert(HEADER_MAC_LEN == SHA256_LEN, "the header's MAC is a whole HMAC-SHA256");

static int expand(const uint8_t *prk, const char *info, uint8_t out[static SHA256_LEN])
{
	return hkdf_expand(prk, (const uint8_t *)info, strlen(info), out, SHA256_LEN);
}

/* Two kdf_derive() calls that share one extract. */
static int dek_derive(struct dek *dek)
{
	/* The PRK is kept in mac_key: the last hkdf_expand() has read it before it writes there. */
	uint8_t *prk = dek->mac_key;
	int r = hkdf_extract(dek->key, DEK_LEN, NULL, 0, prk);

	if (r == 0)
		r = expand(prk, KDF_DEK_BLOCK, dek->block_key);
	if (r == 0)
		r = expand(prk, KDF_DEK_HEADER_MAC, dek->mac_key);
	return r;
}

int dek_new(struct dek **ret_dek)
{
	CLEANUP(dek_free_p) struct dek *dek = secret_alloc_for_file(sizeof(*dek));
	int r;

	if (!dek)
		return -ENOMEM;
	if (RAND_priv_bytes(dek->key, DEK_LEN) != 1)
		return algo_failed();
	r = dek_derive(dek);
	if (r < 0)
		return r;
	*ret_dek = STEAL(dek);
	return 0;
}

void dek_free(struct dek *dek)
{
	secret_free_mem(dek, sizeof(*dek));
}

int dek_wrap(const struct dek *dek, const struct wrap_key *kek, struct header *hdr)
{
	uint8_t aad[HEADER_AAD_LEN];

	header_aad(hdr, aad);
	return wrap_seal(kek, aad, sizeof(aad), dek->key, hdr->wrapped_dek);
}

static int dek_open(const struct wrap_key *kek, const uint8_t *aad, size_t aad_len,
		    const uint8_t wrap[static WRAP_LEN], struct dek **ret_dek)
{
	CLEANUP(dek_free_p) struct dek *dek = secret_alloc_for_file(sizeof(*dek));
	int r;

	if (!dek)
		return -ENOMEM;
	r = wrap_open(kek, aad, aad_len, wrap, dek->key);
	if (r < 0)
		return r;
	r = dek_derive(dek);
	if (r < 0)
		return r;
	*ret_dek = STEAL(dek);
	return 0;
}

int dek_unwrap(const struct wrap_key *kek, const struct header *hdr, struct dek **ret_dek)
{
	uint8_t aad[HEADER_AAD_LEN];

	header_aad(hdr, aad);
	return dek_open(kek, aad, sizeof(aad), hdr->wrapped_dek, ret_dek);
}

#define OLD_AAD_LEN (2 * FILE_ID_LEN)

static void old_aad(const uint8_t *id, const uint8_t *old_id, uint8_t out[static OLD_AAD_LEN])
{
	memcpy(out, old_id, FILE_ID_LEN);
	memcpy(out + FILE_ID_LEN, id, FILE_ID_LEN);
}

int dek_wrap_old(const struct dek *dek, const uint8_t id[static FILE_ID_LEN], const struct dek *old,
		 const uint8_t old_id[static FILE_ID_LEN], uint8_t ret_wrap[static WRAP_LEN])
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	uint8_t aad[OLD_AAD_LEN];
	int r = wrap_key_new(dek->key, KDF_DEK_OLD_WRAP, &kek);

	if (r < 0)
		return r;
	old_aad(id, old_id, aad);
	return wrap_seal(kek, aad, sizeof(aad), old->key, ret_wrap);
}

int dek_unwrap_old(const struct dek *dek, const uint8_t id[static FILE_ID_LEN],
		   const uint8_t wrap[static WRAP_LEN], const uint8_t old_id[static FILE_ID_LEN],
		   struct dek **ret_old)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	uint8_t aad[OLD_AAD_LEN];
	int r = wrap_key_new(dek->key, KDF_DEK_OLD_WRAP, &kek);

	if (r < 0)
		return r;
	old_aad(id, old_id, aad);
	return dek_open(kek, aad, sizeof(aad), wrap, ret_old);
}
