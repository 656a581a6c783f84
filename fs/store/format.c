/* fs/store/format.c - the format line: what makes a folder a store, and of which version. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "fs/store/files_internal.h"

void format_encode(const uint8_t store_id[static UUID_LEN], char out[static STORE_FORMAT_MAX])
{
	char uuid[UUID_TEXT_LEN];

	uuid_encode(store_id, uuid);
	(void)snprintf(out, STORE_FORMAT_MAX, "depfs %u %s flags=0\n", STORE_VERSION, uuid);
}

/* Decimal digits up to @end, nothing else; strtoull() would take blanks and signs. */
static int number_parse(const char *at, const char *end, uint64_t *ret_v)
{
	uint64_t v = 0;

	if (at == end)
		return -EBADMSG;
	for (; at < end; at++)
		if (*at < '0' || *at > '9' || __builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*at - '0'), &v))
			return -EBADMSG;
	*ret_v = v;
	return 0;
}

/* "depfs VERSION" and a blank or the end of the line; the rest depends on the version. */
static int version_parse(const char *line, uint64_t *ret_version)
{
	const char *at = line + strlen("depfs "), *end;

	if (strncmp(line, "depfs ", strlen("depfs ")) != 0)
		return -EBADMSG;
	end = at + strcspn(at, " \n");
	return *end ? number_parse(at, end, ret_version) : -EBADMSG;
}

/* "depfs 1 <uuid> flags=0\n", @len bytes. */
static int format_parse(const char *line, size_t len, struct store_format *ret_fmt, struct err *err)
{
	static const char damaged[] = "the format line is damaged or cut short";
	struct store_format fmt = {0};
	const char *at = line + strlen("depfs 1 "), *end;
	char uuid[UUID_TEXT_LEN] = {0};
	uint64_t version;

	if (version_parse(line, &version) < 0)
		return err_set(err, -EBADMSG, damaged);
	if (version != STORE_VERSION)
		return err_set(err, -ENOTSUP,
			       "the store has format version %" PRIu64 ", this depfs knows %u only",
			       version, STORE_VERSION);
	fmt.version = (uint32_t)version;
	if (strlen(line) != len || strncmp(line, "depfs 1 ", strlen("depfs 1 ")) != 0 ||
	    strlen(at) < UUID_TEXT_LEN - 1)
		return err_set(err, -EBADMSG, damaged);
	memcpy(uuid, at, UUID_TEXT_LEN - 1);
	at += UUID_TEXT_LEN - 1;
	end = strchr(at, '\n');
	if (uuid_decode(uuid, fmt.store_id) < 0 || strncmp(at, " flags=", 7) != 0 || !end ||
	    end[1] || number_parse(at + 7, end, &fmt.flags) < 0)
		return err_set(err, -EBADMSG, damaged);
	if (fmt.flags != 0)
		return err_set(err, -ENOTSUP,
			       "the store uses features (flags=%" PRIu64
			       ") that this depfs does not know",
			       fmt.flags);
	*ret_fmt = fmt;
	return 0;
}

int format_read(int dir_fd, struct store_format *ret_fmt, struct err *err)
{
	CLEANUP(close_fd_p) int fd = -1;
	char line[STORE_FORMAT_MAX] = "";
	ssize_t n;

	fd = openat(dir_fd, STORE_FORMAT_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, -ENOENT, "not a store: its format file is missing");
	if (fd < 0)
		return err_set(err, -errno, "the format file cannot be opened: %m");
	n = pread(fd, line, sizeof(line) - 1, 0); /* that of a later version may be longer */
	if (n < 0)
		return err_set(err, -errno, "the format file cannot be read: %m");
	return format_parse(line, (size_t)n, ret_fmt, err);
}

int store_read_format(const char *store_path, struct store_format *ret_fmt, struct err *err)
{
	CLEANUP(close_fd_p) int top_fd = -1, dir_fd = -1;
	int r;

	top_fd = open(store_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top_fd < 0)
		return err_set(err, -errno, "store %s: %m", store_path);
	dir_fd = openat(top_fd, STORE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir_fd < 0 && errno == ENOENT)
		return err_set(err, -ENOENT, "%s is not a store: it has no folder " STORE_DIR,
			       store_path);
	if (dir_fd < 0)
		return err_set(err, -errno, "store %s: folder " STORE_DIR ": %m", store_path);
	r = format_read(dir_fd, ret_fmt, err);
	return r < 0 ? err_prefix(err, r, "store %s", store_path) : 0;
}

bool store_above(const char *path, char ret_above[static PATH_MAX])
{
	char file[PATH_MAX + sizeof(STORE_DIR) + sizeof(STORE_FORMAT_FILE) + 2], *slash;

	(void)snprintf(ret_above, PATH_MAX, "%s", path);
	while ((slash = strrchr(ret_above, '/'))) {
		*slash = '\0';
		(void)snprintf(file, sizeof(file), "%s/" STORE_DIR "/" STORE_FORMAT_FILE,
			       ret_above);
		if (faccessat(AT_FDCWD, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	}
	return false;
}
