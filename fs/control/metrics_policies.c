/* fs/control/metrics_policies.c - metrics of policies, their keys and of jobs. */
#include <errno.h>
#include <time.h>

#include "fs/control/metrics_internal.h"

/* One policy and the state of its keys. */
struct sample {
	const struct policy_info *info;
	struct keyring_look key;
	char id[UUID_TEXT_LEN];
};

/* A family with one sample for each policy. */
struct policy_gauge {
	const char *name, *help;
	enum metric_type type;
	double (*value)(const struct sample *s);
};

static double generation_of(const struct sample *s)
{
	return s->info->generation;
}

static double assigned_of(const struct sample *s)
{
	return s->info->assigned_tenant;
}

static double mailboxes_of(const struct sample *s)
{
	return s->info->mailboxes_assigned;
}

static double open_of(const struct sample *s)
{
	return s->key.open;
}

static double revocations_of(const struct sample *s)
{
	return (double)s->key.revocations;
}

static const struct policy_gauge gauges[] = {
	{"depfs_policy_generation", "Generation that new data is wrapped under.", METRIC_GAUGE,
	 generation_of},
	{"depfs_policy_assigned", "1: assigned to the tenant.", METRIC_GAUGE, assigned_of},
	{"depfs_policy_mailboxes", "Mailboxes it is assigned to.", METRIC_GAUGE, mailboxes_of},
	{"depfs_policy_key_open", "1: a key of it is open in memory.", METRIC_GAUGE, open_of},
	{"depfs_policy_revocations_total", "So often it turned revoked since the mount.",
	 METRIC_COUNTER, revocations_of},
};

static void show_by_state(struct metrics_page *p, const struct policy_info *list, size_t n)
{
	page_family(p, "depfs_policies", METRIC_GAUGE, "Policies by state.");
	for (unsigned s = 0; s <= POLICY_PURGED; s++) {
		uint64_t count = 0;

		for (size_t i = 0; i < n; i++)
			count += list[i].state == (enum policy_state)s;
		page_count(p, count, "state", policy_state_name(s), NULL);
	}
}

static void show_policy_info(struct metrics_page *p, const struct sample *list, size_t n)
{
	page_family(p, "depfs_policy_info", METRIC_GAUGE, "1; labels: id and kind of a policy.");
	for (size_t i = 0; i < n; i++)
		page_value(p, 1, "policy", list[i].info->name, "id", list[i].id, "kind",
			   policy_kind_name(list[i].info->kind), NULL);
	page_family(p, "depfs_policy_state", METRIC_GAUGE, "1 for the state a policy is in.");
	for (size_t i = 0; i < n; i++)
		for (unsigned s = 0; s <= POLICY_PURGED; s++)
			page_value(p, list[i].info->state == (enum policy_state)s, "policy",
				   list[i].info->name, "state", policy_state_name(s), NULL);
}

/* The vault's name is in the key's id; a draft may have none yet. */
static void show_root(struct metrics_page *p, const struct policy_info *info, unsigned k)
{
	const struct policy_root_info *root = &info->roots[k];
	struct key_id id;

	if (root->health.when == 0 || key_id_parse(root->key_id, &id, NULL) < 0)
		return;
	page_value(p, root->health.outcome == KMS_OK, "policy", info->name, "key", k ? "2" : "1",
		   "vault", id.vault, NULL);
}

static void show_access(struct metrics_page *p, const struct sample *list, size_t n)
{
	int64_t now = time(NULL);

	page_single(p, "depfs_key_check_interval_seconds", METRIC_GAUGE,
		    "Access is proved again this often.", p->c->key_check_s);
	page_family(p, "depfs_root_key_up", METRIC_GAUGE,
		    "1: the root key did its work when it was last asked.");
	for (size_t i = 0; i < n; i++)
		for (unsigned k = 0; k < 2; k++)
			show_root(p, list[i].info, k);
	page_family(p, "depfs_policy_access_proof_age_seconds", METRIC_GAUGE,
		    "Since a root key last opened the policy's newest key.");
	for (size_t i = 0; i < n; i++)
		if (list[i].key.proved != 0)
			page_value(p,
				   now > list[i].key.proved ? (double)(now - list[i].key.proved)
							    : 0,
				   "policy", list[i].info->name, NULL);
}

static void show_policies(struct metrics_page *p, const struct sample *list, size_t n)
{
	show_policy_info(p, list, n);
	for (size_t g = 0; g < sizeof(gauges) / sizeof(*gauges); g++) {
		page_family(p, gauges[g].name, gauges[g].type, gauges[g].help);
		for (size_t i = 0; i < n; i++)
			page_value(p, gauges[g].value(&list[i]), "policy", list[i].info->name,
				   NULL);
	}
	show_access(p, list, n);
}

int metrics_policies(struct metrics_page *p)
{
	CLEANUP(free_mem_p) struct policy_info *list = NULL;
	CLEANUP(free_mem_p) struct sample *samples = NULL;
	size_t n = 0, n_samples;
	int r = policy_list(p->c->policies, &list, &n);

	if (r < 0)
		return r;
	n_samples = n < METRICS_POLICIES_MAX ? n : METRICS_POLICIES_MAX;
	samples = calloc(n_samples + 1, sizeof(*samples));
	if (!samples)
		return -ENOMEM;
	for (size_t i = 0; i < n_samples; i++) {
		samples[i].info = &list[i];
		uuid_encode(list[i].id, samples[i].id);
		keyring_look(p->c->keyring, list[i].id, &samples[i].key);
	}
	show_by_state(p, list, n);
	show_policies(p, samples, n_samples);
	return 0;
}

/* ---- jobs ---- */

/* The job that runs; else one that waits for its key. NULL: none. */
static const struct job_info *current_job(const struct job_info *list, size_t n)
{
	const struct job_info *waits = NULL;

	for (size_t i = 0; i < n; i++) {
		if (list[i].rec.state == JOB_RUNNING)
			return &list[i];
		if (list[i].rec.state == JOB_WAITING && !waits)
			waits = &list[i];
	}
	return waits;
}

static void show_current(struct metrics_page *p, const struct job_info *job)
{
	const char *kind = job ? job_kind_name(job->rec.kind) : NULL;

	page_family(
		p, "depfs_job_files", METRIC_GAUGE,
		"Files of the job that runs or waits for its key; total once they are counted.");
	if (job) {
		page_count(p, job->rec.done, "kind", kind, "result", "done", NULL);
		page_count(p, job->rec.skipped, "kind", kind, "result", "skipped", NULL);
		page_count(p, job->rec.failed, "kind", kind, "result", "failed", NULL);
		if (!job->counting)
			page_count(p, job->rec.total, "kind", kind, "result", "total", NULL);
	}
	page_family(p, "depfs_job_number", METRIC_GAUGE, "Number of that job.");
	if (job)
		page_count(p, job->rec.no, "kind", kind, NULL);
	page_family(p, "depfs_job_files_per_second", METRIC_GAUGE, "What it does, lately.");
	if (job)
		page_count(p, job->per_s, "kind", kind, NULL);
}

int metrics_jobs(struct metrics_page *p)
{
	unsigned by[JOB_KIND_END][JOB_STATE_END] = {0};
	CLEANUP(free_mem_p) struct job_info *list = NULL;
	size_t n = 0;
	int r = job_list(p->c->jobs, &list, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		by[list[i].rec.kind][list[i].rec.state]++;
	page_family(p, "depfs_jobs", METRIC_GAUGE, "Jobs that are remembered, by kind and state.");
	for (unsigned k = JOB_ASSIGN; k < JOB_KIND_END; k++)
		for (unsigned s = JOB_QUEUED; s < JOB_STATE_END; s++)
			page_count(p, by[k][s], "kind", job_kind_name(k), "state",
				   job_state_name(s), NULL);
	show_current(p, current_job(list, n));
	return 0;
}
