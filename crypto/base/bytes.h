/* crypto/base/bytes.h - bounded little-endian reader and writer, hex and UUID text. */
#ifndef DEPFS_CRYPTO_BASE_BYTES_H
#define DEPFS_CRYPTO_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"

#define UUID_LEN      16
#define UUID_TEXT_LEN 37 /* 36 characters, lower case, and NUL */

/*
 * A reader that failed stays failed and yields zeros; a writer that ran out of space writes no
 * more. So a codec has a line for each row of its layout table, and one check of rbuf_done() or
 * wbuf_done() at its end.
 */
struct rbuf {
	const uint8_t *at;
	size_t left_len;
	bool failed;
};

struct wbuf {
	uint8_t *at;
	size_t left_len;
	bool failed;
};

struct rbuf rbuf_from(const void *in, size_t in_len);
uint8_t rbuf_u8(struct rbuf *b);
uint16_t rbuf_u16(struct rbuf *b);
uint32_t rbuf_u32(struct rbuf *b);
uint64_t rbuf_u64(struct rbuf *b);
void rbuf_bytes(struct rbuf *b, void *ret_out, size_t len);
/* rbuf_magic() - fails unless the next 4 bytes are @magic. */
void rbuf_magic(struct rbuf *b, const char magic[static 4]);
void rbuf_zero(struct rbuf *b, size_t len); /* fails unless the next len bytes are 0 */
/* rbuf_view() - borrow the next @len bytes; NULL and failed when fewer are left. */
const uint8_t *rbuf_view(struct rbuf *b, size_t len);
/* rbuf_str16() - u16 length, then that many bytes, NUL-terminated in @ret_out; fails when they do
 * not fit or hold a NUL. */
void rbuf_str16(struct rbuf *b, char *ret_out, size_t out_len);
bool rbuf_done(const struct rbuf *b); /* nothing failed and nothing is left over */

struct wbuf wbuf_to(void *out, size_t out_len);
void wbuf_u8(struct wbuf *b, uint8_t v);
void wbuf_u16(struct wbuf *b, uint16_t v);
void wbuf_u32(struct wbuf *b, uint32_t v);
void wbuf_u64(struct wbuf *b, uint64_t v);
void wbuf_bytes(struct wbuf *b, const void *in, size_t len);
void wbuf_zero(struct wbuf *b, size_t len);
void wbuf_str16(struct wbuf *b, const char *text);
bool wbuf_done(const struct wbuf *b); /* nothing failed and the buffer is filled exactly */

/* hex_encode() - out holds 2 * len + 1 characters, lower case. */
void hex_encode(const uint8_t *in, size_t len, char *out);
/* hex_decode() - exactly 2 * len hex digits of either case; -EINVAL otherwise. */
int hex_decode(const char *in, uint8_t *ret_out, size_t len) MUST_CHECK;

void uuid_encode(const uint8_t id[static UUID_LEN], char out[static UUID_TEXT_LEN]);
/* uuid_decode() - 8-4-4-4-12 hex digits of either case, nothing else; -EINVAL otherwise. */
int uuid_decode(const char *in, uint8_t ret_id[static UUID_LEN]) MUST_CHECK;
bool bytes_are_zero(const void *in, size_t len);

#endif
