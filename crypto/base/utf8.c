/* crypto/base/utf8.c - the decoder of UTF-8 (RFC 3629 section 4). */
#include "crypto/base/utf8.h"

/* Bytes of a character that begins with @lead; 0: none does (0x80 to 0xc1, and 0xf5 up). */
static size_t char_len(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

size_t utf8_decode(const char *in, size_t in_len, uint32_t *ret_char)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800,
					 0x10000}; /* by length; a smaller value is overlong */
	static const uint8_t lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	const unsigned char *at = (const unsigned char *)in;
	size_t len = in_len > 0 ? char_len(at[0]) : 0;
	uint32_t c;

	if (len == 0 || len > in_len)
		return 0;
	c = at[0] & lead_bits[len];
	for (size_t i = 1; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (at[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret_char = c;
	return len;
}
