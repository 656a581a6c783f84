/* tests/lib/linear.c - several processes write and read records of one file at once; each write
 * call is one letter all through, and a reader must never see two letters in one record.
 *
 *   linear FILE RECORD_LEN RECORDS WRITERS READERS SECONDS direct|cached
 *
 * Readers ask the daemon each time (O_DIRECT). Writers do so too, or go through the page cache; the
 * kernel then cuts a call in two where it ends in a page that it does not hold, so that records
 * must be whole pages for a promise to be possible. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static size_t record_len, records;
static time_t until;
static int writer_flags;

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void die(const char *what)
{
	perror(what);
	_exit(2);
}

static int run_writer(const char *path, unsigned who)
{
	uint8_t *buf = malloc(record_len);
	uint64_t state = 88172645463325252u + who * 977;
	int fd = open(path, O_WRONLY | writer_flags);

	if (!buf || fd < 0)
		die("writer");
	while (time(NULL) < until) {
		size_t at = next_random(&state) % records;

		memset(buf, 'A' + (int)(next_random(&state) % 26), record_len);
		if (pwrite(fd, buf, record_len, (off_t)(at * record_len)) != (ssize_t)record_len)
			die("write");
	}
	free(buf);
	if (close(fd) < 0)
		die("close");
	return 0;
}

static int run_reader(const char *path, unsigned who)
{
	uint8_t *buf = malloc(record_len);
	uint64_t state = 362436069u + who * 1009, seen = 0;
	int fd = open(path, O_RDONLY | O_DIRECT); /* each read asks the daemon */

	if (!buf || fd < 0)
		die("reader");
	while (time(NULL) < until) {
		size_t at = next_random(&state) % records;

		if (pread(fd, buf, record_len, (off_t)(at * record_len)) != (ssize_t)record_len)
			die("read");
		for (size_t i = 1; i < record_len; i++) {
			if (buf[i] == buf[0])
				continue;
			fprintf(stderr, "record %zu: byte 0 is '%c', byte %zu is '%c'\n", at,
				buf[0], i, buf[i]);
			_exit(1);
		}
		seen++;
	}
	free(buf);
	(void)close(fd); /* only read from */
	if (seen == 0) {
		fprintf(stderr, "a reader got no record at all\n");
		_exit(1);
	}
	return 0;
}

static void make_file(const char *path)
{
	uint8_t *buf = malloc(record_len);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (!buf || fd < 0)
		die(path);
	memset(buf, 'A', record_len);
	for (size_t i = 0; i < records; i++) {
		if (write(fd, buf, record_len) != (ssize_t)record_len)
			die("write");
	}
	free(buf);
	if (close(fd) < 0)
		die("close");
}

int main(int argc, char **argv)
{
	unsigned writers, readers;
	int status, worst = 0;

	if (argc != 8) {
		fprintf(stderr, "usage: linear FILE RECORD_LEN RECORDS WRITERS READERS SECONDS "
				"direct|cached\n");
		return 2;
	}
	record_len = strtoul(argv[2], NULL, 10);
	records = strtoul(argv[3], NULL, 10);
	writers = (unsigned)strtoul(argv[4], NULL, 10);
	readers = (unsigned)strtoul(argv[5], NULL, 10);
	writer_flags = strcmp(argv[7], "direct") == 0 ? O_DIRECT : 0;
	make_file(argv[1]);
	until = time(NULL) + strtol(argv[6], NULL, 10);
	for (unsigned i = 0; i < writers + readers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0)
			_exit(i < writers ? run_writer(argv[1], i) : run_reader(argv[1], i));
	}
	while (wait(&status) > 0) {
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			worst = 1;
	}
	return worst;
}
