/* tools/depctl/commands/lines.c - a growing file read, and given line by line. */
#include "tools/depctl/commands/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_STEP 65536u

static int lines_out(struct lines *l)
{
	char *at = l->buf, *end;

	while ((end = memchr(at, '\n', l->len - (size_t)(at - l->buf)))) {
		int r;

		*end = '\0';
		r = l->fn(l->arg, at);
		if (r != 0)
			return r;
		at = end + 1;
	}
	l->len -= (size_t)(at - l->buf);
	memmove(l->buf, at, l->len);
	return 0;
}

int lines_read(struct lines *l, int fd)
{
	for (;;) {
		ssize_t n;
		int r;

		if (l->cap - l->len < READ_STEP) {
			char *more = realloc(l->buf, l->cap + READ_STEP);

			if (!more)
				return -ENOMEM;
			l->buf = more;
			l->cap += READ_STEP;
		}
		n = read(fd, l->buf + l->len, l->cap - l->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		l->len += (size_t)n;
		r = lines_out(l);
		if (r != 0)
			return r;
	}
}
