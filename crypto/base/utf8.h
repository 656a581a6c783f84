/* crypto/base/utf8.h - UTF-8 (RFC 3629), a character at a time. */
#ifndef DEPFS_CRYPTO_BASE_UTF8_H
#define DEPFS_CRYPTO_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_MAX	 4		/* bytes of the longest character */
#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD, for bytes that are no character */

/**
 * utf8_decode() - the character at the start of @in
 * RFC 3629 section 4: no overlong form, no surrogate, nothing above U+10FFFF.
 * Stops at the first byte that does not belong to it, and reads nothing behind that one.
 * Return: its length in bytes, 1 to UTF8_MAX; 0: no character begins here, or it is cut by @in_len.
 */
size_t utf8_decode(const char *in, size_t in_len, uint32_t *ret_char);

/* utf8_next() - utf8_decode() within a string: its NUL ends a character that is cut there, and is
 * itself a character of length 1. */
static inline size_t utf8_next(const char *text, uint32_t *ret_char)
{
	return utf8_decode(text, UTF8_MAX, ret_char);
}

/* utf8_is_control() - C0, DEL and C1: what a terminal may obey. */
static inline bool utf8_is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f);
}

/* utf8_is_bidi() - the marks, embeddings, overrides and isolates of Unicode's bidirectional
 * algorithm (UAX 9, section 2): invisible, and able to show a name as another one. */
static inline bool utf8_is_bidi(uint32_t c)
{
	return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

#endif
