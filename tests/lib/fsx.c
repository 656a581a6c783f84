/* tests/lib/fsx.c - random operations on one file, compared byte for byte with a copy in memory.
 *
 *   fsx FILE SEED OPERATIONS [REFERENCE]
 *
 * REFERENCE is a file outside the mount that carries the expected bytes from one run to the next,
 * so that a remount can lie between. Same seed, same operations. Exit status 1 and a sentence at
 * the first difference. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LEN	  (300 * 1024)
#define LOG_LEN	  40
#define FIRST	  3808 /* plaintext bytes of block 0, and of each later block */
#define REST	  4064
#define ONE_IN(n) (draw(n) == 0)

static uint8_t expected[MAX_LEN], scratch[MAX_LEN];
static size_t size; /* of the file, and of what counts in expected[] */
static int fd = -1;
static const char *path;
static uint64_t state;
static char history[LOG_LEN][80];
static unsigned long step;

static uint64_t next_random(void) /* xorshift64* */
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * UINT64_C(2685821657736338717);
}

static size_t draw(size_t below)
{
	return below == 0 ? 0 : (next_random() >> 11) % below;
}

static void die(const char *what)
{
	fprintf(stderr, "fsx: step %lu: %s (%s)\n", step, what,
		errno ? strerror(errno) : "no errno");
	for (unsigned long i = step > LOG_LEN ? step - LOG_LEN : 0; i < step; i++)
		fprintf(stderr, "  %lu %s\n", i, history[i % LOG_LEN]);
	exit(1);
}

static void note(const char *what, size_t off, size_t len)
{
	snprintf(history[step % LOG_LEN], sizeof(history[0]), "%s %zu+%zu, size %zu", what, off,
		 len, size);
}

/* Half of all places lie at or beside a block's edge. */
static size_t draw_off(size_t limit)
{
	size_t off = draw(limit + 1);

	if (ONE_IN(2)) {
		size_t edge = off < FIRST ? 0 : FIRST + (off - FIRST) / REST * REST;

		off = edge + draw(3);
		off = off > 0 ? off - 1 : 0;
	}
	return off > limit ? limit : off;
}

static size_t draw_len(size_t off)
{
	static const size_t scales[] = {4, 100, 4100, 20000, 140000};
	size_t len = 1 + draw(scales[draw(5)]);

	return off + len > MAX_LEN ? MAX_LEN - off : len;
}

static void fill(size_t len)
{
	uint64_t r = next_random();

	for (size_t i = 0; i < len; i++)
		scratch[i] = (uint8_t)(r >> (i % 8 * 8)) ^ (uint8_t)(i / 8);
}

static void grow_to(size_t end)
{
	if (end > size) {
		memset(expected + size, 0, end - size);
		size = end;
	}
}

static void expect(size_t off, size_t len)
{
	grow_to(off > size ? off : size);
	memcpy(expected + off, scratch, len);
	if (off + len > size)
		size = off + len;
}

static void compare(const uint8_t *got, size_t off, size_t len)
{
	char text[120];

	for (size_t i = 0; i < len; i++) {
		if (got[i] == expected[off + i])
			continue;
		snprintf(text, sizeof(text), "byte %zu is %02x, wanted %02x", off + i, got[i],
			 expected[off + i]);
		errno = 0;
		die(text);
	}
}

static void do_write(void)
{
	size_t off = draw_off(size + 9000 < MAX_LEN ? size + 9000 : MAX_LEN - 1);
	size_t len = draw_len(off);

	note("write", off, len);
	fill(len);
	if (pwrite(fd, scratch, len, (off_t)off) != (ssize_t)len)
		die("write");
	expect(off, len);
}

static void do_append(void)
{
	size_t len = draw_len(size);

	note("append", size, len);
	if (len == 0)
		return;
	fill(len);
	int end = open(path, O_WRONLY | O_APPEND);

	if (end < 0 || write(end, scratch, len) != (ssize_t)len || close(end) < 0)
		die("append");
	expect(size, len);
}

static void do_read(void)
{
	size_t off = draw_off(size), len = draw_len(off);
	ssize_t n, wanted = (ssize_t)(off + len > size ? size - off : len);

	note("read", off, len);
	n = pread(fd, scratch, len, (off_t)off);
	if (n != wanted)
		die("length of a read");
	compare(scratch, off, (size_t)n);
}

static void do_truncate(void)
{
	size_t len = draw_off(ONE_IN(4) ? MAX_LEN - 1 : size);

	note("truncate", len, 0);
	if (ftruncate(fd, (off_t)len) < 0)
		die("truncate");
	grow_to(len);
	size = len;
}

static void do_hole(int mode, const char *what)
{
	size_t off = draw_off(size), len = draw_len(off), end;

	note(what, off, len);
	if (len == 0)
		return;
	if (fallocate(fd, mode, (off_t)off, (off_t)len) < 0) {
		if (errno == EOPNOTSUPP)
			return;
		die(what);
	}
	end = off + len;
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		grow_to(end);
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE) && off < size)
		memset(expected + off, 0, (end > size ? size : end) - off);
}

static void do_map(bool write)
{
	size_t off = draw_off(size), len = draw_len(off);
	uint8_t *map;

	if (off + len > size)
		len = size - off;
	note(write ? "map and write" : "map and read", off, len);
	if (len == 0)
		return;
	map = mmap(NULL, size, write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		die("mmap");
	if (write) {
		fill(len);
		memcpy(map + off, scratch, len);
		memcpy(expected + off, scratch, len);
		if (ONE_IN(4) && msync(map, size, MS_SYNC) < 0)
			die("msync");
	} else {
		compare(map + off, off, len);
	}
	if (munmap(map, size) < 0)
		die("munmap");
}

static void do_reopen(void)
{
	note("close and open", 0, 0);
	if (ONE_IN(2) && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
		die("fadvise");
	if (close(fd) < 0)
		die("close");
	fd = open(path, O_RDWR);
	if (fd < 0)
		die("open");
}

static void do_sync(void)
{
	note("sync", 0, 0);
	if ((ONE_IN(2) ? fsync(fd) : fdatasync(fd)) < 0)
		die("sync");
	if (posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0) /* read back from the daemon */
		die("fadvise");
}

static void check_all(void)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		die("fstat");
	errno = 0;
	if ((size_t)st.st_size != size)
		die("st_size is wrong");
	if (pread(fd, scratch, MAX_LEN, 0) != (ssize_t)size)
		die("length of the whole file");
	compare(scratch, 0, size);
}

static void one_step(void)
{
	switch (draw(20)) {
	case 0 ... 4:
		do_write();
		break;
	case 5:
		do_append();
		break;
	case 6 ... 9:
		do_read();
		break;
	case 10 ... 11:
		do_truncate();
		break;
	case 12:
		do_hole(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, "punch");
		break;
	case 13:
		do_hole(ONE_IN(2) ? FALLOC_FL_ZERO_RANGE
				  : FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
			"zero");
		break;
	case 14:
		do_hole(0, "allocate");
		break;
	case 15 ... 16:
		do_map(true);
		break;
	case 17:
		do_map(false);
		break;
	case 18:
		do_reopen();
		break;
	default:
		do_sync();
	}
}

static void load_reference(const char *reference)
{
	int ref = open(reference, O_RDONLY);
	ssize_t n;

	if (ref < 0)
		return; /* the first run */
	n = read(ref, expected, MAX_LEN);
	if (n < 0 || close(ref) < 0)
		die("reference");
	size = (size_t)n;
}

static void save_reference(const char *reference)
{
	int ref = open(reference, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (ref < 0 || write(ref, expected, size) != (ssize_t)size || close(ref) < 0)
		die("reference");
}

int main(int argc, char **argv)
{
	unsigned long steps;

	if (argc < 4) {
		fprintf(stderr, "usage: fsx FILE SEED OPERATIONS [REFERENCE]\n");
		return 2;
	}
	path = argv[1];
	state = strtoull(argv[2], NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	steps = strtoul(argv[3], NULL, 10);
	fd = open(path, O_RDWR | O_CREAT, 0644);
	if (fd < 0)
		die("open");
	if (argc > 4)
		load_reference(argv[4]);
	check_all();
	for (step = 0; step < steps; step++) {
		errno = 0;
		one_step();
		if (step % 50 == 49)
			check_all();
	}
	check_all();
	if (close(fd) < 0)
		die("close");
	if (argc > 4)
		save_reference(argv[4]);
	return 0;
}
