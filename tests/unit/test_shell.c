/* tests/unit/test_shell.c - a proposed command can be pasted, whatever the name in it. */
#include "tests/unit/crypto_test.h"

#include <stdio.h>

#include "crypto/base/shell.h"

/* The shell itself is asked what it makes of the word. */
static void shell_word_is_the_text_to_sh(void **state)
{
	static const char *const texts[] = {
		"",	     "plain",  "a b",  "it's",		 "'", "''", "a';id;'",
		"$(id)`id`", "\\\"*?", "a\nb", "b\xc3\xbcro\x9b"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char word[SHELL_WORD_LEN(32)], command[256], got[64] = "";
		FILE *f;
		size_t n;

		shell_word(texts[i], word, sizeof(word));
		(void)snprintf(command, sizeof(command), "printf %%s %s", word);
		f = popen(command, "r");
		assert_non_null(f);
		n = fread(got, 1, sizeof(got) - 1, f);
		assert_int_equal(pclose(f), 0);
		got[n] = '\0';
		assert_string_equal(got, texts[i]);
	}
}

static void shell_word_is_cut_between_characters(void **state)
{
	char word[9];

	(void)state;
	shell_word("ab'cd", word, sizeof(word));
	assert_string_equal(word, "'ab'\\'''");
	shell_word("abc'd", word, sizeof(word));
	assert_string_equal(word, "'abc'");
	shell_word("abc", word, 3);
	assert_string_equal(word, "''");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shell_word_is_the_text_to_sh),
		cmocka_unit_test(shell_word_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
