/*
 * smallfiles - one timed pass over many small files: create, stat, read or
 * delete.
 *
 *     smallfiles create|stat|read|delete DIR COUNT SIZE
 *
 * Prints "OPERATIONS SECONDS". Files lie FILES_A_FOLDER to a folder, as mails
 * do; making and removing those folders is not part of the time. Every pass
 * but create takes the files in one fixed shuffled order, so that no
 * filesystem profits from the order in which it wrote them. Reading compares
 * each byte: a filesystem that answers quickly and wrongly gets no figure.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILES_A_FOLDER 250
#define PATH_LEN       4096

struct pass {
	const char *dir;
	size_t count;
	size_t size;   /* bytes of each file */
	size_t *order; /* the numbers 0..count-1 in the order of the pass */
	uint8_t *want; /* what the current file holds */
	uint8_t *got;
};

typedef int (*act_fn)(struct pass *pass, size_t file_no, const char *path);

static int fail(const char *what, const char *path)
{
	int err = errno;

	fprintf(stderr, "smallfiles: %s %s: %s\n", what, path, strerror(err));
	return -1;
}

/* xorshift64: small, fixed, and no two file numbers share a stream */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void fill_content(struct pass *pass, size_t file_no)
{
	uint64_t state = 0x9e3779b97f4a7c15u * (file_no + 1);

	for (size_t off = 0; off < pass->size; off += sizeof(state)) {
		uint64_t word = next_random(&state);
		size_t left = pass->size - off;

		memcpy(pass->want + off, &word, left < sizeof(word) ? left : sizeof(word));
	}
}

static void in_number_order(struct pass *pass)
{
	for (size_t i = 0; i < pass->count; i++)
		pass->order[i] = i;
}

static void in_shuffled_order(struct pass *pass)
{
	uint64_t state = 0x6465706673; /* fixed: every run has the same order */

	in_number_order(pass);
	for (size_t i = pass->count - 1; i > 0; i--) {
		size_t j = next_random(&state) % (i + 1);
		size_t kept = pass->order[i];

		pass->order[i] = pass->order[j];
		pass->order[j] = kept;
	}
}

static int act_create(struct pass *pass, size_t file_no, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n;

	if (fd < 0)
		return fail("create", path);
	fill_content(pass, file_no);
	n = write(fd, pass->want, pass->size);
	if (n < 0 || (size_t)n != pass->size) {
		(void)fail("write", path);
		(void)close(fd);
		return -1;
	}
	if (close(fd) < 0)
		return fail("close", path);
	return 0;
}

static int act_stat(struct pass *pass, size_t file_no, const char *path)
{
	struct stat st;

	(void)file_no;
	if (stat(path, &st) < 0)
		return fail("stat", path);
	if ((size_t)st.st_size != pass->size) {
		fprintf(stderr, "smallfiles: %s: size %lld, not %zu\n", path, (long long)st.st_size,
			pass->size);
		return -1;
	}
	return 0;
}

static int act_read(struct pass *pass, size_t file_no, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return fail("open", path);
	n = read(fd, pass->got, pass->size);
	if (n < 0)
		(void)fail("read", path);
	(void)close(fd); /* opened for reading: nothing left to lose */
	if (n < 0)
		return -1;
	fill_content(pass, file_no);
	if ((size_t)n != pass->size || memcmp(pass->got, pass->want, pass->size)) {
		fprintf(stderr, "smallfiles: %s: wrong content\n", path);
		return -1;
	}
	return 0;
}

static int act_delete(struct pass *pass, size_t file_no, const char *path)
{
	(void)pass;
	(void)file_no;
	return unlink(path) < 0 ? fail("unlink", path) : 0;
}

static void folder_path(const struct pass *pass, size_t file_no, char ret_path[static PATH_LEN])
{
	snprintf(ret_path, PATH_LEN, "%s/%04zu", pass->dir, file_no / FILES_A_FOLDER);
}

static int each_folder(const struct pass *pass, bool make)
{
	char path[PATH_LEN];

	for (size_t no = 0; no < pass->count; no += FILES_A_FOLDER) {
		folder_path(pass, no, path);
		if (make ? mkdir(path, 0700) : rmdir(path))
			return fail(make ? "mkdir" : "rmdir", path);
	}
	return 0;
}

static int each_file(struct pass *pass, act_fn act)
{
	char path[PATH_LEN];

	for (size_t i = 0; i < pass->count; i++) {
		size_t no = pass->order[i];

		snprintf(path, sizeof(path), "%s/%04zu/%06zu.eml", pass->dir, no / FILES_A_FOLDER,
			 no);
		if (act(pass, no, path) < 0)
			return -1;
	}
	return 0;
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int run_timed(struct pass *pass, const char *verb)
{
	static const struct {
		const char *verb;
		act_fn act;
	} acts[] = {
		{"create", act_create},
		{"stat", act_stat},
		{"read", act_read},
		{"delete", act_delete},
	};
	double start;

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		if (strcmp(verb, acts[i].verb) != 0)
			continue;
		if (acts[i].act != act_create)
			in_shuffled_order(pass);
		else if (each_folder(pass, true) < 0)
			return -1;
		start = now_s();
		if (each_file(pass, acts[i].act) < 0)
			return -1;
		printf("%zu %.6f\n", pass->count, now_s() - start);
		return acts[i].act == act_delete ? each_folder(pass, false) : 0;
	}
	fprintf(stderr, "smallfiles: no act named %s\n", verb);
	return -1;
}

int main(int argc, char **argv)
{
	struct pass pass = {0};
	int r = -1;

	if (argc == 5) {
		pass.dir = argv[2];
		pass.count = strtoul(argv[3], NULL, 10);
		pass.size = strtoul(argv[4], NULL, 10);
	}
	if (pass.count == 0 || pass.size == 0) {
		fprintf(stderr, "usage: smallfiles create|stat|read|delete DIR "
				"COUNT SIZE\n");
		return 2;
	}

	pass.order = calloc(pass.count, sizeof(*pass.order));
	pass.want = malloc(pass.size);
	pass.got = malloc(pass.size);
	if (pass.order && pass.want && pass.got) {
		in_number_order(&pass);
		r = run_timed(&pass, argv[1]);
	}
	free(pass.order);
	free(pass.want);
	free(pass.got);
	return r < 0 ? 1 : 0;
}
