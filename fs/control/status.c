/* fs/control/status.c - status: the mount, its policies, keys, vaults, jobs and events. */
#include <string.h>

#include "fs/control/control_internal.h"
#include "fs/control/files_internal.h"

/* Counts over all policies. */
struct summary {
	unsigned by_state[POLICY_PURGED + 1];
	const char *tenant;
	unsigned roots, failing;
};

static bool has_keys(const struct policy_info *info)
{
	return info->state != POLICY_DRAFT && info->state != POLICY_PURGED;
}

static void summarise(const struct policy_info *list, size_t n, struct summary *sum)
{
	for (size_t i = 0; i < n; i++) {
		sum->by_state[list[i].state]++;
		if (list[i].assigned_tenant)
			sum->tenant = list[i].name;
		for (int k = 0; k < 2 && has_keys(&list[i]); k++) {
			sum->roots++;
			sum->failing += list[i].roots[k].health.when != 0 &&
					list[i].roots[k].health.outcome != KMS_OK;
		}
	}
}

/* failing_show() - one line for each root key whose last answer was not ok. */
static void failing_show(FILE *out, const struct policy_info *list, size_t n)
{
	unsigned no = 0;
	char when[CTL_TIME_LEN];

	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < 2 && has_keys(&list[i]); k++) {
			const struct root_health *h = &list[i].roots[k].health;

			if (h->when == 0 || h->outcome == KMS_OK)
				continue;
			ctl_time(h->when, when);
			(void)fprintf(out, "root key failing %u: %s key %d, %s at %s, %s\n", ++no,
				      list[i].name, k + 1, kms_outcome_name(h->outcome), when,
				      h->text);
		}
}

#define CIRCUITS_MAX 64

/* circuits_show() - one line for each vault or token service whose circuit breaker is not
 * closed. */
static void circuits_show(FILE *out, struct kms *kms)
{
	struct kms_circuit list[CIRCUITS_MAX];
	size_t n = kms_circuits(kms, list, CIRCUITS_MAX);
	unsigned no = 0;

	for (size_t i = 0; i < n; i++)
		if (list[i].state != KMS_CIRCUIT_CLOSED)
			(void)fprintf(out,
				      "vault circuit %u: %s is %s, %u calls in a row failed, "
				      "next try in %llu ms\n",
				      ++no, list[i].vault, kms_circuit_state_name(list[i].state),
				      list[i].failures, (unsigned long long)list[i].retry_in_ms);
}

static int policies_show(struct ctl_call *call)
{
	CLEANUP(free_mem_p) struct policy_info *list = NULL;
	struct summary sum = {.tenant = "none"};
	size_t n = 0;
	int r = policy_list(call->c->policies, &list, &n);

	if (r < 0)
		return r;
	summarise(list, n, &sum);
	(void)fprintf(call->out, "policies: %zu\n", n);
	for (int s = 0; s <= POLICY_PURGED; s++)
		(void)fprintf(call->out, "policies %s: %u\n",
			      policy_state_name((enum policy_state)s), sum.by_state[s]);
	(void)fprintf(call->out, "tenant policy: %s\nroot keys: %u\nroot keys failing: %u\n",
		      sum.tenant, sum.roots, sum.failing);
	failing_show(call->out, list, n);
	circuits_show(call->out, call->c->kms);
	return 0;
}

static void jobs_summary(struct ctl_call *call)
{
	CLEANUP(free_mem_p) struct job_info *list = NULL;
	unsigned by_state[JOB_STATE_END] = {0};
	size_t n;

	if (job_list(call->c->jobs, &list, &n) < 0)
		return; /* no memory: the rest of the page may still help */
	for (size_t i = 0; i < n; i++)
		by_state[list[i].rec.state]++;
	for (int s = JOB_QUEUED; s < JOB_STATE_END; s++)
		if (s <= JOB_PAUSED || s == JOB_FAILED)
			(void)fprintf(call->out, "jobs %s: %u\n", job_state_name((enum job_state)s),
				      by_state[s]);
}

static void events_summary(struct ctl_call *call)
{
	struct audit *audit = call->c->audit;
	const struct service_key *sk = store_service_key(call->c->store);
	char line[AUDIT_LINE_MAX], key[2 * SIGN_PUBLIC_LEN + 1];

	audit_last_line(audit, line, sizeof(line));
	hex_encode(sign_key_public(service_key_audit_sign(sk)), SIGN_PUBLIC_LEN, key);
	(void)fprintf(call->out, "audit key: %s\nevents: %llu\nlast event: %s\n", key,
		      (unsigned long long)audit_last_seq(audit), *line ? line : "none");
}

int ctl_status_show(struct ctl_call *call)
{
	const struct control *c = call->c;
	char since[CTL_TIME_LEN], unclean[CTL_TIME_LEN];
	struct control_gauges gauges = {0};
	int r;

	if (c->config.gauges)
		c->config.gauges(c->config.gauges_arg, &gauges);
	ctl_time(c->started, since);
	ctl_time(store_unclean_since(c->store), unclean);
	(void)fprintf(call->out,
		      "version: %s\nstore: %s\nmount: %s\nmounted since: %s\n"
		      "requests waiting: %u\n",
		      DEPFS_VERSION, store_path(c->store), c->mount, since,
		      gauges.requests_waiting);
	r = policies_show(call);
	if (r < 0)
		return r;
	ctl_revocations_summary(call);
	jobs_summary(call);
	(void)fprintf(call->out, "key check: every %u s\n", c->key_check_s);
	if (store_unclean_since(c->store) == 0)
		(void)fputs("last stop: clean\n", call->out);
	else
		(void)fprintf(call->out, "last stop: unclean, in use since %s\n", unclean);
	events_summary(call);
	return 0;
}
