/* tests/lib/crashwriter.c - writes and reports what was acknowledged, so that a test can kill the
 * daemon at any moment and then know what must be there.
 *
 *   crashwriter write FILE SEED fsync|osync|append ACKS    until a call fails
 *   crashwriter check FILE SEED fsync|osync|append ACKS    exit status 1 when something is missing
 *
 * ACKS, outside the mount, holds one line for each record: its number, after it was acknowledged.
 * Record n of RECORD bytes lies at n % RECORDS * RECORD (append: at n * RECORD) and repeats the
 * text "seed n". A slot may hold a newer record than the last acknowledged one, never an older
 * one or a mixture: a record lies within one block. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD	254 /* 15 * 254 = 3810: some records lie across a block's edge */
#define RECORDS 200
#define TEXT	24

static void make_record(unsigned long seed, unsigned long n, char out[static RECORD])
{
	char text[TEXT + 1];

	snprintf(text, sizeof(text), "%11lu %10lu;", seed % 100000000000u, n);
	for (size_t i = 0; i < RECORD; i++)
		out[i] = text[i % (TEXT - 1)];
}

static off_t place(unsigned long n, bool append)
{
	return (off_t)((append ? n : n % RECORDS) * RECORD);
}

static int run_write(const char *path, unsigned long seed, const char *mode, const char *acks)
{
	bool append = strcmp(mode, "append") == 0, osync = strcmp(mode, "osync") == 0;
	int fd = open(path, O_WRONLY | O_CREAT | (osync ? O_SYNC : 0), 0644);
	FILE *ack = fopen(acks, "we");
	char record[RECORD];

	if (fd < 0 || !ack)
		return 2;
	for (unsigned long n = 0;; n++) {
		make_record(seed, n, record);
		if (pwrite(fd, record, RECORD, place(n, append)) != RECORD)
			break;
		if (!osync && (n % 2 ? fsync(fd) : fdatasync(fd)) < 0)
			break;
		fprintf(ack, "%lu\n", n);
		if (fflush(ack) != 0)
			return 2;
	}
	return 0; /* the mount is gone: expected */
}

static bool is_record(const char *got, unsigned long seed, unsigned long n)
{
	char record[RECORD];

	make_record(seed, n, record);
	return memcmp(got, record, RECORD) == 0;
}

/* Number of the record in a slot, or -1 when it is none. */
static long number_in(const char *got, unsigned long seed)
{
	unsigned long s, n;

	if (sscanf(got, "%lu %lu;", &s, &n) != 2 || !is_record(got, seed, n))
		return -1;
	return (long)n;
}

static long last_acknowledged(const char *acks)
{
	FILE *f = fopen(acks, "re");
	long n, last = -1;

	while (f && fscanf(f, "%ld", &n) == 1)
		last = n;
	if (f)
		(void)fclose(f); /* only read from */
	return last;
}

/* In a ring, slot i must hold the newest acknowledged record that fell on it, or the one behind
 * it that was on its way. */
static int run_check(const char *path, unsigned long seed, const char *mode, const char *acks)
{
	bool append = strcmp(mode, "append") == 0;
	long last = last_acknowledged(acks),
	     first = append || last < RECORDS ? 0 : last - RECORDS + 1;
	int fd = open(path, O_RDONLY), bad = 0;
	char got[RECORD + 1] = "";

	if (last < 0)
		return 0;
	if (fd < 0) {
		perror(path);
		return 1;
	}
	for (long n = first; n <= last; n++) {
		ssize_t len = pread(fd, got, RECORD, place((unsigned long)n, append));
		long found = len == RECORD ? number_in(got, seed) : -2;

		if (found == n || (!append && found == last + 1 && found % RECORDS == n % RECORDS))
			continue;
		/* the record on its way may be torn across two blocks */
		if (!append && (last + 1) % RECORDS == n % RECORDS && len == RECORD)
			continue;
		fprintf(stderr,
			"record %ld of %ld acknowledged is lost: found %ld, read %zd (%s)\n", n,
			last, found, len, len < 0 ? strerror(errno) : "");
		if (++bad == 10)
			break;
	}
	(void)close(fd); /* only read from */
	fprintf(stderr, "%ld acknowledged\n", last + 1);
	return bad != 0;
}

int main(int argc, char **argv)
{
	if (argc != 6) {
		fprintf(stderr,
			"usage: crashwriter write|check FILE SEED fsync|osync|append ACKS\n");
		return 2;
	}
	return (strcmp(argv[1], "write") == 0 ? run_write : run_check)(
		argv[2], strtoul(argv[3], NULL, 10), argv[4], argv[5]);
}
