/* fs/audit/files.c - the files of older events: listed, and read from any event on. */
#include "fs/audit/files_internal.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/base/file.h"
#include "fs/audit/line_internal.h"

#define DIGITS	   20
#define SUFFIX	   ".jsonl"
#define SEQ_LEN	   32	/* bytes of a line's start that hold its number */
#define NEAR_BYTES 8192 /* the bisection ends within these before the line; a walk finds it */

void audit_file_list_fini(struct audit_file_list *list)
{
	free(list->files);
	*list = (struct audit_file_list){0};
}

void audit_file_name(uint64_t first, char out[static AUDIT_FILE_NAME_LEN])
{
	(void)snprintf(out, AUDIT_FILE_NAME_LEN, "%0*" PRIu64 SUFFIX, DIGITS, first);
}

int audit_files_open(const char *store_path, bool make, int *ret_fd, struct err *err)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/" STORE_DIR "/" AUDIT_FILES_DIR, store_path) >=
	    (int)sizeof(path))
		return err_set(err, -ENAMETOOLONG, "the store's path is too long");
	if (make && mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(err, -errno, "%s cannot be made: %m", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (make || errno != ENOENT))
		return err_set(err, -errno, "%s: %m", path);
	*ret_fd = fd;
	return 0;
}

/* The first event of the file of that name; 0: it is not a file of events. */
static uint64_t name_first(const char *name)
{
	size_t digits = strspn(name, "0123456789");

	return digits == DIGITS && strcmp(name + DIGITS, SUFFIX) == 0 ? strtoull(name, NULL, 10)
								      : 0;
}

static int list_add(struct audit_file_list *list, int dir_fd, const char *name)
{
	uint64_t first = name_first(name);
	struct stat st;

	if (first == 0)
		return 0;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno; /* rotation has removed it meanwhile */
	if (!S_ISREG(st.st_mode))
		return 0;
	if (list->n == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 64;
		struct audit_file *more = reallocarray(list->files, capacity, sizeof(*more));

		if (!more)
			return -ENOMEM;
		list->files = more;
		list->capacity = capacity;
	}
	list->files[list->n++] = (struct audit_file){first, (uint64_t)st.st_size};
	return 0;
}

static int by_first(const void *a, const void *b)
{
	const struct audit_file *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

int audit_files_list(int dir_fd, struct audit_file_list *ret_list, struct err *err)
{
	CLEANUP(audit_file_list_fini) struct audit_file_list list = {0};
	CLEANUP(closedir_p) DIR *dir = NULL;
	const struct dirent *e;
	int fd, r;

	if (dir_fd < 0)
		return 0;
	fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? -errno : dir_from_fd(fd, &dir);
	while (r == 0 && (errno = 0, e = readdir(dir)))
		r = list_add(&list, dir_fd, e->d_name);
	if (r == 0)
		r = -errno;
	if (r < 0)
		return err_set(err, r, "the files of older events cannot be listed: %s",
			       strerrordesc_np(-r));
	if (list.n > 1)
		qsort(list.files, list.n, sizeof(*list.files), by_first);
	*ret_list = list;
	list = (struct audit_file_list){0};
	return 0;
}

/* ---- one file ---- */

struct search {
	int fd;
	uint64_t seq;	/* the event to find */
	uint64_t lo;	/* offset of a line at or before it */
	uint64_t hi;	/* its line is before this offset */
	char *buf;	/* the caller's: what is read from the file */
	size_t buf_len; /* enough for a line */
};

static ssize_t read_from(const struct search *s, uint64_t off, size_t len)
{
	ssize_t n;

	do
		n = pread(s->fd, s->buf, len < s->buf_len ? len : s->buf_len, (off_t)off);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Offset and number of the first line that begins behind @at; number 0: there is none. */
static ssize_t line_behind(const struct search *s, uint64_t at, uint64_t *ret_off,
			   uint64_t *ret_seq)
{
	ssize_t n = read_from(s, at, NEAR_BYTES); /* almost every line is shorter */
	const char *end;

	*ret_seq = 0;
	end = n > 0 ? memchr(s->buf, '\n', (size_t)n) : NULL;
	if (n > 0 && (!end || n - (end + 1 - s->buf) < SEQ_LEN)) {
		n = read_from(s, at, s->buf_len);
		end = n > 0 ? memchr(s->buf, '\n', (size_t)n) : NULL;
	}
	if (n < 0 || !end)
		return n < 0 ? n : 0;
	*ret_off = at + (uint64_t)(end + 1 - s->buf);
	*ret_seq = audit_line_seq(end + 1, (size_t)(s->buf + n - end - 1));
	return 0;
}

/* Where the number of a line cannot be read, the search goes on before it. */
static int search_halve(struct search *s)
{
	while (s->hi - s->lo > NEAR_BYTES) {
		uint64_t mid = s->lo + (s->hi - s->lo) / 2, off, seq;
		ssize_t n = line_behind(s, mid, &off, &seq);

		if (n < 0)
			return (int)n;
		if (seq != 0 && off < s->hi && seq <= s->seq)
			s->lo = off;
		else
			s->hi = mid;
	}
	return 0;
}

/* Move lo to the first line that is not before the event. */
static int search_walk(struct search *s)
{
	for (;;) {
		ssize_t n = read_from(s, s->lo, s->buf_len);
		const char *at = s->buf, *end = s->buf + (n > 0 ? n : 0), *nl;

		if (n <= 0)
			return (int)n;
		while ((nl = memchr(at, '\n', (size_t)(end - at)))) {
			uint64_t seq = audit_line_seq(at, (size_t)(nl - at));

			if (seq == 0 || seq >= s->seq)
				return 0;
			s->lo += (uint64_t)(nl + 1 - at);
			at = nl + 1;
		}
		if (at == s->buf) /* a line longer than the buffer: the caller reports it */
			return 0;
	}
}

/* Whole lines of the @n bytes in @buf, up to event @end. */
static size_t lines_cut(const char *buf, size_t n, uint64_t seq, uint64_t end, uint64_t *ret_next)
{
	const char *at = buf, *nl;

	while ((nl = memchr(at, '\n', n - (size_t)(at - buf)))) {
		uint64_t found = audit_line_seq(at, (size_t)(nl - at));

		if (found >= end)
			break;
		seq = found >= seq ? found + 1 : seq + 1;
		at = nl + 1;
	}
	*ret_next = seq;
	return (size_t)(at - buf);
}

static ssize_t file_read(struct search *s, uint64_t end, uint64_t *ret_next, struct err *err)
{
	int r = search_halve(s);
	ssize_t n;
	size_t len;

	if (r == 0)
		r = search_walk(s);
	n = r < 0 ? r : read_from(s, s->lo, s->buf_len);
	if (n < 0)
		return err_set(err, (int)n, "the older events cannot be read: %s",
			       strerrordesc_np((int)-n));
	len = lines_cut(s->buf, (size_t)n, s->seq, end, ret_next);
	if (len == 0 && (size_t)n == s->buf_len && !memchr(s->buf, '\n', (size_t)n))
		return err_set(err, -E2BIG, "events: the next event is longer than %zu bytes",
			       s->buf_len);
	return (ssize_t)len;
}

/* The events of one file from @seq to before @end; 0 bytes: it has none of them. */
static ssize_t one_read(int dir_fd, const struct audit_file *file, uint64_t seq, uint64_t end,
			char *buf, size_t buf_len, uint64_t *ret_next, struct err *err)
{
	CLEANUP(close_fd_p) int fd = -1;
	struct search s = {.seq = seq, .hi = file->len, .buf = buf, .buf_len = buf_len};
	char name[AUDIT_FILE_NAME_LEN];

	audit_file_name(file->first, name);
	fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0; /* rotation has removed it meanwhile */
	if (fd < 0)
		return err_set(err, -errno, "events: %s: %m", name);
	s.fd = fd;
	return file_read(&s, end, ret_next, err);
}

ssize_t audit_files_read(int dir_fd, uint64_t seq, uint64_t end, char *buf, size_t buf_len,
			 uint64_t *ret_next, struct err *err)
{
	CLEANUP(audit_file_list_fini) struct audit_file_list list = {0};
	int r = audit_files_list(dir_fd, &list, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n && list.files[i].first < end; i++) {
		uint64_t limit = i + 1 < list.n && list.files[i + 1].first < end
					 ? list.files[i + 1].first
					 : end;
		uint64_t from = seq > list.files[i].first ? seq : list.files[i].first;
		ssize_t n;

		if (limit <= seq)
			continue;
		n = one_read(dir_fd, &list.files[i], from, limit, buf, buf_len, ret_next, err);
		if (n != 0)
			return n;
	}
	*ret_next = end;
	return 0;
}
