/* tests/unit/test_err.c - one line of text beside an errno. */
#include "tests/unit/crypto_test.h"

#include "crypto/base/err.h"

/* A failure is returned and explained in one statement. */
static void err_set_hands_the_errno_back(void **state)
{
	struct err err = {0};

	(void)state;
	assert_int_equal(err_set(&err, -EKEYREVOKED, "policy %s, generation %u", "EUR", 3),
			 -EKEYREVOKED);
	assert_string_equal(err.text, "policy EUR, generation 3");
	assert_int_equal(err_set(NULL, -ENOENT, "no err to set"), -ENOENT);
	assert_int_equal(err_prefix(NULL, -ENOENT, "no err to set"), -ENOENT);
}

static void err_prefix_widens_from_the_outside(void **state)
{
	struct err err = {0};

	(void)state;
	(void)err_set(&err, -EIO, "inner");
	assert_int_equal(err_prefix(&err, -EIO, "outer %d", 2), -EIO);
	assert_string_equal(err.text, "outer 2: inner");
	assert_int_equal(err_prefix(&err, -EACCES, "outermost"), -EACCES);
	assert_int_equal(err.r, -EIO); /* the cause's */
}

/* A prefix before an empty text still yields a sentence that names the errno. */
static void err_prefix_of_nothing_says_the_errno(void **state)
{
	struct err err = {0};

	(void)state;
	(void)err_prefix(&err, -ENOENT, "key %s", "a");
	assert_int_equal(err.r, -ENOENT);
	assert_string_equal(err.text, "key a: No such file or directory");
}

static void err_set_may_quote_its_own_text(void **state)
{
	struct err err = {0};

	(void)state;
	(void)err_set(&err, -EIO, "first");
	(void)err_set(&err, -EIO, "again (%s)", err.text);
	assert_string_equal(err.text, "again (first)");
}

/* last_error and the event log are line-based: a vault's message must not forge a line. */
static void err_text_is_one_line(void **state)
{
	struct err err = {0};

	(void)state;
	(void)err_set(&err, -EIO, "a\nb\r\nc\td\x1b[0m");
	assert_null(strpbrk(err.text, "\n\r\t\x1b"));
	assert_string_equal(err.text, "a b  c d [0m");
}

/* Longer sentences are cut, and not inside a UTF-8 character (policy names may have them). */
static void err_text_is_cut_between_characters(void **state)
{
	static const char *const letters[] = {"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x94\x91"};
	struct err err;

	(void)state;
	for (size_t k = 0; k < COUNT_OF(letters); k++)
		for (size_t pad = 0; pad < 5; pad++) {
			size_t width = strlen(letters[k]), len;
			char text[2 * ERR_TEXT_LEN] = "";

			memset(text, '.', pad);
			for (len = pad; len < ERR_TEXT_LEN + 8; len += width)
				memcpy(text + len, letters[k], width);
			(void)err_set(&err, -EIO, "%s", text);
			len = strlen(err.text);
			assert_true(len >= ERR_TEXT_LEN - 4 && len < ERR_TEXT_LEN);
			assert_memory_equal(err.text, text, len);
			assert_int_equal((len - pad) % width, 0);
		}
}

/* What is appended belongs to the sentence: the errno and the cause that went with it stay. */
static void err_add_appends_and_keeps_errno_and_cause(void **state)
{
	char longer[ERR_TEXT_LEN];
	struct err err = {0};

	(void)state;
	err_add(NULL, "no sentence to append to");
	(void)err_set(&err, -EACCES, "refused");
	err.cause = 7;
	err_add(&err, "; %d tries\n", 3);
	assert_string_equal(err.text, "refused; 3 tries ");
	assert_int_equal(err.r, -EACCES);
	assert_int_equal(err.cause, 7);
	memset(longer, '.', sizeof(longer));
	err_add(&err, "%.*s", (int)sizeof(longer), longer);
	assert_int_equal(strlen(err.text), ERR_TEXT_LEN - 1);
}

static void err_text_falls_back_to_the_errno(void **state)
{
	struct err err = {0};

	(void)state;
	assert_string_equal(err_text(&err, -EROFS), "Read-only file system");
	assert_string_equal(err_text(NULL, -EROFS), "Read-only file system");
	assert_string_equal(err_text(NULL, -99999), "Unknown error");
	(void)err_set(&err, -EROFS, "the store is read-only");
	assert_string_equal(err_text(&err, -EROFS), "the store is read-only");
}

static void errno_name_names_errnos(void **state)
{
	(void)state;
	assert_string_equal(errno_name(0), "ok");
	assert_string_equal(errno_name(-EACCES), "EACCES");
	assert_string_equal(errno_name(EKEYREVOKED), "EKEYREVOKED");
	assert_string_equal(errno_name(-99999), "EUNKNOWN");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errno_name_names_errnos),
		cmocka_unit_test(err_set_hands_the_errno_back),
		cmocka_unit_test(err_prefix_widens_from_the_outside),
		cmocka_unit_test(err_prefix_of_nothing_says_the_errno),
		cmocka_unit_test(err_set_may_quote_its_own_text),
		cmocka_unit_test(err_text_is_one_line),
		cmocka_unit_test(err_text_is_cut_between_characters),
		cmocka_unit_test(err_add_appends_and_keeps_errno_and_cause),
		cmocka_unit_test(err_text_falls_back_to_the_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
