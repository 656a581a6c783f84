/* tools/mkfs.c - mkfs.depfs: makes a store and its service key. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "crypto/base/version.h"
#include "crypto/secret.h"
#include "fs/store/store.h"

enum {
	EXIT_MADE = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
};

/* Short options. The first ':' makes getopt_long() return ':' for a missing value. */
#define LETTERS ":k:hV"

static const char usage[] = "usage: mkfs.depfs [--service-key file:PATH] STORE\n"
			    "       mkfs.depfs --help | --version\n";

static const char help[] =
	"\n"
	"Makes a depfs store in the folder STORE, which is missing or empty, and the\n"
	"service key that opens it.\n"
	"\n"
	"  -k, --service-key file:PATH  where the service key's file is made: an absolute\n"
	"                               path outside the store (default:\n"
	"                               " SERVICE_KEY_DIR "/<store id>.key)\n"
	"  -h, --help                   show this help\n"
	"  -V, --version                show the version\n"
	"\n"
	"Exit status: 0 made, 1 refused (nothing was changed), 2 usage.\n";

struct args {
	const char *store;
	const char *service_spec; /* NULL: the default */
};

static int refuse_usage(const char *word, const char *what)
{
	(void)fprintf(stderr, "mkfs.depfs: %s%s (see mkfs.depfs --help)\n", word, what);
	return EXIT_USAGE;
}

/* The option that getopt_long() refused: @opt is ':' or '?', optopt the letter or 0. */
static int refuse_option(char **argv, int opt)
{
	const char letter[] = {'-', (char)optopt, '\0'};
	const char *word = argv[optind - 1];

	if (opt == ':')
		return refuse_usage(word, ": its value is missing");
	if (!optopt)
		return refuse_usage(word, ": unknown option");
	return strchr(LETTERS, optopt) ? refuse_usage(word, ": it takes no value")
				       : refuse_usage(letter, ": unknown option");
}

/* The result is on standard output: if that cannot be written, mkfs.depfs has failed. */
static int finish_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_MADE;
	(void)fprintf(stderr, "mkfs.depfs: standard output cannot be written: %m\n");
	return EXIT_REFUSED;
}

/* -1: continue; else the exit status. */
static int args_parse(int argc, char **argv, struct args *ret_args)
{
	static const struct option options[] = {
		{"service-key", required_argument, NULL, 'k'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	struct args args = {0};
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, LETTERS, options, NULL)) != -1) {
		switch (opt) {
		case 'k':
			args.service_spec = optarg;
			break;
		case 'h':
			printf("%s%s", usage, help);
			return finish_output();
		case 'V':
			printf("mkfs.depfs %s\n", version_text);
			return finish_output();
		default:
			return refuse_option(argv, opt);
		}
	}
	if (optind == argc)
		return refuse_usage("STORE", " is missing");
	if (optind != argc - 1)
		return refuse_usage(argv[optind + 1], ": one argument too many");
	args.store = argv[optind];
	*ret_args = args;
	return -1;
}

static void print_made(const struct args *args, const uint8_t id[static UUID_LEN])
{
	char default_spec[sizeof(SERVICE_KEY_DIR) + UUID_TEXT_LEN + 16];
	const char *spec = args->service_spec;
	char uuid[UUID_TEXT_LEN];

	uuid_encode(id, uuid);
	if (!spec) {
		service_key_default_spec(id, default_spec, sizeof(default_spec));
		spec = default_spec;
	}
	printf("store: %s\n"
	       "id: %s\n"
	       "service key: %s\n"
	       "Keep a copy of the service key file in a safe place outside the store and its\n"
	       "backups: without this key the store cannot be mounted any more.\n",
	       args->store, uuid, spec + strlen("file:"));
}

int main(int argc, char **argv)
{
	uint8_t id[UUID_LEN];
	struct err err = {0};
	struct args args = {0};
	int r;

	r = args_parse(argc, argv, &args);
	if (r >= 0)
		return r;
	r = secret_init(&err);
	if (r == 1)
		(void)fputs("mkfs.depfs: warning: keys cannot be locked in memory\n", stderr);
	if (r >= 0)
		r = store_create(args.store, args.service_spec, id, &err);
	if (r < 0) {
		(void)fprintf(stderr, "mkfs.depfs: %s\n", err_text(&err, r));
		return EXIT_REFUSED;
	}
	print_made(&args, id);
	return finish_output();
}
