/* fs/audit/read.c - the log read from any event on: from its files, then from the table. */
#include <errno.h>
#include <string.h>

#include "fs/audit/audit_internal.h"

#define STOP 1 /* ends store_each() */

struct reading {
	char *buf;
	size_t capacity, done;
	uint64_t next;
	bool too_long; /* the first line does not fit */
};

static int read_line(void *arg, const void *key, size_t key_len, const uint8_t *line, size_t len)
{
	struct reading *rd = arg;

	if (len >= rd->capacity - rd->done) {
		rd->too_long = rd->done == 0;
		return STOP;
	}
	memcpy(rd->buf + rd->done, line, len);
	rd->buf[rd->done + len] = '\n';
	rd->done += len + 1;
	rd->next = audit_key_seq(key, key_len) + 1;
	return 0;
}

/* From the table; nothing where that begins, @ret_from, behind @seq. */
static ssize_t table_read(struct store *store, uint64_t seq, char *buf, size_t buf_len,
			  uint64_t *ret_next, uint64_t *ret_from, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *t = NULL;
	struct reading rd = {.buf = buf, .capacity = buf_len, .next = seq};
	uint8_t from[AUDIT_KEY_LEN];
	int r;

	audit_key(seq, from);
	r = store_begin(store, STORE_READ, &t, err);
	if (r == 0)
		r = audit_number_get(t, STORE_META_EVENTS_FROM, ret_from, err);
	if (r < 0 || seq < *ret_from)
		return r;
	r = store_each(t, TABLE_EVENTS, from, sizeof(from), read_line, &rd, err);
	if (r < 0 && rd.done == 0) /* lines before a damaged record are returned first */
		return r;
	if (rd.too_long)
		return err_set(err, -E2BIG, "events: the next event is longer than %zu bytes",
			       buf_len);
	*ret_next = rd.next;
	return (ssize_t)rd.done;
}

ssize_t audit_read_from(struct store *store, int files_fd, uint64_t seq, char *buf, size_t buf_len,
			uint64_t *ret_next, struct err *err)
{
	for (;;) {
		uint64_t from = 0;
		ssize_t n = table_read(store, seq, buf, buf_len, ret_next, &from, err);

		if (n < 0 || seq >= from)
			return n;
		n = audit_files_read(files_fd, seq, from, buf, buf_len, ret_next, err);
		if (n != 0)
			return n;
		seq = from; /* older ones were removed */
	}
}
