/* crypto/header.c - codec and MAC of the 256-byte file header; the table is in header.h. */
#include "crypto/header.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "crypto/dek_internal.h"
#include "crypto/kdf.h"

#define HEADER_MAGIC	    "DEPF"
#define HEADER_MACED_LEN    (HEADER_LEN - HEADER_MAC_LEN)
#define HEADER_RESERVED_LEN 48
#define HEADER_FLAGS_KNOWN  (HEADER_FLAG_LOOSE_HOLES | HEADER_FLAG_RENEWING)

static_assert(HEADER_AAD_LEN == 4 + 2 + 2 + UUID_LEN + FILE_ID_LEN + SCOPE_ID_LEN + UUID_LEN + 4,
	      "the associated data are the fields before the wrapped DEK");
static_assert(HEADER_MACED_LEN == HEADER_AAD_LEN + HEADER_WRAP_LEN + 4 + 8 * HEADER_HOLES_MAX + 8 +
					  8 + HEADER_RESERVED_LEN,
	      "the table's rows add up");

/* Whether used slots come first, ascending, with a gap of a block or more, and unused ones are
 * zero. */
static bool holes_ok(const struct hole holes[static HEADER_HOLES_MAX])
{
	uint64_t free_from = 1; /* block 0 is never a hole; 64 bits: start + count may exceed 32 */
	bool ended = false;

	for (size_t i = 0; i < HEADER_HOLES_MAX; i++) {
		const struct hole *h = &holes[i];

		if (h->start == 0 && h->count == 0) {
			ended = true;
			continue;
		}
		if (ended || h->count == 0 || h->start < free_from)
			return false;
		free_from = (uint64_t)h->start + h->count + 1;
		if (free_from - 2 > UINT32_MAX) /* the last block of the hole */
			return false;
	}
	return true;
}

static bool ref_ok(const struct wrap_ref *ref)
{
	return ref->generation >= 1 && (!wrap_ref_is_service(ref) || ref->generation == 1);
}

/* The table's rules for values; encode and decode share them. */
static int header_check(const struct header *hdr, struct err *err)
{
	if (hdr->flags & ~HEADER_FLAGS_KNOWN)
		return err_set(err, -ENOTSUP, "header: unknown flags 0x%x",
			       hdr->flags & ~HEADER_FLAGS_KNOWN);
	if (!ref_ok(&hdr->ref))
		return err_set(err, -EBADMSG, "header: generation %u is not possible for its key",
			       hdr->ref.generation);
	if (!holes_ok(hdr->holes))
		return err_set(err, -EBADMSG, "header: declared holes are out of order");
	if (hdr->budget > BUDGET_MAX)
		return err_set(err, -EBADMSG, "header: write budget is beyond its limit");
	return 0;
}

static void encode_aad(struct wbuf *b, const struct header *hdr)
{
	wbuf_bytes(b, HEADER_MAGIC, 4);
	wbuf_u16(b, HEADER_VERSION);
	wbuf_u16(b, HEADER_SUITE);
	wbuf_bytes(b, hdr->store_id, UUID_LEN);
	wbuf_bytes(b, hdr->file_id, FILE_ID_LEN);
	wbuf_bytes(b, hdr->scope_id, SCOPE_ID_LEN);
	wbuf_bytes(b, hdr->ref.policy_id, UUID_LEN);
	wbuf_u32(b, hdr->ref.generation);
}

static int header_mac(const uint8_t in[static HEADER_LEN], const struct dek *dek,
		      uint8_t mac[static HEADER_MAC_LEN])
{
	const struct kdf_part part = {in, HEADER_MACED_LEN};

	return hmac_sha256(dek->mac_key, HEADER_MAC_LEN, &part, 1, mac);
}

int header_encode(const struct header *hdr, const struct dek *dek, uint8_t out[static HEADER_LEN])
{
	struct wbuf b = wbuf_to(out, HEADER_MACED_LEN);

	if (header_check(hdr, NULL) < 0)
		return -EINVAL;
	encode_aad(&b, hdr);
	wbuf_bytes(&b, hdr->wrapped_dek, HEADER_WRAP_LEN);
	wbuf_u32(&b, hdr->flags);
	for (size_t i = 0; i < HEADER_HOLES_MAX; i++) {
		wbuf_u32(&b, hdr->holes[i].start);
		wbuf_u32(&b, hdr->holes[i].count);
	}
	wbuf_u64(&b, hdr->version_no);
	wbuf_u64(&b, hdr->budget);
	wbuf_zero(&b, HEADER_RESERVED_LEN);
	assert(wbuf_done(&b));
	return header_mac(out, dek, out + HEADER_MACED_LEN);
}

/* Magic, version and suite decide whether the rest can be parsed. */
static int decode_start(struct rbuf *b, struct err *err)
{
	uint16_t version, suite;

	rbuf_magic(b, HEADER_MAGIC);
	if (b->failed)
		return err_set(err, -EBADMSG, "header: no magic, not a depfs file");
	version = rbuf_u16(b);
	if (version != HEADER_VERSION)
		return err_set(err, -ENOTSUP, "header: unknown version %u", version);
	suite = rbuf_u16(b);
	if (suite != HEADER_SUITE)
		return err_set(err, -ENOTSUP, "header: unknown suite %u", suite);
	return 0;
}

int header_decode(const uint8_t in[static HEADER_LEN], struct header *ret_hdr, struct err *err)
{
	struct rbuf b = rbuf_from(in, HEADER_MACED_LEN);
	struct header hdr = {0};
	int r = decode_start(&b, err);

	if (r < 0)
		return r;
	rbuf_bytes(&b, hdr.store_id, UUID_LEN);
	rbuf_bytes(&b, hdr.file_id, FILE_ID_LEN);
	rbuf_bytes(&b, hdr.scope_id, SCOPE_ID_LEN);
	rbuf_bytes(&b, hdr.ref.policy_id, UUID_LEN);
	hdr.ref.generation = rbuf_u32(&b);
	rbuf_bytes(&b, hdr.wrapped_dek, HEADER_WRAP_LEN);
	hdr.flags = rbuf_u32(&b);
	for (size_t i = 0; i < HEADER_HOLES_MAX; i++) {
		hdr.holes[i].start = rbuf_u32(&b);
		hdr.holes[i].count = rbuf_u32(&b);
	}
	hdr.version_no = rbuf_u64(&b);
	hdr.budget = rbuf_u64(&b);
	rbuf_zero(&b, HEADER_RESERVED_LEN);

	r = header_check(&hdr,
			 err); /* first: a later format that uses reserved bytes sets a flag */
	if (r < 0)
		return r;
	if (!rbuf_done(&b))
		return err_set(err, -EBADMSG, "header: reserved bytes are not zero");
	*ret_hdr = hdr;
	return 0;
}

int header_verify(const uint8_t in[static HEADER_LEN], const struct dek *dek)
{
	uint8_t mac[HEADER_MAC_LEN];
	int r = header_mac(in, dek, mac);

	if (r < 0)
		return r;
	if (CRYPTO_memcmp(mac, in + HEADER_MACED_LEN, HEADER_MAC_LEN) != 0)
		r = -EBADMSG;
	OPENSSL_cleanse(mac,
			sizeof(mac)); /* the valid MAC of a forged header must not stay in memory */
	return r;
}

void header_aad(const struct header *hdr, uint8_t out[static HEADER_AAD_LEN])
{
	struct wbuf b = wbuf_to(out, HEADER_AAD_LEN);

	encode_aad(&b, hdr);
	assert(wbuf_done(&b));
}
