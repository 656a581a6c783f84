/* fs/audit/line_internal.h - an event as a line of JSON: its body, its place in the chain, and
 * lines that are signatures. */
#ifndef DEPFS_AUDIT_LINE_INTERNAL_H
#define DEPFS_AUDIT_LINE_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/kdf.h"
#include "crypto/sign.h"
#include "fs/audit/audit.h"

/* The newest event, which the next one is chained to. Zeros: there is none. */
struct audit_head {
	uint64_t seq;
	uint8_t hash[SHA256_LEN];
};

#define AUDIT_HEAD_LEN (8 + SHA256_LEN) /* record "events-head": u64, hash */
#define AUDIT_KEY_LEN  8		/* TABLE_EVENTS: big-endian */

/* Kinds that audit_check_line() knows; depfs-format(5), EVENTS. */
#define AUDIT_KIND_SIGNATURE "signature"
#define AUDIT_KIND_CONTINUED "events-continued" /* first record of a file */
#define AUDIT_KIND_REBUILT   "state-rebuilt"

void audit_key(uint64_t seq, uint8_t out[static AUDIT_KEY_LEN]);
uint64_t audit_key_seq(const void *key, size_t key_len); /* 0: not a key of TABLE_EVENTS */

/* audit_body() - the members from "time" to the last field, without braces, malloc'ed; NULL: out of
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
 * audit_line_verify() - check a line by itself
 * @ret_prev: the hash before, as the line has it
 * Return: 0; -EBADMSG: not the line of event @seq, or its hash is not that of its text.
 */
int audit_line_verify(const uint8_t *line, size_t len, uint64_t seq,
		      uint8_t ret_prev[static SHA256_LEN],
		      uint8_t ret_hash[static SHA256_LEN]) MUST_CHECK;

/* These three trust the line. */
/* audit_line_seq() - its number; 0: it is no event's line. */
uint64_t audit_line_seq(const char *line, size_t len);
/* audit_line_is() - whether its "event" is @kind. */
bool audit_line_is(const char *line, size_t len, const char *kind);
/* audit_line_is_stop() - whether it is the signature of a clean stop. */
bool audit_line_is_stop(const char *line, size_t len);

/* The "reason" of a signature. */
#define AUDIT_SIGNED_INTERVAL "interval"
#define AUDIT_SIGNED_ROTATION "rotation"
#define AUDIT_SIGNED_STOP     "stop"

/**
 * audit_sign() - the line of a signature over all events up to @head; otherwise as audit_chain()
 * The signed message is "depfs 1 audit signature", NUL, the hash of the event before, SHA-256 of
 * the line up to and excluding ',"signature"'.
 */
int audit_sign(struct audit_head *head, const struct sign_key *key,
	       const uint8_t store_id[static UUID_LEN], const char *reason, char **ret_line,
	       size_t *ret_len) MUST_CHECK;

struct audit_signature {
	uint8_t key[SIGN_PUBLIC_LEN];
	char store[UUID_TEXT_LEN];
	bool stop; /* of a clean stop */
};

/* audit_signature_verify() - check the line of a signature, after audit_line_verify(), by the key
 * in it: @ret_sig says which. -EBADMSG; -ENOMEM. */
int audit_signature_verify(const char *line, size_t len,
			   struct audit_signature *ret_sig) MUST_CHECK;

/* audit_head_get() - the record "events-head"; zeros when there is none. */
int audit_head_get(struct store_txn *t, struct audit_head *ret_head, struct err *err) MUST_CHECK;
int audit_head_put(struct store_txn *t, const struct audit_head *head, struct err *err) MUST_CHECK;
/* A number among the meta records, such as "events-from"; 0: there is none. */
int audit_number_get(struct store_txn *t, const char *name, uint64_t *ret_v,
		     struct err *err) MUST_CHECK;
int audit_number_put(struct store_txn *t, const char *name, uint64_t v, struct err *err) MUST_CHECK;

#endif
