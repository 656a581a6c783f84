/* tools/depctl/commands/events.c - depctl events: the audit log, read, followed or verified. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/base/bytes.h"
#include "crypto/sign.h"
#include "tools/depctl/cli/cmd.h"
#include "tools/depctl/client/client.h"
#include "tools/depctl/commands/commands.h"
#include "tools/depctl/commands/events_verify.h"
#include "tools/depctl/commands/lines.h"
#include "tools/depctl/output/json.h"
#include "tools/depctl/output/text.h"

#define FOLLOW_MS 1000 /* how often a log that cannot be polled is read again */

static int follow(struct lines *l, int fd)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int r = lines_read(l, fd);

		if (r == 0)
			r = out_flush();
		if (r != 0)
			return r;
		if (poll(&p, 1, FOLLOW_MS) < 0 && errno != EINTR)
			return -errno;
	}
}

static int print_raw(void *arg, const char *line)
{
	(void)arg;
	puts(line);
	return 0;
}

/* Members that have their own column, or belong to the hash chain. */
static bool is_known(const char *name)
{
	static const char *const known[] = {"seq", "time", "event", "outcome", "uid",
					    "gid", "pid",  "prev",  "hash"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i]) == 0)
			return true;
	return false;
}

static void print_value(const json_t *value)
{
	const char *text = json_string_value(value);
	CLEANUP(free_mem_p) char *dump = NULL;

	if (text && *text && !text[strcspn(text, " =\"")]) {
		out_text(text);
		return;
	}
	dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	out_text(dump ? dump : "?");
}

static void print_padded(const char *text, size_t width)
{
	size_t columns = out_columns(text);

	out_text(text);
	printf("%*s", columns < width ? (int)(width - columns) : 0, "");
}

static const char *string_of(const json_t *event, const char *name)
{
	const char *text = json_string_value(json_object_get(event, name));

	return text ? text : "-";
}

/* Prints the event's caller: uid, gid and pid, or "depfs" where it has none. */
static void print_caller(const json_t *event)
{
	const json_t *uid = json_object_get(event, "uid");
	char caller[96] = "depfs";

	if (uid)
		(void)snprintf(caller, sizeof(caller),
			       "uid=%" JSON_INTEGER_FORMAT " gid=%" JSON_INTEGER_FORMAT
			       " pid=%" JSON_INTEGER_FORMAT,
			       json_integer_value(uid),
			       json_integer_value(json_object_get(event, "gid")),
			       json_integer_value(json_object_get(event, "pid")));
	print_padded(caller, 24);
}

static int print_event(void *arg, const char *line)
{
	CLEANUP(json_decref_p) json_t *event = json_loads(line, 0, NULL);
	const char *name;
	json_t *value;

	(void)arg;
	if (!json_is_object(event)) {
		out_line("%s", line);
		return 0;
	}
	print_padded(string_of(event, "time"), 24);
	printf("  ");
	print_padded(string_of(event, "event"), 20);
	printf("  ");
	print_padded(string_of(event, "outcome"), 12);
	printf("  ");
	print_caller(event);
	json_object_foreach(event, name, value)
	{
		if (is_known(name))
			continue;
		printf(" ");
		out_text(name);
		putchar('=');
		print_value(value);
	}
	putchar('\n');
	return 0;
}

static int run_print(const struct cmd_env *env, int fd, bool following)
{
	struct lines l = {.fn = env->json ? print_raw : print_event};
	struct err err = {0};
	int r = following ? follow(&l, fd) : lines_read(&l, fd);

	free(l.buf);
	return r < 0 ? cmd_refuse(err_prefix(&err, r, "events"), &err) : CMD_OK;
}

enum {
	OPTION_FOLLOW = 256,
	OPTION_VERIFY,
	OPTION_KEY,
	OPTION_SERVICE_KEY
};

static const struct option options[] = {
	{"follow", no_argument, NULL, OPTION_FOLLOW},
	{"verify", no_argument, NULL, OPTION_VERIFY},
	{"key", required_argument, NULL, OPTION_KEY},
	{"service-key", required_argument, NULL, OPTION_SERVICE_KEY},
	{NULL, 0, NULL, 0},
};

struct arguments {
	bool follow, verify;
	struct verify_what what;
	uint8_t key[SIGN_PUBLIC_LEN];
};

static int usage_error(const char *why, const char *what)
{
	return cmd_usage_error("events", "events: %s%s", what, why);
}

static int parse_option(int option, char **argv, struct arguments *a)
{
	switch (option) {
	case 'f':
	case OPTION_FOLLOW:
		a->follow = true;
		return CMD_OK;
	case OPTION_VERIFY:
		a->verify = true;
		return CMD_OK;
	case OPTION_KEY:
		if (hex_decode(optarg, a->key, SIGN_PUBLIC_LEN) < 0)
			return usage_error(": a public key of 64 hex digits is needed", optarg);
		a->what.key = a->key;
		return CMD_OK;
	case OPTION_SERVICE_KEY:
		a->what.service_spec = optarg;
		return CMD_OK;
	default:
		return cmd_usage_getopt("events", option, argv);
	}
}

static int parse(int argc, char **argv, struct arguments *a)
{
	int option, r = CMD_OK;

	optind = 0; /* makes glibc's getopt start again, with this vector */
	opterr = 0;
	while (r == CMD_OK && (option = getopt_long(argc, argv, ":f", options, NULL)) != -1)
		r = parse_option(option, argv, a);
	if (r != CMD_OK)
		return r;
	a->what.paths = argv + optind;
	a->what.n_paths = (size_t)(argc - optind);
	if (a->follow && a->verify)
		return usage_error("-f has no end to verify", "");
	if (!a->verify && (a->what.n_paths > 0 || a->what.key || a->what.service_spec))
		return usage_error(": only --verify takes this", a->what.n_paths > 0
									 ? a->what.paths[0]
								 : a->what.key ? "--key"
									       : "--service-key");
	return CMD_OK;
}

int cmd_events(int argc, char **argv, const struct cmd_env *env)
{
	CLEANUP(client_free_p) struct client *ctl = NULL;
	CLEANUP(close_fd_p) int fd = -1;
	struct arguments a = {0};
	struct err err = {0};
	int r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage("events");
	r = parse(argc, argv, &a);
	if (r != CMD_OK)
		return r;
	if (a.verify)
		return events_verify(env, &a.what);
	r = client_open(env->mount, &ctl, &err);
	if (r == 0)
		r = client_fd(ctl, "events", &fd, &err);
	return r < 0 ? cmd_refuse(r, &err) : run_print(env, fd, a.follow);
}
