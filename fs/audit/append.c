/* fs/audit/append.c - events appended to the state, chained and signed, and where the log ends. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/audit/audit_internal.h"
#include "fs/audit/check.h"

/* @io_line: the newest line so far, which @line replaces. */
static int line_put(struct store_txn *t, uint64_t seq, char *line, size_t len, char **io_line,
		    struct err *err)
{
	uint8_t key[AUDIT_KEY_LEN];

	free(*io_line);
	*io_line = line;
	audit_key(seq, key);
	return store_put(t, TABLE_EVENTS, key, sizeof(key), line, len, err);
}

static int body_put(struct store_txn *t, struct audit_tail *tail, const char *body, char **io_line,
		    struct err *err)
{
	char *line;
	size_t len;
	int r = audit_chain(&tail->head, body, &line, &len);

	if (r < 0)
		return err_set(err, r, "events: a line cannot be made");
	return line_put(t, tail->head.seq, line, len, io_line, err);
}

static int signature_put(struct store *s, struct store_txn *t, struct audit_tail *tail,
			 const char *reason, char **io_line, struct err *err)
{
	char *line;
	size_t len;
	int r = audit_sign(&tail->head, service_key_audit_sign(store_service_key(s)),
			   store_format_of(s)->store_id, reason, &line, &len);

	if (r < 0)
		return err_set(err, r, "events: a signature cannot be made");
	tail->signed_seq = tail->head.seq;
	r = line_put(t, tail->head.seq, line, len, io_line, err);
	return r < 0 ? r : audit_number_put(t, STORE_META_EVENTS_SIGNED, tail->signed_seq, err);
}

static int append(struct store *s, struct store_txn *t, struct audit_tail *tail,
		  const struct audit_append *what, char **io_line, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < what->n; i++) {
		if (tail->head.seq + 1 - tail->signed_seq >= AUDIT_SIGN_EVERY)
			r = signature_put(s, t, tail, AUDIT_SIGNED_INTERVAL, io_line, err);
		if (r == 0)
			r = body_put(t, tail, what->bodies[i], io_line, err);
	}
	if (r == 0 && what->sign)
		r = signature_put(s, t, tail, what->sign, io_line, err);
	if (r == 0 && what->after)
		r = body_put(t, tail, what->after, io_line, err);
	return r < 0 ? r : audit_head_put(t, &tail->head, err);
}

int audit_append(struct store *s, struct audit_tail *io_tail, const struct audit_append *what,
		 char **ret_line, struct err *err)
{
	CLEANUP(free_mem_p) char *line = NULL;
	struct audit_tail tail = *io_tail;
	struct store_txn *t;
	int r = store_begin(s, STORE_WRITE, &t, err);

	if (r < 0)
		return r;
	r = append(s, t, &tail, what, &line, err);
	if (r < 0) {
		store_abort(t);
		return r;
	}
	r = store_commit(t, what->how, err);
	if (r < 0)
		return r;
	*io_tail = tail;
	*ret_line = STEAL(line);
	return 0;
}

/* The newest line; -EBADMSG unless it has the number and hash that "events-head" says. */
static int newest_check(struct store_txn *t, const struct audit_head *head, char **ret_line)
{
	uint8_t prev[SHA256_LEN], hash[SHA256_LEN], key[AUDIT_KEY_LEN];
	const uint8_t *line;
	const void *last;
	size_t len, last_len;
	int r = store_last(t, TABLE_EVENTS, &last, &last_len, &line, &len, NULL);

	if (r == -ENOENT && head->seq == 0)
		return 0;
	audit_key(head->seq, key);
	if (r < 0 || last_len != sizeof(key) || memcmp(last, key, sizeof(key)) != 0)
		return -EBADMSG;
	r = audit_line_verify(line, len, head->seq, prev, hash);
	if (r < 0 || memcmp(hash, head->hash, SHA256_LEN) != 0)
		return -EBADMSG;
	*ret_line = strndup((const char *)line, len);
	return *ret_line ? 0 : -ENOMEM;
}

/* The number of the last event in the table. Events behind the head were not written by depfs; they
 * are evidence, so new events get numbers behind them. */
static uint64_t seq_beyond(struct store_txn *t)
{
	const uint8_t *line;
	const void *key;
	size_t key_len, len;

	if (store_last(t, TABLE_EVENTS, &key, &key_len, &line, &len, NULL) < 0)
		return 0;
	return audit_key_seq(key, key_len);
}

int audit_tail_load(struct store *s, struct audit_tail *ret_tail, char **ret_line,
		    bool *ret_damaged, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *t = NULL;
	int r = store_begin(s, STORE_READ, &t, err);

	if (r == 0)
		r = audit_head_get(t, &ret_tail->head, err);
	if (r == 0)
		r = audit_number_get(t, STORE_META_EVENTS_SIGNED, &ret_tail->signed_seq, err);
	if (r < 0)
		return err_prefix(err, r, "events");
	r = newest_check(t, &ret_tail->head, ret_line);
	*ret_damaged = r == -EBADMSG;
	if (r == -EBADMSG && seq_beyond(t) > ret_tail->head.seq)
		ret_tail->head.seq = seq_beyond(t);
	return r == -ENOMEM ? err_set(err, r, "events: out of memory") : 0;
}
