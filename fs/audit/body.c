/* fs/audit/body.c - an event as the members of a JSON object. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "crypto/base/utf8.h"
#include "fs/audit/line_internal.h"

#define STR_MAX	 4096			/* bytes of one field; a path at most */
#define BODY_MAX (AUDIT_LINE_MAX - 512) /* what is left holds a sequence number and two hashes */

/* DEL and U+0080 to U+009F control terminals, bidi controls what a line seems to say; JSON escapes
 * those below U+0020 only. */
static bool is_hidden_control(uint32_t c)
{
	return (c >= 0x20 && utf8_is_control(c)) || utf8_is_bidi(c);
}

/* Names of files and policies may be any bytes; a line of the log is UTF-8 text. */
static json_t *text_json(const char *text)
{
	char out[STR_MAX];
	size_t done = 0;

	while (*text && done + UTF8_MAX < sizeof(out)) {
		uint32_t c;
		size_t len = utf8_next(text, &c);

		if (len == 0 || is_hidden_control(c)) {
			memcpy(out + done, UTF8_REPLACEMENT, strlen(UTF8_REPLACEMENT));
			done += strlen(UTF8_REPLACEMENT);
			text += len ? len : 1;
		} else {
			memcpy(out + done, text, len);
			done += len;
			text += len;
		}
	}
	return json_stringn(out, done);
}

/* JSON does not bound integers, but jansson and most readers do, at 2^63 - 1. */
static json_t *u64_json(uint64_t v)
{
	char text[24];

	if (v <= INT64_MAX)
		return json_integer((json_int_t)v);
	(void)snprintf(text, sizeof(text), "%" PRIu64, v);
	return json_string(text);
}

static json_t *time_json(void)
{
	struct timespec now;
	char text[48];
	struct tm tm;
	size_t len;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* fails only for a bad argument */
	len = gmtime_r(&now.tv_sec, &tm) ? strftime(text, 32, "%FT%T", &tm) : 0;
	(void)snprintf(text + len, sizeof(text) - len, ".%03ldZ", now.tv_nsec / 1000000);
	return json_string(text);
}

static int fields_put(json_t *line, const struct audit_field *fields, size_t n_fields)
{
	int bad = 0;

	for (size_t i = 0; i < n_fields; i++) {
		const struct audit_field *f = &fields[i];

		switch (f->type) {
		case AUDIT_STR:
			if (f->str)
				bad |= json_object_set_new(line, f->name, text_json(f->str));
			break;
		case AUDIT_U64:
			bad |= json_object_set_new(line, f->name, u64_json(f->num));
			break;
		case AUDIT_I64:
			bad |= json_object_set_new(line, f->name, json_integer((json_int_t)f->num));
			break;
		}
	}
	return bad;
}

static void json_free_p(json_t **j)
{
	json_decref(*j);
}

/* jansson keeps the order of insertion, and refuses a value that could not be allocated (NULL). */
static char *body_make(const char *event, const struct actor *actor, const char *outcome,
		       const struct audit_field *fields, size_t n_fields)
{
	CLEANUP(json_free_p) json_t *line = json_object();
	int bad = json_object_set_new(line, "time", time_json());
	size_t len;
	char *text;

	bad |= json_object_set_new(line, "event", text_json(event));
	if (actor) {
		bad |= json_object_set_new(line, "uid", json_integer(actor->uid));
		bad |= json_object_set_new(line, "gid", json_integer(actor->gid));
		bad |= json_object_set_new(line, "pid", json_integer(actor->pid));
	}
	bad |= json_object_set_new(line, "outcome", text_json(outcome));
	bad |= fields_put(line, fields, n_fields);
	text = bad ? NULL : json_dumps(line, JSON_COMPACT);
	if (!text)
		return NULL;
	len = strlen(text) - 2;
	memmove(text, text + 1, len); /* without its braces */
	text[len] = '\0';
	return text;
}

char *audit_body(const char *event, const struct actor *actor, const char *outcome,
		 const struct audit_field *fields, size_t n_fields)
{
	const struct audit_field cut = AUDIT_FIELD_STR("cut", "its fields are too long");
	char *text = body_make(event, actor, outcome, fields, n_fields);

	if (!text || strlen(text) <= BODY_MAX)
		return text;
	free(text);
	return body_make(event, actor, outcome, &cut, 1);
}
