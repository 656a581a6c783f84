/* fs/policy/change.c - acts on a policy alone: renamed, described, enabled, disabled. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/policy/act_internal.h"

static int rename_do(struct act *a, const char *new_name)
{
	struct policy_record rec = a->policy->rec;
	const struct policy *other;
	int r;

	r = policy_name_check(new_name, a->err);
	if (r < 0)
		return r;
	other = tables_find_name_locked(&a->ps->tables, new_name);
	if (other && other != a->policy) /* its own name may change in case */
		return err_set(a->err, -EEXIST, "there is a policy \"%s\" already",
			       other->rec.name);
	memset(rec.name, 0, sizeof(rec.name));
	memcpy(rec.name, new_name, strlen(new_name));
	return record_replace(a, &rec);
}

int policy_rename(struct policies *ps, const char *p, const char *new_name,
		  const struct actor *actor, struct err *err)
{
	struct act a;
	int r = act_begin(&a, ps, "policy-rename", actor, p, err);

	a.new_name = new_name;
	if (r == 0)
		r = rename_do(&a, new_name);
	return act_end(&a, r);
}

static int describe_do(struct act *a, const char *text)
{
	struct policy_record rec = a->policy->rec;
	int r;

	r = description_check(text, a->err);
	if (r < 0)
		return r;
	memset(rec.description, 0, sizeof(rec.description));
	memcpy(rec.description, text, strlen(text));
	return record_replace(a, &rec);
}

int policy_describe(struct policies *ps, const char *p, const char *text, const struct actor *actor,
		    struct err *err)
{
	struct act a;
	int r = act_begin(&a, ps, "policy-describe", actor, p, err);

	if (r == 0)
		r = describe_do(&a, text);
	return act_end(&a, r);
}

static int kind_do(struct act *a, enum policy_kind kind)
{
	struct policy_record rec = a->policy->rec;
	int r;

	r = kind_check(kind, a->err);
	if (r < 0 || rec.kind == kind)
		return r;
	if (!policy_is_draft(a->policy))
		return err_set(a->err, -EBUSY, "policy \"%s\" has its keys: its kind is fixed",
			       rec.name);
	rec.kind = kind;
	return record_replace(a, &rec);
}

int policy_set_kind(struct policies *ps, const char *p, enum policy_kind kind,
		    const struct actor *actor, struct err *err)
{
	struct act a;
	int r = act_begin(&a, ps, "policy-kind", actor, p, err);

	if (r == 0)
		r = kind_do(&a, kind);
	return act_end(&a, r);
}

static int enable_do(struct act *a)
{
	struct policy_record rec = a->policy->rec;
	int r;

	if (policy_is_draft(a->policy))
		return err_set(a->err, -EINVAL, "policy \"%s\" is a draft: it has no keys yet",
			       rec.name);
	if (policy_is_purged(a->policy))
		return policy_refuse_purged(a);
	if (policy_is_enabled(a->policy))
		return 0;
	r = check_quota(a, rec.kind);
	if (r < 0)
		return r;
	rec.flags |= POLICY_FLAG_ENABLED;
	return record_replace(a, &rec);
}

int policy_enable(struct policies *ps, const char *p, const struct actor *actor, struct err *err)
{
	struct act a;
	int r = act_begin(&a, ps, "policy-enable", actor, p, err);

	if (r == 0)
		r = enable_do(&a);
	return act_end(&a, r);
}

/* Data under it stays readable, so its keys stay in the keyring. */
static int disable_do(struct act *a)
{
	struct policy_record rec = a->policy->rec;
	int r = policy_unassigned(a);

	if (r < 0)
		return r;
	rec.flags &= (uint16_t)~POLICY_FLAG_ENABLED;
	return record_replace(a, &rec);
}

int policy_disable(struct policies *ps, const char *p, const struct actor *actor, struct err *err)
{
	struct act a;
	int r = act_begin(&a, ps, "policy-disable", actor, p, err);

	if (r == 0)
		r = disable_do(&a);
	return act_end(&a, r);
}
