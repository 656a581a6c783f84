/* fs/audit/audit.h - the audit log: hash-chained JSON lines, appended by one thread, read by
 * anybody. */
#ifndef DEPFS_AUDIT_AUDIT_H
#define DEPFS_AUDIT_AUDIT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "crypto/base/actor.h"
#include "crypto/base/err.h"
#include "fs/audit/check.h"
#include "fs/store/store.h"

struct audit;

enum audit_type {
	AUDIT_STR,
	AUDIT_U64,
	AUDIT_I64
};

struct audit_field {
	const char *name;
	enum audit_type type;
	const char *str; /* UTF-8 or not: bytes that are not are shown as \ufffd; NULL leaves the
			    field out */
	uint64_t num;
};

#define AUDIT_LINE_MAX (32u << 10) /* bytes of a line; longer fields are left out of it */

#define AUDIT_FIELD_STR(n, s) ((struct audit_field){.name = (n), .type = AUDIT_STR, .str = (s)})
#define AUDIT_FIELD_U64(n, v) ((struct audit_field){.name = (n), .type = AUDIT_U64, .num = (v)})

#define AUDIT_SIGN_SECONDS 60	      /* no durable event stays longer without a signature */
#define AUDIT_FILE_LEN	   (8u << 20) /* bytes, about, after which events go into a file */
#define AUDIT_LEN_DEFAULT  (1024u << 20)

struct audit_config {
	uint64_t max_len;  /* bytes of the whole log, about: beyond it the oldest file goes; 0: none
			    */
	uint64_t file_len; /* 0: AUDIT_FILE_LEN, or an eighth of max_len if that is less */
};

/**
 * audit_new() - open the log and start its writer thread
 * @config: NULL: no bound
 */
int audit_new(struct store *store, const struct audit_config *config, struct audit **ret_audit,
	      struct err *err) MUST_CHECK;
/* audit_seal() - the stop will be a clean one: audit_free() ends the log with a signature. */
void audit_seal(struct audit *a);
void audit_free(struct audit *a); /* writes what is queued, stops the thread; NULL allowed */

/**
 * audit_event() - queue one event; never blocks on the disk, never fails visibly to the caller
 * @event: its kind, e.g. "policy-create", "key-open", "availability-key-used", "block-damaged",
 * "mount"
 * @actor: NULL: depfs itself
 * @outcome: "ok", or the errno's name such as "EACCES"
 * A line:
 * {"seq":N,"time":"2026-11-23T22:17:00.123Z","event":...,"uid":..,"gid":..,"pid":..,"outcome":..,
 * <fields>,"prev":"<64 hex>","hash":"<64 hex>"}; hash = SHA-256 over the line's bytes up to and
 * excluding ',"hash"'; prev = the hash before, zeros for the first. When the queue (4096) is full,
 * the number of events lost is itself an event. Of kinds that programs can cause without end, only
 * so many a minute are written one by one; the rest are counted (audit_flood.h).
 */
void audit_event(struct audit *a, const char *event, const struct actor *actor, const char *outcome,
		 const struct audit_field *fields, size_t n_fields);

/* audit_sync() - returns when all that was queued before is durable; -EIO ... when it cannot be. */
int audit_sync(struct audit *a, struct err *err) MUST_CHECK;

/**
 * audit_read() - whole lines from event @seq on, each ended by '\n'
 * At the end of the log what is queued is written first: who reads sees what he caused.
 * @ret_next: sequence number to go on with; unchanged at the end of the log
 * Return: bytes put into @buf (0 at the end); -E2BIG when the next line alone does not fit;
 * -EBADMSG.
 */
ssize_t audit_read(struct audit *a, uint64_t seq, char *buf, size_t buf_len, uint64_t *ret_next,
		   struct err *err);
uint64_t audit_last_seq(struct audit *a); /* of durable events; 0: none */
/* audit_last_line() - the newest durable event's line, without newline; empty when there is none.
 */
void audit_last_line(struct audit *a, char *out, size_t out_len);

/* For the metrics; all but @waiting since the mount. */
struct audit_counts {
	uint64_t accepted;	 /* queued */
	uint64_t lost;		 /* the queue was full, or there was no memory */
	uint64_t write_failures; /* attempts to make some durable that failed */
	uint64_t waiting;	 /* queued, and not durable yet */
};
void audit_counts(struct audit *a, struct audit_counts *ret_counts);

/* audit_on_append() - @fn is called by the writer thread after new events are durable (for poll).
 */
void audit_on_append(struct audit *a, void (*fn)(void *arg), void *arg);

/**
 * audit_verify() - walk the whole log, files and state: every event there, unchanged and chained
 * @io_check: from audit_check_init(); holds what was found, also on failure
 * A store that was opened from its snapshot may lack the events between files and snapshot. Not
 * while a writer of this store rotates.
 * Return: 0; -EBADMSG and a sentence naming the first event that does not hold; -EIO ...
 */
int audit_verify(struct store *store, struct audit_check *io_check, struct err *err) MUST_CHECK;

#endif
