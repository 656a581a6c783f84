/* fs/store/lock.c - the lock file: which process serves the store, and from which state file. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "fs/store/files_internal.h"

#define LOCK_WAIT_MS  5000
#define LOCK_PAUSE_MS 50

/* A file of less than @capacity bytes as a string; -EBADMSG: longer, or with a NUL in it. */
static int text_read(int fd, char *out, size_t capacity)
{
	ssize_t n = pread(fd, out, capacity, 0);

	if (n < 0)
		return -errno;
	if ((size_t)n == capacity || memchr(out, '\0', (size_t)n))
		return -EBADMSG;
	out[n] = '\0';
	return 0;
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

/* "host pid\nstate INODE BIRTH\n"; what does not parse counts as missing. */
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

/* "host pid" of the holder, as a sentence */
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

/* umount(8) returns before the daemon has closed the store, which a new daemon therefore waits for.
 */
static int lock_wait(int fd)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	for (int left = LOCK_WAIT_MS / LOCK_PAUSE_MS; fcntl(fd, F_OFD_SETLK, &whole) < 0; left--) {
		if ((errno != EAGAIN && errno != EACCES) || left == 0)
			return -errno;
		(void)nanosleep(&pause, NULL); /* a signal makes it shorter, which does no harm */
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

bool lock_probe(int dir_fd, struct lock_text *ret_text)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	CLEANUP(close_fd_p) int fd = -1;

	fd = openat(dir_fd, STORE_LOCK_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return false;
	lock_read(fd, ret_text);
	return fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

int lock_write(int dir_fd, int lock_fd, struct err *err)
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
	/* A text that stays names a process that is gone; at worst a copy of the store is opened
	 * from its snapshot. */
	if (ftruncate(lock_fd, 0) == 0)
		(void)fdatasync(lock_fd);
}
