#include "tools/depctl/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/utf8.h"

/* A tool that prints has nothing to save when memory ends: it says so and stops. */
static void *or_die(void *p)
{
	if (!p) {
		fputs("depctl: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static json_t *json_of_bytes(const char *text)
{
	CLEANUP(free_mem_p) char *safe = or_die(malloc(strlen(text) * 3 + 1));
	size_t at = 0;

	while (*text) {
		uint32_t c;
		size_t n = utf8_next(text, &c);

		memcpy(safe + at, n ? text : UTF8_REPLACEMENT, n ? n : 3);
		at += n ? n : 3;
		text += n ? n : 1;
	}
	return or_die(json_stringn(safe, at));
}

json_t *out_text_json(const char *text)
{
	json_t *j;

	if (!text)
		return json_null();
	j = json_string(text);
	return j ? j : json_of_bytes(text);
}

void out_set(json_t *object, const char *name, json_t *value)
{
	if (json_object_set_new(object, name, value) < 0)
		(void)or_die(NULL);
}

void out_append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) < 0)
		(void)or_die(NULL);
}

void out_json(json_t *value)
{
	CLEANUP(json_decref_p) json_t *owned = or_die(value);

	if (json_dumpf(owned, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY) == 0)
		putchar('\n');
}

void out_field_name(const char *name, char *out, size_t out_len)
{
	size_t i = 0;

	for (; name[i] && i + 1 < out_len; i++)
		out[i] = name[i] == ' ' || name[i] == '-' ? '_' : name[i];
	out[i] = '\0';
}

/* Bytes of the control character at @s; 0: it is none. */
static size_t control_len(const char *s)
{
	uint32_t c;
	size_t len = utf8_next(s, &c);

	return len > 0 && utf8_is_control(c) ? len : 0;
}

void out_text(const char *text)
{
	while (*text) {
		size_t len = control_len(text);

		for (size_t i = 0; i < len; i++)
			printf("\\%03o", (unsigned char)text[i]);
		if (len == 0)
			putchar(*text);
		text += len ? len : 1;
	}
}

size_t out_columns(const char *text)
{
	size_t columns = 0;

	while (*text) {
		size_t len = control_len(text);

		columns += len ? 4 * len : !is_continuation(*text);
		text += len ? len : 1;
	}
	return columns;
}

void out_pair(const char *name, const char *value)
{
	if (!value)
		return;
	printf("%s: ", name);
	out_text(value);
	putchar('\n');
}

void out_done(const char *fmt, ...)
{
	CLEANUP(free_mem_p) char *line = NULL;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&line, fmt, args);
	va_end(args);
	if (n < 0) {
		line = NULL;
		(void)or_die(NULL);
	}
	out_text(line);
	putchar('\n');
}

struct out_table {
	size_t n_columns;
	size_t n_rows;
	char **cells; /* row by row; row 0 is the headings */
};

static void table_add(struct out_table *t, const char *const *cells)
{
	t->cells =
		or_die(reallocarray(t->cells, (t->n_rows + 1) * t->n_columns, sizeof(*t->cells)));
	for (size_t c = 0; c < t->n_columns; c++)
		t->cells[t->n_rows * t->n_columns + c] =
			or_die(strdup(cells[c] && *cells[c] ? cells[c] : "-"));
	t->n_rows++;
}

struct out_table *out_table_new(size_t n_columns, const char *const *headings)
{
	struct out_table *t = or_die(calloc(1, sizeof(*t)));

	t->n_columns = n_columns;
	table_add(t, headings);
	return t;
}

void out_table_free(struct out_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_rows * t->n_columns; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

void out_table_row(struct out_table *t, const char *const *cells)
{
	table_add(t, cells);
}

void out_table_print(const struct out_table *t)
{
	CLEANUP(free_mem_p) size_t *widths = or_die(calloc(t->n_columns, sizeof(*widths)));

	for (size_t i = 0; i < t->n_rows * t->n_columns; i++) {
		size_t columns = out_columns(t->cells[i]), *width = &widths[i % t->n_columns];

		*width = columns > *width ? columns : *width;
	}
	for (size_t i = 0; i < t->n_rows * t->n_columns; i++) {
		size_t c = i % t->n_columns;

		out_text(t->cells[i]);
		if (c + 1 < t->n_columns)
			printf("%*s", (int)(widths[c] - out_columns(t->cells[i]) + 2), "");
		else
			putchar('\n');
	}
}

int out_flush(void)
{
	if (fflush(stdout) != 0)
		return -errno;
	return ferror(stdout) ? -EIO : 0;
}
