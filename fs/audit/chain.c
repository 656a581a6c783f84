/* fs/audit/chain.c - an event's line: numbered, chained by SHA-256, verified by itself. */
#include "fs/audit/line_internal.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The end of every line, of fixed length:
 *   ,"prev":"<64 hex>"   74
 *   ,"hash":"<64 hex>"}  75
 */
#define PREV_MARK ",\"prev\":\""
#define HASH_MARK ",\"hash\":\""
#define MARK_LEN  9
#define HEX_LEN	  (2 * SHA256_LEN)
#define PREV_LEN  (MARK_LEN + HEX_LEN + 1)
#define HASH_LEN  (MARK_LEN + HEX_LEN + 2)

void audit_key(uint64_t seq, uint8_t out[static AUDIT_KEY_LEN])
{
	for (size_t i = 0; i < AUDIT_KEY_LEN; i++)
		out[i] = (uint8_t)(seq >> (56 - 8 * i));
}

uint64_t audit_key_seq(const void *key, size_t key_len)
{
	struct rbuf b = rbuf_from(key, key_len);
	uint64_t seq = __builtin_bswap64(rbuf_u64(&b)); /* big-endian */

	return rbuf_done(&b) ? seq : 0;
}

uint64_t audit_line_seq(const char *line, size_t len)
{
	static const char start[] = "{\"seq\":";
	uint64_t seq = 0;
	size_t at = sizeof(start) - 1;

	if (len <= at || memcmp(line, start, at) != 0 || line[at] == '0')
		return 0;
	for (; at < len && isdigit((unsigned char)line[at]); at++)
		if (__builtin_mul_overflow(seq, 10, &seq) ||
		    __builtin_add_overflow(seq, (uint64_t)(line[at] - '0'), &seq))
			return 0;
	return at < len && line[at] == ',' ? seq : 0;
}

int audit_chain(struct audit_head *head, const char *body, char **ret_line, size_t *ret_len)
{
	char prev[HEX_LEN + 1], hex[HEX_LEN + 1];
	uint8_t hash[SHA256_LEN];
	struct kdf_part part;
	char *line;
	int len, r;

	hex_encode(head->hash, SHA256_LEN, prev);
	memset(hex, '0', HEX_LEN); /* replaced below, when the rest of the line is hashed */
	hex[HEX_LEN] = '\0';
	len = asprintf(&line, "{\"seq\":%" PRIu64 ",%s" PREV_MARK "%s\"" HASH_MARK "%s\"}",
		       head->seq + 1, body, prev, hex);
	if (len < 0)
		return -ENOMEM;
	part = (struct kdf_part){line, (size_t)len - HASH_LEN};
	r = sha256(&part, 1, hash);
	if (r < 0) {
		free(line);
		return r;
	}
	hex_encode(hash, SHA256_LEN, hex);
	memcpy(line + len - HASH_LEN + MARK_LEN, hex, HEX_LEN);
	head->seq++;
	memcpy(head->hash, hash, SHA256_LEN);
	*ret_line = line;
	*ret_len = (size_t)len;
	return 0;
}

/* 64 hex digits behind @mark; hex_decode() takes a string. */
static int mark_parse(const char *at, const char *mark, uint8_t ret_hash[static SHA256_LEN])
{
	char hex[HEX_LEN + 1] = {0};

	if (memcmp(at, mark, MARK_LEN) != 0)
		return -EBADMSG;
	memcpy(hex, at + MARK_LEN, HEX_LEN);
	return hex_decode(hex, ret_hash, SHA256_LEN) < 0 ? -EBADMSG : 0;
}

int audit_line_verify(const uint8_t *line, size_t len, uint64_t seq,
		      uint8_t ret_prev[static SHA256_LEN], uint8_t ret_hash[static SHA256_LEN])
{
	const char *text = (const char *)line;
	uint8_t hash[SHA256_LEN];
	struct kdf_part part;
	char start[40];
	int start_len = snprintf(start, sizeof(start), "{\"seq\":%" PRIu64 ",", seq);
	int r;

	if (len < (size_t)start_len + PREV_LEN + HASH_LEN ||
	    memcmp(line, start, (size_t)start_len) != 0 || memcmp(text + len - 2, "\"}", 2) != 0)
		return -EBADMSG;
	part = (struct kdf_part){line, len - HASH_LEN};
	r = mark_parse(text + len - HASH_LEN, HASH_MARK, ret_hash);
	if (r == 0)
		r = mark_parse(text + len - HASH_LEN - PREV_LEN, PREV_MARK, ret_prev);
	if (r == 0)
		r = sha256(&part, 1, hash);
	if (r < 0)
		return r;
	return memcmp(hash, ret_hash, SHA256_LEN) == 0 ? 0 : -EBADMSG;
}

int audit_head_get(struct store_txn *t, struct audit_head *ret_head, struct err *err)
{
	struct audit_head head = {0};
	const uint8_t *rec;
	struct rbuf b;
	size_t len;
	int r;

	r = store_get(t, TABLE_META, STORE_META_EVENTS_HEAD, strlen(STORE_META_EVENTS_HEAD), &rec,
		      &len, NULL);
	if (r == -ENOENT) {
		*ret_head = head;
		return 0;
	}
	if (r < 0)
		return err_set(err, r, "the record " STORE_META_EVENTS_HEAD " cannot be read");
	b = rbuf_from(rec, len);
	head.seq = rbuf_u64(&b);
	rbuf_bytes(&b, head.hash, SHA256_LEN);
	if (!rbuf_done(&b))
		return err_set(err, -EBADMSG, "the record " STORE_META_EVENTS_HEAD " is damaged");
	*ret_head = head;
	return 0;
}

int audit_head_put(struct store_txn *t, const struct audit_head *head, struct err *err)
{
	uint8_t rec[AUDIT_HEAD_LEN];
	struct wbuf w = wbuf_to(rec, sizeof(rec));

	wbuf_u64(&w, head->seq);
	wbuf_bytes(&w, head->hash, SHA256_LEN);
	return store_put(t, TABLE_META, STORE_META_EVENTS_HEAD, strlen(STORE_META_EVENTS_HEAD), rec,
			 sizeof(rec), err);
}

int audit_number_get(struct store_txn *t, const char *name, uint64_t *ret_v, struct err *err)
{
	const uint8_t *rec;
	struct rbuf b;
	size_t len;
	int r = store_get(t, TABLE_META, name, strlen(name), &rec, &len, NULL);

	*ret_v = 0;
	if (r == -ENOENT)
		return 0;
	b = rbuf_from(rec, r == 0 ? len : 0);
	if (r == 0)
		*ret_v = rbuf_u64(&b);
	return r == 0 && rbuf_done(&b) ? 0
				       : err_set(err, -EBADMSG, "the record %s is damaged", name);
}

int audit_number_put(struct store_txn *t, const char *name, uint64_t v, struct err *err)
{
	uint8_t rec[8];
	struct wbuf w = wbuf_to(rec, sizeof(rec));

	wbuf_u64(&w, v);
	return store_put(t, TABLE_META, name, strlen(name), rec, sizeof(rec), err);
}
