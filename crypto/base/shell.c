/* crypto/base/shell.c - quoting for a POSIX shell. */
#include "crypto/base/shell.h"

#include <string.h>

void shell_word(const char *text, char *out, size_t out_len)
{
	size_t at = 0;

	out[at++] = '\'';
	for (; *text; text++) {
		const char *piece = *text == '\'' ? "'\\''" : text;
		size_t len = *text == '\'' ? 4 : 1;

		if (at + len + 2 > out_len)
			break;
		memcpy(out + at, piece, len);
		at += len;
	}
	out[at++] = '\'';
	out[at] = '\0';
}
