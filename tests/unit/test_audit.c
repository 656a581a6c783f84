/* tests/unit/test_audit.c - fs/audit: lines, their chain, and the log under stress. */
#include "tests/unit/audit_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

/* Programs parse these lines for years: members, their order and their form are a promise. */
static void audit_line_has_the_promised_form(void **state)
{
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("policy", "EUR Policy"),
		AUDIT_FIELD_U64("files", 42),
		AUDIT_FIELD_STR("absent", NULL),
		{.name = "change", .type = AUDIT_I64, .num = (uint64_t)-7},
	};
	const struct actor actor = {.uid = 1000, .gid = 100, .pid = 4711};
	static const char rest[] =
		"\",\"event\":\"policy-create\",\"uid\":1000,\"gid\":100,\"pid\":4711,"
		"\"outcome\":\"EACCES\",\"policy\":\"EUR Policy\",\"files\":42,\"change\":-7,"
		"\"prev\":\"00000000";
	struct log l = log_open(state);
	const char *line, *at;

	audit_event(l.a, "policy-create", &actor, errno_name(-EACCES), fields, 4);
	assert_int_equal(audit_sync(l.a, NULL), 0);
	line = line_of(&l, 1);
	assert_memory_equal(line, "{\"seq\":1,\"time\":\"20", 18);
	assert_true(line[40] == 'Z' && line[36] == '.'); /* milliseconds, UTC */
	at = strstr(line, "\",\"event\"");
	assert_non_null(at);
	assert_memory_equal(at, rest, sizeof(rest) - 1);
	assert_string_equal(member(line, "absent"), "none");
	log_close(&l);
}

/* The chain can be checked with sha256sum(1) alone: hash and prev are what audit.h says. */
static void audit_lines_are_chained_by_sha256(void **state)
{
	char prev[65] = "0000000000000000000000000000000000000000000000000000000000000000";
	struct log l = log_open(state);

	events(&l, 5);
	for (uint64_t seq = 1; seq <= 5; seq++) {
		const char *line = line_of(&l, seq);
		struct kdf_part part = {line, (size_t)(strstr(line, ",\"hash\"") - line)};
		uint8_t hash[SHA256_LEN];
		char hex[65];

		assert_int_equal(sha256(&part, 1, hash), 0);
		hex_encode(hash, sizeof(hash), hex);
		assert_string_equal(member(line, "prev"), prev);
		assert_string_equal(member(line, "hash"), hex);
		memcpy(prev, hex, sizeof(prev));
	}
	log_close(&l);
}

/* After a restart the chain goes on where it ended. */
static void audit_chain_goes_on_after_a_restart(void **state)
{
	struct log l = log_open(state);
	char last[AUDIT_LINE_MAX];
	uint64_t checked;
	struct err err;

	assert_true(audit_last_seq(l.a) == 0);
	audit_last_line(l.a, last, sizeof(last));
	assert_string_equal(last, "");
	events(&l, 3);
	log_close(&l);
	l = log_open(state);
	assert_true(audit_last_seq(l.a) == 3);
	audit_last_line(l.a, last, sizeof(last));
	assert_string_equal(last, line_of(&l, 3));
	events(&l, 1);
	assert_true(audit_last_seq(l.a) == 4);
	assert_int_equal(verify(&l, &checked, &err), 0);
	assert_true(checked == 4);
	log_close(&l);
}

/* File names are bytes: what is no UTF-8, or steers a terminal, must not break a line. */
static void audit_line_shows_any_bytes(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"plain", "plain"},
		{"K\xc3\xb6ln \xe2\x82\xac \xf0\x9f\x94\x91",
		 "K\xc3\xb6ln \xe2\x82\xac \xf0\x9f\x94\x91"},
		{"\xff", "\xef\xbf\xbd"},
		{"a\xc3", "a\xef\xbf\xbd"},
		{"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},		  /* overlong '/' */
		{"\xe0\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* overlong NUL */
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
		{"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xf0\x9f\x94", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xc2\x9b"
		 "31m",
		 "\xef\xbf\xbd"
		 "31m"}, /* CSI, 8 bit */
		{"\x7f", "\xef\xbf\xbd"},
		{"\x1b[31m\n\"\\", "\x1b[31m\n\"\\"}, /* escaped in the line */
	};
	struct log l = log_open(state);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct audit_field field = AUDIT_FIELD_STR("path", rows[i].in);
		const char *line;

		audit_event(l.a, "test", NULL, "ok", &field, 1);
		assert_int_equal(audit_sync(l.a, NULL), 0);
		line = line_of(&l, i + 1);
		for (const char *at = line; *at; at++)
			assert_true((unsigned char)*at >= ' ' && *at != 0x7f);
		assert_string_equal(member(line, "path"), rows[i].out);
	}
	log_close(&l);
}

/* A caller may hand over anything; a line stays one that readers can hold. */
static void audit_line_is_bounded(void **state)
{
	static char huge[20000];
	const struct audit_field fields[] = {AUDIT_FIELD_STR("a", huge), AUDIT_FIELD_STR("b", huge),
					     AUDIT_FIELD_STR("c", huge),
					     AUDIT_FIELD_U64("n", UINT64_MAX)};
	struct log l = log_open(state);

	memset(huge, 1, sizeof(huge) - 1); /* six bytes each in JSON */
	audit_event(l.a, "test", NULL, "EIO", fields, 3);
	memset(huge, 'x', sizeof(huge) - 1);
	audit_event(l.a, "test", NULL, "ok", fields, 1);
	audit_event(l.a, "test", NULL, "ok", fields + 3, 1);
	assert_int_equal(audit_sync(l.a, NULL), 0);
	assert_string_equal(member(line_of(&l, 1), "cut"), "its fields are too long");
	assert_string_equal(member(line_of(&l, 1), "outcome"), "EIO");
	assert_in_range(strlen(member(line_of(&l, 2), "a")), 4000, 4096);
	assert_string_equal(member(line_of(&l, 3), "n"), "18446744073709551615");
	log_close(&l);
}

/* What a reader of `events` gets: whole lines, as many as fit, and where to go on. */
static void audit_read_gives_whole_lines(void **state)
{
	struct log l = log_open(state);
	uint64_t next = 99;
	struct err err = {0};
	char buf[800];
	ssize_t n;
	unsigned lines = 0;

	assert_int_equal(audit_read(l.a, 1, buf, sizeof(buf), &next, &err), 0);
	assert_true(next == 1);
	events(&l, 20);
	for (uint64_t seq = 1; (n = audit_read(l.a, seq, buf, sizeof(buf), &next, &err)) > 0;
	     seq = next) {
		assert_int_equal(buf[n - 1], '\n');
		for (ssize_t i = 0; i < n; i++)
			lines += buf[i] == '\n';
		assert_true(next == lines + 1);
	}
	assert_int_equal(n, 0);
	assert_int_equal(lines, 20);
	assert_int_equal(audit_read(l.a, 1, buf, 100, &next, &err), -E2BIG);
	assert_int_equal(audit_read(l.a, 21, buf, sizeof(buf), &next, &err), 0);
	assert_true(next == 21);
	log_close(&l);
}

/* A caller on the data path never waits: events that do not fit are counted in an event. */
static void audit_event_counts_what_is_lost(void **state)
{
	struct log l = log_open(state);
	struct store_txn *t = fix_begin(l.s, STORE_WRITE); /* holds the writer up */
	uint64_t checked, lost = 0, kept = 0, next;
	char buf[AUDIT_LINE_MAX];
	struct err err;
	unsigned n;

	for (n = 0; n < 10000; n++)
		event(&l, "flood");
	store_abort(t);
	assert_int_equal(audit_sync(l.a, NULL), 0);
	event(&l, "after");
	assert_int_equal(audit_sync(l.a, NULL), 0);
	for (uint64_t seq = 1; audit_read(l.a, seq, buf, sizeof(buf), &next, NULL) > 0; seq++) {
		*strchr(buf, '\n') = '\0';
		if (strcmp(member(buf, "event"), "flood") == 0)
			kept++;
		if (strcmp(member(buf, "event"), "events-lost") == 0)
			lost += strtoull(member(buf, "count"), NULL, 10);
	}
	assert_true(lost > 0);
	assert_true(kept + lost == n);
	assert_int_equal(verify(&l, &checked, &err), 0);
	log_close(&l);
}

static void file_limit(rlim_t len)
{
	const struct rlimit limit = {len, RLIM_INFINITY};

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A full disk: audit_sync() fails, and when there is space again no event is missing. */
static void audit_keeps_events_while_they_cannot_be_written(void **state)
{
	static char text[3000];
	const struct audit_field field = AUDIT_FIELD_STR("text", text);
	struct log l = log_open(state);
	uint64_t checked;
	struct err err = {0};

	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	memset(text, 'x', sizeof(text) - 1);
	events(&l, 2);
	file_limit(4096);
	for (unsigned i = 0; i < 50; i++)
		audit_event(l.a, "big", NULL, "ok", &field, 1);
	assert_true(fix_judged(audit_sync(l.a, &err), &err) < 0);
	assert_true(audit_last_seq(l.a) == 2);
	file_limit(RLIM_INFINITY);
	err.text[0] = '\0';
	assert_int_equal(fix_judged(audit_sync(l.a, &err), &err), 0);
	assert_true(audit_last_seq(l.a) == 52);
	assert_int_equal(verify(&l, &checked, &err), 0);
	log_close(&l);
}

/* What was queued when the daemon stops is written. */
static void audit_free_writes_what_is_queued(void **state)
{
	struct log l = log_open(state);

	for (unsigned i = 0; i < 300; i++)
		event(&l, "late");
	log_close(&l);
	l = log_open(state);
	assert_true(audit_last_seq(l.a) == 301); /* and a signature */
	log_close(&l);
}

struct crowd {
	struct log *l;
	unsigned id;
};

static void *crowd_run(void *arg)
{
	struct crowd *c = arg;
	char name[32];

	for (unsigned i = 0; i < 300; i++) {
		(void)snprintf(name, sizeof(name), "event-%u-%u", c->id, i);
		event(c->l, name);
		if (i % 100 == 0)
			assert_int_equal(audit_sync(c->l->a, NULL), 0);
	}
	return NULL;
}

static atomic_uint calls;

static void count_call(void *arg)
{
	assert_int_equal(*(int *)arg, 4711);
	calls++;
}

/* Many threads, one chain; on_append is called, and not any more once it is taken away. */
static void audit_serves_many_threads(void **state)
{
	struct log l = log_open(state);
	struct crowd crowd[6];
	pthread_t threads[6];
	int number = 4711;
	uint64_t checked;
	struct err err;
	unsigned before;

	audit_on_append(l.a, count_call, &number);
	for (unsigned i = 0; i < 6; i++) {
		crowd[i] = (struct crowd){&l, i};
		assert_int_equal(pthread_create(&threads[i], NULL, crowd_run, &crowd[i]), 0);
	}
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(audit_sync(l.a, NULL), 0);
	assert_true(calls > 0);
	audit_on_append(l.a, NULL, NULL);
	number = 0;
	before = calls;
	events(&l, 3);
	assert_int_equal(calls, before);
	assert_true(audit_last_seq(l.a) == 6 * 300 + 3 + 7); /* signatures: 256, 512, ... 1792 */
	assert_int_equal(verify(&l, &checked, &err), 0);
	assert_true(checked == 6 * 300 + 3 + 7);
	log_close(&l);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(audit_line_has_the_promised_form),
		STORE(audit_lines_are_chained_by_sha256),
		STORE(audit_chain_goes_on_after_a_restart),
		STORE(audit_line_shows_any_bytes),
		STORE(audit_line_is_bounded),
		STORE(audit_read_gives_whole_lines),
		STORE(audit_event_counts_what_is_lost),
		STORE(audit_keeps_events_while_they_cannot_be_written),
		STORE(audit_free_writes_what_is_queued),
		STORE(audit_serves_many_threads),
	};

	return cmocka_run_group_tests(tests, fix_group, NULL);
}
