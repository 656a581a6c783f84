#include "fs/control/control_internal.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static int version_show(struct ctl_call *call)
{
	const struct store_format *format = store_format_of(engine_store(call->c->engine));
	char id[UUID_TEXT_LEN];

	uuid_encode(format->store_id, id);
	(void)fprintf(call->out, "depfs: %s\nformat: %u\nstore: %s\n", DEPFS_VERSION,
		      format->version, id);
	return 0;
}

/* DESIGN section 3: what lies in each workload's folder. The rules are the engine's own. */
static const struct {
	enum workload workload;
	const char *folder, *scope, *holds;
} workloads[] = {
	{WORKLOAD_MAILBOX, "mailbox/<id>/", "mailbox", "Exchange mailboxes"},
	{WORKLOAD_SIGNALS, "signals/", "workload", "Exchange user and signal information"},
	{WORKLOAD_CHAT, "chat/", "workload",
	 "chat messages, media, recordings, notifications, suggestions, status messages"},
	{WORKLOAD_EDM, "edm/", "workload", "EDM schemas, rule packages, salts"},
	{WORKLOAD_OTHER, "anything else", "workload", "not covered by a multi-workload policy"},
};

static const char *on_assignment(enum workload w)
{
	return workload_rewraps_existing(w) ? "re-wrapped" : workload_covered(w) ? "left" : "stays";
}

static int workloads_show(struct ctl_call *call)
{
	(void)fprintf(call->out, "%-14s %-9s %-8s %-8s %-13s %s\n", "FOLDER", "WORKLOAD", "SCOPE",
		      "COVERED", "DATA-ALREADY", "HOLDS");
	for (size_t i = 0; i < sizeof(workloads) / sizeof(*workloads); i++)
		(void)fprintf(call->out, "%-14s %-9s %-8s %-8s %-13s %s\n", workloads[i].folder,
			      workload_name(workloads[i].workload), workloads[i].scope,
			      workload_covered(workloads[i].workload) ? "yes" : "no",
			      on_assignment(workloads[i].workload), workloads[i].holds);
	return 0;
}

static const char readme[] =
	"This folder steers the encryption of the files beside it. One value per file; each\n"
	"write is one command, done when it returns. A write that fails says why in last_error\n"
	"beside the file, and in error_log. Everything here is in depfs-control(5).\n"
	"\n"
	"  status                 how the mount and its policies are\n"
	"  workloads              which folder is covered by what\n"
	"  assignment             the policy of the whole tenant: write its name, or none\n"
	"  policies/              one folder per policy: mkdir makes a draft, mv renames,\n"
	"                         rmdir removes it, where remove would\n"
	"  policies/NAME/key_ids  write two key ids to complete a draft, or to replace the keys\n"
	"  policies/NAME/kind     multi-workload or mailbox, while it is a draft\n"
	"  policies/NAME/enabled  0 or 1; an assigned policy cannot be disabled\n"
	"  policies/NAME/refresh  write 1 after a root key got a new version\n"
	"  policies/NAME/rotate   write 1 for a new generation of the policy's key\n"
	"  policies/NAME/check    write 1 to check both root keys; changes nothing\n"
	"  policies/NAME/description  what it is for, in your words\n"
	"  policies/NAME/remove   write 1 when nothing is under it, by a scan; its keys are kept\n"
	"                         for backups, unless you write force\n"
	"  policies/NAME/purge    destroys the key of a mailbox policy that both vaults deny\n"
	"  policies/NAME/status   state, generation, how each root key answered last, and what a\n"
	"                         denial did to the files\n"
	"  mailboxes/ID/policy    the policy of one mailbox: write its name, or none\n"
	"  renew                  write the path of a file or folder: fresh data keys for it\n"
	"  jobs/N/status          how far the re-wrapping of existing files has come\n"
	"  jobs/N/control         write pause, resume, cancel, retry or rate=FILES_PER_SECOND\n"
	"  jobs/N/failed          the files it could not do, and why\n"
	"  scan                   what the last count of all files found; write 1 for a new one\n"
	"  events                 the audit log, one JSON object a line, oldest first\n"
	"  metrics                counters and gauges in the text format of Prometheus,\n"
	"                         see depfs-metrics(5)\n"
	"\n"
	"A policy is named by its name or its id. To make one and use it:\n"
	"\n";

static int readme_show(struct ctl_call *call)
{
	const char *mount = call->c->mount;

	(void)fputs(readme, call->out);
	(void)fprintf(call->out,
		      "  cd '%s/.depfs'\n"
		      "  mkdir 'policies/EUR Policy'\n"
		      "  echo local://vault-a/keys/k1 local://vault-b/keys/k2 >"
		      "'policies/EUR Policy/key_ids'\n"
		      "  echo 'EUR Policy' >assignment\n"
		      "  cat status last_error\n",
		      mount);
	return 0;
}

/* What `status` says of all policies together. */
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

/* failing_show() - each root key whose last answer was not ok: one down is seen nowhere else. */
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

/* circuits_show() - each vault or token service that is probed instead of asked. */
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
	int r = policy_list(call->c->engine, &list, &n);

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
	circuits_show(call->out, engine_kms(call->c->engine));
	return 0;
}

static void jobs_summary(struct ctl_call *call)
{
	CLEANUP(free_mem_p) struct job_info *list = NULL;
	unsigned by_state[JOB_STATE_END] = {0};
	size_t n;

	if (job_list(call->c->engine, &list, &n) < 0)
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
	struct audit *audit = engine_audit(call->c->engine);
	const struct service_key *sk = store_service_key(engine_store(call->c->engine));
	char line[AUDIT_LINE_MAX],
		key[2 * SIGN_PUBLIC_LEN + 1]; /* a line is JSON, or worth nothing */

	audit_last_line(audit, line, sizeof(line));
	hex_encode(sign_key_public(service_key_audit_sign(sk)), SIGN_PUBLIC_LEN, key);
	(void)fprintf(call->out, "audit key: %s\nevents: %llu\nlast event: %s\n", key,
		      (unsigned long long)audit_last_seq(audit), *line ? line : "none");
}

static int status_show(struct ctl_call *call)
{
	const struct control_config *config = &call->c->config;
	struct engine *e = call->c->engine;
	char since[CTL_TIME_LEN], unclean[CTL_TIME_LEN];
	struct control_gauges gauges = {0};
	int r;

	if (config->gauges)
		config->gauges(config->gauges_arg, &gauges);
	ctl_time(engine_started(e), since);
	ctl_time(store_unclean_since(engine_store(e)), unclean);
	(void)fprintf(call->out,
		      "version: %s\nstore: %s\nmount: %s\nmounted since: %s\n"
		      "requests waiting: %u\n",
		      DEPFS_VERSION, store_path(engine_store(e)), call->c->mount, since,
		      gauges.requests_waiting);
	r = policies_show(call);
	if (r < 0)
		return r;
	ctl_revocations_summary(call);
	jobs_summary(call);
	(void)fprintf(call->out, "key check: every %u s\n", engine_key_check_s(e));
	if (store_unclean_since(engine_store(e)) == 0)
		(void)fputs("last stop: clean\n", call->out);
	else
		(void)fprintf(call->out, "last stop: unclean, in use since %s\n", unclean);
	events_summary(call);
	return 0;
}

static int assignment_show(struct ctl_call *call)
{
	struct policy_info info;
	char id[UUID_TEXT_LEN];
	int r = assignment_get(call->c->engine, &info);

	if (r == -ENOENT) {
		(void)fputs("none\n", call->out);
		return 0;
	}
	if (r < 0)
		return r;
	uuid_encode(info.id, id);
	(void)fprintf(call->out, "name: %s\nid: %s\n", info.name, id);
	return 0;
}

static int assignment_store(struct ctl_call *call, const char *in)
{
	struct engine *e = call->c->engine;
	uint64_t before = job_last(e);
	struct policy_info info;
	int r;

	if (strcasecmp(in, "none") == 0) {
		r = unassign_tenant(e, call->who, &call->err);
		if (r == 0) {
			(void)fputs("ok: the tenant has no policy", call->out);
			ctl_job_say(call, NULL, before);
		}
		return r;
	}
	r = assign_tenant(e, in, call->who, &call->err);
	if (r < 0)
		return r;
	if (assignment_get(e, &info) < 0) /* another admin was at it since */
		(void)snprintf(info.name, sizeof(info.name), "%.*s", POLICY_NAME_MAX, in);
	(void)fprintf(call->out, "ok: policy %s is assigned to the tenant", info.name);
	ctl_job_say(call, NULL, before);
	return 0;
}

static int renew_show(struct ctl_call *call)
{
	(void)fputs("write the path of a file or folder, below the mount's top\n", call->out);
	return 0;
}

/* Below the mount's top, whether it begins there or at the root of everything; "" is the top. */
static const char *path_below(const struct ctl_call *call, const char *in)
{
	size_t len = strlen(call->c->mount);

	if (strncmp(in, call->c->mount, len) == 0 && (in[len] == '/' || in[len] == '\0'))
		in += len;
	else if (*in == '/')
		return NULL;
	in += strspn(in, "/");
	return strcmp(in, ".") == 0 ? in + 1 : in;
}

static int renew_store(struct ctl_call *call, const char *in)
{
	char path[CTL_WRITE_MAX + 1];
	const char *below = path_below(call, in);
	uint64_t no;
	int r;

	if (!below)
		return ctl_refuse(call, -EINVAL, "renew: '%s' is not below %s", in, call->c->mount);
	(void)snprintf(path, sizeof(path), "%s", below);
	for (size_t len = strlen(path); len && path[len - 1] == '/'; len--)
		path[len - 1] = '\0';
	r = renew_start(call->c->engine, path, call->who, &no, &call->err);
	if (r == 0)
		(void)fprintf(call->out, "ok: job %llu gives %s a fresh key\n",
			      (unsigned long long)no, *path ? path : "every file");
	return r;
}

const struct ctl_row ctl_top_rows[] = {
	{"version", CTL_SEE, .show = version_show},
	{"workloads", CTL_SEE, .show = workloads_show},
	{"README", CTL_SEE, .show = readme_show},
	{"status", CTL_SEE, CTL_LONG, .show = status_show},
	{"assignment", CTL_CHANGE, .show = assignment_show, .store = assignment_store},
	{"renew", CTL_CHANGE, .show = renew_show, .store = renew_store},
	{"policies", CTL_DIR, .flags = CTL_FOLDER, .child = CTL_POLICIES},
	{"mailboxes", CTL_DIR, .flags = CTL_FOLDER, .child = CTL_MAILBOXES},
	{"jobs", CTL_DIR, .flags = CTL_FOLDER, .child = CTL_JOBS},
	{"scan", CTL_CHANGE, CTL_LONG, .show = ctl_scan_show, .store = ctl_scan_store},
	{"events", CTL_SEE, .flags = CTL_STREAM | CTL_LONG},
	{"metrics", CTL_SEE, CTL_LONG, .show = ctl_metrics_show},
	{"last_error", CTL_SEE, .show = ctl_last_error_show},
	{"error_log", CTL_SEE, CTL_LONG, .show = ctl_error_log_show},
	{0},
};
