/* fs/policy/check.c - is a pair of root keys fit for a policy? Every check of depfs-control(5),
 * check. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fs/policy/act_internal.h"

/* One root key under check: names of its lines, and where they go. */
struct root_check {
	struct report *rep;
	struct err *err;
	unsigned no; /* 1 or 2; 0: it is the only one */
	bool strict;
	bool warns; /* findings are warnings, not refusals */
	char id[KEY_ID_MAX];
	char what[40];
};

static const char *what(struct root_check *c, const char *check)
{
	if (c->no == 0)
		return check;
	(void)snprintf(c->what, sizeof(c->what), "key %u %s", c->no, check);
	return c->what;
}

static void found_fault(struct root_check *c, int r, const char *check, const char *id,
			const char *text)
{
	if (c->warns)
		report_line(c->rep, what(c, check), "warning, %s", text);
	else
		report_refuse(c->rep, c->err, r, what(c, check), id, "%s", text);
}

/* @ret_info: of @id, which may name a version, when this returns true. */
static bool describe(struct kms *kms, struct root_check *c, const char *check, const char *id,
		     struct kms_key_info *ret_info)
{
	char request_id[KMS_REQUEST_ID_LEN] = "";
	struct err cause = {0};
	enum kms_outcome o = kms_describe(kms, id, ret_info, request_id, &cause);

	if (o == KMS_TRANSIENT && c->no > 0)
		c->rep->down[c->no - 1] = true;
	vault_call_report(c->rep->audit, "key-describe", o == KMS_OK ? ret_info->id : id, o,
			  request_id, &cause);
	if (o != KMS_OK && c->warns)
		report_line(c->rep, what(c, check), "warning, %s, %s", kms_outcome_name(o),
			    err_text(&cause, kms_errno(o, &cause)));
	else if (o != KMS_OK)
		report_outcome(c->rep, c->err, what(c, check), o, &cause);
	return o == KMS_OK;
}

static void check_rules(struct root_check *c, const struct kms_key_info *info)
{
	const int64_t now_s = time(NULL);
	char found[KMS_FOUND_LEN];

	for (enum kms_rule rule = 0; rule < KMS_RULE_END; rule++) {
		const char *check = kms_rule_name(rule);
		int r = kms_key_fit(info, rule, now_s, found);

		if (r < 0)
			found_fault(c, r, check, c->id, found);
		else
			report_line(c->rep, what(c, check), "ok%s%s", found[0] ? ", " : "", found);
	}
}

static void check_recovery(struct root_check *c, const struct kms_key_info *info)
{
	if (!info->purgeable)
		report_line(c->rep, what(c, "recovery level"), "ok, %s", info->recovery_level);
	else if (c->strict && !c->warns)
		report_refuse(c->rep, c->err, -EINVAL, what(c, "recovery level"), c->id,
			      "the key can be purged (%s)", info->recovery_level);
	else
		report_line(c->rep, what(c, "recovery level"), "warning, purgeable");
}

/* Wraps take the newest version, but an id that names a version expects it to exist. @newest:
 * described. */
static void check_named(struct kms *kms, struct root_check *c, const struct key_id *given,
			const struct kms_key_info *newest)
{
	static const char check[] = "named version";
	char id[KEY_ID_MAX], found[KMS_FOUND_LEN];
	struct kms_key_info info = *newest;
	struct key_id newest_id = {0};
	bool is_newest;
	int r;

	if (!given->version[0])
		return;
	key_id_format(given, id);
	is_newest = key_id_parse(newest->id, &newest_id, NULL) == 0 &&
		    strcmp(newest_id.version, given->version) == 0;
	if (!is_newest && !describe(kms, c, check, id, &info))
		return;
	r = kms_key_fit(&info, KMS_RULE_ENABLED, time(NULL), found);
	if (r < 0)
		found_fault(c, r, check, id,
			    r == -EKEYREVOKED ? "this version is disabled" : found);
	else
		report_line(c->rep, what(c, check), "ok%s",
			    is_newest ? "" : ", but wraps take the newest");
}

static void check_live(struct kms *kms, struct root_check *c, const struct key_id *id)
{
	CLEANUP(secret_free_p) struct secret *probe = NULL;
	struct root_copy copy;
	int r;

	r = secret_new_random(WRAP_KEY_LEN, &probe);
	if (r < 0) {
		report_refuse(c->rep, c->err, r, what(c, "wrap"), c->id, "no memory for a probe");
		return;
	}
	c->what[0] = '\0';
	if (c->no != 0)
		(void)snprintf(c->what, sizeof(c->what), "key %u", c->no);
	r = copy_make(kms, id, c->what, probe, &copy, c->rep, c->err);
	(void)r; /* in the report, whose first refusal decides */
}

static void check_root(struct kms *kms, struct root_check *c, const struct key_id *given,
		       enum named_version named)
{
	struct key_id id = *given;
	struct kms_key_info info = {0};

	id.version[0] = '\0'; /* wraps take the newest version, whatever was named */
	key_id_format(&id, c->id);
	if (describe(kms, c, "describe", c->id, &info)) {
		report_line(c->rep, what(c, "describe"), "ok, %s", info.id);
		check_rules(c, &info);
		check_recovery(c, &info);
		c->warns = named == NAMED_WARNS;
		check_named(kms, c, given, &info);
		c->warns = false;
	}
	if (c->no > 0 && c->rep->down[c->no - 1])
		report_line(c->rep, what(c, "wrap"), "not asked, for the vault does not answer");
	else
		check_live(kms, c, &id);
}

int check_roots(struct policies *ps, const struct key_id ids[static 2], enum named_version named,
		struct report *rep, struct err *err)
{
	if (strcmp(ids[0].scheme, ids[1].scheme) == 0 && strcmp(ids[0].vault, ids[1].vault) == 0)
		report_refuse(rep, err, -EINVAL, "vaults", "key ids",
			      "both keys are in vault %s; two vaults are needed", ids[0].vault);
	else
		report_line(rep, "vaults", "ok, %.80s and %.80s", ids[0].vault, ids[1].vault);
	for (unsigned i = 0; i < 2; i++) {
		struct root_check c = {.rep = rep, .err = err, .no = i + 1, .strict = ps->strict};

		rep->audit = ps->audit;
		check_root(ps->kms, &c, &ids[i], named);
	}
	return rep->r;
}

int roots_take(struct act *a, const char *const ids[static 2], struct key_id ret_ids[static 2],
	       struct report *rep)
{
	int r = root_ids_parse(ids, ret_ids, a->err);

	return r < 0 ? r : check_roots(a->ps, ret_ids, NAMED_REFUSES, rep, a->err);
}

void check_wrapped(struct policies *ps, const struct root_copy copies[static 2], struct report *rep)
{
	rep->spare = 0;
	rep->audit = ps->audit;
	for (unsigned i = 0; i < 2; i++) {
		struct root_check c = {.rep = rep, .no = i + 1, .warns = true};
		struct kms_key_info info = {0};

		memcpy(c.id, copies[i].key_id, sizeof(c.id));
		if (!describe(ps->kms, &c, "describe", c.id, &info))
			continue;
		check_rules(&c, &info);
		check_recovery(&c, &info);
	}
}

int root_key_check(struct kms *kms, const char *key_id, bool strict,
		   char ret_report[static POLICY_OUTCOME_MAX], struct err *err)
{
	struct report rep = {.terse = true};
	struct root_check c = {.rep = &rep, .err = err, .strict = strict};
	struct key_id id;
	int r = root_id_parse(key_id, &id, err);

	if (r < 0)
		return err_prefix(err, r, "\"%.200s\"", key_id);
	check_root(kms, &c, &id, NAMED_REFUSES);
	memcpy(ret_report, rep.text, sizeof(rep.text));
	return rep.r;
}
