/* tools/cmd_events.c - depctl events: the audit log, read, followed or verified. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/ctl_client.h"
#include "tools/depctl.h"
#include "tools/event_chain.h"
#include "tools/out.h"

#define READ_STEP 65536u
#define FOLLOW_MS 1000 /* a log that cannot be polled is looked at so often */

/* Bytes read, cut into lines. @fn: a line without its end; non-zero stops and is handed back. */
typedef int (*line_fn)(void *arg, const char *line);

struct lines {
	char *buf;
	size_t len, cap;
	line_fn fn;
	void *arg;
};

static int lines_out(struct lines *l)
{
	char *at = l->buf, *end;

	while ((end = memchr(at, '\n', l->len - (size_t)(at - l->buf)))) {
		int r;

		*end = '\0';
		r = l->fn(l->arg, at);
		if (r != 0)
			return r;
		at = end + 1;
	}
	l->len -= (size_t)(at - l->buf);
	memmove(l->buf, at, l->len);
	return 0;
}

/* Everything up to the end of the log as it is now. */
static int lines_read(struct lines *l, int fd)
{
	for (;;) {
		ssize_t n;
		int r;

		if (l->cap - l->len < READ_STEP) {
			char *more = realloc(l->buf, l->cap + READ_STEP);

			if (!more)
				return -ENOMEM;
			l->buf = more;
			l->cap += READ_STEP;
		}
		n = read(fd, l->buf + l->len, l->cap - l->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		l->len += (size_t)n;
		r = lines_out(l);
		if (r != 0)
			return r;
	}
}

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

/* Fields that have a place of their own, or are the chain's. */
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

/* who: depfs itself where no caller is named. */
static void print_who(const json_t *event)
{
	const json_t *uid = json_object_get(event, "uid");
	char who[96] = "depfs";

	if (uid)
		(void)snprintf(who, sizeof(who),
			       "uid=%" JSON_INTEGER_FORMAT " gid=%" JSON_INTEGER_FORMAT
			       " pid=%" JSON_INTEGER_FORMAT,
			       json_integer_value(uid),
			       json_integer_value(json_object_get(event, "gid")),
			       json_integer_value(json_object_get(event, "pid")));
	print_padded(who, 24);
}

static int print_event(void *arg, const char *line)
{
	CLEANUP(json_decref_p) json_t *event = json_loads(line, 0, NULL);
	const char *name;
	json_t *value;

	(void)arg;
	if (!json_is_object(event)) {
		out_done("%s", line);
		return 0;
	}
	print_padded(string_of(event, "time"), 24);
	printf("  ");
	print_padded(string_of(event, "event"), 20);
	printf("  ");
	print_padded(string_of(event, "outcome"), 12);
	printf("  ");
	print_who(event);
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

struct verify {
	struct event_chain chain;
	struct err err;
};

static int verify_line(void *arg, const char *line)
{
	struct verify *v = arg;

	return event_chain_check(&v->chain, line, &v->err);
}

static int verify_say(const struct cmd_env *env, int r, const struct verify *v)
{
	json_t *object;

	if (env->json) {
		object = json_object();
		out_set(object, "verified", json_integer((json_int_t)v->chain.verified));
		out_set(object, "ok", json_boolean(r == 0));
		out_set(object, "last_hash", out_text_json(v->chain.prev));
		out_set(object, "why", r < 0 ? out_text_json(err_text(&v->err, r)) : json_null());
		out_json(object);
	} else {
		out_done("%" PRIu64 " records verify, the last has hash %s", v->chain.verified,
			 v->chain.prev);
	}
	return r < 0 ? cmd_refuse(r, &v->err) : CMD_OK;
}

static int run_verify(const struct cmd_env *env, int fd)
{
	struct verify v = {0};
	struct lines l = {.fn = verify_line, .arg = &v};
	int r;

	event_chain_init(&v.chain);
	r = lines_read(&l, fd);
	if (r == 0 && l.len > 0)
		r = err_set(&v.err, -EBADMSG, "record %" PRIu64 " is cut off",
			    v.chain.verified + 1);
	free(l.buf);
	return verify_say(env, r, &v);
}

static int run_print(const struct cmd_env *env, int fd, bool following)
{
	struct lines l = {.fn = env->json ? print_raw : print_event};
	struct err err = {0};
	int r = following ? follow(&l, fd) : lines_read(&l, fd);

	free(l.buf);
	return r < 0 ? cmd_refuse(err_prefix(&err, r, "events"), &err) : CMD_OK;
}

static const struct option options[] = {
	{"follow", no_argument, NULL, 'f'},
	{"verify", no_argument, NULL, 'v'},
	{NULL, 0, NULL, 0},
};

static int parse(int argc, char **argv, bool *ret_follow, bool *ret_verify)
{
	int option;

	optind = 0; /* glibc: start over, with this vector */
	opterr = 0;
	while ((option = getopt_long(argc, argv, "f", options, NULL)) != -1) {
		if (option == 'f')
			*ret_follow = true;
		else if (option == 'v')
			*ret_verify = true;
		else
			return cmd_usage_error("events", "events: %s: no such option",
					       argv[optind - 1]);
	}
	if (optind < argc)
		return cmd_usage_error("events", "events: it takes no arguments, not '%s'",
				       argv[optind]);
	if (*ret_follow && *ret_verify)
		return cmd_usage_error("events", "events: -f has no end to verify");
	return CMD_OK;
}

int cmd_events(int argc, char **argv, const struct cmd_env *env)
{
	CLEANUP(client_free_p) struct client *ctl = NULL;
	CLEANUP(close_fd_p) int fd = -1;
	bool following = false, verify = false;
	struct err err = {0};
	int r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage("events");
	r = parse(argc, argv, &following, &verify);
	if (r != CMD_OK)
		return r;
	r = client_open(env->mount, &ctl, &err);
	if (r == 0)
		r = client_fd(ctl, "events", &fd, &err);
	if (r < 0)
		return cmd_refuse(r, &err);
	return verify ? run_verify(env, fd) : run_print(env, fd, following);
}
