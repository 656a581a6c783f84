/* crypto/base/err.c - an error's line of text: set, prefixed, added to; names of errnos. */
#include "crypto/base/err.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A sentence cut at ERR_TEXT_LEN must not end inside a UTF-8 character, as of a policy's name. */
static void drop_partial_char(char *text, size_t len)
{
	size_t start = len;
	unsigned char lead;
	size_t want;

	while (start > 0 && len - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return;
	lead = (unsigned char)text[start - 1];
	want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
	if (want > len - start + 1)
		text[start - 1] = '\0';
}

/* err.text is one line, but a vault's message or a file name in it may hold line breaks. */
static void keep_one_line(char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			*text = ' ';
}

static void text_put(struct err *err, const char *fmt, va_list args)
{
	int n = vsnprintf(err->text, sizeof(err->text), fmt, args);

	if (n < 0)
		err->text[0] = '\0';
	else if ((size_t)n >= sizeof(err->text))
		drop_partial_char(err->text, sizeof(err->text) - 1);
	keep_one_line(err->text);
}

int err_set(struct err *err, int r, const char *fmt, ...)
{
	struct err made; /* the arguments may point into err->text */
	va_list args;

	if (!err)
		return r;
	va_start(args, fmt);
	text_put(&made, fmt, args);
	va_end(args);
	memcpy(err->text, made.text, strlen(made.text) + 1);
	err->r = r;
	err->cause = 0;
	return r;
}

int err_prefix(struct err *err, int r, const char *fmt, ...)
{
	struct err prefix;
	unsigned cause;
	va_list args;
	int first;

	if (!err)
		return r;
	va_start(args, fmt);
	text_put(&prefix, fmt, args);
	va_end(args);
	first = err->text[0] ? err->r : r;
	cause = err->text[0] ? err->cause : 0;
	(void)err_set(err, first, "%s: %s", prefix.text, err_text(err, r));
	err->cause = cause;
	return r;
}

void err_add(struct err *err, const char *fmt, ...)
{
	struct err added;
	unsigned cause;
	va_list args;

	if (!err)
		return;
	va_start(args, fmt);
	text_put(&added, fmt, args);
	va_end(args);
	cause = err->cause;
	(void)err_set(err, err->r, "%s%s", err->text, added.text);
	err->cause = cause;
}

const char *err_text(const struct err *err, int r)
{
	const char *text;

	if (err && err->text[0])
		return err->text;
	text = strerrordesc_np(r < 0 ? -r : r); /* unlike strerror(3) safe between threads */
	return text ? text : "Unknown error";
}

const char *errno_name(int r)
{
	const char *name = r == 0 ? "ok" : strerrorname_np(r < 0 ? -r : r);

	return name ? name : "EUNKNOWN";
}
