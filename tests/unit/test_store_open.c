/* tests/unit/test_store_open.c - fs/store: a store opened, or refused with the reason. */
#include "tests/unit/store_fixture.h"

/* A refused store_open(): the errno, a sentence with @word, and nothing changed. */
static void refuse_open(const struct fix *f, int want, const char *word)
{
	static const enum store_mode modes[] = {STORE_READ_ONLY, STORE_SERVE};

	for (size_t i = 0; i < 2; i++) {
		uint8_t before[SHA256_LEN], after[SHA256_LEN];
		struct store *s = NULL;
		struct err err;
		int r;

		fix_tree_sum(f, before);
		r = fix_open_err(f, modes[i], &s, &err);
		if (r != want)
			fail_msg("%d instead of %d (%s)", r, want, err.text);
		if (!strstr(err.text, word))
			fail_msg("'%s' is not in: %s", word, err.text);
		fix_tree_sum(f, after);
		assert_memory_equal(before, after, SHA256_LEN);
	}
}

static void format_set(const struct fix *f, const char *line, size_t len)
{
	fix_write(fix_path(f, "format"), line, len);
}

/* A format line cut short must never be taken for a shorter one. */
static void store_open_refuses_a_cut_format(void **state)
{
	struct fix *f = *state;
	char line[128];
	size_t len = fix_read(fix_path(f, "format"), line, sizeof(line));

	assert_int_equal(len, 53);
	for (size_t cut = 0; cut < len; cut++) {
		format_set(f, line, cut);
		refuse_open(f, -EBADMSG, "cut short");
	}
	line[len] = 'x';
	format_set(f, line, len + 1);
	refuse_open(f, -EBADMSG, "damaged");
	fix_rm(fix_path(f, "format"));
	refuse_open(f, -ENOENT, "not a store");
}

static void store_open_refuses_every_damaged_byte_of_the_format(void **state)
{
	struct fix *f = *state;
	struct store_format fmt;
	char line[128];
	size_t len = fix_read(fix_path(f, "format"), line, sizeof(line));

	for (size_t at = 0; at < len; at++) {
		struct err err = {0};

		line[at] = (char)(line[at] ^ 0x80);
		format_set(f, line, len);
		assert_int_equal(fix_judged(store_read_format(f->store, &fmt, &err), &err),
				 -EBADMSG);
		line[at] = (char)(line[at] ^ 0x80);
	}
}

/* A store of a later depfs is reported as that, not as damage. */
static void store_open_reports_a_later_format(void **state)
{
	struct fix *f = *state;
	char line[128] = {0}, longer[500] = "depfs 4 ";
	size_t len = fix_read(fix_path(f, "format"), line, sizeof(line));

	line[6] = '2';
	format_set(f, line, len);
	refuse_open(f, -ENOTSUP, "version 2");
	format_set(f, "depfs 3 something else\n", 23);
	refuse_open(f, -ENOTSUP, "version 3");
	format_set(f, "depfs 10\n", 9);
	refuse_open(f, -ENOTSUP, "version 10");
	memset(longer + 8, 'x', sizeof(longer) - 8);
	format_set(f, longer, sizeof(longer));
	refuse_open(f, -ENOTSUP, "version 4");
	line[6] = '1';
	line[51] = '4';
	format_set(f, line, len);
	refuse_open(f, -ENOTSUP, "flags=4");
}

static void store_open_refuses_what_is_no_store(void **state)
{
	struct fix *f = *state;
	struct store *s;
	struct err err = {0};

	assert_int_equal(fix_judged(store_open(f->top, STORE_READ_ONLY, f->spec, &s, &err), &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "not a store"));
	assert_int_equal(store_open("/nonexistent", STORE_SERVE, f->spec, &s, &err), -ENOENT);
	assert_int_equal(store_open(f->key, STORE_SERVE, f->spec, &s, &err), -ENOTDIR);
}

/* The right store's id with other key bytes: a restored key file of the wrong generation. */
static void store_open_reports_a_wrong_service_key(void **state)
{
	struct fix *f = *state;
	char line[128];
	size_t len = fix_read(f->key, line, sizeof(line));

	line[60] = line[60] == '0' ? '1' : '0';
	fix_write(f->key, line, len);
	refuse_open(f, -EKEYREJECTED, "not the one this store was made with");
}

static void store_open_refuses_a_missing_or_open_key(void **state)
{
	struct fix *f = *state;

	assert_int_equal(chmod(f->key, 0644), 0);
	refuse_open(f, -EPERM, f->key);
	fix_rm(f->key);
	refuse_open(f, -ENOENT, f->key);
}

/* Two daemons on one store would destroy it; the sentence names the one that has it. */
static void store_open_names_who_has_the_store(void **state)
{
	struct fix *f = *state;
	struct store *s = fix_open(f, STORE_SERVE), *other;
	char pid[32], host[65] = "";
	struct err err;

	(void)snprintf(pid, sizeof(pid), "process %d", (int)getpid());
	assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
	assert_int_equal(fix_open_err(f, STORE_SERVE, &other, &err), -EBUSY);
	assert_non_null(strstr(err.text, pid));
	assert_non_null(strstr(err.text, host));
	store_close(s, true);
	store_close(fix_open(f, STORE_SERVE), true);
}

/* Tools look at a store, live or not, without leaving a trace in it. */
static void store_open_read_only_changes_nothing(void **state)
{
	uint8_t before[SHA256_LEN], after[SHA256_LEN];
	struct fix *f = *state;
	struct store *s = fix_open(f, STORE_SERVE), *tool;
	struct store_txn *t;

	fix_put(s, TABLE_POLICIES, "p", "live", STORE_COMMIT_SNAPSHOT);
	fix_tree_sum(f, before);
	tool = fix_open(f, STORE_READ_ONLY);
	assert_string_equal(fix_get(tool, TABLE_POLICIES, "p"), "live");
	store_close(tool, true);
	fix_tree_sum(f, after);
	assert_memory_equal(before, after, SHA256_LEN);
	store_close(s, true);
	fix_tree_sum(f, before);
	tool = fix_open(f, STORE_READ_ONLY);
	assert_string_equal(fix_get(tool, TABLE_POLICIES, "p"), "live");
	assert_int_equal(store_begin(tool, STORE_WRITE, &t, NULL), -EROFS);
	store_close(tool, true);
	fix_tree_sum(f, after);
	assert_memory_equal(before, after, SHA256_LEN);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(store_open_refuses_a_cut_format),
		STORE(store_open_refuses_every_damaged_byte_of_the_format),
		STORE(store_open_reports_a_later_format),
		STORE(store_open_refuses_what_is_no_store),
		STORE(store_open_reports_a_wrong_service_key),
		STORE(store_open_refuses_a_missing_or_open_key),
		STORE(store_open_names_who_has_the_store),
		STORE(store_open_read_only_changes_nothing),
	};

	return cmocka_run_group_tests(tests, fix_group, NULL);
}
