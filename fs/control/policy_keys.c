/* fs/control/policy_keys.c - policies/NAME/: key_ids, refresh, rotate, check. */
#include <errno.h>
#include <string.h>

#include "fs/control/control_internal.h"
#include "fs/control/files_internal.h"

int ctl_policy_key_ids_show(struct ctl_call *call)
{
	struct policy_info info;
	struct key_id key;
	int r = ctl_policy_info(call, &info);

	if (r < 0)
		return r;
	if (info.state == POLICY_DRAFT) {
		(void)fputs("none\n", call->out);
		return 0;
	}
	for (int i = 0; i < 2; i++)
		(void)fprintf(call->out, "%s %s\n", info.roots[i].key_id,
			      ctl_key_version(info.roots[i].copy_key_id, &key));
	return 0;
}

int ctl_split(char *in, char **words, int max)
{
	char *rest = NULL;
	int n = 0;

	for (char *w = strtok_r(in, " \t\r\n", &rest); w; w = strtok_r(NULL, " \t\r\n", &rest)) {
		if (n == max)
			return -1;
		words[n++] = w;
	}
	return n;
}

/* answer_versions() - the answer of an act that wraps the policy's key anew: the version of each
 * root key before and after. */
static void answer_versions(struct ctl_call *call, const char *did,
			    const struct policy_info *before)
{
	struct policy_info after;
	char text[2][2 * sizeof(((struct key_id *)0)->version) + 8];
	struct key_id was, is;

	if (ctl_policy_info(call, &after) < 0) {
		ctl_policy_answer(call, "%s", did);
		return;
	}
	for (int i = 0; i < 2; i++) {
		const char *old = ctl_key_version(before->roots[i].copy_key_id, &was);
		const char *new = ctl_key_version(after.roots[i].copy_key_id, &is);

		if (strcmp(before->roots[i].copy_key_id, after.roots[i].copy_key_id) == 0)
			(void)snprintf(text[i], sizeof(text[i]), "%s unchanged", new);
		else
			(void)snprintf(text[i], sizeof(text[i]), "%s -> %s", old, new);
	}
	ctl_policy_answer(call, "%s: key 1 version %s, key 2 version %s", did, text[0], text[1]);
}

/* answer_warnings() - the warnings in an act's report, after its answer. */
static void answer_warnings(struct ctl_call *call, const char *lines)
{
	size_t len;

	for (; (lines = policy_warning_next(lines, &len)); lines += len)
		(void)fprintf(call->out, "%.*s\n", (int)len, lines);
}

int ctl_policy_key_ids_store(struct ctl_call *call, const char *in)
{
	char copy[CTL_WRITE_MAX + 1], *words[2];
	struct policy_info before, info;
	const char *ids[2];
	int r;

	(void)snprintf(copy, sizeof(copy), "%s", in);
	if (ctl_split(copy, words, 2) != 2)
		return ctl_refuse(call, -EINVAL,
				  "key_ids: write two key ids in one write, with a blank between%s "
				  "(bash writes each line by itself)",
				  strchr(in, ',') ? ", not a comma" : "");
	r = ctl_policy_info(call, &before);
	if (r < 0)
		return r;
	ids[0] = words[0];
	ids[1] = words[1];
	r = policy_set_keys(call->c->policies, ctl_policy_id(call), ids, call->actor, &call->err);
	if (r < 0)
		return r;
	answer_versions(call, before.state == POLICY_DRAFT ? "created" : "has its keys", &before);
	if (ctl_policy_info(call, &info) == 0)
		answer_warnings(call, info.last_check);
	return 0;
}

/* outcome_show() - prints an act's last report; "none" when there was none since the mount. */
static int outcome_show(struct ctl_call *call, const char *lines)
{
	size_t len = strlen(lines);

	(void)fputs(len > 0 ? lines : "none", call->out);
	if (len == 0 || lines[len - 1] != '\n')
		(void)fputc('\n', call->out);
	return 0;
}

int ctl_policy_refresh_show(struct ctl_call *call)
{
	struct policy_info info;
	int r = ctl_policy_info(call, &info);

	return r < 0 ? r : outcome_show(call, info.last_refresh);
}

int ctl_policy_refresh_store(struct ctl_call *call, const char *in)
{
	struct policy_info before, info;
	int r;

	if (strcmp(in, "1") != 0)
		return ctl_refuse(call, -EINVAL,
				  "refresh: write 1 to take the newest version of both root keys");
	r = ctl_policy_info(call, &before);
	if (r < 0)
		return r;
	r = policy_refresh(call->c->policies, ctl_policy_id(call), call->actor, &call->err);
	if (r < 0)
		return r;
	answer_versions(call, "refreshed", &before);
	if (ctl_policy_info(call, &info) == 0)
		answer_warnings(call, info.last_refresh);
	return 0;
}

int ctl_policy_rotate_show(struct ctl_call *call)
{
	struct policy_info info;
	int r = ctl_policy_info(call, &info);

	return r < 0 ? r : outcome_show(call, info.last_rotate);
}

int ctl_policy_rotate_store(struct ctl_call *call, const char *in)
{
	uint64_t before = job_last(call->c->jobs);
	struct policy_info info;
	int r;

	if (strcmp(in, "1") != 0)
		return ctl_refuse(call, -EINVAL, "rotate: write 1 to start a new key generation");
	r = policy_rotate(call->c->policies, ctl_policy_id(call), call->actor, &call->err);
	if (r < 0)
		return r;
	if (ctl_policy_info(call, &info) < 0) {
		ctl_policy_answer(call, "rotated");
		return 0;
	}
	(void)fprintf(call->out, "ok: policy %s is rotated: generation %u is in use", info.name,
		      info.generation);
	ctl_answer_job(call, NULL, before);
	answer_warnings(call, info.last_rotate);
	return 0;
}

int ctl_policy_check_show(struct ctl_call *call)
{
	struct policy_info info;
	int r = ctl_policy_info(call, &info);

	return r < 0 ? r : outcome_show(call, info.last_check);
}

int ctl_policy_check_store(struct ctl_call *call, const char *in)
{
	int r;

	if (strcmp(in, "1") != 0)
		return ctl_refuse(call, -EINVAL, "check: write 1 to check both root keys");
	r = policy_check(call->c->policies, ctl_policy_id(call), call->actor, &call->err);
	if (r < 0)
		return r;
	ctl_policy_answer(call, "checked");
	return ctl_policy_check_show(call); /* with the warnings of a check that passed */
}
