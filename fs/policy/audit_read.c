/* fs/policy/audit_read.c - reading the audit log, and proving that nothing in it was touched. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fs/policy/audit_line.h"

#define VERIFY_BATCH 256 /* events in one reading transaction, which is to be short */
#define STOP	     1	 /* store_each() hands it back */

static uint64_t seq_of(const void *key, size_t key_len)
{
	struct rbuf b = rbuf_from(key, key_len);
	uint64_t seq = __builtin_bswap64(rbuf_u64(&b)); /* big-endian */

	return rbuf_done(&b) ? seq : 0;
}

struct reading {
	char *buf;
	size_t room, done;
	uint64_t next;
	bool too_long; /* the first line does not fit */
};

static int read_line(void *arg, const void *key, size_t key_len, const uint8_t *line, size_t len)
{
	struct reading *rd = arg;

	if (len >= rd->room - rd->done) {
		rd->too_long = rd->done == 0;
		return STOP;
	}
	memcpy(rd->buf + rd->done, line, len);
	rd->buf[rd->done + len] = '\n';
	rd->done += len + 1;
	rd->next = seq_of(key, key_len) + 1;
	return 0;
}

ssize_t audit_read_from(struct store *store, uint64_t seq, char *buf, size_t buf_len,
			uint64_t *ret_next, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *t = NULL;
	struct reading rd = {.buf = buf, .room = buf_len, .next = seq};
	uint8_t from[AUDIT_KEY_LEN];
	int r;

	audit_key(seq, from);
	r = store_begin(store, STORE_READ, &t, err);
	if (r == 0)
		r = store_each(t, TABLE_EVENTS, from, sizeof(from), read_line, &rd, err);
	if (r < 0 && rd.done == 0) /* what lies before a damaged event is still shown */
		return r;
	if (rd.too_long)
		return err_set(err, -E2BIG, "events: the next event is longer than %zu bytes",
			       buf_len);
	*ret_next = rd.next;
	return (ssize_t)rd.done;
}

struct verify {
	struct audit_head at;	/* newest event that held */
	struct audit_head head; /* newest event there was when we began */
	bool hash_known;	/* of at: not before the first event that a snapshot kept */
	unsigned left;		/* of this batch */
	uint64_t checked;
	struct err *err;
};

static int verify_line(void *arg, const void *key, size_t key_len, const uint8_t *line, size_t len)
{
	uint8_t prev[SHA256_LEN], hash[SHA256_LEN];
	struct verify *v = arg;
	uint64_t want = v->at.seq + 1, seq = seq_of(key, key_len);
	int r;

	if (v->left-- == 0 || want > v->head.seq)
		return STOP;
	if (seq != want)
		return err_set(v->err, -EBADMSG, "event %" PRIu64 " is missing", want);
	r = audit_unchain(line, len, seq, prev, hash);
	if (r == -EBADMSG)
		return err_set(v->err, r, "event %" PRIu64 " was changed: its hash does not hold",
			       seq);
	if (r < 0)
		return r;
	if (v->hash_known && memcmp(prev, v->at.hash, SHA256_LEN) != 0)
		return err_set(v->err, -EBADMSG,
			       "event %" PRIu64 " does not follow on event %" PRIu64, seq,
			       v->at.seq);
	v->at.seq = seq;
	memcpy(v->at.hash, hash, SHA256_LEN);
	v->hash_known = true;
	v->checked++;
	return 0;
}

/* Where the log begins: at 1, or, in a state made from a snapshot, where that began. */
static int verify_start(struct store *store, struct verify *v)
{
	CLEANUP(store_abort_p) struct store_txn *t = NULL;
	const uint8_t *rec;
	struct rbuf b;
	size_t len;
	int r = store_begin(store, STORE_READ, &t, v->err);

	if (r == 0)
		r = audit_head_get(t, &v->head, v->err);
	if (r < 0)
		return r;
	v->hash_known = true; /* zeros come before the first */
	r = store_get(t, TABLE_META, STORE_META_EVENTS_FROM, strlen(STORE_META_EVENTS_FROM), &rec,
		      &len, NULL);
	if (r == -ENOENT)
		return 0;
	b = rbuf_from(rec, r == 0 ? len : 0);
	v->at.seq = rbuf_u64(&b) - 1;
	v->hash_known = v->at.seq == 0;
	if (rbuf_done(&b))
		return 0;
	return err_set(v->err, -EBADMSG, "the record " STORE_META_EVENTS_FROM " is damaged");
}

static int verify_batch(struct store *store, struct verify *v)
{
	CLEANUP(store_abort_p) struct store_txn *t = NULL;
	uint64_t before = v->at.seq;
	uint8_t from[AUDIT_KEY_LEN];
	int r;

	audit_key(before + 1, from);
	v->left = VERIFY_BATCH;
	r = store_begin(store, STORE_READ, &t, v->err);
	if (r == 0)
		r = store_each(t, TABLE_EVENTS, from, sizeof(from), verify_line, v, v->err);
	if (r >= 0 && v->at.seq == before)
		return err_set(v->err, -EBADMSG, "event %" PRIu64 " and all after it are missing",
			       before + 1);
	return r < 0 ? r : 0;
}

int audit_verify(struct store *store, uint64_t *ret_checked, struct err *err)
{
	struct verify v = {.err = err};
	int r = verify_start(store, &v);

	while (r == 0 && v.at.seq < v.head.seq)
		r = verify_batch(store, &v);
	if (r == 0 && v.hash_known && memcmp(v.at.hash, v.head.hash, SHA256_LEN) != 0)
		r = err_set(err, -EBADMSG, "event %" PRIu64 " is not the one that was written last",
			    v.at.seq);
	*ret_checked = v.checked;
	return r < 0 ? err_prefix(err, r, "events") : 0;
}
