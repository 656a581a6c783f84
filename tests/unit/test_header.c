/* tests/unit/test_header.c - the file header's bytes, rules and MAC. */
#include "tests/unit/crypto_test.h"

#include <stdlib.h>

/* From vectors/golden.py, which shares nothing with us but the table. */
static const char GOLDEN[] = "4445504601000100101112131415161718191a1b1c1d1e1f2021222324252627"
			     "28292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f6061626364656667"
			     "68696a6b6c6d6e6f04030201cadea2b0caa2b4cc3b098441f7821701ce94d745"
			     "266df60196f48f4c21447a835f37bf42ea1759b8119c4c27c5a39e4901000000"
			     "01000000020000000d0c0b0a07000000ffffffff010000000000000000000000"
			     "8877665544332211000010000000000000000000000000000000000000000000"
			     "0000000000000000000000000000000000000000000000000000000000000000"
			     "a1beaabd47a58a5d8d1f59627d0b109558d92ce6a70306739c144713705553d3";

struct fix {
	struct wrap_key *kek;
	struct dek *dek;
	struct header hdr;
	uint8_t bytes[HEADER_LEN]; /* of hdr */
};

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->kek = key_of(0x40, KDF_DEP_DEK_WRAP);
	f->hdr = fixed_header();
	f->dek = fixed_dek(f->kek, &f->hdr);
	*state = f;
	return header_encode(&f->hdr, f->dek, f->bytes);
}

static int teardown(void **state)
{
	struct fix *f = *state;

	dek_free(f->dek);
	wrap_key_put(f->kek);
	free(f);
	return 0;
}

/* Files outlive every version of this program: the bytes may never drift. */
static void header_encode_matches_golden(void **state)
{
	struct fix *f = *state;
	uint8_t want[HEADER_LEN];

	assert_int_equal(hex_decode(GOLDEN, want, HEADER_LEN), 0);
	assert_memory_equal(f->bytes, want, HEADER_LEN);
}

static void header_decode_returns_what_was_encoded(void **state)
{
	struct fix *f = *state;
	struct header back;
	struct err err = {0};

	memset(&back, 0xff, sizeof(back));
	assert_int_equal(header_decode(f->bytes, &back, &err), 0);
	assert_memory_equal(&back, &f->hdr, sizeof(back));
	assert_int_equal(header_verify(f->bytes, f->dek), 0);
	assert_string_equal(err.text, "");
}

/* Decode, unwrap, verify: what an open does. One of the three must refuse. */
static int open_header(const struct fix *f, const uint8_t in[static HEADER_LEN])
{
	struct header hdr;
	struct dek *dek = NULL;
	int r = header_decode(in, &hdr, NULL);

	if (r == 0)
		r = dek_unwrap(f->kek, &hdr, &dek);
	if (r == 0)
		r = header_verify(in, dek);
	dek_free(dek);
	return r;
}

static void header_refuses_every_flipped_bit(void **state)
{
	struct fix *f = *state;

	assert_int_equal(open_header(f, f->bytes), 0);
	for (size_t i = 0; i < 8 * HEADER_LEN; i++) {
		int r;

		f->bytes[i / 8] ^= (uint8_t)(1u << i % 8);
		r = open_header(f, f->bytes);
		assert_true(r == -EBADMSG || r == -ENOTSUP);
		f->bytes[i / 8] ^= (uint8_t)(1u << i % 8);
	}
}

/* A torn write or a cut copy: the rest reads as zeros. */
static void header_refuses_every_cut(void **state)
{
	struct fix *f = *state;

	for (size_t len = 0; len < HEADER_LEN; len++) {
		uint8_t cut[HEADER_LEN] = {0};
		int r;

		memcpy(cut, f->bytes, len);
		r = open_header(f, cut);
		assert_true(r == -EBADMSG || r == -ENOTSUP);
	}
}

/* An old header of the same file, put back whole, is another version number, not a wrong MAC. */
static void header_mac_covers_the_mutable_fields(void **state)
{
	struct fix *f = *state;
	uint8_t newer[HEADER_LEN];

	f->hdr.version_no++;
	assert_int_equal(header_encode(&f->hdr, f->dek, newer), 0);
	assert_int_equal(header_verify(newer, f->dek), 0);
	memcpy(newer + HEADER_LEN - HEADER_MAC_LEN, f->bytes + HEADER_LEN - HEADER_MAC_LEN,
	       HEADER_MAC_LEN);
	assert_int_equal(header_verify(newer, f->dek), -EBADMSG);
}

static void header_verify_refuses_another_dek(void **state)
{
	struct fix *f = *state;
	struct dek *other = NULL;

	assert_int_equal(dek_new(&other), 0);
	assert_int_equal(header_verify(f->bytes, other), -EBADMSG);
	dek_free(other);
}

struct patch {
	size_t off;
	uint8_t value;
	int want;
	const char *says;
};

/* What each rule of the table refuses, by errno and by word; the MAC plays no part here. */
static void header_decode_refuses_by_the_table(void **state)
{
	static const struct patch rows[] = {
		{0, 'd', -EBADMSG, "magic"},
		{3, 0, -EBADMSG, "magic"},
		{4, 2, -ENOTSUP, "version 2"},
		{4, 0, -ENOTSUP, "version 0"},
		{5, 1, -ENOTSUP, "version 257"},
		{6, 2, -ENOTSUP, "suite 2"},
		{7, 1, -ENOTSUP, "suite 257"},
		{124, 5, -ENOTSUP, "flags 0x4"},
		{127, 0x80, -ENOTSUP, "flags 0x80000000"},
		{172, 2, -EBADMSG, "budget"},	 /* 2^33 and more */
		{175, 0x80, -EBADMSG, "budget"}, /* not taken for a negative number */
		{128, 0, -EBADMSG, "holes"},	 /* start 0, count 2 */
		{132, 0, -EBADMSG, "holes"},	 /* start 1, count 0 */
		{148, 2, -EBADMSG, "holes"},	 /* beyond the last block number */
		{156, 1, -EBADMSG, "holes"},
	};
	struct fix *f = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint8_t in[HEADER_LEN];
		struct header hdr = {.version_no = 42};
		struct err err = {0};

		memcpy(in, f->bytes, HEADER_LEN);
		in[rows[i].off] = rows[i].value;
		assert_int_equal(header_decode(in, &hdr, &err), rows[i].want);
		assert_non_null(strstr(err.text, rows[i].says));
		assert_true(hdr.version_no == 42); /* nothing returned on failure */
	}
}

/* Reserved bytes can get a meaning later only if this version refuses all but zeros there. */
static void header_decode_refuses_nonzero_reserved(void **state)
{
	struct fix *f = *state;
	struct header hdr;
	struct err err = {0};

	for (size_t off = 176; off < 224; off++) {
		f->bytes[off] = 1;
		assert_int_equal(header_decode(f->bytes, &hdr, &err), -EBADMSG);
		assert_non_null(strstr(err.text, "reserved"));
		f->bytes[off] = 0;
	}
	assert_int_equal(header_decode(f->bytes, &hdr, &err), 0);
}

/* A later version may have both: the flag is the better sentence. */
static void header_decode_names_an_unknown_flag_before_reserved_bytes(void **state)
{
	struct fix *f = *state;
	struct header hdr;

	f->bytes[125] = 1;
	f->bytes[176] = 1;
	assert_int_equal(header_decode(f->bytes, &hdr, NULL), -ENOTSUP);
}

struct hole_row {
	bool ok;
	struct hole holes[HEADER_HOLES_MAX];
};

static const struct hole_row HOLE_ROWS[] = {
	{true, {{0}}},
	{true, {{1, 1}}},
	{true, {{1, UINT32_MAX}}},
	{true, {{UINT32_MAX, 1}}},
	{true, {{1, 1}, {3, 1}, {5, 1}, {7, 1}}},
	{true, {{1, 1}, {3, UINT32_MAX - 2}}},
	{false, {{0, 1}}},		     /* block 0 */
	{false, {{1, 0}}},		     /* empty */
	{false, {{2, UINT32_MAX}}},	     /* one block too many */
	{false, {{UINT32_MAX, 2}}},	     /* carries */
	{false, {{UINT32_MAX, UINT32_MAX}}}, /* carries far */
	{false, {{1, 1}, {2, 1}}},	     /* touching */
	{false, {{1, 3}, {3, 1}}},	     /* overlapping */
	{false, {{5, 1}, {1, 1}}},	     /* descending */
	{false, {{1, 1}, {1, 1}}},	     /* twice */
	{false, {{0}, {1, 1}}},		     /* unused before used */
	{false, {{1, 1}, {0}, {3, 1}}},	     /* the same, inside */
	{false, {{UINT32_MAX, 1}, {UINT32_MAX, 1}}},
};

/* The bytes as the codec would write them, had it not refused. */
static void put_holes(uint8_t bytes[static HEADER_LEN], const struct hole *holes)
{
	struct wbuf b = wbuf_to(bytes + 128, 32);

	for (size_t i = 0; i < HEADER_HOLES_MAX; i++) {
		wbuf_u32(&b, holes[i].start);
		wbuf_u32(&b, holes[i].count);
	}
	assert_true(wbuf_done(&b));
}

/* A hole reads as zeros without a tag: a list that is loose in any way could hide damage. */
static void header_takes_only_orderly_holes(void **state)
{
	struct fix *f = *state;

	for (size_t i = 0; i < COUNT_OF(HOLE_ROWS); i++) {
		const struct hole_row *row = &HOLE_ROWS[i];
		uint8_t out[HEADER_LEN];
		struct header back;

		memcpy(f->hdr.holes, row->holes, sizeof(f->hdr.holes));
		assert_int_equal(header_encode(&f->hdr, f->dek, out), row->ok ? 0 : -EINVAL);
		put_holes(f->bytes, row->holes);
		assert_int_equal(header_decode(f->bytes, &back, NULL), row->ok ? 0 : -EBADMSG);
		if (row->ok)
			assert_memory_equal(back.holes, row->holes, sizeof(back.holes));
	}
}

/* Generation 0 is none; the service key, policy id of zeros, has generation 1 alone. */
static void header_takes_only_possible_generations(void **state)
{
	static const struct {
		bool service;
		uint32_t generation;
		bool ok;
	} rows[] = {
		{false, 0, false}, {false, 1, true}, {false, UINT32_MAX, true},
		{true, 0, false},  {true, 1, true},  {true, 2, false},
	};
	struct fix *f = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct wbuf b = wbuf_to(f->bytes + 72, 4);
		uint8_t out[HEADER_LEN];
		struct header back;

		memset(f->hdr.ref.policy_id, rows[i].service ? 0 : 7, UUID_LEN);
		memset(f->bytes + 56, rows[i].service ? 0 : 7, UUID_LEN);
		f->hdr.ref.generation = rows[i].generation;
		wbuf_u32(&b, rows[i].generation);
		assert_int_equal(header_encode(&f->hdr, f->dek, out), rows[i].ok ? 0 : -EINVAL);
		assert_int_equal(header_decode(f->bytes, &back, NULL), rows[i].ok ? 0 : -EBADMSG);
	}
}

static void header_encode_refuses_unknown_flags_and_a_budget_too_large(void **state)
{
	struct fix *f = *state;
	uint8_t out[HEADER_LEN];

	f->hdr.budget = BUDGET_MAX;
	assert_int_equal(header_encode(&f->hdr, f->dek, out), 0);
	f->hdr.budget = BUDGET_MAX + 1;
	assert_int_equal(header_encode(&f->hdr, f->dek, out), -EINVAL);
	f->hdr.budget = 0;
	f->hdr.flags = 4;
	assert_int_equal(header_encode(&f->hdr, f->dek, out), -EINVAL);
}

/* What the wrap is bound to is what a reader finds on disk. */
static void header_aad_is_the_first_76_bytes(void **state)
{
	struct fix *f = *state;
	uint8_t aad[HEADER_AAD_LEN];

	header_aad(&f->hdr, aad);
	assert_memory_equal(aad, f->bytes, HEADER_AAD_LEN);
}

static void wrap_ref_helpers_tell_policies_apart(void **state)
{
	struct wrap_ref service = {.generation = 1}, a = {{1}, 1}, b = {{1}, 2}, c = {{2}, 1};

	(void)state;
	assert_true(wrap_ref_is_service(&service));
	assert_false(wrap_ref_is_service(&a));
	assert_true(wrap_ref_equal(&a, &a));
	assert_false(wrap_ref_equal(&a, &b));
	assert_false(wrap_ref_equal(&a, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(header_encode_matches_golden, setup, teardown),
		cmocka_unit_test_setup_teardown(header_decode_returns_what_was_encoded, setup,
						teardown),
		cmocka_unit_test_setup_teardown(header_refuses_every_flipped_bit, setup, teardown),
		cmocka_unit_test_setup_teardown(header_refuses_every_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(header_mac_covers_the_mutable_fields, setup,
						teardown),
		cmocka_unit_test_setup_teardown(header_verify_refuses_another_dek, setup, teardown),
		cmocka_unit_test_setup_teardown(header_decode_refuses_by_the_table, setup,
						teardown),
		cmocka_unit_test_setup_teardown(header_decode_refuses_nonzero_reserved, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			header_decode_names_an_unknown_flag_before_reserved_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(header_takes_only_orderly_holes, setup, teardown),
		cmocka_unit_test_setup_teardown(header_takes_only_possible_generations, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			header_encode_refuses_unknown_flags_and_a_budget_too_large, setup,
			teardown),
		cmocka_unit_test_setup_teardown(header_aad_is_the_first_76_bytes, setup, teardown),
		cmocka_unit_test(wrap_ref_helpers_tell_policies_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
