/* tests/unit/test_block_refuse.c - every way in which a block must not open. */
#include "tests/unit/block_fixture.h"

static void block_refuses_every_flipped_bit(void **state)
{
	static const uint32_t block_nos[] = {0, 9};
	struct fix *f = *state;

	for (size_t n = 0; n < COUNT_OF(block_nos); n++) {
		size_t from = block_nos[n] == 0 ? HEADER_LEN : 0;

		seal(f, block_nos[n], final(1234));
		for (size_t i = 8 * from; i < 8 * BLOCK_LEN; i++) {
			/* Every bit of the head, one of each byte of the text. */
			if (i >= 8 * (from + BLOCK_HEAD_LEN) && i % 8 != i / 8 % 8)
				continue;
			f->block[i / 8] ^= (uint8_t)(1u << i % 8);
			assert_refused(f, block_nos[n]);
			f->block[i / 8] ^= (uint8_t)(1u << i % 8);
		}
		assert_opens(f, block_nos[n], final(1234));
	}
}

/* A torn write or a short copy leaves zeros, or an older block's end, behind the cut. */
static void block_refuses_every_cut(void **state)
{
	struct fix *f = *state;
	uint8_t whole[BLOCK_LEN], older[BLOCK_LEN];

	seal(f, 3, full(3));
	memcpy(older, f->block, BLOCK_LEN);
	seal(f, 3, full(3));
	memcpy(whole, f->block, BLOCK_LEN);
	/* Not up to the end: a few last bytes of two blocks may be equal by chance. */
	for (size_t len = 0; len < BLOCK_LEN - 8; len++) {
		memset(f->block + len, 0, BLOCK_LEN - len);
		if (len % 16 == 0 || len > BLOCK_LEN - 16)
			assert_refused(f, 3);
		memcpy(f->block + len, older + len, BLOCK_LEN - len);
		if (len > 0 && (len % 16 == 0 || len > BLOCK_LEN - 16))
			assert_refused(f, 3);
		memcpy(f->block + len, whole + len, BLOCK_LEN - len);
	}
}

/* Zeroed ciphertext is damage; whether a hole is declared is not this module's question. */
static void block_of_zeros_is_refused(void **state)
{
	struct fix *f = *state;

	memset(f->block, 0, sizeof(f->block));
	assert_refused(f, 0);
	assert_refused(f, 1);
}

static void block_moved_to_another_number_is_refused(void **state)
{
	static const uint32_t others[] = {1, 2, 4, 5 + 256, 5 + 65536, 5u + (1u << 24), 0x05000000};
	struct fix *f = *state;

	seal(f, 5, full(5));
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_refused(f, others[i]);
	assert_opens(f, 5, full(5));
}

/* Two files under one DEK do not exist, but the binding must not rest on that. */
static void block_of_another_file_id_is_refused(void **state)
{
	struct fix *f = *state;

	seal(f, 5, full(5));
	for (size_t i = 0; i < FILE_ID_LEN; i++) {
		uint8_t id[FILE_ID_LEN];

		memcpy(id, f->file_id, sizeof(id));
		id[i] ^= 1;
		assert_int_equal(block_ctx_load(f->ctx, f->dek, id), 0);
		assert_refused(f, 5);
	}
}

static void block_of_another_dek_is_refused(void **state)
{
	struct fix *f = *state;
	struct dek *other = NULL;

	seal(f, 5, full(5));
	assert_int_equal(dek_new(&other), 0);
	assert_int_equal(block_ctx_load(f->ctx, other, f->file_id), 0);
	assert_refused(f, 5);
	assert_int_equal(block_ctx_load(f->ctx, f->dek, f->file_id), 0);
	assert_opens(f, 5, full(5));
	dek_free(other);
}

static void block_seal_refuses_meta_against_the_rules(void **state)
{
	static const struct {
		uint32_t block_no;
		struct block_meta meta;
	} rows[] = {
		{0, {BLOCK0_CAP + 1, true}},  {0, {BLOCK0_CAP + 1, false}},
		{0, {BLOCK0_CAP - 1, false}}, {0, {0, false}},
		{0, {BLOCK_CAP, false}},      {1, {BLOCK_CAP + 1, true}},
		{1, {BLOCK_CAP - 1, false}},  {1, {BLOCK0_CAP, false}},
		{1, {UINT16_MAX, true}},      {1, {0, false}},
	};
	struct fix *f = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(
			block_seal(f->ctx, rows[i].block_no, rows[i].meta, f->text, f->block),
			-EINVAL);
}

/* Bytes that authenticate and still break a rule: written by a broken or later version. */
static void block_open_refuses_authentic_meta_against_the_rules(void **state)
{
	static const struct {
		uint32_t block_no;
		bool ok;
		uint8_t meta[4];
	} rows[] = {
		{1, true, {0xe0, 0x0f, 0, 0}},	{1, true, {0xe0, 0x0f, 1, 0}},
		{1, false, {0xe0, 0x0f, 2, 0}}, {1, false, {0xe0, 0x0f, 0x81, 0}},
		{1, false, {0xe0, 0x0f, 1, 1}}, {1, false, {0xe1, 0x0f, 1, 0}},
		{1, false, {0xe1, 0x0f, 0, 0}}, {1, false, {0xdf, 0x0f, 0, 0}},
		{1, false, {0xff, 0xff, 1, 0}}, {0, true, {0xe0, 0x0e, 0, 0}},
		{0, false, {0xe1, 0x0e, 1, 0}}, {0, false, {0xe0, 0x0f, 0, 0}},
	};
	struct fix *f = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint16_t used = (uint16_t)(rows[i].meta[0] | rows[i].meta[1] << 8);

		build(f, rows[i].block_no, rows[i].meta);
		if (rows[i].ok)
			assert_opens(f, rows[i].block_no,
				     (struct block_meta){used, rows[i].meta[2] & 1});
		else
			assert_refused(f, rows[i].block_no);
	}
}

/* Bytes behind the end would be a channel that no reader of the plaintext sees. */
static void block_open_refuses_authentic_nonzero_padding(void **state)
{
	static const uint8_t meta[4] = {100, 0, 1, 0};
	struct fix *f = *state;

	memset(f->text + 100, 0, sizeof(f->text) - 100);
	build(f, 1, meta);
	assert_opens(f, 1, final(100));
	for (size_t at = 100; at < BLOCK_CAP; at += 61) {
		f->text[at] = 1;
		build(f, 1, meta);
		assert_refused(f, 1);
		f->text[at] = 0;
	}
	f->text[BLOCK_CAP - 1] = 1;
	build(f, 1, meta);
	assert_refused(f, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(block_refuses_every_flipped_bit),
		T(block_refuses_every_cut),
		T(block_of_zeros_is_refused),
		T(block_moved_to_another_number_is_refused),
		T(block_of_another_file_id_is_refused),
		T(block_of_another_dek_is_refused),
		T(block_seal_refuses_meta_against_the_rules),
		T(block_open_refuses_authentic_meta_against_the_rules),
		T(block_open_refuses_authentic_nonzero_padding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
