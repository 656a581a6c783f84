/* fs/control/text.c - text of commands trimmed and checked; times and names made printable. */
#include "fs/control/call_internal.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "crypto/base/utf8.h"

static bool is_blank(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r';
}

/* is_text() - printable UTF-8; with @lines also blanks, tabs and line ends. */
static bool is_text(const char *in, size_t in_len, bool lines)
{
	size_t len;
	uint32_t c;

	for (size_t i = 0; i < in_len; i += len) {
		len = utf8_decode(in + i, in_len - i, &c);
		if (len == 0)
			return false;
		if (utf8_is_control(c) && !(lines && is_blank(in[i])))
			return false;
	}
	return true;
}

bool ctl_is_blank(const char *in, size_t in_len)
{
	while (in_len > 0 && is_blank(in[in_len - 1]))
		in_len--;
	return in_len == 0;
}

int ctl_text_clean(struct ctl_call *call, const char *in, size_t in_len,
		   char out[static CTL_WRITE_MAX + 1])
{
	const struct ctl_row *row = call->ref.row;

	if (in_len > CTL_WRITE_MAX)
		return ctl_refuse(call, -EINVAL, "%s: a command has at most %d bytes, this has %zu",
				  row->name, CTL_WRITE_MAX, in_len);
	while (in_len > 0 && is_blank(in[in_len - 1]))
		in_len--;
	while (in_len > 0 && is_blank(in[0])) {
		in++;
		in_len--;
	}
	if (in_len == 0 && !(row->flags & CTL_EMPTY))
		return ctl_refuse(call, -EINVAL, "%s: nothing was written", row->name);
	if (!is_text(in, in_len, row->flags & CTL_LINES))
		return ctl_refuse(call, -EINVAL,
				  "%s: takes one line of UTF-8 text without control characters",
				  row->name);
	memcpy(out, in, in_len);
	out[in_len] = '\0';
	return 0;
}

void ctl_time(int64_t when, char out[static CTL_TIME_LEN])
{
	time_t t = when;
	struct tm tm;

	if (when == 0 || !gmtime_r(&t, &tm) ||
	    strftime(out, CTL_TIME_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)snprintf(out, CTL_TIME_LEN, "never");
}

void ctl_time_line(FILE *out, const char *what, uint64_t when)
{
	char text[CTL_TIME_LEN];

	ctl_time((int64_t)when, text);
	(void)fprintf(out, "%s: %s\n", what, text);
}

/* A byte alone, since the text may not be UTF-8. */
static bool is_control(unsigned char ch)
{
	return ch < 0x20 || ch == 0x7f;
}

void ctl_mask(char *text)
{
	for (; *text; text++)
		if (is_control((unsigned char)*text))
			*text = '?';
}
