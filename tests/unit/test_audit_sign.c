/* tests/unit/test_audit_sign.c - fs/audit: the log's signatures, and a forger without the key. */
#include "tests/unit/audit_fixture.h"

#include "crypto/sign.h"
#include "fs/audit/line_internal.h"

static const struct sign_key *log_key(struct log *l)
{
	return service_key_audit_sign(store_service_key(l->s));
}

/* At least every 256th record is a signature, whatever the batches, also across a restart. */
static void audit_signs_at_least_every_256_records(void **state)
{
	struct log l = log_open(state);
	uint64_t last = 0, n = 0;

	events(&l, 200);
	log_close(&l); /* not sealed: as a crash leaves it */
	l = log_open(state);
	events(&l, 900);
	for (uint64_t seq = 1; seq <= audit_last_seq(l.a); seq++) {
		if (strcmp(member(line_of(&l, seq), "event"), "signature") != 0)
			continue;
		assert_in_range(seq - last, 1, AUDIT_SIGN_EVERY);
		assert_string_equal(member(line_of(&l, seq), "reason"), "interval");
		last = seq;
		n++;
	}
	assert_true(n == 4 && audit_last_seq(l.a) - last < AUDIT_SIGN_EVERY);
	log_close(&l);
}

/* A clean stop is the last record, signed, and only one. */
static void audit_seal_ends_the_log_with_a_signature(void **state)
{
	struct log l = log_open(state);
	struct audit_check check;
	struct err err;

	events(&l, 3);
	audit_seal(l.a);
	log_close(&l);
	l = log_open(state);
	assert_true(audit_last_seq(l.a) == 4);
	assert_string_equal(member(line_of(&l, 4), "reason"), "stop");
	assert_int_equal(verify_all(&l, &check, &err), 0);
	assert_true(check.stopped && check.signed_last == 4 && check.signatures == 1);
	audit_seal(l.a);
	log_close(&l); /* nothing happened: nothing is added */
	l = log_open(state);
	assert_true(audit_last_seq(l.a) == 4);
	events(&l, 1);
	assert_int_equal(verify_all(&l, &check, &err), 0);
	assert_true(!check.stopped);
	log_close(&l);
}

/* A log's lines as text, as an auditor gets them. */
struct text {
	char *lines[64];
	size_t n;
};

static void text_take(struct log *l, struct text *t)
{
	t->n = 0;
	for (uint64_t seq = 1; seq <= audit_last_seq(l->a); seq++)
		t->lines[t->n++] = strdup(line_of(l, seq));
}

static void text_free(struct text *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->lines[i]);
}

static int text_check(const struct text *t, struct audit_check *c, const uint8_t *key,
		      struct err *err)
{
	int r = 0;

	memset(err, 0, sizeof(*err));
	audit_check_init(c, key);
	for (size_t i = 0; r == 0 && i < t->n; i++)
		r = audit_check_line(c, t->lines[i], strlen(t->lines[i]), err);
	return r < 0 ? r : audit_check_end(c, err);
}

/* Record @from and all behind it chained anew, which takes no key. */
static void rehash(struct text *t, size_t from)
{
	for (size_t i = from; i < t->n; i++) {
		char *line = t->lines[i], *prev = strstr(line, ",\"prev\":\"") + 9;
		char *mark = strstr(line, ",\"hash\":\"");
		struct kdf_part part = {line, (size_t)(mark - line)};
		uint8_t hash[SHA256_LEN];
		char text[65];

		if (i > 0)
			memcpy(prev, strstr(t->lines[i - 1], ",\"hash\":\"") + 9, 64);
		assert_int_equal(sha256(&part, 1, hash), 0);
		hex_encode(hash, sizeof(hash), text);
		memcpy(mark + 9, text, 64);
	}
}

/* A log chained anew by an attacker without the key fails at its next signature. */
static void audit_check_finds_a_log_made_anew(void **state)
{
	struct log l = log_open(state);
	struct audit_check check;
	struct text t;
	struct err err;

	events(&l, 5);
	audit_seal(l.a);
	log_close(&l);
	l = log_open(state);
	text_take(&l, &t);
	assert_int_equal(text_check(&t, &check, sign_key_public(log_key(&l)), &err), 0);
	memcpy(strstr(t.lines[2], "event-3"), "event-X", 7);
	rehash(&t, 2);
	assert_int_equal(text_check(&t, &check, NULL, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "record 6 is a signature that does not hold"));
	assert_true(check.bad == 6 && check.checked == 5);
	text_free(&t);
	log_close(&l);
}

/* Nor does a signature with another key, or for another store, pass. */
static void audit_check_wants_the_key_it_knows(void **state)
{
	struct log l = log_open(state);
	const uint8_t seed[SIGN_SEED_LEN] = {1}, other_store[UUID_LEN] = {2};
	const uint8_t *id = store_format_of(l.s)->store_id;
	CLEANUP(sign_key_free_p) struct sign_key *forger = NULL;
	const struct {
		bool forged;
		const uint8_t *store;
		const char *word;
	} rows[] = {
		{false, id, NULL},
		{false, other_store, "for another store"},
		{true, id, "by another key"},
	};
	struct audit_check check;
	struct err err = {0};

	assert_int_equal(sign_key_new(seed, &forger), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct audit_head head = {0};
		struct text t = {.n = 2};
		size_t len;

		assert_int_equal(audit_sign(&head, log_key(&l), id, "interval", &t.lines[0], &len),
				 0);
		assert_int_equal(audit_sign(&head, rows[i].forged ? forger : log_key(&l),
					    rows[i].store, "stop", &t.lines[1], &len),
				 0);
		assert_int_equal(text_check(&t, &check, NULL, &err), rows[i].word ? -EBADMSG : 0);
		assert_true(!rows[i].word || strstr(err.text, rows[i].word));
		text_free(&t);
	}
	log_close(&l);
}

/* Signatures cannot be left out: a log that is signed stays so. */
static void audit_check_misses_signatures(void **state)
{
	struct log l = log_open(state);
	struct audit_head head = {0};
	struct audit_check check;
	struct err err = {0};
	char *line;
	size_t len;
	int r;

	audit_check_init(&check, NULL);
	assert_int_equal(audit_sign(&head, log_key(&l), store_format_of(l.s)->store_id, "interval",
				    &line, &len),
			 0);
	r = audit_check_line(&check, line, len, &err);
	free(line);
	for (unsigned i = 0; r == 0 && i < 300; i++) {
		assert_int_equal(audit_chain(&head, "\"time\":\"t\",\"event\":\"x\"", &line, &len),
				 0);
		r = audit_check_line(&check, line, len, &err);
		free(line);
	}
	assert_int_equal(r, -EBADMSG);
	assert_true(check.bad == 1 + AUDIT_SIGN_EVERY + 1);
	assert_non_null(strstr(err.text, "has no signature within"));
	log_close(&l);
}

/* Every byte of a signature's line counts. */
static void audit_check_finds_each_changed_byte_of_a_signature(void **state)
{
	struct log l = log_open(state);
	struct audit_head head = {0};
	struct audit_check check;
	struct err err;
	struct text t = {.n = 1};
	size_t len;

	assert_int_equal(audit_sign(&head, log_key(&l), store_format_of(l.s)->store_id, "stop",
				    &t.lines[0], &len),
			 0);
	for (size_t at = 0; at < len; at++) {
		t.lines[0][at] ^= 1;
		assert_int_equal(text_check(&t, &check, NULL, &err), -EBADMSG);
		/* and with the hash put right, which covers all before it */
		if (at > 9 && at < len - 75 - 74 && strstr(t.lines[0], ",\"prev\":\"")) {
			char keep[75];

			memcpy(keep, t.lines[0] + len - 75, 75);
			rehash(&t, 0);
			if (strstr(t.lines[0], ",\"event\":\"signature\""))
				assert_int_equal(
					text_check(&t, &check, sign_key_public(log_key(&l)), &err),
					-EBADMSG);
			memcpy(t.lines[0] + len - 75, keep, 75);
		}
		t.lines[0][at] ^= 1;
	}
	assert_int_equal(text_check(&t, &check, NULL, &err), 0);
	text_free(&t);
	log_close(&l);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(audit_signs_at_least_every_256_records),
		STORE(audit_seal_ends_the_log_with_a_signature),
		STORE(audit_check_finds_a_log_made_anew),
		STORE(audit_check_wants_the_key_it_knows),
		STORE(audit_check_misses_signatures),
		STORE(audit_check_finds_each_changed_byte_of_a_signature),
	};

	return cmocka_run_group_tests(tests, fix_group, NULL);
}
