/* fs/audit/signature.c - lines that sign the log: made and verified. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "fs/audit/line_internal.h"

/*
 * The end of a signature's line, of fixed length; prev and hash end every line (chain.c):
 *   ,"signature":"<128 hex>"   143
 *   ,"prev":"<64 hex>"          74
 *   ,"hash":"<64 hex>"}         75
 */
#define SIG_MARK     ",\"signature\":\""
#define SIG_MARK_LEN (sizeof(SIG_MARK) - 1)
#define SIG_HEX_LEN  (2 * (size_t)SIGN_LEN)
#define PREV_AT	     9 /* of the digits, within their part */
#define PREV_LEN     74
#define HASH_LEN     75
#define TAIL_LEN     (SIG_MARK_LEN + SIG_HEX_LEN + 1 + PREV_LEN + HASH_LEN)

#define SIGNED_TEXT "depfs 1 audit signature" /* and its NUL */
#define SIGNED_LEN  (sizeof(SIGNED_TEXT) + 2 * SHA256_LEN)

static int signed_message(const uint8_t prev[static SHA256_LEN], const char *text, size_t text_len,
			  uint8_t ret_msg[static SIGNED_LEN])
{
	const struct kdf_part part = {text, text_len};

	memcpy(ret_msg, SIGNED_TEXT, sizeof(SIGNED_TEXT));
	memcpy(ret_msg + sizeof(SIGNED_TEXT), prev, SHA256_LEN);
	return sha256(&part, 1, ret_msg + sizeof(SIGNED_TEXT) + SHA256_LEN);
}

int audit_sign(struct audit_head *head, const struct sign_key *key,
	       const uint8_t store_id[static UUID_LEN], const char *reason, char **ret_line,
	       size_t *ret_len)
{
	CLEANUP(free_mem_p) char *members = NULL, *start = NULL, *body = NULL;
	char store[UUID_TEXT_LEN], public_hex[2 * SIGN_PUBLIC_LEN + 1], sig_hex[SIG_HEX_LEN + 1];
	uint8_t msg[SIGNED_LEN], sig[SIGN_LEN];
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("reason", reason),
		AUDIT_FIELD_STR("store", store),
		AUDIT_FIELD_STR("key", public_hex),
	};
	int start_len, r;

	uuid_encode(store_id, store);
	hex_encode(sign_key_public(key), SIGN_PUBLIC_LEN, public_hex);
	members = audit_body(AUDIT_KIND_SIGNATURE, NULL, "ok", fields, 3);
	if (!members)
		return -ENOMEM;
	start_len = asprintf(&start, "{\"seq\":%" PRIu64 ",%s", head->seq + 1, members);
	if (start_len < 0) {
		start = NULL;
		return -ENOMEM;
	}
	r = signed_message(head->hash, start, (size_t)start_len, msg);
	if (r == 0)
		r = sign_make(key, msg, sizeof(msg), sig);
	if (r < 0)
		return r;
	hex_encode(sig, SIGN_LEN, sig_hex);
	if (asprintf(&body, "%s" SIG_MARK "%s\"", members, sig_hex) < 0) {
		body = NULL;
		return -ENOMEM;
	}
	return audit_chain(head, body, ret_line, ret_len);
}

static void json_free_p(json_t **j)
{
	json_decref(*j);
}

static int members_take(const char *line, size_t len, struct audit_signature *ret_sig)
{
	CLEANUP(json_free_p) json_t *event = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *key = json_string_value(json_object_get(event, "key"));
	const char *store = json_string_value(json_object_get(event, "store"));
	const char *reason = json_string_value(json_object_get(event, "reason"));
	uint8_t id[UUID_LEN];

	if (!key || !store || !reason || hex_decode(key, ret_sig->key, SIGN_PUBLIC_LEN) < 0 ||
	    uuid_decode(store, id) < 0)
		return -EBADMSG;
	uuid_encode(id, ret_sig->store);
	ret_sig->stop = strcmp(reason, AUDIT_SIGNED_STOP) == 0;
	return 0;
}

int audit_signature_verify(const char *line, size_t len, struct audit_signature *ret_sig)
{
	char sig_hex[SIG_HEX_LEN + 1] = "", prev_hex[2 * SHA256_LEN + 1] = "";
	uint8_t sig[SIGN_LEN], prev[SHA256_LEN], msg[SIGNED_LEN];
	const char *tail;
	int r;

	if (len < TAIL_LEN)
		return -EBADMSG;
	tail = line + len - TAIL_LEN;
	if (memcmp(tail, SIG_MARK, SIG_MARK_LEN) != 0)
		return -EBADMSG;
	memcpy(sig_hex, tail + SIG_MARK_LEN, SIG_HEX_LEN);
	memcpy(prev_hex, line + len - HASH_LEN - PREV_LEN + PREV_AT, 2 * SHA256_LEN);
	if (hex_decode(sig_hex, sig, SIGN_LEN) < 0 || hex_decode(prev_hex, prev, SHA256_LEN) < 0)
		return -EBADMSG;
	r = members_take(line, len, ret_sig);
	if (r == 0)
		r = signed_message(prev, line, len - TAIL_LEN, msg);
	return r < 0 ? r : sign_check(ret_sig->key, msg, sizeof(msg), sig);
}

bool audit_line_is(const char *line, size_t len, const char *kind)
{
	static const char mark[] = ",\"event\":\"";
	size_t kind_len = strlen(kind), mark_len = sizeof(mark) - 1;
	const char *at = memmem(line, len, mark, mark_len); /* only seq and time stand before it */

	if (!at)
		return false;
	at += mark_len;
	len -= (size_t)(at - line);
	return len > kind_len && memcmp(at, kind, kind_len) == 0 && at[kind_len] == '"';
}

bool audit_line_is_stop(const char *line, size_t len)
{
	static const char reason[] = "\"reason\":\"" AUDIT_SIGNED_STOP "\"";

	return audit_line_is(line, len, AUDIT_KIND_SIGNATURE) &&
	       memmem(line, len, reason, sizeof(reason) - 1) != NULL;
}
