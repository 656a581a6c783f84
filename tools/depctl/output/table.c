/* tools/depctl/output/table.c - a table's cells collected, then printed in aligned columns. */
#include "tools/depctl/output/table.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/depctl/output/or_die_internal.h"
#include "tools/depctl/output/text.h"

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

/* Colours are for a terminal, and for readers who have not asked for none (https://no-color.org).
 */
static bool has_colours(void)
{
	const char *none = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(none && *none) && term && *term &&
	       strcmp(term, "dumb") != 0;
}

/* The escape sequence (ECMA-48, SGR) in front of a cell; "": none. A column headed STATE has the
 * states of policies and jobs; other columns may hold names, which can be any word. */
static const char *colour_of(const struct out_table *t, size_t i)
{
	static const struct {
		const char *state, *colour;
	} states[] = {
		{"ready", "\033[32m"},	  {"done", "\033[32m"},	  {"running", "\033[36m"},
		{"degraded", "\033[33m"}, {"draft", "\033[33m"},  {"unproved", "\033[33m"},
		{"waiting", "\033[33m"},  {"paused", "\033[33m"}, {"revoked", "\033[31m"},
		{"failed", "\033[31m"},
	};

	if (i < t->n_columns)
		return "\033[1m";
	if (strcmp(t->cells[i % t->n_columns], "STATE") == 0)
		for (size_t s = 0; s < sizeof(states) / sizeof(*states); s++)
			if (strcmp(t->cells[i], states[s].state) == 0)
				return states[s].colour;
	return "";
}

void out_table_print(const struct out_table *t)
{
	bool colours = has_colours();
	CLEANUP(free_mem_p) size_t *widths = or_die(calloc(t->n_columns, sizeof(*widths)));

	for (size_t i = 0; i < t->n_rows * t->n_columns; i++) {
		size_t columns = out_columns(t->cells[i]), *width = &widths[i % t->n_columns];

		*width = columns > *width ? columns : *width;
	}
	for (size_t i = 0; i < t->n_rows * t->n_columns; i++) {
		size_t c = i % t->n_columns;

		const char *colour = colours ? colour_of(t, i) : "";

		fputs(colour, stdout);
		out_text(t->cells[i]);
		if (*colour)
			fputs("\033[0m", stdout);
		if (c + 1 < t->n_columns)
			printf("%*s", (int)(widths[c] - out_columns(t->cells[i]) + 2), "");
		else
			putchar('\n');
	}
}
