/* tools/depctl/lines.h - a stream of bytes, handed on line by line. */
#ifndef DEPFS_DEPCTL_LINES_H
#define DEPFS_DEPCTL_LINES_H

#include <stddef.h>

#include "crypto/base/cleanup.h"

/* @line: without its end, NUL in its place. Non-zero stops and is handed back. */
typedef int (*line_fn)(void *arg, const char *line);

struct lines {
	char *buf;
	size_t len, cap;
	line_fn fn;
	void *arg;
};

/* lines_read() - everything up to the end of @fd as it is now; what is left over in @l is a line
 * without an end. 0; what @fn gave; errors of read(2), -ENOMEM. */
int lines_read(struct lines *l, int fd) MUST_CHECK;

#endif
