#include "fs/control/control_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fs/policy/purge.h"

/*
 * policies/NAME/: the acts take the policy's id, so that a handle stays with its policy through a
 * rename.
 */
static const char *id_of(const struct ctl_call *call)
{
	return call->ref.folder->policy_text;
}

static int info_of(struct ctl_call *call, struct policy_info *ret_info)
{
	return policy_get(call->c->engine, id_of(call), ret_info, &call->err);
}

static struct engine *engine_of(const struct ctl_call *call)
{
	return call->c->engine;
}

/* say() - the answer of an act: what it did to which policy, by the name that it has now. */
static void __attribute__((format(printf, 2, 3))) say(struct ctl_call *call, const char *fmt, ...)
{
	struct policy_info info;
	va_list args;

	if (info_of(call, &info) < 0) /* removed by another admin since */
		(void)snprintf(info.name, sizeof(info.name), "%s", id_of(call));
	(void)fprintf(call->out, "ok: policy %s ", info.name);
	va_start(args, fmt);
	(void)vfprintf(call->out, fmt, args);
	va_end(args);
	(void)fputc('\n', call->out);
}

static int id_show(struct ctl_call *call)
{
	(void)fprintf(call->out, "%s\n", id_of(call));
	return 0;
}

static int kind_show(struct ctl_call *call)
{
	struct policy_info info;
	int r = info_of(call, &info);

	if (r < 0)
		return r;
	(void)fprintf(call->out, "%s\n", policy_kind_name(info.kind));
	return 0;
}

static int kind_store(struct ctl_call *call, const char *in)
{
	static const enum policy_kind kinds[] = {POLICY_MULTI_WORKLOAD, POLICY_MAILBOX};
	int r;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(in, policy_kind_name(kinds[i])) != 0)
			continue;
		r = policy_set_kind(engine_of(call), id_of(call), kinds[i], call->who, &call->err);
		if (r == 0)
			say(call, "is of kind %s", in);
		return r;
	}
	return ctl_refuse(call, -EINVAL, "kind: write %s or %s",
			  policy_kind_name(POLICY_MULTI_WORKLOAD),
			  policy_kind_name(POLICY_MAILBOX));
}

static int description_show(struct ctl_call *call)
{
	struct policy_info info;
	int r = info_of(call, &info);

	if (r < 0)
		return r;
	(void)fprintf(call->out, "%s\n", info.description);
	return 0;
}

static int description_store(struct ctl_call *call, const char *in)
{
	int r = policy_describe(engine_of(call), id_of(call), in, call->who, &call->err);

	if (r == 0)
		say(call, "described");
	return r;
}

static int enabled_show(struct ctl_call *call)
{
	struct policy_info info;
	int r = info_of(call, &info);

	if (r < 0)
		return r;
	(void)fprintf(call->out, "%d\n", info.enabled);
	return 0;
}

static int enabled_store(struct ctl_call *call, const char *in)
{
	bool on = strcmp(in, "1") == 0;
	int r;

	if (!on && strcmp(in, "0") != 0)
		return ctl_refuse(call, -EINVAL, "enabled: write 1 or 0");
	r = on ? policy_enable(engine_of(call), id_of(call), call->who, &call->err)
	       : policy_disable(engine_of(call), id_of(call), call->who, &call->err);
	if (r == 0)
		say(call, "is %s", on ? "enabled" : "disabled");
	return r;
}

/* version_of() - the version that a key id names, or "none". */
static const char *version_of(const char *kid, struct key_id *key)
{
	if (!*kid || key_id_parse(kid, key, NULL) < 0 || !*key->version)
		return "none";
	return key->version;
}

static int key_ids_show(struct ctl_call *call)
{
	struct policy_info info;
	struct key_id key;
	int r = info_of(call, &info);

	if (r < 0)
		return r;
	if (info.state == POLICY_DRAFT) {
		(void)fputs("none\n", call->out);
		return 0;
	}
	for (int i = 0; i < 2; i++)
		(void)fprintf(call->out, "%s %s\n", info.roots[i].key_id,
			      version_of(info.roots[i].kid, &key));
	return 0;
}

/* split() - the words of @in, in place; -1: there are more than @max. */
static int split(char *in, char **words, int max)
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

/* say_versions() - the answer of an act that wraps anew: the version of each key before and after.
 */
static void say_versions(struct ctl_call *call, const char *did, const struct policy_info *before)
{
	struct policy_info after;
	char text[2][2 * sizeof(((struct key_id *)0)->version) + 8];
	struct key_id was, is;

	if (info_of(call, &after) < 0) {
		say(call, "%s", did);
		return;
	}
	for (int i = 0; i < 2; i++) {
		const char *old = version_of(before->roots[i].kid, &was);
		const char *new = version_of(after.roots[i].kid, &is);

		if (strcmp(before->roots[i].kid, after.roots[i].kid) == 0)
			(void)snprintf(text[i], sizeof(text[i]), "%s unchanged", new);
		else
			(void)snprintf(text[i], sizeof(text[i]), "%s -> %s", old, new);
	}
	say(call, "%s: key 1 version %s, key 2 version %s", did, text[0], text[1]);
}

/* say_warnings() - the lines of an act's report that the answer must not leave unsaid. */
static void say_warnings(struct ctl_call *call, const char *lines)
{
	size_t len;

	for (; (lines = policy_warning_next(lines, &len)); lines += len)
		(void)fprintf(call->out, "%.*s\n", (int)len, lines);
}

static int key_ids_store(struct ctl_call *call, const char *in)
{
	char copy[CTL_WRITE_MAX + 1], *words[2];
	struct policy_info before, info;
	const char *ids[2];
	int r;

	(void)snprintf(copy, sizeof(copy), "%s", in);
	if (split(copy, words, 2) != 2)
		return ctl_refuse(call, -EINVAL,
				  "key_ids: write two key ids in one write, with a blank between%s "
				  "(bash writes each line by itself)",
				  strchr(in, ',') ? ", not a comma" : "");
	r = info_of(call, &before);
	if (r < 0)
		return r;
	ids[0] = words[0];
	ids[1] = words[1];
	r = policy_set_keys(engine_of(call), id_of(call), ids, call->who, &call->err);
	if (r < 0)
		return r;
	say_versions(call, before.state == POLICY_DRAFT ? "created" : "has its keys", &before);
	if (info_of(call, &info) == 0)
		say_warnings(call, info.last_check);
	return 0;
}

/* outcome_show() - the lines an act left, or that it was not done since the mount. */
static int outcome_show(struct ctl_call *call, const char *lines)
{
	size_t len = strlen(lines);

	(void)fputs(len > 0 ? lines : "none", call->out);
	if (len == 0 || lines[len - 1] != '\n')
		(void)fputc('\n', call->out);
	return 0;
}

static int refresh_show(struct ctl_call *call)
{
	struct policy_info info;
	int r = info_of(call, &info);

	return r < 0 ? r : outcome_show(call, info.last_refresh);
}

static int refresh_store(struct ctl_call *call, const char *in)
{
	struct policy_info before, info;
	int r;

	if (strcmp(in, "1") != 0)
		return ctl_refuse(call, -EINVAL,
				  "refresh: write 1 to take the newest version of both root keys");
	r = info_of(call, &before);
	if (r < 0)
		return r;
	r = policy_refresh(engine_of(call), id_of(call), call->who, &call->err);
	if (r < 0)
		return r;
	say_versions(call, "refreshed", &before);
	if (info_of(call, &info) == 0)
		say_warnings(call, info.last_refresh);
	return 0;
}

static int rotate_show(struct ctl_call *call)
{
	struct policy_info info;
	int r = info_of(call, &info);

	return r < 0 ? r : outcome_show(call, info.last_rotate);
}

static int rotate_store(struct ctl_call *call, const char *in)
{
	uint64_t before = job_last(engine_of(call));
	struct policy_info info;
	int r;

	if (strcmp(in, "1") != 0)
		return ctl_refuse(call, -EINVAL, "rotate: write 1 to start a new key generation");
	r = policy_rotate(engine_of(call), id_of(call), call->who, &call->err);
	if (r < 0)
		return r;
	if (info_of(call, &info) < 0) {
		say(call, "rotated");
		return 0;
	}
	(void)fprintf(call->out, "ok: policy %s is rotated: generation %u is in use", info.name,
		      info.generation);
	ctl_job_say(call, NULL, before);
	say_warnings(call, info.last_rotate);
	return 0;
}

static int check_show(struct ctl_call *call)
{
	struct policy_info info;
	int r = info_of(call, &info);

	return r < 0 ? r : outcome_show(call, info.last_check);
}

static int check_store(struct ctl_call *call, const char *in)
{
	int r;

	if (strcmp(in, "1") != 0)
		return ctl_refuse(call, -EINVAL, "check: write 1 to check both root keys");
	r = policy_check(engine_of(call), id_of(call), call->who, &call->err);
	if (r < 0)
		return r;
	say(call, "checked");
	return check_show(call); /* warnings are the point of a check that passes */
}

/* The receipt; or the form, so that nobody has to look it up. */
static int purge_show(struct ctl_call *call)
{
	CLEANUP(free_mem_p) char *text = NULL;
	struct policy_info info;
	int r = info_of(call, &info);

	if (r < 0)
		return r;
	if (info.state != POLICY_PURGED) {
		(void)fputs("none\n", call->out);
		return 0;
	}
	r = purge_receipt(engine_of(call), info.id, &text);
	if (r == -ENOENT)
		(void)fputs("receipt: not written yet, see jobs\n", call->out);
	else if (r == -EFBIG || r == -EINVAL || r == -ELOOP || r == -ENOTDIR)
		(void)fprintf(call->out, "receipt: its file is %s, see STORE/.depfs/receipts\n",
			      r == -EFBIG ? "too long to be shown" : "not a plain file");
	else if (r == 0)
		(void)fputs(text, call->out);
	else
		return r;
	return 0;
}

/* "reason=TEXT contact=TEXT confirm=ID" in any order; each text goes on to the next word that is
 * one of these. @in is cut into pieces. */
static int purge_parse(struct ctl_call *call, char *in, struct purge_request *rq)
{
	static const char *const names[] = {"reason=", "contact=", "confirm="};
	const char **values[] = {&rq->reason, &rq->contact, &rq->confirm};
	char *end = in;

	for (char *at = in; *at; at++) {
		if (at != in && !strchr(" \t\r\n", at[-1]))
			continue;
		for (size_t i = 0; i < 3; i++) {
			if (strncmp(at, names[i], strlen(names[i])) != 0)
				continue;
			if (*values[i])
				return ctl_refuse(call, -EINVAL, "purge: %s is given twice",
						  names[i]);
			if (at != in)
				at[-1] = '\0';
			*values[i] = end = at + strlen(names[i]);
		}
	}
	if (end == in)
		return ctl_refuse(call, -EINVAL,
				  "purge: write reason=TEXT contact=TEXT confirm=<policy id>");
	for (size_t i = 0; i < 3; i++) {
		char *last = *values[i] ? strchr(*values[i], '\0') : NULL;

		while (last && last > *values[i] && strchr(" \t\r\n", last[-1]))
			*--last = '\0';
	}
	return 0;
}

static int purge_store(struct ctl_call *call, const char *in)
{
	CLEANUP(free_mem_p) char *copy = strdup(in);
	struct purge_request rq = {0};
	uint64_t before = job_last(engine_of(call));
	int r = copy ? purge_parse(call, copy, &rq) : -ENOMEM;

	if (r == 0)
		r = policy_purge(engine_of(call), id_of(call), &rq, call->who, &call->err);
	if (r == 0 && job_last(engine_of(call)) > before)
		say(call,
		    "is purged: no copy of its key is left; job %llu lists what became "
		    "unreadable",
		    (unsigned long long)job_last(engine_of(call)));
	else if (r == 0)
		say(call, "is purged already");
	return r;
}

static int remove_show(struct ctl_call *call)
{
	(void)fputs("1\nforce\n", call->out);
	return 0;
}

/* The folder is gone when this returns. */
static int remove_store(struct ctl_call *call, const char *in)
{
	bool force = strcmp(in, "force") == 0;
	struct policy_info info;
	int r;

	if (!force && strcmp(in, "1") != 0)
		return ctl_refuse(call, -EINVAL,
				  "remove: write 1 to keep its keys for backups, or force");
	r = info_of(call, &info);
	if (r < 0)
		return r;
	r = policy_remove(engine_of(call), id_of(call), force ? REMOVE_FORCE : REMOVE_KEEP,
			  call->who, &call->err);
	if (r == 0)
		(void)fprintf(call->out, "ok: policy %s is removed; %s\n", info.name,
			      force || info.state == POLICY_DRAFT || info.state == POLICY_PURGED
				      ? "no key of it is left"
				      : "its keys are kept for backups");
	return r;
}

static void root_show(FILE *out, int no, const struct policy_root_info *root)
{
	struct key_id key;
	char when[CTL_TIME_LEN];

	ctl_time(root->health.when, when);
	(void)fprintf(out, "key %d: %s\n", no, root->key_id);
	(void)fprintf(out, "key %d version: %s\n", no, version_of(root->kid, &key));
	(void)fprintf(out, "key %d outcome: %s\n", no,
		      root->health.when ? kms_outcome_name(root->health.outcome) : "not asked yet");
	(void)fprintf(out, "key %d when: %s\n", no, when);
	if (root->health.when && root->health.outcome != KMS_OK)
		(void)fprintf(out, "key %d why: %s\n", no, root->health.text);
}

static int status_show(struct ctl_call *call)
{
	struct policy_info info;
	char created[CTL_TIME_LEN];
	int r = info_of(call, &info);

	if (r < 0)
		return r;
	ctl_time((int64_t)info.created, created);
	(void)fprintf(call->out,
		      "name: %s\nid: %s\nkind: %s\nstate: %s\nenabled: %d\nassigned: %s\n"
		      "mailboxes: %u\ngeneration: %u\ncreated: %s\n",
		      info.name, id_of(call), policy_kind_name(info.kind),
		      policy_state_name(info.state), info.enabled,
		      info.assigned_tenant ? "yes" : "no", info.mailboxes_assigned, info.generation,
		      created);
	for (int i = 0; i < 2 && info.state != POLICY_DRAFT; i++)
		root_show(call->out, i + 1, &info.roots[i]);
	ctl_scan_of_policy(call, info.id);
	ctl_revocation_of_policy(call, &info);
	return 0;
}

const struct ctl_row ctl_policy_rows[] = {
	{"id", CTL_SEE, .show = id_show},
	{"kind", CTL_CHANGE, .show = kind_show, .store = kind_store},
	{"description", CTL_CHANGE, CTL_EMPTY, .show = description_show,
	 .store = description_store},
	{"enabled", CTL_CHANGE, .show = enabled_show, .store = enabled_store},
	{"key_ids", CTL_CHANGE, CTL_LINES, .show = key_ids_show, .store = key_ids_store},
	{"refresh", CTL_CHANGE, .show = refresh_show, .store = refresh_store},
	{"rotate", CTL_CHANGE, .show = rotate_show, .store = rotate_store},
	{"check", CTL_CHANGE, .show = check_show, .store = check_store},
	{"purge", CTL_CHANGE, CTL_LONG | CTL_LINES, .show = purge_show, .store = purge_store},
	{"remove", CTL_CHANGE, .show = remove_show, .store = remove_store},
	{"status", CTL_SEE, .show = status_show},
	{"last_error", CTL_SEE, .show = ctl_last_error_show},
	{0},
};
