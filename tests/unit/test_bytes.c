/* tests/unit/test_bytes.c - the bounded reader and writer, hex and UUID text. */
#include "tests/unit/crypto_test.h"

#include <stdlib.h>

static const uint8_t SAMPLE[] = {'D',  'E',  'P',  'X',	 0x01, 0x03, 0x02, 0x07, 0x06,
				 0x05, 0x04, 0x0f, 0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 0x09,
				 0x08, 0,    0,	   2,	 0,    'h',  'i'};

struct sample {
	uint8_t a;
	uint16_t b;
	uint32_t c;
	uint64_t d;
	char text[8];
};

static bool sample_read(const uint8_t *in, size_t in_len, struct sample *ret)
{
	struct rbuf b = rbuf_from(in, in_len);

	rbuf_magic(&b, "DEPX");
	ret->a = rbuf_u8(&b);
	ret->b = rbuf_u16(&b);
	ret->c = rbuf_u32(&b);
	ret->d = rbuf_u64(&b);
	rbuf_zero(&b, 2);
	rbuf_str16(&b, ret->text, sizeof(ret->text));
	return rbuf_done(&b);
}

/* The format has one byte order; a reader on any machine must see the same numbers. */
static void rbuf_reads_little_endian(void **state)
{
	struct sample s;

	(void)state;
	assert_true(sample_read(SAMPLE, sizeof(SAMPLE), &s));
	assert_int_equal(s.a, 0x01);
	assert_int_equal(s.b, 0x0203);
	assert_int_equal(s.c, 0x04050607);
	assert_true(s.d == UINT64_C(0x08090a0b0c0d0e0f));
	assert_string_equal(s.text, "hi");
}

/* Records arrive cut; each shorter length must be seen, and no byte beyond it touched (ASan). */
static void rbuf_refuses_every_cut_and_a_longer_input(void **state)
{
	uint8_t longer[sizeof(SAMPLE) + 1] = {0};
	struct sample s;

	(void)state;
	for (size_t len = 0; len < sizeof(SAMPLE); len++) {
		uint8_t *cut = malloc(len + !len);

		assert_non_null(cut);
		memcpy(cut, SAMPLE, len);
		assert_false(sample_read(cut, len, &s));
		free(cut);
	}
	memcpy(longer, SAMPLE, sizeof(SAMPLE));
	assert_false(sample_read(longer, sizeof(longer), &s));
}

/* A codec's body asks once, at the end: nothing read after a failure may look like data. */
static void rbuf_stays_failed_and_yields_zeros(void **state)
{
	struct rbuf b = rbuf_from(SAMPLE, sizeof(SAMPLE));
	uint8_t out[4] = {1, 1, 1, 1};
	char text[4] = "abc";

	(void)state;
	assert_null(rbuf_view(&b, sizeof(SAMPLE) + 1));
	assert_int_equal(rbuf_u8(&b), 0);
	assert_int_equal(rbuf_u16(&b), 0);
	assert_int_equal(rbuf_u32(&b), 0);
	assert_true(rbuf_u64(&b) == 0);
	rbuf_bytes(&b, out, sizeof(out));
	assert_true(bytes_are_zero(out, sizeof(out)));
	rbuf_str16(&b, text, sizeof(text));
	assert_string_equal(text, "");
	assert_null(rbuf_view(&b, 0));
	assert_false(rbuf_done(&b));
}

/* A length near SIZE_MAX must not wrap round the bound. */
static void rbuf_refuses_a_huge_length(void **state)
{
	struct rbuf b = rbuf_from(SAMPLE, sizeof(SAMPLE));

	(void)state;
	assert_null(rbuf_view(&b, SIZE_MAX));
	assert_true(b.failed);
}

static void rbuf_magic_and_zero_refuse_every_other_byte(void **state)
{
	struct sample s;

	(void)state;
	for (size_t i = 0; i < sizeof(SAMPLE); i++) {
		uint8_t in[sizeof(SAMPLE)];
		bool fixed = i < 4 || i == 19 || i == 20 || i == 21 || i == 22;

		memcpy(in, SAMPLE, sizeof(in));
		in[i] ^= 0x40;
		assert_int_equal(sample_read(in, sizeof(in), &s), !fixed);
	}
}

/* Names go on as C strings: one that does not fit, or hides its end behind a NUL, is refused. */
static void rbuf_str16_refuses_what_is_no_c_string(void **state)
{
	static const struct {
		uint8_t in[6];
		size_t in_len, out_len;
		bool ok;
	} rows[] = {
		{{3, 0, 'a', 'b', 'c'}, 5, 4, true},
		{{3, 0, 'a', 'b', 'c'}, 5, 3, false},
		{{3, 0, 'a', 'b', 'c'}, 4, 4, false},
		{{3, 0, 'a', 0, 'c'}, 5, 4, false},
		{{0, 0}, 2, 1, true},
		{{0, 0}, 2, 0, false},
		{{0}, 1, 4, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct rbuf b = rbuf_from(rows[i].in, rows[i].in_len);
		char out[4] = "xxx";

		rbuf_str16(&b, out, rows[i].out_len);
		assert_int_equal(rbuf_done(&b), rows[i].ok);
		assert_string_equal(out, rows[i].ok && rows[i].in[0] ? "abc"
					 : rows[i].out_len == 0	     ? "xxx"
								     : "");
	}
}

static size_t sample_write(uint8_t *out, size_t out_len, bool *ret_done)
{
	struct wbuf b = wbuf_to(out, out_len);

	wbuf_bytes(&b, "DEPX", 4);
	wbuf_u8(&b, 0x01);
	wbuf_u16(&b, 0x0203);
	wbuf_u32(&b, 0x04050607);
	wbuf_u64(&b, UINT64_C(0x08090a0b0c0d0e0f));
	wbuf_zero(&b, 2);
	wbuf_str16(&b, "hi");
	*ret_done = wbuf_done(&b);
	return out_len - b.left_len;
}

static void wbuf_writes_what_rbuf_reads(void **state)
{
	uint8_t out[sizeof(SAMPLE)];
	bool done;

	(void)state;
	memset(out, 0xff, sizeof(out));
	assert_int_equal(sample_write(out, sizeof(out), &done), sizeof(SAMPLE));
	assert_true(done);
	assert_memory_equal(out, SAMPLE, sizeof(SAMPLE));
}

/* A record that does not fit its buffer fails, and writes nothing behind the buffer. */
static void wbuf_fails_in_every_smaller_and_a_larger_buffer(void **state)
{
	uint8_t out[sizeof(SAMPLE) + 1];
	bool done;

	(void)state;
	for (size_t len = 0; len < sizeof(SAMPLE); len++) {
		memset(out, 0xee, sizeof(out));
		(void)sample_write(out, len, &done);
		assert_false(done);
		for (size_t i = len; i < sizeof(out); i++)
			assert_int_equal(out[i], 0xee);
	}
	(void)sample_write(out, sizeof(out), &done);
	assert_false(done);
}

static void wbuf_str16_refuses_more_than_u16_counts(void **state)
{
	static char text[UINT16_MAX + 2];
	static uint8_t out[UINT16_MAX + 16];
	struct wbuf b = wbuf_to(out, sizeof(out));

	(void)state;
	memset(text, 'x', UINT16_MAX);
	wbuf_str16(&b, text);
	assert_false(b.failed);
	b = wbuf_to(out, sizeof(out));
	text[UINT16_MAX] = 'x';
	wbuf_str16(&b, text);
	assert_true(b.failed);
}

static void hex_round_trips_every_byte(void **state)
{
	uint8_t in[256], out[256];
	char text[513];

	(void)state;
	ascending(0, in, sizeof(in));
	hex_encode(in, sizeof(in), text);
	assert_int_equal(strlen(text), 512);
	assert_int_equal(strspn(text, "0123456789abcdef"), 512);
	assert_int_equal(hex_decode(text, out, sizeof(out)), 0);
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(hex_decode("aBFf09", out, 3), 0);
	assert_memory_equal(out, "\xab\xff\x09", 3);
	assert_int_equal(hex_decode("", out, 0), 0);
}

/* A key file or a typed id that is not exactly the digits asked for is refused untouched. */
static void hex_decode_refuses_anything_else(void **state)
{
	static const char *const bad[] = {"",	    "a",    "ab",   "abc",   "abcde",
					  "ab cd",  "abcg", "0xab", " abcd", "abcd ",
					  "ab\ncd", "-abc", "+abc"};
	uint8_t out[2];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		memset(out, 0x5a, sizeof(out));
		assert_int_equal(hex_decode(bad[i], out, 2), -EINVAL);
		assert_memory_equal(out, "\x5a\x5a", 2);
	}
	for (int c = 1; c < 256; c++) {
		char text[] = {'a', (char)c, 'b', 'c', '\0'};
		bool digit = strchr("0123456789abcdefABCDEF", c) != NULL;

		assert_int_equal(hex_decode(text, out, 2), digit ? 0 : -EINVAL);
	}
}

static void uuid_text_is_the_rfc_4122_form(void **state)
{
	static const char want[] = "10111213-1415-1617-1819-1a1b1c1d1e1f";
	uint8_t id[UUID_LEN], back[UUID_LEN];
	char text[UUID_TEXT_LEN];

	(void)state;
	ascending(0x10, id, sizeof(id));
	uuid_encode(id, text);
	assert_string_equal(text, want);
	assert_int_equal(uuid_decode(want, back), 0);
	assert_memory_equal(id, back, sizeof(id));
	assert_int_equal(uuid_decode("10111213-1415-1617-1819-1A1B1C1D1E1F", back), 0);
	assert_memory_equal(id, back, sizeof(id));
}

/* Names shaped like a UUID are ids: the two must never be mixed up by a lenient parse. */
static void uuid_decode_refuses_every_other_shape(void **state)
{
	static const char good[] = "10111213-1415-1617-1819-1a1b1c1d1e1f";
	uint8_t id[UUID_LEN] = {0};
	char text[sizeof(good) + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(good) - 1; i++) {
		memcpy(text, good, sizeof(good));
		text[i] = good[i] == '-' ? '0' : '-';
		assert_int_equal(uuid_decode(text, id), -EINVAL);
		text[i] = 'g';
		assert_int_equal(uuid_decode(text, id), -EINVAL);
		text[i] = '\0'; /* each shorter text */
		assert_int_equal(uuid_decode(text, id), -EINVAL);
	}
	(void)snprintf(text, sizeof(text), "%s0", good);
	assert_int_equal(uuid_decode(text, id), -EINVAL);
	assert_int_equal(uuid_decode("{0111213-1415-1617-1819-1a1b1c1d1e1f", id), -EINVAL);
	assert_int_equal(uuid_decode("101112131415161718191a1b1c1d1e1f", id), -EINVAL);
	assert_true(bytes_are_zero(id, sizeof(id)));
}

/* It decides whether a block is a hole: one bit anywhere, at any alignment, is not a hole. */
static void bytes_are_zero_sees_every_bit(void **state)
{
	uint8_t in[80] = {0};

	(void)state;
	for (size_t from = 0; from < 9; from++)
		for (size_t len = 0; len < 40; len++) {
			assert_true(bytes_are_zero(in + from, len));
			in[from + len] = 1; /* just outside */
			assert_true(bytes_are_zero(in + from, len));
			in[from + len] = 0;
			for (size_t bit = 0; bit < 8 * len; bit++) {
				in[from + bit / 8] = (uint8_t)(1u << bit % 8);
				assert_false(bytes_are_zero(in + from, len));
				in[from + bit / 8] = 0;
			}
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rbuf_reads_little_endian),
		cmocka_unit_test(rbuf_refuses_every_cut_and_a_longer_input),
		cmocka_unit_test(rbuf_stays_failed_and_yields_zeros),
		cmocka_unit_test(rbuf_refuses_a_huge_length),
		cmocka_unit_test(rbuf_magic_and_zero_refuse_every_other_byte),
		cmocka_unit_test(rbuf_str16_refuses_what_is_no_c_string),
		cmocka_unit_test(wbuf_writes_what_rbuf_reads),
		cmocka_unit_test(wbuf_fails_in_every_smaller_and_a_larger_buffer),
		cmocka_unit_test(wbuf_str16_refuses_more_than_u16_counts),
		cmocka_unit_test(hex_round_trips_every_byte),
		cmocka_unit_test(hex_decode_refuses_anything_else),
		cmocka_unit_test(uuid_text_is_the_rfc_4122_form),
		cmocka_unit_test(uuid_decode_refuses_every_other_shape),
		cmocka_unit_test(bytes_are_zero_sees_every_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
