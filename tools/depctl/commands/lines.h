/* tools/depctl/commands/lines.h - the lines of a file that may still grow. */
#ifndef DEPFS_DEPCTL_COMMANDS_LINES_H
#define DEPFS_DEPCTL_COMMANDS_LINES_H

#include <stddef.h>

#include "crypto/base/cleanup.h"

/* @line: without its line end. Non-zero stops, and lines_read() returns it. */
typedef int (*line_fn)(void *arg, const char *line);

struct lines {
	char *buf;
	size_t len, cap;
	line_fn fn;
	void *arg;
};

/* lines_read() - each line up to the present end of @fd; a last one without a line end stays in
 * @l->buf for the next call. The caller frees @l->buf. 0; what @fn returned; errors of read(2),
 * -ENOMEM. */
int lines_read(struct lines *l, int fd) MUST_CHECK;

#endif
