/* crypto/base/bytes.c - bounded reading and writing of little-endian fields; hex and UUID text. */
#include "crypto/base/bytes.h"

#include <errno.h>
#include <string.h>

struct rbuf rbuf_from(const void *in, size_t in_len)
{
	return (struct rbuf){.at = in, .left_len = in_len};
}

const uint8_t *rbuf_view(struct rbuf *b, size_t len)
{
	const uint8_t *view = b->at;

	if (b->failed || len > b->left_len) {
		b->failed = true;
		return NULL;
	}
	b->at += len;
	b->left_len -= len;
	return view;
}

static uint64_t rbuf_uint(struct rbuf *b, size_t len)
{
	const uint8_t *in = rbuf_view(b, len);
	uint64_t v = 0;

	if (!in)
		return 0;
	while (len-- > 0)
		v = v << 8 | in[len];
	return v;
}

uint8_t rbuf_u8(struct rbuf *b)
{
	return (uint8_t)rbuf_uint(b, 1);
}

uint16_t rbuf_u16(struct rbuf *b)
{
	return (uint16_t)rbuf_uint(b, 2);
}

uint32_t rbuf_u32(struct rbuf *b)
{
	return (uint32_t)rbuf_uint(b, 4);
}

uint64_t rbuf_u64(struct rbuf *b)
{
	return rbuf_uint(b, 8);
}

void rbuf_bytes(struct rbuf *b, void *ret_out, size_t len)
{
	const uint8_t *in = rbuf_view(b, len);

	if (len == 0)
		return;
	if (in)
		memcpy(ret_out, in, len);
	else
		memset(ret_out, 0, len);
}

void rbuf_magic(struct rbuf *b, const char magic[static 4])
{
	const uint8_t *in = rbuf_view(b, 4);

	if (in && memcmp(in, magic, 4) != 0)
		b->failed = true;
}

void rbuf_zero(struct rbuf *b, size_t len)
{
	const uint8_t *in = rbuf_view(b, len);

	if (in && !bytes_are_zero(in, len))
		b->failed = true;
}

void rbuf_str16(struct rbuf *b, char *ret_out, size_t out_len)
{
	size_t len = rbuf_u16(b);
	const uint8_t *in = rbuf_view(b, len);

	if (in && (len >= out_len || memchr(in, '\0', len)))
		b->failed = true;
	if (b->failed) {
		if (out_len > 0)
			ret_out[0] = '\0';
		return;
	}
	memcpy(ret_out, in, len);
	ret_out[len] = '\0';
}

bool rbuf_done(const struct rbuf *b)
{
	return !b->failed && b->left_len == 0;
}

struct wbuf wbuf_to(void *out, size_t out_len)
{
	return (struct wbuf){.at = out, .left_len = out_len};
}

static uint8_t *wbuf_space(struct wbuf *b, size_t len)
{
	uint8_t *space = b->at;

	if (b->failed || len > b->left_len) {
		b->failed = true;
		return NULL;
	}
	b->at += len;
	b->left_len -= len;
	return space;
}

static void wbuf_uint(struct wbuf *b, uint64_t v, size_t len)
{
	uint8_t *out = wbuf_space(b, len);

	if (!out)
		return;
	for (size_t i = 0; i < len; i++, v >>= 8)
		out[i] = (uint8_t)v;
}

void wbuf_u8(struct wbuf *b, uint8_t v)
{
	wbuf_uint(b, v, 1);
}

void wbuf_u16(struct wbuf *b, uint16_t v)
{
	wbuf_uint(b, v, 2);
}

void wbuf_u32(struct wbuf *b, uint32_t v)
{
	wbuf_uint(b, v, 4);
}

void wbuf_u64(struct wbuf *b, uint64_t v)
{
	wbuf_uint(b, v, 8);
}

void wbuf_bytes(struct wbuf *b, const void *in, size_t len)
{
	uint8_t *out = wbuf_space(b, len);

	if (out && len > 0)
		memcpy(out, in, len);
}

void wbuf_zero(struct wbuf *b, size_t len)
{
	uint8_t *out = wbuf_space(b, len);

	if (out && len > 0)
		memset(out, 0, len);
}

void wbuf_str16(struct wbuf *b, const char *text)
{
	size_t len = strlen(text);

	if (len > UINT16_MAX) {
		b->failed = true;
		return;
	}
	wbuf_u16(b, (uint16_t)len);
	wbuf_bytes(b, text, len);
}

bool wbuf_done(const struct wbuf *b)
{
	return !b->failed && b->left_len == 0;
}

void hex_encode(const uint8_t *in, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[in[i] >> 4];
		*out++ = digits[in[i] & 15];
	}
	*out = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Reads 2 * len digits; stops at the first character that is none, so it never reads past a NUL. */
static int hex_read(const char *in, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int hi = hex_digit(in[2 * i]);
		int lo = hi < 0 ? -1 : hex_digit(in[2 * i + 1]);

		if (lo < 0)
			return -EINVAL;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}

int hex_decode(const char *in, uint8_t *ret_out, size_t len)
{
	/* Check all digits first: on failure @ret_out is untouched. */
	for (size_t i = 0; i < 2 * len; i++)
		if (hex_digit(in[i]) < 0)
			return -EINVAL;
	if (in[2 * len] != '\0')
		return -EINVAL;
	return hex_read(in, ret_out, len);
}

/* Bytes in each of the five groups of a UUID's text, RFC 4122 section 3. */
static const uint8_t uuid_groups[] = {4, 2, 2, 2, 6};

void uuid_encode(const uint8_t id[static UUID_LEN], char out[static UUID_TEXT_LEN])
{
	for (size_t g = 0; g < sizeof(uuid_groups); g++) {
		if (g > 0)
			*out++ = '-';
		hex_encode(id, uuid_groups[g], out);
		id += uuid_groups[g];
		out += 2 * uuid_groups[g];
	}
}

int uuid_decode(const char *in, uint8_t ret_id[static UUID_LEN])
{
	uint8_t id[UUID_LEN];
	uint8_t *at = id;

	for (size_t g = 0; g < sizeof(uuid_groups); g++) {
		if (g > 0 && *in++ != '-')
			return -EINVAL;
		if (hex_read(in, at, uuid_groups[g]) < 0)
			return -EINVAL;
		in += 2 * uuid_groups[g];
		at += uuid_groups[g];
	}
	if (*in != '\0')
		return -EINVAL;
	memcpy(ret_id, id, UUID_LEN);
	return 0;
}

bool bytes_are_zero(const void *in, size_t len)
{
	const uint8_t *at = in;
	uint64_t word;

	/* Whole words first, since this is used to look for holes in 4 KiB blocks. */
	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		if (word != 0)
			return false;
	}
	for (; len > 0; at++, len--)
		if (*at != 0)
			return false;
	return true;
}
