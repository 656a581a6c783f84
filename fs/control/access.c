/* fs/control/access.c - which caller may use the control directory, and the events of refusals. */
#include "fs/control/control_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

enum member {
	MEMBER_NO,
	MEMBER_YES,
	MEMBER_UNKNOWN
};

/* groups_have() - whether a "Groups:" line of /proc names @gid. */
static bool groups_have(const char *line, gid_t gid)
{
	const char *at = line + strlen("Groups:");
	char *end;

	for (;; at = end) {
		unsigned long one = strtoul(at, &end, 10);

		if (end == at)
			return false;
		if (one == gid)
			return true;
	}
}

/* is_member() - whether a process has the supplementary group @gid; unknown when it has ended or is
 * not visible. */
static enum member is_member(pid_t pid, gid_t gid)
{
	CLEANUP(fclose_p) FILE *status = NULL;
	CLEANUP(free_mem_p) char *line = NULL;
	char path[64];
	size_t cap = 0;

	if (pid <= 0) /* FUSE reports 0 for a process outside our pid namespace */
		return MEMBER_UNKNOWN;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	status = fopen(path, "re");
	if (!status)
		return MEMBER_UNKNOWN;
	while (getline(&line, &cap, status) >= 0)
		if (strncmp(line, "Groups:", strlen("Groups:")) == 0)
			return groups_have(line, gid) ? MEMBER_YES : MEMBER_NO;
	return MEMBER_UNKNOWN;
}

static enum member membership(const struct control *c, const struct actor *actor)
{
	if (actor->uid == 0 || actor->uid == c->config.owner || actor->gid == c->config.admin_gid)
		return MEMBER_YES;
	return is_member(actor->pid, c->config.admin_gid);
}

int ctl_may(const struct control *c, const struct actor *actor)
{
	return membership(c, actor) == MEMBER_NO ? -EACCES : 0;
}

/* Not by uid and gid alone: the opener may have had a group that another process of its user lacks.
 * All processes outside our pid namespace have the number 0. */
static bool is_opener(const struct actor *actor, const struct actor *opener)
{
	return actor->pid > 0 && actor->pid == opener->pid && actor->uid == opener->uid &&
	       actor->gid == opener->gid;
}

int ctl_may_write(const struct control *c, const struct actor *actor, const struct actor *opener)
{
	enum member member = membership(c, actor);

	if (member == MEMBER_UNKNOWN)
		return is_opener(actor, opener) ? 0 : -EACCES;
	return member == MEMBER_NO ? -EACCES : 0;
}

int ctl_refuse(struct ctl_call *call, int r, const char *fmt, ...)
{
	char text[ERR_TEXT_LEN];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	call->refused = true;
	return err_set(&call->err, r, "%s", text);
}

void ctl_record(const struct ctl_call *call, const struct actor *opener, const char *path, int r)
{
	const struct actor *actor = call->actor;
	struct audit *audit = call->c->audit;
	const char *outcome = r < 0 ? errno_name(r) : "ok";

	if (opener && (opener->uid != actor->uid || opener->gid != actor->gid)) {
		const struct audit_field fields[] = {
			AUDIT_FIELD_STR("file", path),
			AUDIT_FIELD_U64("opener_uid", opener->uid),
			AUDIT_FIELD_U64("opener_gid", opener->gid),
			AUDIT_FIELD_U64("opener_pid", (uint64_t)opener->pid),
		};

		audit_event(audit, "control-write-inherited", actor, outcome, fields, 4);
	}
	if (call->refused) {
		const struct audit_field fields[] = {
			AUDIT_FIELD_STR("file", path),
			AUDIT_FIELD_STR("why", err_text(&call->err, r)),
		};

		audit_event(audit, "control-refused", actor, outcome, fields, 2);
	}
}
