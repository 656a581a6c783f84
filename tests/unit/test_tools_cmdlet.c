/* tests/unit/test_tools_cmdlet.c - parameters as PowerShell reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/capture.h"
#include "tools/depctl/cli/cmd.h"
#include "tools/depctl/cmdlets/args.h"

enum {
	NAME,
	KEYS,
	ENABLED,
	REFRESH,
	REPLACE,
	N_PARAMS
};

static const struct cmdlet_param params[] = {
	{"Name", CMDLET_TEXT, true},	   {"AzureKeyIDs", CMDLET_LIST, false},
	{"Enabled", CMDLET_BOOL, false},   {"Refresh", CMDLET_SWITCH, false},
	{"Replace", CMDLET_SWITCH, false}, {NULL, CMDLET_TEXT, false},
};

struct parsed {
	struct cmdlet_value values[N_PARAMS];
	bool json;
};

static void parsed_fini(struct parsed *p)
{
	for (size_t i = 0; i < N_PARAMS; i++)
		cmdlet_value_fini(&p->values[i]);
}

#define PARSE(p, ...) \
	cmdlet_parse(params, (char *[]){"Set-X", __VA_ARGS__, NULL}, (p)->values, &(p)->json)

static void cmdlet_parse_takes_every_spelling(void **state)
{
	static char *const spellings[][3] = {
		{"-Name", "a b", NULL}, {"-NAME", "a b", NULL},	     {"-n", "a b", NULL},
		{"-Name:a b", NULL},	{"-Name:", "a b", NULL},     {"a b", NULL},
		{"-nam:a b", NULL},	{"\xe2\x80\x93Name", "a b"}, {"\xe2\x80\x94n:a b", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		CLEANUP(parsed_fini) struct parsed p = {0};

		assert_int_equal(PARSE(&p, spellings[i][0], spellings[i][1]), CMD_OK);
		assert_true(p.values[NAME].given);
		assert_string_equal(p.values[NAME].text, "a b");
	}
}

/* However a shell and the documentation divide the list, it is the same two ids. */
static void cmdlet_parse_takes_every_list(void **state)
{
	static char *const lists[][5] = {
		{"a,b"},
		{"a,", "b"},
		{"a", ",b"},
		{"a", ",", "b"},
		{"a, b"},
		{"@(a,b)"},
		{"@(\"a\",\"b\")"},
		{"@('a',", "'b')"},
		{"@(", "a", ",b", ")"},
		{"'a','b'"},
		{"\"a\", \"b\""},
		{"a b"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		CLEANUP(parsed_fini) struct parsed p = {0};
		char *argv[8] = {"Set-X", "-AzureKeyIDs"};
		size_t n = 2;

		for (size_t k = 0; k < 5 && lists[i][k]; k++)
			argv[n++] = lists[i][k];
		argv[n] = "-Refresh";
		assert_int_equal(cmdlet_parse(params, argv, p.values, &p.json), CMD_OK);
		assert_int_equal(p.values[KEYS].n_items, 2);
		assert_string_equal(p.values[KEYS].items[0], "a");
		assert_string_equal(p.values[KEYS].items[1], "b");
		assert_true(p.values[REFRESH].on);
	}
}

static void cmdlet_parse_reads_booleans_and_switches(void **state)
{
	CLEANUP(parsed_fini) struct parsed p = {0};
	CLEANUP(parsed_fini) struct parsed q = {0};

	(void)state;
	assert_int_equal(PARSE(&p, "-Enabled", "$FALSE", "-refresh", "--json"), CMD_OK);
	assert_true(p.values[ENABLED].given && !p.values[ENABLED].on);
	assert_true(p.values[REFRESH].on && p.json);
	assert_int_equal(PARSE(&q, "-Enabled:1", "-Refresh:$false", "x"), CMD_OK);
	assert_true(q.values[ENABLED].on);
	assert_true(q.values[REFRESH].given && !q.values[REFRESH].on);
	assert_string_equal(q.values[NAME].text, "x"); /* a switch takes no word of its own */
}

/* More ids than the array holds are counted, so that the refusal gives their number. */
static void cmdlet_parse_counts_ids_beyond_its_array(void **state)
{
	CLEANUP(parsed_fini) struct parsed p = {0};

	(void)state;
	assert_int_equal(PARSE(&p, "-AzureKeyIDs", "a,b,c,d,e,f,g,h,i,j"), CMD_OK);
	assert_int_equal(p.values[KEYS].n_items, 10);
	assert_string_equal(p.values[KEYS].items[CMDLET_LIST_MAX - 1], "h");
}

static void assert_refused(char *const words[4], const char *sentence)
{
	CLEANUP(parsed_fini) struct parsed p = {0};
	char *argv[6] = {"Set-X", words[0], words[1], words[2], words[3], NULL};
	struct capture c = capture_begin(stderr);
	char printed[512];
	int r = cmdlet_parse(params, argv, p.values, &p.json);

	capture_end(&c, printed, sizeof(printed));
	assert_int_equal(r, CMD_USAGE);
	if (!strstr(printed, sentence))
		fail_msg("'%s' is not in: %s", sentence, printed);
}

static void cmdlet_parse_names_what_is_wrong(void **state)
{
	static const struct {
		char *words[4];
		const char *sentence;
	} cases[] = {
		{{"-Bogus", "x"}, "no parameter is named 'Bogus'"},
		{{"-Names", "x"}, "no parameter is named 'Names'"},
		{{"-Re"}, "parameter 'Re' is ambiguous, it may be: -Refresh -Replace"},
		{{"-Name"}, "-Name: a value is missing"},
		{{"-Name", "-Refresh"}, "-Name: a value is missing"},
		{{"-Name", "--json"}, "-Name: a value is missing"},
		{{"-Name", "a", "-NAME:b"}, "-Name: given twice"},
		{{"a", "b"}, "'b' belongs to no parameter"},
		{{"-Enabled"}, "-Enabled: true or false is needed"},
		{{"-Enabled:"}, "quote them"},
		{{"-Enabled", "maybe"}, "quote them"},
		{{"-Refresh:"}, "quote them"},
		{{"-AzureKeyIDs"}, "-AzureKeyIDs: a value is missing"},
		{{"--bogus"}, "--bogus: unknown option"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(cases[i].words, cases[i].sentence);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cmdlet_parse_takes_every_spelling),
		cmocka_unit_test(cmdlet_parse_takes_every_list),
		cmocka_unit_test(cmdlet_parse_reads_booleans_and_switches),
		cmocka_unit_test(cmdlet_parse_counts_ids_beyond_its_array),
		cmocka_unit_test(cmdlet_parse_names_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
