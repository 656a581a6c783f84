/* tests/unit/test_audit_rotate.c - fs/audit: the log in files, rotated, bounded, read and checked.
 */
#include "tests/unit/audit_fixture.h"

#include <dirent.h>

#define FILE_LEN (64u << 10)

static struct log log_open_bounded(void **state, uint64_t max_len)
{
	const struct audit_config config = {.max_len = max_len, .file_len = FILE_LEN};
	struct log l = {.f = *state, .s = fix_open(*state, STORE_SERVE)};
	struct err err = {0};

	assert_int_equal(fix_judged(audit_new(l.s, &config, &l.a, &err), &err), 0);
	return l;
}

/* The writer goes: nothing moves under our hands, wherever its rotation stood. */
static void log_rest(struct log *l)
{
	audit_free(l->a);
	l->a = NULL;
}

/* One that has no reason to rotate. */
static void log_wake(struct log *l)
{
	struct err err = {0};

	assert_int_equal(fix_judged(audit_new(l->s, NULL, &l->a, &err), &err), 0);
}

static void events_long(struct log *l, unsigned n)
{
	static char text[400];
	const struct audit_field field = AUDIT_FIELD_STR("text", text);

	memset(text, 'x', sizeof(text) - 1);
	for (unsigned i = 0; i < n; i++) {
		audit_event(l->a, "long", NULL, "ok", &field, 1);
		if (i % 50 == 49)
			assert_int_equal(audit_sync(l->a, NULL), 0);
	}
	assert_int_equal(audit_sync(l->a, NULL), 0);
}

static unsigned files(const struct fix *f, char ret_oldest[static 64])
{
	DIR *dir = opendir(fix_path(f, "events"));
	struct dirent *e;
	unsigned n = 0;

	assert_non_null(dir);
	strcpy(ret_oldest, "~");
	while ((e = readdir(dir))) {
		if (e->d_name[0] != '0')
			continue;
		n++;
		if (strcmp(e->d_name, ret_oldest) < 0)
			(void)snprintf(ret_oldest, 64, "%.60s", e->d_name);
	}
	(void)closedir(dir);
	return n;
}

/* Until the writer, which rotates when it has nothing to write, has made @n files. */
static void wait_files(const struct fix *f, unsigned n)
{
	const struct timespec tick = {.tv_nsec = 5000000};
	char oldest[64];

	for (int i = 0; i < 4000 && files(f, oldest) < n; i++)
		(void)nanosleep(&tick, NULL);
	assert_true(files(f, oldest) >= n);
}

/* All of it, in pieces of @buf_len, from event @first; what was read is one line an event. */
static void assert_read_whole(struct log *l, uint64_t first, size_t buf_len)
{
	char *buf = malloc(buf_len);
	uint64_t seq = first, next = 0, want = first, before = audit_last_seq(l->a);
	struct err err = {0};
	ssize_t n;

	assert_non_null(buf);
	while ((n = audit_read(l->a, seq, buf, buf_len, &next, &err)) > 0) {
		for (const char *at = buf; at < buf + n; at = memchr(at, '\n', buf_len) + 1) {
			char start[40];

			(void)snprintf(start, sizeof(start), "{\"seq\":%" PRIu64 ",", want++);
			assert_memory_equal(at, start, strlen(start));
		}
		assert_true(next == want);
		seq = next;
	}
	assert_int_equal(n, 0);
	assert_true(want > before); /* a rotation may just have added to it */
	free(buf);
}

/* A reader of `events` sees one log, wherever its parts lie, from any event on. */
static void audit_reads_across_files(void **state)
{
	struct log l = log_open_bounded(state, 0);

	events_long(&l, 700);
	wait_files(l.f, 3);
	for (uint64_t from = 1; from < 700; from += 97)
		assert_read_whole(&l, from, 65536);
	assert_read_whole(&l, 1, 1200);
	log_close(&l);
	l = log_open_bounded(state, 0);
	assert_read_whole(&l, 1, 9000);
	log_close(&l);
}

static void audit_chain_spans_files(void **state)
{
	struct log l = log_open_bounded(state, 0);
	struct audit_check check;

	events_long(&l, 700);
	wait_files(l.f, 3);
	log_rest(&l);
	assert_verifies(&l, &check);
	assert_true(check.first == 1 && check.last >= 700);
	assert_true(check.checked == check.last && !check.continued);
	assert_true(check.signatures >= 3); /* one at each rotation */
	log_close(&l);
}

/* Beyond its bound the oldest events go, the log says which, and still proves itself. */
static void audit_log_is_bounded(void **state)
{
	struct log l = log_open_bounded(state, 4 * FILE_LEN);
	char oldest[64], buf[AUDIT_LINE_MAX];
	struct audit_check check;
	unsigned dropped = 0;
	uint64_t next;

	for (unsigned i = 0; i < 12; i++) {
		events_long(&l, 150);
		wait_files(l.f, i < 2 ? 1 : 2);
	}
	log_rest(&l);
	assert_in_range(files(l.f, oldest), 1, 5);
	assert_string_not_equal(oldest, "00000000000000000001.jsonl");
	assert_verifies(&l, &check);
	assert_true(check.continued && check.first == strtoull(oldest, NULL, 10));
	log_wake(&l);
	assert_true(audit_read(l.a, 1, buf, sizeof(buf), &next, NULL) > 0);
	assert_true(strtoull(buf + 7, NULL, 10) == check.first);
	for (uint64_t seq = check.first; seq <= check.last; seq++)
		dropped += strcmp(member(line_of(&l, seq), "event"), "events-dropped") == 0;
	assert_true(dropped > 0);
	log_close(&l);
}

/* The operator may take the oldest files away; a file out of the middle is missed. */
static void audit_verify_knows_the_oldest_file_from_another(void **state)
{
	struct log l = log_open_bounded(state, 0);
	char oldest[64], path[256], aside[256];
	struct audit_check check;
	struct err err;

	events_long(&l, 700);
	wait_files(l.f, 3);
	log_rest(&l);
	(void)files(l.f, oldest);
	(void)snprintf(path, sizeof(path), "%s/%s", fix_path(l.f, "events"), oldest);
	(void)snprintf(aside, sizeof(aside), "%s/aside", l.f->top);
	assert_int_equal(rename(path, aside), 0);
	assert_verifies(&l, &check);
	assert_true(check.continued && check.first > 1);
	(void)files(l.f, oldest); /* now the second is the oldest */
	assert_int_equal(rename(aside, path), 0);
	(void)snprintf(path, sizeof(path), "%s/%s", fix_path(l.f, "events"), oldest);
	assert_int_equal(remove(path), 0);
	assert_int_equal(verify_all(&l, &check, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "are missing"));
	assert_true(check.bad == strtoull(oldest, NULL, 10));
	log_close(&l);
}

static void event_key(uint64_t n, uint8_t out[static 8])
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(n >> (56 - 8 * i));
}

/* Puts the events of a file back into the table, as a crash leaves them, from @first on. */
static void unprune(struct log *l, const char *lines, uint64_t first)
{
	struct store_txn *t = fix_begin(l->s, STORE_WRITE);
	struct wbuf w;
	uint8_t key[8], from[8];

	w = wbuf_to(from, sizeof(from));
	wbuf_u64(&w, first);
	assert_int_equal(store_put(t, TABLE_META, STORE_META_EVENTS_FROM,
				   strlen(STORE_META_EVENTS_FROM), from, 8, NULL),
			 0);
	for (const char *at = lines, *nl; (nl = strchr(at, '\n')); at = nl + 1) {
		uint64_t seq = strtoull(at + 7, NULL, 10);

		if (seq < first)
			continue;
		event_key(seq, key);
		assert_int_equal(store_put(t, TABLE_EVENTS, key, 8, at, (size_t)(nl - at), NULL),
				 0);
	}
	assert_int_equal(store_commit(t, STORE_COMMIT, NULL), 0);
}

static uint64_t table_first(struct log *l)
{
	struct store_txn *t = fix_begin(l->s, STORE_READ);
	const uint8_t *rec;
	size_t len;
	uint64_t from;
	struct rbuf b;

	assert_int_equal(store_get(t, TABLE_META, STORE_META_EVENTS_FROM,
				   strlen(STORE_META_EVENTS_FROM), &rec, &len, NULL),
			 0);
	b = rbuf_from(rec, len);
	from = rbuf_u64(&b);
	store_abort(t);
	return from;
}

/* Killed between the file and the last of the events that leave the state for it: nothing is there
 * twice, and the next daemon goes on, so that the state begins where a file ends. */
static void audit_rotation_is_resumed(void **state)
{
	const struct timespec tick = {.tv_nsec = 5000000};
	struct log l = log_open_bounded(state, 0);
	static char lines[1u << 20];
	char path[256], oldest[64];
	struct audit_check check;
	uint64_t from = 0;
	struct err err;
	FILE *in;

	events_long(&l, 120);
	wait_files(l.f, 1);
	events(&l, 5);
	log_close(&l);
	(void)files(l.f, oldest);
	(void)snprintf(path, sizeof(path), "%s/%s", fix_path(l.f, "events"), oldest);
	in = fopen(path, "r");
	assert_non_null(in);
	lines[fread(lines, 1, sizeof(lines) - 1, in)] = '\0';
	(void)fclose(in);

	l = (struct log){.f = *state, .s = fix_open(*state, STORE_SERVE)};
	for (const char *at = lines; *at; at = strchr(at, '\n') + 1)
		from = strtoull(at + 7, NULL, 10) + 1;
	assert_true(from > 60);
	unprune(&l, lines, 40);
	assert_verifies(&l, &check);
	assert_true(check.checked == check.last);
	assert_int_equal(audit_new(l.s, NULL, &l.a, &err), 0);
	assert_read_whole(&l, 1, 5000);
	for (int i = 0; i < 2000 && table_first(&l) != from; i++)
		(void)nanosleep(&tick, NULL);
	assert_true(table_first(&l) == from);
	assert_read_whole(&l, 1, 5000);
	log_rest(&l);
	assert_verifies(&l, &check);
	log_close(&l);
}

/* No file can be made: the events stay in the state, the log says so, and nothing is lost. */
static void audit_rotation_that_fails_loses_nothing(void **state)
{
	struct log l = log_open_bounded(state, 0);
	char path[256];
	struct audit_check check;
	unsigned reported = 0;

	(void)snprintf(path, sizeof(path), "%s/new", fix_path(l.f, "events"));
	assert_int_equal(mkdir(path, 0700), 0); /* in its place */
	events_long(&l, 400);
	assert_verifies(&l, &check);
	assert_true(check.first == 1);
	assert_read_whole(&l, 1, 65536);
	for (uint64_t seq = 1; seq <= check.last; seq++)
		reported += strcmp(member(line_of(&l, seq), "event"), "events-rotated") == 0;
	assert_int_equal(reported, 1); /* it is not tried again at once */
	log_close(&l);
	assert_int_equal(rmdir(path), 0);
	l = log_open_bounded(state, 0);
	wait_files(l.f, 1);
	assert_read_whole(&l, 1, 65536);
	log_close(&l);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(audit_reads_across_files),
		STORE(audit_chain_spans_files),
		STORE(audit_log_is_bounded),
		STORE(audit_verify_knows_the_oldest_file_from_another),
		STORE(audit_rotation_is_resumed),
		STORE(audit_rotation_that_fails_loses_nothing),
	};

	return cmocka_run_group_tests(tests, fix_group, NULL);
}
