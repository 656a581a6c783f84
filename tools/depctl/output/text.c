/* tools/depctl/output/text.c - text printed with its control characters escaped. */
#include "tools/depctl/output/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "crypto/base/utf8.h"
#include "tools/depctl/output/or_die_internal.h"

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

		columns += len ? 4 * len : ((unsigned char)*text & 0xc0) != 0x80;
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
