/* tests/unit/block_fixture.h - a file's DEK, a loaded context and a block, for test_block*.c. */
#ifndef DEPFS_TEST_BLOCK_FIXTURE_H
#define DEPFS_TEST_BLOCK_FIXTURE_H

#include "tests/unit/crypto_test.h"

#include <stdlib.h>

#include "crypto/block_internal.h"

#define BLOCK_HEAD_LEN BLOCK_OVERHEAD /* nonce, tag, meta */

struct fix {
	struct wrap_key *kek;
	struct dek *dek;
	struct block_ctx *ctx; /* loaded with dek */
	uint8_t file_id[FILE_ID_LEN];
	uint8_t text[BLOCK_CAP];
	uint8_t block[BLOCK_LEN], out[BLOCK_CAP];
};

/* golden.py's plaintext */
static inline void fill_text(uint8_t text[static BLOCK_CAP])
{
	for (size_t i = 0; i < BLOCK_CAP; i++)
		text[i] = (uint8_t)(7 * i + 3);
}

static inline int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	struct header hdr = fixed_header();

	if (!f)
		return -1;
	f->kek = key_of(0x40, KDF_DEP_DEK_WRAP);
	f->dek = fixed_dek(f->kek, &hdr);
	memcpy(f->file_id, hdr.file_id, FILE_ID_LEN);
	fill_text(f->text);
	assert_int_equal(block_ctx_new(&f->ctx), 0);
	*state = f;
	return block_ctx_load(f->ctx, f->dek, f->file_id);
}

static inline int teardown(void **state)
{
	struct fix *f = *state;

	block_ctx_free(f->ctx);
	dek_free(f->dek);
	wrap_key_put(f->kek);
	free(f);
	return 0;
}

static inline struct block_meta full(uint32_t block_no)
{
	return (struct block_meta){(uint16_t)block_cap(block_no), false};
}

static inline struct block_meta final(size_t used)
{
	return (struct block_meta){(uint16_t)used, true};
}

/* Where a block's own bytes start: behind the header in block 0. */
static inline uint8_t *head_of(uint8_t *block, uint32_t block_no)
{
	return block + (block_no == 0 ? HEADER_LEN : 0);
}

static inline void seal(struct fix *f, uint32_t block_no, struct block_meta meta)
{
	assert_int_equal(block_seal(f->ctx, block_no, meta, f->text, f->block), 0);
}

static inline void assert_opens(struct fix *f, uint32_t block_no, struct block_meta want)
{
	struct block_meta meta = {0};
	size_t cap = block_cap(block_no);

	memset(f->out, 0xee, sizeof(f->out));
	assert_int_equal(block_open(f->ctx, block_no, f->block, f->out, &meta), 0);
	assert_int_equal(meta.used, want.used);
	assert_int_equal(meta.final, want.final);
	assert_memory_equal(f->out, f->text, want.used);
	assert_true(bytes_are_zero(f->out + want.used, cap - want.used));
}

/* Refused, meta untouched, and no byte of unverified plaintext in the output. */
static inline void assert_refused(struct fix *f, uint32_t block_no)
{
	struct block_meta meta = {4242, true};

	memset(f->out, 0xee, sizeof(f->out));
	assert_int_equal(block_open(f->ctx, block_no, f->block, f->out, &meta), -EBADMSG);
	assert_int_equal(meta.used, 4242);
	assert_true(bytes_are_zero(f->out, block_cap(block_no)));
}

/* A block built by hand from its parts: the tool for golden bytes and for forgeries. */
static inline void build(struct fix *f, uint32_t block_no, const uint8_t meta[static 4])
{
	uint8_t *at = head_of(f->block, block_no), aad[24];
	struct wbuf b = wbuf_to(aad, sizeof(aad));

	wbuf_bytes(&b, f->file_id, FILE_ID_LEN);
	wbuf_u32(&b, block_no);
	wbuf_bytes(&b, meta, 4);
	assert_true(wbuf_done(&b));
	ascending(0xe0, at, 12);
	memcpy(at + 28, meta, 4);
	assert_int_equal(gcm_seal_with_nonce(f->ctx, at, (struct gcm_aad){aad, sizeof(aad)},
					     f->text, block_cap(block_no), at + 32, at + 12),
			 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
