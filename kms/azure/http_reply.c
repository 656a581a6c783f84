/* kms/azure/http_reply.c - the head of an answer: challenge, request id, Retry-After, date. */
#include "kms/azure/http_internal.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* The first form of RFC 9110 section 5.6.7, the only one that senders may generate. */
static int http_date_parse(const char *text, int64_t *ret_when)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	time_t when = end && !*end ? timegm(&tm) : -1;

	if (when < 0)
		return -EINVAL;
	*ret_when = when;
	return 0;
}

static int number_parse(const char *text, uint64_t unit_ms, uint64_t *ret_ms)
{
	char *end;
	unsigned long long n;

	if (!isdigit((unsigned char)text[0]) || strlen(text) > 12)
		return -EINVAL;
	n = strtoull(text, &end, 10);
	if (*end)
		return -EINVAL;
	*ret_ms = n * unit_ms;
	return 0;
}

int retry_after_parse(const char *name, const char *value, int64_t now, uint64_t *ret_ms)
{
	int64_t when;

	if (strcasecmp(name, "retry-after-ms") == 0 || strcasecmp(name, "x-ms-retry-after-ms") == 0)
		return number_parse(value, 1, ret_ms);
	if (strcasecmp(name, "retry-after") != 0)
		return -ENOENT;
	if (number_parse(value, 1000, ret_ms) == 0)
		return 0;
	if (http_date_parse(value, &when) < 0)
		return -EINVAL;
	*ret_ms = when > now ? (uint64_t)(when - now) * 1000 : 0;
	return 0;
}

static void challenge_add(struct http_reply *reply, const char *value)
{
	size_t len = strlen(reply->www_authenticate);

	(void)snprintf(reply->www_authenticate + len, sizeof(reply->www_authenticate) - len, "%s%s",
		       len ? ", " : "", value); /* a challenge that is cut does not parse */
}

static void request_id_set(struct http_reply *reply, const char *value)
{
	for (size_t i = 0; value[i]; i++)
		if (!isalnum((unsigned char)value[i]) && value[i] != '-')
			return; /* it is written to the audit log */
	(void)snprintf(reply->request_id, sizeof(reply->request_id), "%.*s",
		       (int)sizeof(reply->request_id) - 1, value);
}

/* Several forms may come together, in different precision: the longest wait counts. */
static void retry_after_set(struct http_reply *reply, const char *name, const char *value)
{
	uint64_t ms;

	if (retry_after_parse(name, value, reply->date ? reply->date : time(NULL), &ms) < 0)
		return;
	if (!reply->has_retry_after || ms > reply->retry_after_ms)
		reply->retry_after_ms = ms;
	reply->has_retry_after = true;
}

static void field_take(struct http_reply *reply, const char *name, const char *value)
{
	if (strcasecmp(name, "www-authenticate") == 0)
		challenge_add(reply, value);
	else if (strcasecmp(name, "x-ms-request-id") == 0)
		request_id_set(reply, value);
	else if (strcasecmp(name, "date") == 0)
		(void)http_date_parse(value, &reply->date); /* stays 0 */
	else
		retry_after_set(reply, name, value);
}

/* A new status line: fields of an interim answer (100 Continue) do not count. */
static void head_begin(struct http_reply *reply)
{
	reply->www_authenticate[0] = reply->request_id[0] = '\0';
	reply->has_retry_after = false;
	reply->retry_after_ms = 0;
	reply->date = 0;
}

void http_header_line(struct http_reply *reply, const char *line, size_t len)
{
	char text[4096], *colon, *value;

	while (len > 0 && isspace((unsigned char)line[len - 1]))
		len--;
	if (len >= sizeof(text) || memchr(line, '\0', len))
		return; /* longer than any field that is read here, or malformed */
	memcpy(text, line, len);
	text[len] = '\0';
	if (strncasecmp(text, "HTTP/", 5) == 0) {
		head_begin(reply);
		return;
	}
	colon = strchr(text, ':');
	if (!colon)
		return;
	*colon = '\0';
	value = colon + 1 + strspn(colon + 1, " \t");
	field_take(reply, text, value);
}
