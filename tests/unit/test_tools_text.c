/* tests/unit/test_tools_text.c - depctl's input and output: the lines of control files, JSON,
 * columns and tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crypto/base/bytes.h"
#include "tests/unit/capture.h"
#include "tools/depctl/client/fields.h"
#include "tools/depctl/output/json.h"
#include "tools/depctl/output/table.h"
#include "tools/depctl/output/text.h"

static void fields_parse_divides_at_the_first_colon(void **state)
{
	CLEANUP(fields_fini) struct fields f = {0};

	(void)state;
	assert_int_equal(fields_parse(strdup("a: b: c\nkey 1 when: never\nnone\n\nempty: \n"), &f),
			 0);
	assert_int_equal(f.count, 4);
	assert_string_equal(fields_get(&f, "a"), "b: c");
	assert_string_equal(fields_get(&f, "key 1 when"), "never");
	assert_string_equal(fields_get(&f, "none"), "");
	assert_string_equal(fields_get(&f, "empty"), "");
	assert_null(fields_get(&f, "b"));
}

/* A policy may be named "12": whether a value is a number follows from its name alone. */
static void fields_json_types_follow_the_name(void **state)
{
	CLEANUP(fields_fini) struct fields f = {0};
	json_t *object;

	(void)state;
	assert_int_equal(fields_parse(strdup("tenant policy: 12\nrequests waiting: 3\n"
					     "policies ready: 1\nevents: many\n"),
				      &f),
			 0);
	object = fields_json(&f);
	assert_string_equal(json_string_value(json_object_get(object, "tenant_policy")), "12");
	assert_int_equal(json_integer_value(json_object_get(object, "requests_waiting")), 3);
	assert_int_equal(json_integer_value(json_object_get(object, "policies_ready")), 1);
	assert_string_equal(json_string_value(json_object_get(object, "events")), "many");
	json_decref(object);
}

/* A folder's name is any bytes; JSON is UTF-8, so each byte that fits nowhere is replaced. */
static void out_text_json_takes_any_bytes(void **state)
{
	static const char *const cases[][2] = {
		{"plain", "plain"},
		{"b\xc3\xbcro", "b\xc3\xbcro"},
		{"\xe9", "\xef\xbf\xbd"},
		{"a\xc3", "a\xef\xbf\xbd"},
		{"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xed\xa0\x80x", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx"},
		{"\xf5\x80\x80\x80\xe2\x82\xac", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
						 "\xe2\x82\xac"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *text = out_text_json(cases[i][0]);

		assert_string_equal(json_string_value(text), cases[i][1]);
		json_decref(text);
	}
	assert_true(json_is_null(out_text_json(NULL)));
}

/* Columns line up when letters of several bytes and escaped controls are counted as they show. */
static void out_columns_counts_what_is_shown(void **state)
{
	(void)state;
	assert_int_equal(out_columns("abc"), 3);
	assert_int_equal(out_columns("b\xc3\xbcro"), 4);
	assert_int_equal(out_columns("\x1b[m"), 6);
	assert_int_equal(out_columns("\xc2\x9b"), 8);
	assert_int_equal(out_columns("\x9b"), 4);
	assert_int_equal(out_columns("\xe2\x80\xae"), 12);
	assert_int_equal(out_columns("\xe2\x82\xac"), 1);
	assert_int_equal(out_columns(""), 0);
}

/* The last column has no blanks behind it; an empty cell is visible. */
static void out_table_aligns_columns(void **state)
{
	static const char *const headings[] = {"NAME", "N"};
	CLEANUP(out_table_free_p) struct out_table *t = out_table_new(2, headings);
	struct capture c;
	char printed[256];

	(void)state;
	out_table_row(t, (const char *[]){"b\xc3\xbcro", "12"});
	out_table_row(t, (const char *[]){"", NULL});
	out_table_row(t, (const char *[]){"\x1b[m", "3"});
	c = capture_begin(stdout);
	out_table_print(t);
	capture_end(&c, printed, sizeof(printed));
	assert_string_equal(printed, "NAME    N\n"
				     "b\xc3\xbcro    12\n"
				     "-       -\n"
				     "\\033[m  3\n");
}

/* A name from the mount reaches the terminal without its control characters, C1 ones too. */
static void out_line_escapes_controls(void **state)
{
	struct capture c = capture_begin(stdout);
	char printed[128];

	(void)state;
	out_line("%s", "a\nb\xc2\x9b");
	out_pair("name", "\x7f");
	out_pair("none", NULL);
	capture_end(&c, printed, sizeof(printed));
	assert_string_equal(printed, "a\\012b\\302\\233\nname: \\177\n");
}

/* Alone, 0x9b is CSI to a terminal of 8-bit characters; U+202E shows "a<U+202E>b" as "ab" from the
 * right. Letters of several bytes stay. */
static void out_text_escapes_8_bit_and_bidi_controls(void **state)
{
	struct capture c = capture_begin(stdout);
	char printed[128];

	(void)state;
	out_line("%s", "a\x9b"
		       "31m");
	out_line("%s", "x\xe2\x80\xaey\xe2\x81\xa6z\xd8\x9c");
	out_line("%s", "b\xc3\xbcro \xe2\x82\xac");
	capture_end(&c, printed, sizeof(printed));
	assert_string_equal(printed, "a\\23331m\n"
				     "x\\342\\200\\256y\\342\\201\\246z\\330\\234\n"
				     "b\xc3\xbcro \xe2\x82\xac\n");
}

static void out_field_name_fits_its_buffer(void **state)
{
	char name[8];

	(void)state;
	out_field_name("key 1", name, sizeof(name));
	assert_string_equal(name, "key_1");
	out_field_name("root-key failing", name, sizeof(name));
	assert_string_equal(name, "root_ke");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_parse_divides_at_the_first_colon),
		cmocka_unit_test(fields_json_types_follow_the_name),
		cmocka_unit_test(out_text_json_takes_any_bytes),
		cmocka_unit_test(out_columns_counts_what_is_shown),
		cmocka_unit_test(out_table_aligns_columns),
		cmocka_unit_test(out_line_escapes_controls),
		cmocka_unit_test(out_text_escapes_8_bit_and_bidi_controls),
		cmocka_unit_test(out_field_name_fits_its_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
