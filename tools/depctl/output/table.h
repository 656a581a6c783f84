/* tools/depctl/output/table.h - a table on standard output: a row of headings, then rows, each
 * column as wide as its widest cell. */
#ifndef DEPFS_DEPCTL_OUTPUT_TABLE_H
#define DEPFS_DEPCTL_OUTPUT_TABLE_H

#include <stddef.h>

#include "crypto/base/cleanup.h"

struct out_table;
/* out_table_new() - never NULL: without memory depctl ends. Texts are copied. */
struct out_table *out_table_new(size_t n_columns, const char *const *headings);
void out_table_free(struct out_table *t);
DEFINE_CLEANUP(struct out_table *, out_table_free)
/* out_table_row() - @cells: one for each column, copied; NULL and "" are shown as "-". */
void out_table_row(struct out_table *t, const char *const *cells);
/* out_table_print() - on a terminal with headings in bold and states in colour, unless NO_COLOR is
 * set or TERM is "dumb". */
void out_table_print(const struct out_table *t);

#endif
