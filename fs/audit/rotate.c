/* fs/audit/rotate.c - older events moved from the state into files, and the oldest files
 * removed. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/base/file.h"
#include "fs/audit/audit_internal.h"

#define AGAIN_MS    60000u /* after a failure */
#define COPY_LEN    (256u << 10)
#define PRUNE_COUNT 1024u /* events removed in one transaction, which other writers wait for */

static void tmp_close(struct audit_rotation *r)
{
	close_fd_p(&r->fd);
	r->fd = -1;
}

void audit_rotate_fini(struct audit_rotation *r)
{
	tmp_close(r); /* AUDIT_FILE_TMP, if it is left, is removed by tmp_open() */
	*r = (struct audit_rotation){.fd = -1};
}

/* Where the table begins, and whether it is too long. */
static int table_look(struct audit *a, uint64_t *ret_from, bool *ret_long)
{
	CLEANUP(store_abort_p) struct store_txn *t = NULL;
	uint64_t len = 0;
	int r = store_begin(a->store, STORE_READ, &t, NULL);

	if (r == 0)
		r = store_table_len(t, TABLE_EVENTS, &len, NULL);
	if (r == 0)
		r = audit_number_get(t, STORE_META_EVENTS_FROM, ret_from, NULL);
	if (*ret_from == 0)
		*ret_from = 1;
	*ret_long = len >= a->file_len;
	return r;
}

/* The last event of the newest file, or @from - 1 where the file ends before that; 0: there is no
 * file, or it cannot be read. */
static uint64_t newest_in_file(int dir_fd, uint64_t from, char *buf, size_t buf_len,
			       uint64_t *ret_first)
{
	CLEANUP(audit_file_list_fini) struct audit_file_list list = {0};
	uint64_t seq, next = 0;

	*ret_first = 0;
	if (audit_files_list(dir_fd, &list, NULL) < 0 || list.n == 0)
		return 0;
	*ret_first = list.files[list.n - 1].first;
	for (seq = from > *ret_first ? from : *ret_first;; seq = next) {
		ssize_t n = audit_files_read(dir_fd, seq, AUDIT_FILES_NO_LIMIT, buf, buf_len, &next,
					     NULL);

		if (n <= 0 || next <= seq)
			return n == 0 ? seq - 1 : 0;
	}
}

/* Whether the table has the same event @seq as the files. */
static bool table_has(struct audit *a, uint64_t seq, char *buf, size_t buf_len)
{
	char *other = malloc(buf_len);
	uint64_t next = 0, far = 0;
	bool same = false;
	ssize_t n, m;

	if (!other)
		return false;
	n = audit_files_read(a->files_fd, seq, seq + 1, buf, buf_len, &next, NULL);
	m = audit_read_from(a->store, -1, seq, other, buf_len, &far, NULL);
	same = n > 0 && m >= n && memcmp(buf, other, (size_t)n) == 0;
	free(other);
	return same;
}

void audit_rotate_resume(struct audit *a)
{
	CLEANUP(free_mem_p) char *buf = malloc(COPY_LEN);
	struct audit_rotation *r = &a->rotation;
	uint64_t from = 0, first, to;
	bool is_long;

	if (!buf || table_look(a, &from, &is_long) < 0)
		return; /* the rotation begins anew */
	to = newest_in_file(a->files_fd, from, buf, COPY_LEN, &first);
	if (first == 0 || to < from || !table_has(a, to, buf, COPY_LEN))
		return;
	r->from = r->at = first;
	r->to = to;
	r->phase = ROTATE_PRUNE;
}

/*
 * Append the signature and "events-continued", the first record of the next file. The snapshot is
 * replaced in the same commit, so that a state made from the snapshot never gives other events the
 * numbers of events that are in a file.
 */
static int mark(struct audit *a, char **io_line)
{
	struct audit_rotation *r = &a->rotation;
	CLEANUP(free_mem_p) char *body = NULL;
	char name[AUDIT_FILE_NAME_LEN];
	struct audit_append what = {.sign = AUDIT_SIGNED_ROTATION, .how = STORE_COMMIT_SNAPSHOT};
	uint64_t to = a->tail.head.seq + 1; /* the signature */
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("file", name),
		AUDIT_FIELD_U64("from", r->from),
		AUDIT_FIELD_U64("to", to),
	};
	int rc;

	audit_file_name(r->from, name);
	body = audit_body(AUDIT_KIND_CONTINUED, NULL, "ok", fields, 3);
	if (!body)
		return -ENOMEM;
	what.after = body;
	free(STEAL(*io_line)); /* the line of an earlier step */
	rc = audit_append(a->store, &a->tail, &what, io_line, NULL);
	if (rc < 0)
		return rc;
	r->to = to;
	r->at = r->from;
	r->phase = ROTATE_COPY;
	return 1;
}

static int idle_step(struct audit *a, char **io_line)
{
	bool is_long;
	int r;

	if (a->rotation.unseen_len < a->file_len / 32)
		return 0;
	r = table_look(a, &a->rotation.from, &is_long);
	if (r == 0 && !is_long)
		a->rotation.unseen_len = 0;
	return r < 0 || !is_long ? r : mark(a, io_line);
}

static int file_finish(struct audit *a)
{
	struct audit_rotation *r = &a->rotation;
	char name[AUDIT_FILE_NAME_LEN];

	audit_file_name(r->from, name);
	if (fsync(r->fd) < 0 || renameat(a->files_fd, AUDIT_FILE_TMP, a->files_fd, name) < 0 ||
	    fsync(a->files_fd) < 0)
		return -errno;
	tmp_close(r);
	r->at = r->from;
	r->phase = ROTATE_PRUNE;
	return 1;
}

/* A file that a crash has left under this name is removed first, since O_EXCL refuses it. A
 * directory is not removed: the step fails. */
static int tmp_open(struct audit *a)
{
	if (unlinkat(a->files_fd, AUDIT_FILE_TMP, 0) < 0 && errno != ENOENT)
		return -errno;
	a->rotation.fd = openat(a->files_fd, AUDIT_FILE_TMP,
				O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return a->rotation.fd < 0 ? -errno : 0;
}

static int copy_step(struct audit *a)
{
	CLEANUP(free_mem_p) char *buf = malloc(COPY_LEN);
	struct audit_rotation *r = &a->rotation;
	ssize_t n;
	size_t len;
	int rc;

	if (!buf)
		return -ENOMEM;
	rc = r->fd < 0 ? tmp_open(a) : 0;
	if (rc < 0)
		return rc;
	n = audit_read_from(a->store, -1, r->at, buf, COPY_LEN, &r->at, NULL);
	if (n <= 0)
		return n < 0 ? (int)n : -EBADMSG; /* 0: the signature of mark() is missing */
	len = (size_t)n;
	while (r->at > r->to + 1) { /* drop lines behind r->to */
		for (len--; len > 0 && buf[len - 1] != '\n'; len--)
			;
		r->at--;
	}
	rc = write_all(r->fd, buf, len);
	if (rc < 0)
		return rc;
	return r->at > r->to ? file_finish(a) : 1;
}

/* ---- events that are in a file removed from the table ---- */

struct pruning {
	uint64_t keys[PRUNE_COUNT];
	unsigned n;
	uint64_t to;
};

static int prune_look(void *arg, const void *key, size_t key_len, const uint8_t *line, size_t len)
{
	uint64_t seq = audit_key_seq(key, key_len);
	struct pruning *p = arg;

	(void)line;
	(void)len;
	if (seq > p->to || p->n == PRUNE_COUNT)
		return 1;
	p->keys[p->n++] = seq;
	return 0;
}

static int prune_put(struct store_txn *t, const struct pruning *p, uint64_t next)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < p->n; i++) {
		uint8_t key[AUDIT_KEY_LEN];

		audit_key(p->keys[i], key);
		r = store_del(t, TABLE_EVENTS, key, sizeof(key), NULL);
	}
	return r < 0 ? r : audit_number_put(t, STORE_META_EVENTS_FROM, next, NULL);
}

static int prune(struct audit *a, struct store_txn *t, uint64_t *ret_next)
{
	CLEANUP(free_mem_p) struct pruning *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->to = a->rotation.to;
	r = store_each(t, TABLE_EVENTS, NULL, 0, prune_look, p, NULL);
	if (r < 0)
		return r;
	*ret_next = p->n == PRUNE_COUNT ? p->keys[p->n - 1] + 1 : p->to + 1;
	return prune_put(t, p, *ret_next);
}

static int prune_step(struct audit *a)
{
	struct audit_rotation *rot = &a->rotation;
	struct store_txn *t;
	uint64_t next;
	int r = store_begin(a->store, STORE_WRITE, &t, NULL);

	if (r < 0)
		return r;
	r = prune(a, t, &next);
	if (r < 0) {
		store_abort(t);
		return r;
	}
	r = store_commit(t, STORE_COMMIT, NULL);
	if (r < 0)
		return r;
	return next > rot->to ? 0 : 1;
}

/* ---- the oldest files removed, beyond the log's bound ---- */

static int file_drop(struct audit *a, const struct audit_file *oldest, uint64_t next)
{
	char name[AUDIT_FILE_NAME_LEN];
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("file", name),
		AUDIT_FIELD_U64("from", oldest->first),
		AUDIT_FIELD_U64("to", next - 1),
	};

	audit_file_name(oldest->first, name);
	if (unlinkat(a->files_fd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	audit_event(a, "events-dropped", NULL, "ok", fields, 3);
	return 0;
}

/* The newest file stays, whatever its length. */
static int files_bound(struct audit *a)
{
	CLEANUP(audit_file_list_fini) struct audit_file_list list = {0};
	uint64_t total = a->file_len;
	int r = a->max_len == 0 ? 0 : audit_files_list(a->files_fd, &list, NULL);

	for (size_t i = 0; i < list.n; i++)
		total += list.files[i].len;
	for (size_t i = 0; r == 0 && i + 1 < list.n && total > a->max_len; i++) {
		r = file_drop(a, &list.files[i], list.files[i + 1].first);
		total -= list.files[i].len;
	}
	return r;
}

static int step(struct audit *a, char **io_line)
{
	int r;

	switch (a->rotation.phase) {
	case ROTATE_IDLE:
		return idle_step(a, io_line);
	case ROTATE_COPY:
		return copy_step(a);
	case ROTATE_PRUNE:
		r = prune_step(a);
		if (r == 0)
			r = files_bound(a);
		if (r == 0)
			audit_rotate_fini(&a->rotation);
		return r;
	}
	return 0;
}

/* Reports a step that failed. No event is lost: each stays in the table until it is in a file. */
static void failure_report(struct audit *a, int r)
{
	char name[AUDIT_FILE_NAME_LEN];
	const struct audit_field field = AUDIT_FIELD_STR("file", name);

	audit_file_name(a->rotation.from, name);
	audit_event(a, "events-rotated", NULL, errno_name(r), &field, 1);
}

bool audit_rotate_step(struct audit *a, char **io_line)
{
	struct audit_rotation *rot = &a->rotation;
	int r;

	if (rot->again_ms != 0 && clock_now_ms() < rot->again_ms)
		return false;
	rot->again_ms = 0;
	r = step(a, io_line);
	if (r >= 0)
		return r > 0;
	failure_report(a, r);
	if (rot->phase == ROTATE_COPY) { /* the copy starts again, with a new file */
		tmp_close(rot);
		rot->at = rot->from;
	}
	rot->again_ms = clock_now_ms() + AGAIN_MS;
	return false;
}
