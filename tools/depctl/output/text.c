/* tools/depctl/output/text.c - text printed; what a terminal may obey is escaped. */
#include "tools/depctl/output/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "crypto/base/utf8.h"
#include "tools/depctl/output/or_die_internal.h"

/*
 * Bytes of the character at @s, and whether they may reach a terminal. A byte that is no UTF-8 may
 * not: a terminal of 8-bit characters obeys 0x9b as the start of a command.
 */
static size_t next_char(const char *s, bool *ret_shown)
{
	uint32_t c = 0;
	size_t len = utf8_next(s, &c);

	*ret_shown = len > 0 && !utf8_is_control(c) && !utf8_is_bidi(c);
	return len > 0 ? len : 1;
}

void out_text(const char *text)
{
	while (*text) {
		bool shown;
		size_t len = next_char(text, &shown);

		for (size_t i = 0; i < len; i++) {
			if (shown)
				putchar(text[i]);
			else
				printf("\\%03o", (unsigned char)text[i]);
		}
		text += len;
	}
}

size_t out_columns(const char *text)
{
	size_t columns = 0;

	while (*text) {
		bool shown;
		size_t len = next_char(text, &shown);

		columns += shown ? 1 : 4 * len;
		text += len;
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

void out_line(const char *fmt, ...)
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

int out_flush(void)
{
	if (fflush(stdout) != 0)
		return -errno;
	return ferror(stdout) ? -EIO : 0;
}
