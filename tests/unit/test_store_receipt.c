/* tests/unit/test_store_receipt.c - fs/store: receipts, each whole under its name or absent. */
#include "tests/unit/store_fixture.h"

#include "fs/store/receipt.h"

static FILE *begin(struct store *s, const char *name)
{
	struct err err = {0};
	FILE *out = NULL;

	assert_int_equal(fix_judged(store_receipt_begin(s, name, &out, &err), &err), 0);
	return out;
}

static void make(struct store *s, const char *name, const char *text)
{
	const struct kdf_part part = {text, strlen(text)};
	uint8_t hash[SHA256_LEN], want[SHA256_LEN];
	struct err err = {0};
	FILE *out = begin(s, name);

	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fix_judged(store_receipt_end(s, name, out, hash, &err), &err), 0);
	assert_int_equal(sha256(&part, 1, want), 0);
	assert_memory_equal(hash, want, sizeof(hash));
}

static void assert_reads(struct store *s, const char *name, const char *want)
{
	char *text = NULL;

	assert_int_equal(store_receipt_read(s, name, &text), 0);
	assert_string_equal(text, want);
	free(text);
}

/* What stands under the name is complete, and its hash is that of all of it. */
static void receipt_appears_when_it_is_ended(void **state)
{
	struct store *s = fix_open(*state, STORE_SERVE);
	uint8_t hash[SHA256_LEN];
	char *text;
	FILE *out;

	assert_int_equal(store_receipt_read(s, "one", &text), -ENOENT); /* no folder yet */
	out = begin(s, "one");
	assert_true(fputs("half", out) >= 0 && fflush(out) == 0);
	assert_int_equal(store_receipt_read(s, "one", &text), -ENOENT);
	assert_int_equal(store_receipt_end(s, "one", out, hash, NULL), 0);
	assert_reads(s, "one", "half");
	make(s, "one", "a second one, in its place\n");
	assert_reads(s, "one", "a second one, in its place\n");
	store_close(s, true);
}

/* What a crash left of another is not part of the next. */
static void receipt_begins_empty(void **state)
{
	struct store *s = fix_open(*state, STORE_SERVE);
	FILE *out = begin(s, "one");

	assert_true(fputs("left by a crash, and longer", out) >= 0);
	assert_int_equal(fclose(out), 0);
	make(s, "one", "short");
	assert_reads(s, "one", "short");
	store_close(s, true);
}

/* Names come from policies, which may be longer than a file's name. */
static void receipt_names_are_cut(void **state)
{
	struct store *s = fix_open(*state, STORE_SERVE);
	char name[400];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	make(s, name, "text");
	assert_reads(s, name, "text");
	name[200] = '\0';
	assert_reads(s, name, "text");
	store_close(s, true);
}

/* A reader of the control directory must neither hang nor be led out of the store. */
static void receipt_read_takes_plain_files_only(void **state)
{
	struct store *s = fix_open(*state, STORE_SERVE);
	const char *path = fix_path(*state, "receipts/one");
	char *text;

	make(s, "other", "text");
	assert_int_equal(symlink("other", path), 0);
	assert_int_equal(store_receipt_read(s, "one", &text), -ELOOP);
	assert_int_equal(remove(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(store_receipt_read(s, "one", &text), -EINVAL);
	assert_int_equal(remove(path), 0);
	fix_write(path, "x", 1);
	assert_int_equal(truncate(path, STORE_RECEIPT_MAX + 1), 0);
	assert_int_equal(store_receipt_read(s, "one", &text), -EFBIG);
	store_close(s, true);
}

/* A folder that a link leads to is not written to. */
static void receipt_begin_refuses_a_linked_folder(void **state)
{
	struct store *s = fix_open(*state, STORE_SERVE);
	struct err err = {0};
	FILE *out;

	assert_int_equal(symlink("/tmp", fix_path(*state, "receipts")), 0);
	assert_true(fix_judged(store_receipt_begin(s, "one", &out, &err), &err) < 0);
	store_close(s, true);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(receipt_appears_when_it_is_ended),
		STORE(receipt_begins_empty),
		STORE(receipt_names_are_cut),
		STORE(receipt_read_takes_plain_files_only),
		STORE(receipt_begin_refuses_a_linked_folder),
	};

	return cmocka_run_group_tests(tests, fix_group, NULL);
}
