/* fs/control/events.c - the audit log as a stream: cursors, and wake-ups for poll(2). */
#include "fs/control/handle_internal.h"

#include <errno.h>
#include <string.h>

#define LINES_CAP     (64 * 1024)
#define LINES_CAP_MAX (4 * 1024 * 1024)

/* lines_grow() - more space to read ahead into; -E2BIG at LINES_CAP_MAX. */
static int lines_grow(struct ctl_cursor *cur)
{
	size_t cap = cur->cap ? 2 * cur->cap : LINES_CAP;
	char *lines;

	if (cap > LINES_CAP_MAX)
		return -E2BIG;
	lines = realloc(cur->lines, cap);
	if (!lines)
		return -ENOMEM;
	cur->lines = lines;
	cur->cap = cap;
	return 0;
}

/* lines_fill() - reads whole lines ahead, since the caller's buffer may end within a line. */
static int lines_fill(struct control *c, struct ctl_cursor *cur)
{
	struct err err = {0};
	uint64_t next = cur->seq;
	ssize_t n = -E2BIG;
	int r;

	cur->at = cur->len = 0;
	while (n == -E2BIG) {
		if (cur->cap > 0)
			n = audit_read(c->audit, cur->seq, cur->lines, cur->cap, &next, &err);
		r = n == -E2BIG ? lines_grow(cur) : 0;
		if (r < 0)
			return r;
	}
	if (n < 0)
		return (int)n;
	cur->len = (size_t)n;
	cur->seq = next;
	return 0;
}

ssize_t ctl_events_read(struct control *c, struct ctl_cursor *cur, char *buf, size_t len)
{
	size_t done = 0, part;
	int r;

	while (done < len) {
		if (cur->at == cur->len) {
			r = lines_fill(c, cur);
			if (r < 0)
				return done > 0 ? (ssize_t)done : r;
			if (cur->len == 0)
				break;
		}
		part = cur->len - cur->at < len - done ? cur->len - cur->at : len - done;
		memcpy(buf + done, cur->lines + cur->at, part);
		cur->at += part;
		done += part;
	}
	return (ssize_t)done;
}

bool ctl_events_ready(struct control *c, const struct ctl_cursor *cur)
{
	return cur->at < cur->len || audit_last_seq(c->audit) >= cur->seq;
}

static void stream_unlink_locked(struct ctl_stream *s)
{
	if (!s->link)
		return;
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	s->link = NULL;
	s->next = NULL;
}

static void stream_link_locked(struct control *c, struct ctl_stream *s)
{
	s->next = c->streams;
	s->link = &c->streams;
	if (s->next)
		s->next->link = &s->next;
	c->streams = s;
}

void ctl_stream_watch(struct control *c, struct ctl_stream *s, void (*notify)(void *arg),
		      void (*drop)(void *arg), void *arg)
{
	struct ctl_stream old;

	pthread_mutex_lock(&c->streams_lock);
	old = *s;
	stream_unlink_locked(s);
	s->notify = notify;
	s->drop = drop;
	s->arg = arg;
	if (notify)
		stream_link_locked(c, s);
	pthread_mutex_unlock(&c->streams_lock);
	if (old.notify)
		old.drop(old.arg);
}

/* stream_take() - the next handle to notify, taken off @list; false: none is left. */
static bool stream_take(struct control *c, struct ctl_stream **list, struct ctl_stream *ret_stream)
{
	struct ctl_stream *s;

	pthread_mutex_lock(&c->streams_lock);
	s = *list;
	if (s) {
		*ret_stream = *s;
		stream_unlink_locked(s);
		s->notify = NULL; /* the caller of stream_take() drops @arg now */
	}
	pthread_mutex_unlock(&c->streams_lock);
	return s != NULL;
}

/* on_append() - notifies each handle that is polled now; one that is polled again meanwhile goes
 * into a new list, so that this round ends. */
static void on_append(void *arg)
{
	struct control *c = arg;
	struct ctl_stream *round, s;

	pthread_mutex_lock(&c->streams_lock);
	round = STEAL(c->streams);
	if (round)
		round->link = &round;
	pthread_mutex_unlock(&c->streams_lock);

	while (stream_take(c, &round, &s)) {
		s.notify(s.arg);
		s.drop(s.arg);
	}
}

void ctl_events_start(struct control *c)
{
	audit_on_append(c->audit, on_append, c);
}

void ctl_events_stop(struct control *c)
{
	audit_on_append(c->audit, NULL, NULL);
}
