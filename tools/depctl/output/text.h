/* tools/depctl/output/text.h - text on standard output; control characters are escaped. */
#ifndef DEPFS_DEPCTL_OUTPUT_TEXT_H
#define DEPFS_DEPCTL_OUTPUT_TEXT_H

#include <stddef.h>

#include "crypto/base/cleanup.h"

/* out_text() - control and bidi characters, and bytes that are no UTF-8, as \ooo: a folder's name
 * cannot steer a terminal, nor read as another one. */
void out_text(const char *text);
/* out_columns() - the columns that out_text() fills: one for each code point, 4 for each byte of
 * what is escaped. */
size_t out_columns(const char *text);

/* out_pair() - "name: value" and a newline; nothing for a NULL value. */
void out_pair(const char *name, const char *value);
/* out_line() - one line, control characters as \ooo. */
void out_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* out_flush() - 0: all output is written; -EIO ...: the disk is full, or the reader has gone. */
int out_flush(void) MUST_CHECK;

#endif
