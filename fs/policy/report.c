/* fs/policy/report.c - what checks of root keys found, as lines, and each call of a vault as an
 * event. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fs/policy/act_internal.h"

/* A long sentence must not push the other lines out; the error beside it has it whole. */
#define REPORT_TEXT_LEN 280

static void report_vline(struct report *rep, const char *what, const char *word, const char *fmt,
			 va_list args)
{
	char text[ERR_TEXT_LEN];
	size_t space = sizeof(rep->text) - rep->spare - rep->len;
	int n;

	(void)vsnprintf(text, sizeof(text), fmt, args);
	n = snprintf(rep->text + rep->len, space, "%s: %s%.*s\n", what, word, REPORT_TEXT_LEN,
		     text);
	if (n < 0 || (size_t)n >= space)
		rep->text[rep->len] = '\0'; /* whole lines only */
	else
		rep->len += (size_t)n;
}

void report_line(struct report *rep, const char *what, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	report_vline(rep, what, "", fmt, args);
	va_end(args);
}

void report_refuse(struct report *rep, struct err *err, int r, const char *what, const char *whose,
		   const char *fmt, ...)
{
	char text[ERR_TEXT_LEN];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	report_line(rep, what, "refused, %s", text);
	if (rep->r == 0)
		rep->r = err_set(err, r, "%s: %s", whose, text);
}

/* Sentences about an outage contain the time that was spent, which differs. */
static bool is_same(enum kms_outcome o, const struct err *cause, const struct err *before)
{
	if (!cause->text[0])
		return false;
	if (o == KMS_TRANSIENT && cause->cause != 0)
		return cause->cause == before->cause;
	return strcmp(cause->text, before->text) == 0;
}

void report_outcome(struct report *rep, struct err *err, const char *what, enum kms_outcome o,
		    const struct err *cause)
{
	int r = kms_errno(o, cause);

	if (o == KMS_OK) {
		report_line(rep, what, "ok");
		return;
	}
	if (rep->terse && is_same(o, cause, &rep->last))
		report_line(rep, what, "%s, for the same reason", kms_outcome_name(o));
	else
		report_line(rep, what, "%s, %s", kms_outcome_name(o), err_text(cause, r));
	rep->last = *cause;
	if (rep->r == 0) /* the vault's sentence names the key id */
		rep->r = err_set(err, r, "%s: %s", what, err_text(cause, r));
}

const char *policy_warning_next(const char *lines, size_t *ret_len)
{
	static const char mark[] = ": warning, ";

	while (*lines) {
		size_t len = strcspn(lines, "\n");
		const char *colon = memmem(lines, len, ": ", 2);

		if (colon && strncmp(colon, mark, strlen(mark)) == 0) {
			*ret_len = len;
			return lines;
		}
		lines += len + (lines[len] == '\n');
	}
	return NULL;
}

void vault_call_report(struct audit *audit, const char *event, const char *key_id,
		       enum kms_outcome outcome, const char *request_id, const struct err *cause)
{
	int r = kms_errno(outcome, cause);
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("key_id", key_id),
		AUDIT_FIELD_STR("vault_outcome", kms_outcome_name(outcome)),
		AUDIT_FIELD_STR("request_id", request_id[0] ? request_id : NULL),
		AUDIT_FIELD_STR("reason", r < 0 ? err_text(cause, r) : NULL),
	};

	if (audit)
		audit_event(audit, event, NULL, errno_name(r), fields,
			    sizeof(fields) / sizeof(fields[0]));
}
