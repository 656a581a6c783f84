/* fs/control/call_internal.h - one show, store or act on the control directory: input checked,
 * failure recorded. */
#ifndef DEPFS_CONTROL_CALL_INTERNAL_H
#define DEPFS_CONTROL_CALL_INTERNAL_H

#include <stdio.h>

#include "crypto/base/err.h"
#include "fs/audit/audit.h"
#include "fs/control/node_internal.h"

#define CTL_WRITE_MAX 4096 /* bytes of one command */
#define CTL_TIME_LEN  32   /* "2026-11-23T22:17:00Z" and NUL, with space for any year */

struct ctl_call {
	struct control *c;
	struct ctl_ref ref;
	const struct actor *actor; /* NULL for show */
	struct err err;
	bool refused; /* before an act began, so that no act records the failure */
	FILE *out;
};

/* access.c */
/* ctl_refuse() - sets the error of a command that is refused before anything was done; gives @r. */
int ctl_refuse(struct ctl_call *call, int r, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/**
 * ctl_may() - whether @actor may use the control directory
 * For what is done by name: the kernel has compared mode bits, but root and CAP_DAC_OVERRIDE are
 * exempt from that. A FUSE request names a process's primary group only. The other groups are read
 * from /proc; where they cannot be read, the kernel's check stands. Return: 0; -EACCES.
 */
int ctl_may(const struct control *c, const struct actor *actor) MUST_CHECK;
/* ctl_may_write() - the same for a write to a handle that @opener opened. The kernel checks nothing
 * before it, so a process whose groups cannot be read is refused, unless it is the opener. */
int ctl_may_write(const struct control *c, const struct actor *actor,
		  const struct actor *opener) MUST_CHECK;
/* ctl_record() - the events that no act records: a refusal, and a write by another user than
 * @opener (NULL: the call is not a write). */
void ctl_record(const struct ctl_call *call, const struct actor *opener, const char *path, int r);

/* failure.c: last_error and error_log */
/* ctl_failed() - records a failure in error_log, and in last_error of @ref's folder. */
void ctl_failed(struct control *c, const struct ctl_ref *ref, const char *path,
		const struct actor *actor, int r, const char *sentence);
/* ctl_last_error_set() - records a failure in last_error alone. */
void ctl_last_error_set(struct control *c, const struct ctl_ref *ref, const char *path,
			const struct actor *actor, int r, const char *sentence);

/* text.c */
bool ctl_is_blank(const char *in, size_t in_len);
/* ctl_text_clean() - trim a command and check that it is text. @out: NUL-terminated. */
int ctl_text_clean(struct ctl_call *call, const char *in, size_t in_len,
		   char out[static CTL_WRITE_MAX + 1]) MUST_CHECK;
void ctl_time(int64_t when, char out[static CTL_TIME_LEN]); /* "never" for 0 */
/* ctl_time_line() - "what: TIME". */
void ctl_time_line(FILE *out, const char *what, uint64_t when);
void ctl_mask(char *text); /* control characters become '?' */

#endif
