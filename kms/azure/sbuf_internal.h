/* kms/azure/sbuf_internal.h - text that may hold a secret, composed on the secure heap. */
#ifndef DEPFS_KMS_AZURE_SBUF_INTERNAL_H
#define DEPFS_KMS_AZURE_SBUF_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/secret.h"

/*
 * Grows as needed, up to its limit. After a failure (memory, limit) it stays failed and additions
 * do nothing, so that one check at the end is enough, by sbuf_failed() or sbuf_take().
 */
struct sbuf {
	struct secret *space; /* NULL while empty; not all of it is used */
	size_t len;
	size_t max_len;
	bool failed;
};

#define SBUF_MAX (64u * 1024) /* bytes; beyond it an sbuf fails */

#define SBUF_EMPTY                  \
	{                           \
		.max_len = SBUF_MAX \
	}

void sbuf_fini_p(struct sbuf *b);
void sbuf_add(struct sbuf *b, const void *in, size_t len);
void sbuf_text(struct sbuf *b, const char *text);
/* sbuf_form() - "name=value" of application/x-www-form-urlencoded, '&' before it when needed. */
void sbuf_form(struct sbuf *b, const char *name, const void *value, size_t value_len);
/* sbuf_base64url() - RFC 4648 section 5, no padding. */
void sbuf_base64url(struct sbuf *b, const void *in, size_t len);
/* sbuf_cstr() - the text so far with a NUL behind it, borrowed until the next sbuf_ call; "" when
 * empty or failed. */
const char *sbuf_cstr(struct sbuf *b);
static inline bool sbuf_failed(const struct sbuf *b)
{
	return b->failed;
}
/* sbuf_take() - hands the text over; -ENOMEM when it failed. */
int sbuf_take(struct sbuf *b, struct secret **ret_secret) MUST_CHECK;

/**
 * base64url_decode() - RFC 4648 section 5 without padding, strict: no other character, and no bits
 * left over that are not zero
 * @ret_len: bytes written, at most @out_len
 * Return: 0; -EINVAL; -ENOSPC when @out is too small.
 */
int base64url_decode(const char *in, size_t in_len, uint8_t *out, size_t out_len,
		     size_t *ret_len) MUST_CHECK;

#endif
