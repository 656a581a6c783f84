/* tools/depctl/out.h - what depctl prints: aligned tables, key: value lines, and JSON. */
#ifndef DEPFS_DEPCTL_OUT_H
#define DEPFS_DEPCTL_OUT_H

#include <jansson.h>
#include <stddef.h>

#include "crypto/base/cleanup.h"

static inline void json_decref_p(json_t **j)
{
	json_decref(*j); /* NULL is allowed */
}

/*
 * Texts come from the mount: names are printed with control characters as \ooo, so that a folder's
 * name cannot steer a terminal; bytes that are not UTF-8 become U+FFFD in JSON.
 */

/* out_text_json() - a JSON string of any bytes; NULL text gives null. A new reference. */
json_t *out_text_json(const char *text);
/* out_set() - @value (stolen) into @object; a missing value (no memory) ends the program. */
void out_set(json_t *object, const char *name, json_t *value);
void out_append(json_t *array, json_t *value);
/* out_json() - one value, indented, keys in the order they were set, and a newline; it is released.
 */
void out_json(json_t *value);
/* out_field_name() - "key 1 version" to "key_1_version": the names of JSON. */
void out_field_name(const char *name, char *out, size_t out_len);

/* out_text() - to stdout, control characters as \ooo. out_columns() - what it takes of a line. */
void out_text(const char *text);
size_t out_columns(const char *text);

/* out_pair() - "name: value"; nothing for a NULL value. */
void out_pair(const char *name, const char *value);
/* out_done() - the one line that says what a change did. */
void out_done(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A table: a row of headings, then rows, each column as wide as its widest cell. */
struct out_table;
struct out_table *out_table_new(size_t n_columns, const char *const *headings);
void out_table_free(struct out_table *t);
DEFINE_CLEANUP(struct out_table *, out_table_free)
void out_table_row(struct out_table *t, const char *const *cells); /* copied; NULL: "-" */
void out_table_print(const struct out_table *t);

/* out_flush() - stdout is complete; -EIO ... when the reader or the disk did not take it. */
int out_flush(void) MUST_CHECK;

#endif
