/* tests/unit/test_audit_verify.c - fs/audit: a log that was changed, cut, reordered or invented. */
#include "tests/unit/audit_fixture.h"

static void event_key(uint64_t n, uint8_t out[static 8])
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(n >> (56 - 8 * i));
}

/* Sets event @seq to the line, or takes it away (NULL), with a MAC that holds: as a thief of the
 * service key could. */
static void tamper(struct log *l, uint64_t seq, const char *line)
{
	struct store_txn *t = fix_begin(l->s, STORE_WRITE);
	uint8_t key[8];

	event_key(seq, key);
	if (line)
		assert_int_equal(store_put(t, TABLE_EVENTS, key, 8, line, strlen(line), NULL), 0);
	else
		assert_int_equal(store_del(t, TABLE_EVENTS, key, 8, NULL), 0);
	assert_int_equal(store_commit(t, STORE_COMMIT, NULL), 0);
}

static void assert_broken(struct log *l, uint64_t holds, const char *word)
{
	uint64_t checked;
	struct err err;

	assert_int_equal(verify(l, &checked, &err), -EBADMSG);
	if (!strstr(err.text, word))
		fail_msg("'%s' is not in: %s", word, err.text);
	assert_true(checked == holds);
}

/* Every byte of a line is under its hash or the next one's. */
static void audit_verify_finds_a_changed_byte(void **state)
{
	struct log l = log_open(state);
	char line[AUDIT_LINE_MAX], bad[AUDIT_LINE_MAX];
	uint64_t checked;
	struct err err;

	events(&l, 4);
	(void)strcpy(line, line_of(&l, 2));
	for (size_t at = 0; at < strlen(line); at += 3) {
		(void)strcpy(bad, line);
		bad[at] ^= 1;
		tamper(&l, 2, bad);
		assert_broken(&l, 1, "record 2 was changed");
	}
	for (size_t len = 1; len < strlen(line); len += 17) {
		(void)strcpy(bad, line);
		bad[len] = '\0';
		tamper(&l, 2, bad);
		assert_broken(&l, 1, "record 2 was changed");
	}
	tamper(&l, 2, line);
	assert_int_equal(verify(&l, &checked, &err), 0);
	assert_true(checked == 4);
	log_close(&l);
}

/* Makes line @seq say something else, with a hash of its own that holds. */
static void rewrite_hash(char *line)
{
	char *at = strstr(line, ",\"hash\"");
	struct kdf_part part = {line, (size_t)(at - line)};
	uint8_t hash[SHA256_LEN];
	char hex[65];

	assert_int_equal(sha256(&part, 1, hash), 0);
	hex_encode(hash, sizeof(hash), hex);
	memcpy(at + 9, hex, 64);
}

static void audit_verify_finds_a_rewritten_event(void **state)
{
	struct log l = log_open(state);
	char line[AUDIT_LINE_MAX];

	events(&l, 4);
	(void)strcpy(line, line_of(&l, 2));
	memcpy(strstr(line, "event-2"), "event-X", 7);
	rewrite_hash(line);
	tamper(&l, 2, line);
	assert_broken(&l, 2, "record 2 is not the one that the next was chained to");
	log_close(&l);
}

static void audit_verify_finds_a_removed_event(void **state)
{
	struct log l = log_open(state);

	events(&l, 4);
	tamper(&l, 3, NULL);
	assert_broken(&l, 2, "record 3 is missing");
	log_close(&l);
}

static void audit_verify_finds_a_log_cut_at_either_end(void **state)
{
	struct log l = log_open(state);
	char first[AUDIT_LINE_MAX];

	events(&l, 4);
	(void)strcpy(first, line_of(&l, 1));
	tamper(&l, 1, NULL);
	assert_broken(&l, 0, "record 1 is missing");
	tamper(&l, 1, first);
	tamper(&l, 4, NULL);
	assert_broken(&l, 3, "record 4 and all after it, up to 4, are missing");
	log_close(&l);
}

/* The lines after the gap renumbered and chained anew, as if nothing had been there. */
static void audit_verify_finds_a_rewritten_tail(void **state)
{
	struct log l = log_open(state);
	char line[AUDIT_LINE_MAX];

	events(&l, 4);
	(void)strcpy(line, line_of(&l, 4));
	memcpy(strstr(line, "event-4"), "event-X", 7);
	rewrite_hash(line);
	tamper(&l, 4, line);
	assert_broken(&l, 4, "record 4 is not the one that was written last");
	log_close(&l);
}

static void audit_verify_finds_reordered_events(void **state)
{
	struct log l = log_open(state);
	char two[AUDIT_LINE_MAX], three[AUDIT_LINE_MAX];

	events(&l, 4);
	(void)strcpy(two, line_of(&l, 2));
	(void)strcpy(three, line_of(&l, 3));
	tamper(&l, 2, three);
	tamper(&l, 3, two);
	assert_broken(&l, 1, "record 2 stands behind record 3");
	two[7] = '3'; /* and their numbers set right */
	three[7] = '2';
	rewrite_hash(two);
	rewrite_hash(three);
	tamper(&l, 2, three);
	tamper(&l, 3, two);
	assert_broken(&l, 1, "record 1 is not the one that the next was chained to");
	log_close(&l);
}

static void audit_verify_finds_an_inserted_event(void **state)
{
	struct log l = log_open(state);
	char line[AUDIT_LINE_MAX];

	events(&l, 4);
	for (uint64_t seq = 4; seq >= 2; seq--) { /* 2, 3 and 4 become 3, 4 and 5 */
		(void)strcpy(line, line_of(&l, seq));
		line[7] = (char)('0' + seq + 1);
		rewrite_hash(line);
		tamper(&l, seq + 1, line);
	}
	assert_broken(&l, 2, "record 2 is not the one that the next was chained to");
	log_close(&l);
}

/* A log that was changed is reported, and the store is served all the same. */
static void audit_new_reports_a_log_cut_while_closed(void **state)
{
	struct log l = log_open(state);

	events(&l, 4);
	audit_free(l.a);
	tamper(&l, 4, NULL);
	store_close(l.s, true);
	l = log_open(state);
	events(&l, 1);
	assert_true(audit_last_seq(l.a) == 6);
	assert_string_equal(member(line_of(&l, 5), "event"), "events-damaged");
	assert_broken(&l, 3, "record 4 is missing");
	log_close(&l);
}

/* Evidence behind the newest event is not written over. */
static void audit_new_keeps_events_it_did_not_write(void **state)
{
	struct log l = log_open(state);
	char line[AUDIT_LINE_MAX];

	events(&l, 2);
	(void)strcpy(line, line_of(&l, 2));
	audit_free(l.a);
	tamper(&l, 9, line);
	store_close(l.s, true);
	l = log_open(state);
	events(&l, 1);
	assert_string_equal(line_of(&l, 9), line);
	assert_string_equal(member(line_of(&l, 10), "event"), "events-damaged");
	log_close(&l);
}

/* The log of a store opened from its snapshot starts late, says so, and still verifies. */
static void audit_verify_accepts_the_log_of_a_snapshot(void **state)
{
	struct log l = log_open(state);
	uint64_t checked, newest;
	struct err err;
	char want[64];

	events(&l, 1000);
	newest = audit_last_seq(l.a);
	fix_put(l.s, TABLE_KEYS, "k", "v", STORE_COMMIT_SNAPSHOT);
	log_close(&l);
	fix_rm(fix_path(l.f, "state"));
	l = log_open(state);
	assert_true(store_is_rebuilt(l.s));
	events(&l, 2);
	assert_string_equal(member(line_of(&l, newest + 1), "event"), "state-rebuilt");
	assert_int_equal(verify(&l, &checked, &err), 0);
	assert_true(checked == 512 + 4); /* with the signature of "state-rebuilt" */
	tamper(&l, newest - 511, NULL);	 /* its first */
	(void)snprintf(want, sizeof(want), "records 1 to %" PRIu64 " are missing", newest - 511);
	assert_broken(&l, 0, want);
	log_close(&l);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(audit_verify_finds_a_changed_byte),
		STORE(audit_verify_finds_a_rewritten_event),
		STORE(audit_verify_finds_a_removed_event),
		STORE(audit_verify_finds_a_log_cut_at_either_end),
		STORE(audit_verify_finds_a_rewritten_tail),
		STORE(audit_verify_finds_reordered_events),
		STORE(audit_verify_finds_an_inserted_event),
		STORE(audit_new_reports_a_log_cut_while_closed),
		STORE(audit_new_keeps_events_it_did_not_write),
		STORE(audit_verify_accepts_the_log_of_a_snapshot),
	};

	return cmocka_run_group_tests(tests, fix_group, NULL);
}
