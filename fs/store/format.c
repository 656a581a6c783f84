/* fs/store/format.c - a store's plain files: format line, lock, copies of the state. */
#include "fs/store/files_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "crypto/base/file.h"

#define COPY_CHUNK_LEN (1u << 20)

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

/* "depfs VERSION" and a blank or the end of the line; what follows is each version's own. */
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

/* At most @room - 1 bytes of a small file, NUL-terminated; a NUL inside or more is -EBADMSG. */
static int text_read(int fd, char *out, size_t room)
{
	ssize_t n = pread(fd, out, room, 0);

	if (n < 0)
		return -errno;
	if ((size_t)n == room || memchr(out, '\0', (size_t)n))
		return -EBADMSG;
	out[n] = '\0';
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

int state_identity(int dir_fd, struct lock_text *ret_id)
{
	struct statx sx;

	if (statx(dir_fd, STORE_DATA_FILE, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &sx) < 0)
		return -errno;
	ret_id->ino = sx.stx_ino;
	ret_id->birth_ns = 0;
	if (sx.stx_mask & STATX_BTIME)
		ret_id->birth_ns =
			(uint64_t)sx.stx_btime.tv_sec * 1000000000u + sx.stx_btime.tv_nsec;
	return 0;
}

/* "host pid\nstate INODE BIRTH\n"; whatever does not parse counts as not said. */
static void lock_read(int fd, struct lock_text *ret_text)
{
	struct lock_text text = {0};
	char in[256], *line;

	if (text_read(fd, in, sizeof(in)) == 0 && (line = strchr(in, '\n'))) {
		*line = '\0';
		(void)snprintf(text.holder, sizeof(text.holder), "%s", in);
		if (sscanf(line + 1, "state %" SCNu64 " %" SCNu64, &text.ino, &text.birth_ns) != 2)
			text.ino = text.birth_ns = 0;
	}
	*ret_text = text;
}

/* host and pid as two words a person reads */
static int lock_busy(int fd, struct err *err)
{
	struct lock_text text;
	char *pid;

	lock_read(fd, &text);
	pid = strrchr(text.holder, ' ');
	if (!pid)
		return err_set(err, -EBUSY, "the store is in use by another process");
	*pid++ = '\0';
	return err_set(err, -EBUSY, "the store is in use by process %s on host %s", pid,
		       text.holder);
}

#define LOCK_WAIT_MS 5000

/* A daemon whose mount has just been taken away still writes its state out: it is waited for. */
static int lock_wait(int fd)
{
	const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	for (int tries = LOCK_WAIT_MS / 50; fcntl(fd, F_OFD_SETLK, &whole) < 0; tries--) {
		if ((errno != EAGAIN && errno != EACCES) || tries == 0)
			return -errno;
		(void)nanosleep(&pause, NULL); /* cut short: asks once more */
	}
	return 0;
}

int lock_take(int dir_fd, int *ret_fd, struct lock_text *ret_before, struct err *err)
{
	CLEANUP(close_fd_p) int fd = -1;
	int r;

	fd = openat(dir_fd, STORE_LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && errno == EROFS)
		return err_set(err, -EROFS, "the store lies on a read-only filesystem");
	if (fd < 0)
		return err_set(err, -errno, "the lock file cannot be opened: %m");
	r = lock_wait(fd);
	if (r == -EAGAIN || r == -EACCES)
		return lock_busy(fd, err);
	if (r < 0)
		return err_set(err, r, "the lock file cannot be locked: %s", strerror(-r));
	lock_read(fd, ret_before);
	*ret_fd = STEAL_FD(fd);
	return 0;
}

bool lock_look(int dir_fd, struct lock_text *ret_text)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	CLEANUP(close_fd_p) int fd = -1;

	fd = openat(dir_fd, STORE_LOCK_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return false;
	lock_read(fd, ret_text);
	return fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

int lock_say(int dir_fd, int lock_fd, struct err *err)
{
	struct lock_text id = {0};
	char host[65] = "", text[256];
	int r = state_identity(dir_fd, &id);
	ssize_t n;
	int len;

	if (gethostname(host, sizeof(host) - 1) < 0 || !host[0])
		(void)strcpy(host, "localhost");
	len = snprintf(text, sizeof(text), "%s %d\nstate %" PRIu64 " %" PRIu64 "\n", host,
		       (int)getpid(), id.ino, id.birth_ns);
	if (r == 0 && ftruncate(lock_fd, 0) < 0)
		r = -errno;
	n = r == 0 ? pwrite(lock_fd, text, (size_t)len, 0) : len;
	if (n != len)
		r = n < 0 ? -errno : -ENOSPC;
	if (r == 0 && fdatasync(lock_fd) < 0)
		r = -errno;
	if (r < 0)
		return err_set(err, r, "the lock file cannot be written: %s", strerrordesc_np(-r));
	return 0;
}

void lock_clear(int lock_fd)
{
	/* What stays behind names a process that is gone: at worst a copy is opened from its
	 * snapshot. */
	if (ftruncate(lock_fd, 0) == 0)
		(void)fdatasync(lock_fd);
}

int fsync_dir(int dir_fd, const char *name)
{
	CLEANUP(close_fd_p) int fd = -1;

	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

static int fd_copy(int from, int to)
{
	CLEANUP(free_mem_p) uint8_t *buf = malloc(COPY_CHUNK_LEN);
	ssize_t n;
	int r;

	if (!buf)
		return -ENOMEM;
	while ((n = read(from, buf, COPY_CHUNK_LEN)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		r = write_all(to, buf, (size_t)n);
		if (r < 0)
			return r;
	}
	return fsync(to) < 0 ? -errno : 0;
}

int file_copy(int from_dir, const char *from, int to_dir, const char *to)
{
	CLEANUP(close_fd_p) int in = -1, out = -1;
	int r;

	in = openat(from_dir, from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (in < 0)
		return -errno;
	out = openat(to_dir, to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		return -errno;
	r = fd_copy(in, out);
	if (r < 0)
		(void)unlinkat(to_dir, to, 0); /* half a copy is of no use; r tells why */
	return r;
}

int state_folder_remove(int dir_fd, const char *name)
{
	CLEANUP(close_fd_p) int fd = -1;

	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if ((unlinkat(fd, "data.mdb", 0) < 0 && errno != ENOENT) ||
	    (unlinkat(fd, "lock.mdb", 0) < 0 && errno != ENOENT))
		return -errno;
	return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}
