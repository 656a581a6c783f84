/* tests/lib/faultio.c - LD_PRELOAD: the nth system call that changes a file fails with EIO.
 *
 * FAULTIO names a file of eight bytes, an int64_t in the machine's order, which is mapped: n
 * written there makes the nth call from then on fail, counted over all threads. Zero: none.
 * Negative: fsync(2) and fdatasync(2) wait for as long as it is, as on a disk that hangs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static _Atomic int64_t *left;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAULTIO");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at = fd < 0 ? MAP_FAILED : mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		abort(); /* a test that counts on faults would pass without any */
	left = at;
	(void)unsetenv("LD_PRELOAD"); /* not for programs that this one starts */
	(void)close(fd);
}

static int fails(void)
{
	if (atomic_load(left) <= 0 || atomic_fetch_sub(left, 1) != 1)
		return 0;
	errno = EIO;
	return 1;
}

#define FAULTY(result, name, params, number, ...)                           \
	result name params                                                  \
	{                                                                   \
		return fails() ? -1 : (result)syscall(number, __VA_ARGS__); \
	}

FAULTY(ssize_t, pwrite, (int fd, const void *b, size_t n, off_t at), SYS_pwrite64, fd, b, n, at)
FAULTY(ssize_t, pwritev, (int fd, const struct iovec *v, int n, off_t at), SYS_pwritev, fd, v, n,
       at, 0)
static int sync_fails(void)
{
	while (atomic_load(left) < 0)
		(void)usleep(1000);
	return fails();
}

int fsync(int fd)
{
	return sync_fails() ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return sync_fails() ? -1 : (int)syscall(SYS_fdatasync, fd);
}

FAULTY(int, syncfs, (int fd), SYS_syncfs, fd)
FAULTY(int, ftruncate, (int fd, off_t len), SYS_ftruncate, fd, len)
FAULTY(int, renameat, (int from, const char *a, int to, const char *b), SYS_renameat, from, a, to,
       b)
FAULTY(int, unlinkat, (int dir, const char *name, int flags), SYS_unlinkat, dir, name, flags)
