/* fs/audit/audit.h - the audit log: events as hash-chained JSON lines, queued by any thread and
 * written by one. */
#ifndef DEPFS_AUDIT_AUDIT_H
#define DEPFS_AUDIT_AUDIT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "crypto/base/actor.h"
#include "crypto/base/err.h"
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
	const char *str; /* AUDIT_STR: any bytes; those that are no UTF-8 text, or control a
			    terminal, become U+FFFD. NULL: the event lacks this field */
	uint64_t num;
};

#define AUDIT_LINE_MAX (32u << 10) /* bytes of a line; where its fields take more, it has none */

#define AUDIT_FIELD_STR(n, s) ((struct audit_field){.name = (n), .type = AUDIT_STR, .str = (s)})
#define AUDIT_FIELD_U64(n, v) ((struct audit_field){.name = (n), .type = AUDIT_U64, .num = (v)})

#define AUDIT_SIGN_SECONDS 60	      /* in which a durable event gets a signature */
#define AUDIT_FILE_LEN	   (8u << 20) /* bytes of events, about, that are moved into one file */
#define AUDIT_LEN_DEFAULT  (1024u << 20)

struct audit_config {
	uint64_t max_len; /* bytes of the whole log, about; beyond it the oldest file is removed; 0:
			     no bound */
	uint64_t file_len; /* 0: AUDIT_FILE_LEN, or an eighth of max_len if that is less */
};

/**
 * audit_new() - open the log and start the thread that writes it
 * @store: opened with STORE_SERVE; borrowed until audit_free()
 * @config: NULL: no bound, the default length of a file
 */
int audit_new(struct store *store, const struct audit_config *config, struct audit **ret_audit,
	      struct err *err) MUST_CHECK;
/* audit_seal() - the store is being stopped cleanly: audit_free() ends the log with a signature. */
void audit_seal(struct audit *a);
/* audit_free() - write what is queued and stop the thread. What cannot be written is lost. NULL
 * allowed. */
void audit_free(struct audit *a);

/**
 * audit_event() - queue one event; never waits for the disk
 * @event: its kind, such as "policy-create"; depfs-control(5) lists them
 * @actor: NULL: depfs itself
 * @outcome: errno_name() of it: "ok", or such as "EACCES"
 * A line:
 *   {"seq":N,"time":"2026-11-23T22:17:00.123Z","event":..,"uid":..,"gid":..,"pid":..,
 *   "outcome":..,<fields>,"prev":"<64 hex>","hash":"<64 hex>"}
 * hash: SHA-256 over the line's bytes up to and excluding ',"hash"'; prev: the hash of the line
 * before, zeros for the first.
 * A full queue (4096 events), or a lack of memory, loses the event; the event "events-lost" counts
 * lost ones. Events of kinds that can be caused without end are coalesced beyond a rate
 * (flood_internal.h).
 */
void audit_event(struct audit *a, const char *event, const struct actor *actor, const char *outcome,
		 const struct audit_field *fields, size_t n_fields);

/* audit_sync() - wait until all events queued before are durable. Return: 0; -EIO, -ENOSPC ...: an
 * attempt to write them failed; they stay queued and are tried again. */
int audit_sync(struct audit *a, struct err *err) MUST_CHECK;

/**
 * audit_read() - whole lines from event @seq on, each ended by '\n'
 * At the end of the log, what is queued is written first: a reader sees the events it caused.
 * @ret_next: sequence number to go on with
 * Return: bytes put into @buf; 0 at the end; -E2BIG: the next line alone does not fit; -EBADMSG:
 * the next event's record is damaged; -EIO ...
 */
ssize_t audit_read(struct audit *a, uint64_t seq, char *buf, size_t buf_len, uint64_t *ret_next,
		   struct err *err);
uint64_t audit_last_seq(struct audit *a); /* of the newest durable event; 0: none */
/* audit_last_line() - the newest durable event's line, without newline; empty when there is
 * none. */
void audit_last_line(struct audit *a, char *out, size_t out_len);

/* For the metrics; all but @waiting count since audit_new(). */
struct audit_counts {
	uint64_t accepted;	 /* queued */
	uint64_t lost;		 /* the queue was full, or there was no memory */
	uint64_t write_failures; /* attempts to write that failed */
	uint64_t waiting;	 /* queued, and not durable yet */
};
void audit_counts(struct audit *a, struct audit_counts *ret_counts);

/* audit_on_append() - @fn is called by the writer thread, with no lock held, after new events are
 * durable; NULL: none. When this returns, the function given before is not running any more, unless
 * it is the caller itself. */
void audit_on_append(struct audit *a, void (*fn)(void *arg), void *arg);

#endif
