/* tests/unit/test_utf8.c - each code point goes through, and nothing else does. */
#include "tests/unit/crypto_test.h"

#include "crypto/base/utf8.h"

/* RFC 3629 section 3, the table. */
static size_t encode(uint32_t c, char out[static UTF8_MAX])
{
	size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = len; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[len] | c);
	return len;
}

static bool is_scalar(uint32_t c)
{
	return c < 0xd800 || (c > 0xdfff && c <= 0x10ffff);
}

static void utf8_decode_takes_every_scalar_and_no_surrogate(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x200000; c++) { /* all that four bytes can spell */
		char in[UTF8_MAX];
		uint32_t got = UINT32_MAX;
		size_t len = encode(c, in);

		if (!is_scalar(c)) {
			assert_int_equal(utf8_decode(in, len, &got), 0);
			assert_int_equal(got, UINT32_MAX);
			continue;
		}
		assert_int_equal(utf8_decode(in, len, &got), len);
		assert_int_equal(got, c);
	}
}

/* Of the three-byte strings, as many are one character each as there are scalars of that length:
 * what is accepted beyond those of the test above would be an overlong form. */
static void utf8_decode_takes_one_spelling_of_each(void **state)
{
	size_t taken[UTF8_MAX] = {0};

	(void)state;
	for (uint32_t bytes = 0; bytes < 1u << 24; bytes++) {
		const char in[3] = {(char)(bytes >> 16), (char)(bytes >> 8), (char)bytes};
		uint32_t c;

		taken[utf8_decode(in, sizeof(in), &c)]++;
	}
	assert_int_equal(taken[1], (size_t)0x80 << 16);
	assert_int_equal(taken[2], (size_t)(0x800 - 0x80) << 8);
	assert_int_equal(taken[3], 0x10000 - 0x800 - 0x800); /* less the surrogates */
}

/* The forms that attacks are made of, each spelled out. */
static void utf8_decode_refuses_what_is_not_utf8(void **state)
{
	static const char *const bad[] = {
		"\x80",
		"\xbf", /* a continuation alone */
		"\xc0\x80",
		"\xc0\xaf", /* NUL and '/', overlong */
		"\xc1\xbf",
		"\xe0\x80\xaf",
		"\xe0\x9f\xbf", /* more of these */
		"\xf0\x80\x80\xaf",
		"\xf0\x8f\xbf\xbf", /* ... */
		"\xed\xa0\x80",
		"\xed\xbf\xbf", /* surrogates */
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", /* above U+10FFFF */
		"\xf8\x88\x80\x80",
		"\xfe",
		"\xff", /* five bytes and more, as of old */
		"\xc3(",
		"\xe2\x82(",
		"\xf0\x9f\x98(", /* no continuation */
	};
	uint32_t c;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(utf8_decode(bad[i], strlen(bad[i]), &c), 0);
		assert_int_equal(utf8_next(bad[i], &c), 0);
	}
}

static void utf8_decode_refuses_every_cut(void **state)
{
	static const char *const whole[] = {"\xc2\xa0", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
	uint32_t c;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(whole); i++) {
		size_t len = strlen(whole[i]);
		char cut[UTF8_MAX + 1];

		assert_int_equal(utf8_decode(whole[i], len, &c), len);
		assert_int_equal(utf8_decode(whole[i], len + 1, &c), len);
		for (size_t n = 0; n < len; n++) {
			assert_int_equal(utf8_decode(whole[i], n, &c), 0);
			memset(cut, 0x80,
			       sizeof(cut)); /* behind the NUL: not to be taken for more */
			memcpy(cut, whole[i], n);
			cut[n] = '\0';
			assert_int_equal(utf8_next(cut, &c), n == 0);
		}
	}
}

static void utf8_is_control_knows_c0_del_and_c1(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x3000; c++)
		assert_int_equal(utf8_is_control(c), c <= 0x1f || (0x7f <= c && c <= 0x9f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_decode_takes_every_scalar_and_no_surrogate),
		cmocka_unit_test(utf8_decode_takes_one_spelling_of_each),
		cmocka_unit_test(utf8_decode_refuses_what_is_not_utf8),
		cmocka_unit_test(utf8_decode_refuses_every_cut),
		cmocka_unit_test(utf8_is_control_knows_c0_del_and_c1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
