/* fs/control/failure.c - last_error beside each file, and error_log. */
#include "fs/control/control_internal.h"
#include "fs/control/files_internal.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/*
 * error_log: one failure a line, fields ended by a tab, since names have blanks but never a tab:
 * time, uid, file, errno, sentence. last_error: the same as `key: value` lines.
 */
static char *log_line(const char *when, const char *path, const struct actor *actor, int r,
		      const char *sentence)
{
	char *line;

	if (asprintf(&line, "%s\t%u\t%s\t%s\t%s\n", when, actor->uid, path, errno_name(r),
		     sentence) < 0)
		return NULL;
	return line;
}

static char *last_text(const char *when, const char *path, const struct actor *actor, int r,
		       const char *sentence)
{
	char *text;

	if (asprintf(&text, "time: %s\nuid: %u\nfile: %s\nerrno: %s\nwhy: %s\n", when, actor->uid,
		     path, errno_name(r), sentence) < 0)
		return NULL;
	return text;
}

/* replace() - puts @text into @slot, and frees the old text. NULL, for lack of memory, replaces it
 * too: an older failure must not be taken for this one. */
static void replace(char **slot, char *text)
{
	free(*slot);
	*slot = text;
}

/* sanitize() - @sentence on one line, without control characters: it may quote what was written. */
static void sanitize(const char *sentence, char out[static ERR_TEXT_LEN])
{
	(void)snprintf(out, ERR_TEXT_LEN, "%s", sentence);
	ctl_mask(out);
}

void ctl_last_error_set(struct control *c, const struct ctl_ref *ref, const char *path,
			const struct actor *actor, int r, const char *sentence)
{
	char when[CTL_TIME_LEN], text[ERR_TEXT_LEN];
	char *last;

	ctl_time(time(NULL), when);
	sanitize(sentence, text);
	last = last_text(when, path, actor, r, text);
	pthread_mutex_lock(&c->lock);
	replace(&ref->folder->last_error, last);
	pthread_mutex_unlock(&c->lock);
}

void ctl_failed(struct control *c, const struct ctl_ref *ref, const char *path,
		const struct actor *actor, int r, const char *sentence)
{
	char when[CTL_TIME_LEN], text[ERR_TEXT_LEN];
	char *line;

	ctl_last_error_set(c, ref, path, actor, r, sentence);
	ctl_time(time(NULL), when);
	sanitize(sentence, text);
	line = log_line(when, path, actor, r, text);
	if (!line)
		return;
	pthread_mutex_lock(&c->lock);
	replace(&c->log[c->log_n++ % CTL_LOG_MAX], line);
	pthread_mutex_unlock(&c->lock);
}

int ctl_last_error_show(struct ctl_call *call)
{
	const char *text;

	pthread_mutex_lock(&call->c->lock);
	text = call->ref.folder->last_error;
	(void)fputs(text ? text : "none\n", call->out); /* checked when the stream is closed */
	pthread_mutex_unlock(&call->c->lock);
	return 0;
}

int ctl_error_log_show(struct ctl_call *call)
{
	struct control *c = call->c;
	uint64_t from;

	pthread_mutex_lock(&c->lock);
	from = c->log_n > CTL_LOG_MAX ? c->log_n - CTL_LOG_MAX : 0;
	for (uint64_t i = from; i < c->log_n; i++)
		(void)fputs(c->log[i % CTL_LOG_MAX], call->out);
	pthread_mutex_unlock(&c->lock);
	return 0;
}

void ctl_failures_fini(struct control *c)
{
	for (size_t i = 0; i < CTL_LOG_MAX; i++)
		free(c->log[i]);
}
