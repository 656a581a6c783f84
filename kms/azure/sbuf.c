/* kms/azure/sbuf.c - text composed on the secure heap, as forms and base64url; base64url
 * decoded. */
#include "kms/azure/sbuf_internal.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#define FIRST_SPACE 256 /* bytes */

void sbuf_fini_p(struct sbuf *b)
{
	secret_free(b->space);
	*b = (struct sbuf){.max_len = b->max_len};
}

static int sbuf_grow(struct sbuf *b, size_t need)
{
	size_t space = b->space ? secret_len(b->space) : FIRST_SPACE;
	struct secret *larger = NULL;
	int r;

	if (need > b->max_len)
		return -EFBIG;
	if (b->space && need <= space)
		return 0;
	while (space < need)
		space *= 2;
	r = secret_new(space, &larger);
	if (r < 0)
		return r;
	if (b->space)
		memcpy(secret_bytes(larger), secret_bytes(b->space), b->len);
	secret_free(b->space);
	b->space = larger;
	return 0;
}

void sbuf_add(struct sbuf *b, const void *in, size_t len)
{
	size_t need;

	if (b->failed || len == 0)
		return;
	if (__builtin_add_overflow(b->len, len, &need) || sbuf_grow(b, need) < 0) {
		b->failed = true;
		return;
	}
	memcpy(secret_bytes(b->space) + b->len, in, len);
	b->len = need;
}

void sbuf_text(struct sbuf *b, const char *text)
{
	sbuf_add(b, text, strlen(text));
}

/* RFC 3986 section 2.3: characters that are not percent-encoded. */
static bool is_unreserved(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

static void add_escaped(struct sbuf *b, const uint8_t *in, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		const char code[3] = {'%', digits[in[i] >> 4], digits[in[i] & 15]};

		if (is_unreserved(in[i]))
			sbuf_add(b, &in[i], 1);
		else
			sbuf_add(b, code, sizeof(code));
	}
}

void sbuf_form(struct sbuf *b, const char *name, const void *value, size_t value_len)
{
	if (b->len > 0)
		sbuf_text(b, "&");
	sbuf_text(b, name);
	sbuf_text(b, "=");
	add_escaped(b, value, value_len);
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void sbuf_base64url(struct sbuf *b, const void *in, size_t len)
{
	const uint8_t *at = in;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t v = (uint32_t)at[i] << 16 | (n > 1 ? (uint32_t)at[i + 1] << 8 : 0) |
			     (n > 2 ? at[i + 2] : 0);
		char out[4] = {alphabet[v >> 18], alphabet[v >> 12 & 63], alphabet[v >> 6 & 63],
			       alphabet[v & 63]};

		sbuf_add(b, out, n + 1);
		OPENSSL_cleanse(&v, sizeof(v));
		OPENSSL_cleanse(out, sizeof(out));
	}
}

const char *sbuf_cstr(struct sbuf *b)
{
	const char nul = '\0';

	sbuf_add(b, &nul, 1);
	if (b->failed)
		return "";
	b->len--; /* the next addition overwrites the NUL */
	return (const char *)secret_bytes(b->space);
}

int sbuf_take(struct sbuf *b, struct secret **ret_secret)
{
	if (b->failed)
		return -ENOMEM;
	if (!b->space)
		return secret_new(0, ret_secret);
	secret_shrink(b->space, b->len);
	*ret_secret = STEAL(b->space);
	b->len = 0;
	return 0;
}

static int digit_value(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

int base64url_decode(const char *in, size_t in_len, uint8_t *out, size_t out_len, size_t *ret_len)
{
	uint32_t bits = 0;
	unsigned n_bits = 0;
	size_t n = 0;

	if (in_len % 4 == 1)
		return -EINVAL;
	for (size_t i = 0; i < in_len; i++) {
		int v = digit_value(in[i]);

		if (v < 0)
			return -EINVAL;
		bits = (bits << 6 | (uint32_t)v) & 0x3fff; /* at most 14 bits are pending */
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		if (n == out_len)
			return -ENOSPC;
		out[n++] = (uint8_t)(bits >> n_bits);
	}
	if (bits & ((1u << n_bits) - 1))
		return -EINVAL;
	*ret_len = n;
	return 0;
}
