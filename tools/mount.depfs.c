/* tools/mount.depfs.c - the program that mount(8) runs for type depfs: starts the daemon. */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/version.h"

/* Exit codes of mount(8). */
#define EXIT_USAGE 1
#define EXIT_MOUNT 32

#define PROGRAM "depfs"

struct request {
	char *store, *mount;
	char *options; /* comma-separated, NULL: none */
	bool fake;     /* everything but the mount itself */
};

static void request_fini(struct request *rq)
{
	free(rq->options);
}

static int usage_error(const char *word, const char *what)
{
	fprintf(stderr,
		"mount.depfs: %s%s (mount.depfs STORE MOUNT [-fnsv] [-t TYPE] [-o OPTIONS])\n",
		word, what);
	return EXIT_USAGE;
}

static int out_of_memory(void)
{
	fputs("mount.depfs: out of memory\n", stderr);
	return EXIT_MOUNT;
}

static int add_options(struct request *rq, const char *more)
{
	CLEANUP(free_mem_p) char *old = STEAL(rq->options);

	if (asprintf(&rq->options, "%s%s%s", old ? old : "", old && *old ? "," : "", more) < 0) {
		rq->options = NULL;
		return out_of_memory();
	}
	return 0;
}

/* mount(8), "External helpers": STORE MOUNT [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t
 * TYPE.SUBTYPE] */
static int parse(int argc, char **argv, struct request *rq)
{
	int option, r = 0;

	while (r == 0 && (option = getopt(argc, argv, "+fnsvN:o:t:")) != -1) {
		switch (option) {
		case 'f':
			rq->fake = true;
			break;
		case 'o':
			r = add_options(rq, optarg);
			break;
		case 'N':
			return usage_error("-N", " is not supported: enter the namespace first");
		case 'n': /* no mtab is written anyway */
		case 's': /* "sloppy": unknown options are reported all the same */
		case 'v': /* failures are always reported */
		case 't': /* the type is ours */
			break;
		default:
			return usage_error(argv[optind - 1],
					   ": unknown option, or its value is missing");
		}
	}
	return r;
}

/* Operands stand before the options, after them, or between. */
static int parse_all(int argc, char **argv, struct request *rq)
{
	int r = 0;

	opterr = 0;
	while (r == 0) {
		r = parse(argc, argv, rq);
		if (r != 0 || optind >= argc)
			break;
		if (!rq->store)
			rq->store = argv[optind++];
		else if (!rq->mount)
			rq->mount = argv[optind++];
		else
			return usage_error(argv[optind], ": one argument too many");
	}
	if (r == 0 && !rq->mount)
		return usage_error(rq->store ? "MOUNT" : "STORE", " is missing");
	return r;
}

/* The daemon in the folder of this program, where both were installed together; else by PATH. */
static void exec_daemon(char *const argv[])
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof(PROGRAM));
	char *slash;

	if (n > 0) {
		path[n] = '\0';
		slash = strrchr(path, '/');
		if (slash) {
			strcpy(slash + 1, PROGRAM); /* it fits: PATH_MAX - sizeof(PROGRAM) bytes at
						       most were read */
			execv(path, argv);
		}
	}
	execvp(PROGRAM, argv);
	fprintf(stderr, "mount.depfs: %s cannot be run: %s\n", PROGRAM, strerror(errno));
}

/* mount(8) never gives these options; a person at a shell may. */
static bool help_or_version(int argc, char **argv)
{
	const char *word = argc == 2 ? argv[1] : "";

	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		puts("usage: mount.depfs STORE MOUNT [-fnsv] [-t TYPE] [-o OPTIONS]\n"
		     "What mount(8) runs for type depfs; the options are those of depfs(8).");
	else if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
		printf("mount.depfs %s\n", version_text);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	static char program[] = PROGRAM, option[] = "-o";
	CLEANUP(request_fini) struct request rq = {0};
	int r;

	if (help_or_version(argc, argv))
		return 0;
	r = parse_all(argc, argv, &rq);
	if (r != 0 || rq.fake)
		return r;
	if (rq.options && *rq.options)
		exec_daemon((char *[]){program, rq.store, rq.mount, option, rq.options, NULL});
	else
		exec_daemon((char *[]){program, rq.store, rq.mount, NULL});
	return EXIT_MOUNT;
}
