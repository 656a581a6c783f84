/* fs/policy/audit_line.h - inside audit*.c only: an event as a line of JSON, and its place in the
 * chain. */
#ifndef DEPFS_POLICY_AUDIT_LINE_H
#define DEPFS_POLICY_AUDIT_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/kdf.h"
#include "fs/policy/audit.h"

/* The newest event: what the next one is chained to. Zeros: there is none. */
struct audit_head {
	uint64_t seq;
	uint8_t hash[SHA256_LEN];
};

#define AUDIT_HEAD_LEN (8 + SHA256_LEN) /* record "events-head": u64, hash */
#define AUDIT_KEY_LEN  8		/* TABLE_EVENTS: big-endian */

void audit_key(uint64_t seq, uint8_t out[static AUDIT_KEY_LEN]);

/* audit_body() - malloc'ed: the members from "time" to the last field, without braces; NULL: out of
 * memory. */
char *audit_body(const char *event, const struct actor *actor, const char *outcome,
		 const struct audit_field *fields, size_t n_fields);

/**
 * audit_chain() - the whole line of the event after @head, which moves on to it
 * @ret_line: malloc'ed, without newline
 */
int audit_chain(struct audit_head *head, const char *body, char **ret_line,
		size_t *ret_len) MUST_CHECK;

/**
 * audit_unchain() - check a line by itself
 * @ret_prev: the hash before, as the line says it
 * Return: 0; -EBADMSG: not event @seq, or its hash does not hold.
 */
int audit_unchain(const uint8_t *line, size_t len, uint64_t seq,
		  uint8_t ret_prev[static SHA256_LEN],
		  uint8_t ret_hash[static SHA256_LEN]) MUST_CHECK;

/* audit_head_get() - the record "events-head"; zeros when there is none. */
int audit_head_get(struct store_txn *t, struct audit_head *ret_head, struct err *err) MUST_CHECK;
int audit_head_put(struct store_txn *t, const struct audit_head *head, struct err *err) MUST_CHECK;

/* audit_read_from() - what audit_read() does. */
ssize_t audit_read_from(struct store *store, uint64_t seq, char *buf, size_t buf_len,
			uint64_t *ret_next, struct err *err);

#endif
