/* tests/unit/capture.h - what a function prints on standard output or error, read back. */
#ifndef DEPFS_TESTS_UNIT_CAPTURE_H
#define DEPFS_TESTS_UNIT_CAPTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct capture {
	FILE *stream, *file;
	int saved;
};

static inline struct capture capture_begin(FILE *stream)
{
	struct capture c = {.stream = stream, .file = tmpfile()};

	(void)fflush(stream);
	c.saved = dup(fileno(stream));
	assert_true(c.file && c.saved >= 0);
	assert_true(dup2(fileno(c.file), fileno(stream)) >= 0);
	return c;
}

/* The text, cut at @len - 1 bytes. */
static inline void capture_end(struct capture *c, char *text, size_t len)
{
	size_t n;

	(void)fflush(c->stream);
	assert_true(dup2(c->saved, fileno(c->stream)) >= 0);
	(void)close(c->saved);
	rewind(c->file);
	n = fread(text, 1, len - 1, c->file);
	text[n] = '\0';
	(void)fclose(c->file);
}

#endif
