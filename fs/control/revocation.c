/* fs/control/revocation.c - lines of status files: how soon a denial takes effect, what revocations
 * did. */
#include "fs/control/control_internal.h"
#include "fs/control/files_internal.h"

static void limits_show(struct ctl_call *call, const struct policy_info *info)
{
	struct keyring *keyring = call->c->keyring;

	(void)fprintf(call->out,
		      "revocation window: %u s\n"
		      "revocation window with slow vaults: %u s\n"
		      "outage budget: %s\n",
		      keyring_window_s(keyring, false), keyring_window_s(keyring, true),
		      info->revoked ? "none, a vault has to grant access again"
				    : "unlimited, by the availability key");
}

static void revocation_show(struct ctl_call *call, const struct policy_info *info)
{
	struct revocation r;
	char when[CTL_TIME_LEN];

	keyring_revocation(call->c->keyring, info->id, &r);
	(void)fprintf(call->out, "revocations: %llu\n", (unsigned long long)r.count);
	if (!r.count)
		return;
	ctl_time(r.when, when);
	(void)fprintf(call->out, "last revocation: %s, %s\n", when,
		      r.under_way ? "under way" : "done");
	if (r.under_way)
		return;
	(void)fprintf(call->out,
		      "last revocation took: %llu ms\n"
		      "last revocation open files: %llu\n"
		      "last revocation handles: %llu\n"
		      "last revocation cached files: %llu\n"
		      "last revocation flushed: %llu bytes\n"
		      "last revocation lost: %llu bytes\n"
		      "last revocation data keys wiped: %llu\n"
		      "last revocation policy keys wiped: %llu\n",
		      (unsigned long long)r.took_ms, (unsigned long long)r.files.open_files,
		      (unsigned long long)r.files.handles, (unsigned long long)r.files.cached_files,
		      (unsigned long long)r.files.flushed, (unsigned long long)r.files.lost,
		      (unsigned long long)r.files.data_keys, (unsigned long long)r.policy_keys);
}

void ctl_revocation_of_policy(struct ctl_call *call, const struct policy_info *info)
{
	if (info->state == POLICY_DRAFT)
		return;
	if (info->state != POLICY_PURGED)
		limits_show(call, info);
	revocation_show(call, info);
}

void ctl_revocations_summary(struct ctl_call *call)
{
	struct revocation sum;
	char when[CTL_TIME_LEN];

	keyring_revocations(call->c->keyring, &sum);
	ctl_time(sum.when, when);
	(void)fprintf(call->out,
		      "revocations: %llu\nrevocations under way: %llu\nlast revocation: %s\n",
		      (unsigned long long)sum.count, (unsigned long long)sum.under_way, when);
}
