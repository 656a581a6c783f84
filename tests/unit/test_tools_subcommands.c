/* tests/unit/test_tools_subcommands.c - the one table of subcommands: complete, and known to page
 * and completion. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/cleanup.h"
#include "tests/unit/capture.h"
#include "tools/depctl/subcommands.h"

static int set_table(void **state)
{
	(void)state;
	cmd_table_set(subcommands, n_subcommands);
	return 0;
}

/* A second row of a command must not run something else: the first one found decides. */
static void rows_of_one_command_run_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_subcommands; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "%.*s",
			       (int)strcspn(subcommands[i].command, " "), subcommands[i].command);
		assert_non_null(cmd_find(name));
		assert_ptr_equal(cmd_find(name)->run, subcommands[i].run);
		assert_true(cmd_usage_known(subcommands[i].command));
	}
}

/* PowerShell's names are typed in any case, the others are not. */
static void cmd_find_takes_cmdlets_in_any_case(void **state)
{
	const struct cmd_row *row = cmd_find("get-m365dataatrestencryptionpolicy");

	(void)state;
	assert_non_null(row);
	assert_true(cmd_is_cmdlet(row));
	assert_ptr_equal(cmd_find("Get-M365DataAtRestEncryptionPolicy"), row);
	assert_ptr_not_equal(cmd_find("Get-M365DataAtRestEncryptionPolicyAssignment"), row);
	assert_null(cmd_find("STATUS"));
	assert_null(cmd_find("stat"));
	assert_null(cmd_find("policy list"));
	assert_null(cmd_find(""));
	assert_false(cmd_is_cmdlet(cmd_find("policy"))); /* policy replace-keys has a '-' too */
}

static char *text_of(const char *path)
{
	CLEANUP(fclose_p) FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	assert_non_null(f);
	assert_true(getdelim(&text, &size, '\0', f) > 0);
	return text;
}

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

static bool has_word(const char *text, const char *word, size_t len)
{
	for (const char *at = text; (at = memmem(at, strlen(at), word, len)); at++)
		if ((at == text || !is_word_char(at[-1])) && !is_word_char(at[len]))
			return true;
	return false;
}

/* Adding a subcommand is one row and one file; the page and the completion must not be forgotten.
 */
static void page_and_completion_name_every_command(void **state)
{
	static const char *const files[] = {UNIT_DIR "/../../man/depctl.1",
					    UNIT_DIR "/../../tools/completion/depctl.bash"};

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		CLEANUP(free_mem_p) char *text = text_of(files[f]);

		for (size_t i = 0; i < n_subcommands; i++)
			for (const char *w = subcommands[i].command; *w; w += strspn(w, " ")) {
				size_t len = strcspn(w, " ");

				if (w[0] != '-' && !has_word(text, w, len))
					fail_msg("%s: '%.*s' is missing", files[f], (int)len, w);
				w += len;
			}
	}
}

/* The sentence first, then just the lines that begin with the command. */
static void usage_error_shows_the_lines_of_the_command(void **state)
{
	struct capture c = capture_begin(stderr);
	char printed[512];
	int r = cmd_usage_error("mailbox show", "%s", "why");

	(void)state;
	capture_end(&c, printed, sizeof(printed));
	assert_int_equal(r, CMD_USAGE);
	assert_string_equal(printed, "depctl: why\nusage: depctl mailbox show ID\n");

	c = capture_begin(stderr);
	(void)cmd_usage_error("unassign nothing", "why");
	capture_end(&c, printed, sizeof(printed));
	assert_string_equal(printed, "depctl: why\nusage: depctl unassign\n");
}

static int operands(char **argv, int n, const char **ret_first)
{
	const char *const *at = NULL;
	int argc = 0, r;

	while (argv[argc])
		argc++;
	r = cmd_operands(argc, argv, n, &at);
	*ret_first = r == CMD_OK && n > 0 ? at[0] : NULL;
	return r;
}

/* A policy may be named "-x", and "-" alone is never an option. */
static void cmd_operands_end_options_at_two_dashes(void **state)
{
	const char *first;
	char printed[512];
	struct capture c;

	(void)state;
	assert_int_equal(operands((char *[]){"assign", "P", NULL}, 1, &first), CMD_OK);
	assert_string_equal(first, "P");
	assert_int_equal(operands((char *[]){"assign", "--", "-x", NULL}, 1, &first), CMD_OK);
	assert_string_equal(first, "-x");
	assert_int_equal(operands((char *[]){"assign", "-", NULL}, 1, &first), CMD_OK);
	assert_string_equal(first, "-");
	assert_int_equal(operands((char *[]){"unassign", "--", NULL}, 0, &first), CMD_OK);

	c = capture_begin(stderr);
	assert_int_equal(operands((char *[]){"assign", "-x", NULL}, 1, &first), CMD_USAGE);
	assert_int_equal(operands((char *[]){"assign", NULL}, 1, &first), CMD_USAGE);
	assert_int_equal(operands((char *[]){"assign", "P", "Q", NULL}, 1, &first), CMD_USAGE);
	capture_end(&c, printed, sizeof(printed));
	assert_non_null(strstr(printed, "assign: -x: no such option"));
	assert_non_null(strstr(printed, "wrong number of arguments, 0 instead of 1\n"));
	assert_non_null(strstr(printed, "2 instead of 1 (a name with blanks needs quotes)"));
}

/* Runs @argv, which is a wrong command line, as main() would. */
static void assert_usage(char **argv, const char *sentence)
{
	const struct cmd_env env = {.mount = "/nonexistent", .vaults_dir = "/nonexistent"};
	struct capture c = capture_begin(stderr);
	char printed[2048];
	int argc = 0, r;

	while (argv[argc])
		argc++;
	r = cmd_find(argv[0])->run(argc, argv, &env);
	capture_end(&c, printed, sizeof(printed));
	assert_int_equal(r, CMD_USAGE);
	if (!strstr(printed, sentence))
		fail_msg("'%s' is not in: %s", sentence, printed);
}

/* Each is found before a mount is looked for: /nonexistent would be a refusal. */
static void wrong_command_lines_are_named(void **state)
{
	static char *const cases[][8] = {
		{"policy: a command is missing", "policy"},
		{"policy erase: there is no such command", "policy", "erase"},
		{"policy create: wrong number of arguments, 1 instead of 3", "policy", "create",
		 "N"},
		{"policy create: --kind: its value is missing", "policy", "create", "--kind"},
		{"policy create: --bogus: no such option", "policy", "create", "N", "--bogus"},
		{"--kind other: mailbox or", "policy", "create", "N", "A", "B", "--kind=other"},
		{"policy remove: --force=1: no such option", "policy", "remove", "P", "--force=1"},
		{"policy show: -x: no such option", "policy", "show", "P", "-x"},
		{"policy show: -x: no such option", "policy", "show", "-xy", "P"},
		{"job show: -x: no such option", "job", "show", "-x"},
		{"job rate: wrong number of arguments, 1 instead of 2", "job", "rate", "3"},
		{"mailbox assign: wrong number of arguments, 1", "mailbox", "assign", "--", "-x"},
		{"events: -x: no such option", "events", "-fx"},
		{"events: --follow=1: no such option", "events", "--follow=1"},
		{"coverage: --scan=1: no such option", "coverage", "--scan=1"},
		{"coverage: --html: its value is missing", "coverage", "--html"},
		{"key create: --sizes: no such option", "key", "create", "local://v/keys/k",
		 "--sizes"},
		{"key show: -x: no such option", "key", "show", "-xy"},
		{"one key id is needed", "doctor"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *argv[8] = {NULL};

		for (size_t k = 0; k < 7 && cases[i][k + 1]; k++)
			argv[k] = cases[i][k + 1];
		assert_usage(argv, cases[i][0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_one_command_run_the_same),
		cmocka_unit_test(cmd_find_takes_cmdlets_in_any_case),
		cmocka_unit_test(page_and_completion_name_every_command),
		cmocka_unit_test(usage_error_shows_the_lines_of_the_command),
		cmocka_unit_test(cmd_operands_end_options_at_two_dashes),
		cmocka_unit_test(wrong_command_lines_are_named),
	};

	return cmocka_run_group_tests(tests, set_table, NULL);
}
