/* fs/audit/check.c - an audit log checked line by line. */
#include "fs/audit/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "fs/audit/line_internal.h"

void audit_check_init(struct audit_check *c, const uint8_t *key)
{
	*c = (struct audit_check){.key_known = key != NULL};
	if (key)
		memcpy(c->key, key, SIGN_PUBLIC_LEN);
}

static int broken(struct audit_check *c, uint64_t seq, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Records behind an unexplained gap are not counted as checked. */
static void gap_rewind(struct audit_check *c)
{
	c->bad = c->open.from;
	c->last = c->open.from - 1;
	c->checked = c->open_checked;
	memcpy(c->hash, c->open_hash, SHA256_LEN);
}

static int gap_report(struct audit_check *c, struct err *err)
{
	gap_rewind(c);
	if (c->open.from == c->open.to)
		return err_set(err, -EBADMSG, "record %" PRIu64 " is missing", c->open.from);
	return err_set(err, -EBADMSG, "records %" PRIu64 " to %" PRIu64 " are missing",
		       c->open.from, c->open.to);
}

/* A gap is explained once a signature covers the record that does: without the key anyone can write
 * such a record. */
static void unsigned_gap_reopen(struct audit_check *c)
{
	if (c->unsigned_gap.to != 0)
		c->open = c->unsigned_gap;
	c->unsigned_gap = (struct audit_gap){0};
}

/* The first failure is the one to report: an unexplained gap lies before the record at hand. */
static int broken(struct audit_check *c, uint64_t seq, struct err *err, const char *fmt, ...)
{
	char text[ERR_TEXT_LEN];
	va_list args;

	unsigned_gap_reopen(c);
	if (c->open.to != 0)
		return gap_report(c, err);
	c->bad = seq;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return err_set(err, -EBADMSG, "record %" PRIu64 " %s", seq, text);
}

static void json_free_p(json_t **j)
{
	json_decref(*j);
}

/* "state-rebuilt": the table begins anew where the snapshot began, "events_from" (records of older
 * versions lack it). Without the key anyone can write such a record, so that in a signed log the
 * next signature has to follow it. */
static int rebuilt_check(struct audit_check *c, const char *line, size_t len)
{
	CLEANUP(json_free_p) json_t *event = json_loadb(line, len, 0, NULL);
	const json_t *from;

	if (!event)
		return -ENOMEM; /* its hash is right, so it is JSON that depfs wrote */
	from = json_object_get(event, "events_from");
	if (c->open.to != 0 &&
	    (!from || json_integer_value(from) == (json_int_t)(c->open.to + 1))) {
		if (c->signatures > 0)
			c->unsigned_gap = c->open;
		else
			c->rebuilt = c->open;
		c->open = (struct audit_gap){0};
	}
	return 0;
}

/* A signature covers all records before it: where one fails, any since the last may be the cause.
 */
static int signature_check(struct audit_check *c, uint64_t seq, const char *line, size_t len,
			   struct err *err)
{
	struct audit_signature sig;
	int r = audit_signature_verify(line, len, &sig);

	if (r == -EBADMSG)
		return broken(c, seq, err,
			      "is a signature that does not hold: it, or one of the records "
			      "since %" PRIu64 ", was replaced",
			      c->signed_last ? c->signed_last : c->first);
	if (r < 0)
		return r;
	if (c->key_known && memcmp(c->key, sig.key, SIGN_PUBLIC_LEN) != 0)
		return broken(c, seq, err, "is signed by another key");
	if (c->store[0] && strcmp(c->store, sig.store) != 0)
		return broken(c, seq, err, "is signed for another store");
	memcpy(c->key, sig.key, SIGN_PUBLIC_LEN);
	memcpy(c->store, sig.store, sizeof(sig.store));
	c->key_known = true;
	c->signatures++;
	c->signed_last = c->signs_from = seq;
	c->stopped = sig.stop;
	if (c->unsigned_gap.to != 0)
		c->rebuilt = c->unsigned_gap;
	c->unsigned_gap = (struct audit_gap){0};
	return 0;
}

static int kind_check(struct audit_check *c, uint64_t seq, const char *line, size_t len,
		      struct err *err)
{
	c->stopped = false;
	if (audit_line_is(line, len, AUDIT_KIND_SIGNATURE))
		return signature_check(c, seq, line, len, err);
	if (audit_line_is(line, len, AUDIT_KIND_REBUILT))
		return rebuilt_check(c, line, len);
	return 0;
}

static void gap_open(struct audit_check *c, uint64_t from, uint64_t to)
{
	c->open = (struct audit_gap){from, to};
	c->open_checked = c->checked;
	memcpy(c->open_hash, c->hash, SHA256_LEN);
	c->chained = false;
	c->signs_from = c->signatures > 0 ? to : 0;
}

/* Where the log begins, or goes on behind a gap. */
static int place_check(struct audit_check *c, uint64_t seq, const char *line, size_t len,
		       struct err *err)
{
	uint64_t next = c->last + 1;

	if (c->last == 0) {
		c->first = seq;
		c->chained = seq == 1; /* zeros come before the first */
		c->continued = audit_line_is(line, len, AUDIT_KIND_CONTINUED);
		if (seq > 1 && !c->continued)
			gap_open(c, 1, seq - 1);
		return 0;
	}
	if (seq < next && seq >= c->open.from && seq <= c->open.to) {
		gap_rewind(c);
		return err_set(err, -EBADMSG,
			       "record %" PRIu64 " stands behind record %" PRIu64
			       ": their order was changed",
			       seq, next - 1);
	}
	if (seq < next)
		return broken(c, seq, err, "stands again, or too late, behind record %" PRIu64,
			      c->last);
	if (seq == next)
		return 0;
	unsigned_gap_reopen(c);
	if (c->open.to != 0)
		return gap_report(c, err);
	gap_open(c, next, seq - 1);
	return 0;
}

int audit_check_line(struct audit_check *c, const char *line, size_t len, struct err *err)
{
	uint8_t prev[SHA256_LEN], hash[SHA256_LEN];
	uint64_t seq = audit_line_seq(line, len);
	int r = seq == 0 ? -EBADMSG
			 : audit_line_verify((const uint8_t *)line, len, seq, prev, hash);

	if (r == -EBADMSG)
		return broken(c,
			      c->last ? c->last + 1
			      : seq   ? seq
				      : 1,
			      err, "was changed: its hash is not that of its text");
	if (r == 0)
		r = place_check(c, seq, line, len, err);
	if (r < 0)
		return r;
	if (c->chained && memcmp(prev, c->hash, SHA256_LEN) != 0)
		return broken(c, seq == 1 ? 1 : seq - 1, err,
			      seq == 1 ? "names a record before it"
				       : "is not the one that the next was chained to: it was "
					 "replaced or inserted, or the next was");
	if (c->signs_from != 0 && seq - c->signs_from > AUDIT_SIGN_EVERY)
		return broken(c, seq, err,
			      "has no signature within the %d before it: they were replaced",
			      AUDIT_SIGN_EVERY);
	r = kind_check(c, seq, line, len, err);
	if (r < 0)
		return r;
	memcpy(c->hash, hash, SHA256_LEN);
	c->chained = true;
	c->last = seq;
	c->checked++;
	return 0;
}

int audit_check_end(struct audit_check *c, struct err *err)
{
	unsigned_gap_reopen(c);
	return c->open.to != 0 ? gap_report(c, err) : 0;
}
