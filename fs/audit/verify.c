/* fs/audit/verify.c - the whole log of a store checked: its files, then its table. */
#include "fs/audit/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/audit/files_internal.h"
#include "fs/audit/line_internal.h"

#define VERIFY_BATCH 256u	  /* events in one reading transaction, which is to be short */
#define VERIFY_BUF   (256u << 10) /* bytes of a file in memory */
#define STOP	     1		  /* ends store_each() */

struct verify {
	struct audit_check *check;
	struct audit_head head; /* the newest event when the check began */
	uint64_t from;		/* where the table begins */
	unsigned left;		/* of this batch */
	struct err *err;
};

static int verify_line(void *arg, const void *key, size_t key_len, const uint8_t *line, size_t len)
{
	struct verify *v = arg;

	if (v->left-- == 0 || audit_key_seq(key, key_len) > v->head.seq)
		return STOP;
	return audit_check_line(v->check, (const char *)line, len, v->err);
}

static int verify_start(struct store *store, struct verify *v)
{
	CLEANUP(store_abort_p) struct store_txn *t = NULL;
	int r = store_begin(store, STORE_READ, &t, v->err);

	if (r == 0)
		r = audit_head_get(t, &v->head, v->err);
	if (r == 0)
		r = audit_number_get(t, STORE_META_EVENTS_FROM, &v->from, v->err);
	if (r == 0 && v->from == 0)
		v->from = 1;
	return r;
}

/* ---- the files ---- */

struct file_verify {
	struct verify *v;
	char *buf;
	size_t have;
	uint64_t seq, end; /* the next line is event seq; lines from event end on do not count */
};

static int file_lines(struct file_verify *f)
{
	char *at = f->buf, *nl;
	int r = 0;

	while (r == 0 && f->seq < f->end &&
	       (nl = memchr(at, '\n', f->have - (size_t)(at - f->buf)))) {
		r = audit_check_line(f->v->check, at, (size_t)(nl - at), f->v->err);
		f->seq++;
		at = nl + 1;
	}
	f->have -= (size_t)(at - f->buf);
	memmove(f->buf, at, f->have);
	return r;
}

static int file_walk(struct file_verify *f, int fd)
{
	int r = 0;

	while (r == 0 && f->seq < f->end) {
		ssize_t n = read(fd, f->buf + f->have, VERIFY_BUF - f->have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(f->v->err, -errno, "a file cannot be read: %m");
		f->have += (size_t)n;
		r = file_lines(f);
		if (r == 0 && f->seq < f->end && (n == 0 || f->have == VERIFY_BUF)) {
			if (f->have == 0)
				return 0; /* the file ended early: the next line checked reports a
					     gap */
			f->v->check->bad = f->seq;
			return err_set(f->v->err, -EBADMSG, "record %" PRIu64 " is cut off",
				       f->seq);
		}
	}
	return r;
}

static int file_verify(struct verify *v, int dir_fd, const struct audit_file *file, uint64_t end)
{
	CLEANUP(free_mem_p) char *buf = malloc(VERIFY_BUF);
	CLEANUP(close_fd_p) int fd = -1;
	struct file_verify f = {.v = v, .buf = buf, .seq = file->first, .end = end};
	char name[AUDIT_FILE_NAME_LEN];
	int r;

	if (!buf)
		return err_set(v->err, -ENOMEM, "out of memory");
	audit_file_name(file->first, name);
	fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_set(v->err, -errno, "%s: %m", name);
	r = file_walk(&f, fd);
	return r < 0 ? err_prefix(v->err, r, "file %s", name) : 0;
}

static int verify_files(struct store *store, struct verify *v)
{
	CLEANUP(audit_file_list_fini) struct audit_file_list list = {0};
	CLEANUP(close_fd_p) int dir_fd = -1;
	int r = audit_files_open(store_path(store), false, &dir_fd, v->err);

	if (r == 0)
		r = audit_files_list(dir_fd, &list, v->err);
	for (size_t i = 0; r == 0 && i < list.n && list.files[i].first < v->from; i++)
		r = file_verify(v, dir_fd, &list.files[i],
				i + 1 < list.n && list.files[i + 1].first < v->from
					? list.files[i + 1].first
					: v->from);
	return r;
}

/* ---- the table ---- */

static int verify_batch(struct store *store, struct verify *v)
{
	CLEANUP(store_abort_p) struct store_txn *t = NULL;
	uint64_t before = v->check->last, next = before + 1 > v->from ? before + 1 : v->from;
	uint8_t from[AUDIT_KEY_LEN];
	int r;

	audit_key(next, from);
	v->left = VERIFY_BATCH;
	r = store_begin(store, STORE_READ, &t, v->err);
	if (r == 0)
		r = store_each(t, TABLE_EVENTS, from, sizeof(from), verify_line, v, v->err);
	if (r < 0) {
		if (v->check->bad != 0)
			return r;
		v->check->bad = v->check->last + 1; /* the MAC of its record is wrong */
		return err_prefix(v->err, r, "record %" PRIu64, v->check->bad);
	}
	if (v->check->last > before)
		return 0;
	v->check->bad = next;
	return err_set(v->err, -EBADMSG,
		       "record %" PRIu64 " and all after it, up to %" PRIu64 ", are missing", next,
		       v->head.seq);
}

/* In a copy of a served store the event "state-rebuilt" is not written yet, so the gap before the
 * snapshot's events is explained here. */
static void snapshot_explain(struct store *store, uint64_t from, struct audit_check *c)
{
	if (store_is_rebuilt(store) && c->open.to != 0 && c->open.to + 1 == from) {
		c->rebuilt = c->open;
		c->open = (struct audit_gap){0};
	}
}

/* Without the record "events-head" the log is empty, or that record was removed. */
static int empty_check(struct store *store, struct verify *v)
{
	CLEANUP(store_abort_p) struct store_txn *t = NULL;
	const uint8_t *line;
	const void *key;
	size_t key_len, len;
	int r = store_begin(store, STORE_READ, &t, v->err);

	if (r == 0)
		r = store_last(t, TABLE_EVENTS, &key, &key_len, &line, &len, NULL);
	if (r == -ENOENT && v->check->last == 0 && v->from == 1)
		return 0;
	v->check->bad = v->check->last + 1;
	return err_set(v->err, -EBADMSG,
		       "the record " STORE_META_EVENTS_HEAD ", of the newest event, was removed");
}

int audit_verify(struct store *store, struct audit_check *io_check, struct err *err)
{
	struct verify v = {.check = io_check, .err = err};
	int r = verify_start(store, &v);

	if (r == 0)
		r = verify_files(store, &v);
	if (r == 0 && v.head.seq == 0)
		r = empty_check(store, &v);
	while (r == 0 && v.check->last < v.head.seq)
		r = verify_batch(store, &v);
	if (r == 0)
		snapshot_explain(store, v.from, io_check);
	if (r == 0)
		r = audit_check_end(io_check, err);
	if (r == 0 && io_check->chained && memcmp(io_check->hash, v.head.hash, SHA256_LEN) != 0) {
		io_check->bad = io_check->last;
		r = err_set(err, -EBADMSG,
			    "record %" PRIu64 " is not the one that was written last",
			    io_check->last);
	}
	return r < 0 ? err_prefix(err, r, "events") : 0;
}
