/* fs/control/metrics.c - the file `metrics`: counters and gauges of the mount, for Prometheus. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "fs/control/metrics_internal.h"

static void show_identity(struct metrics_page *p)
{
	const struct store_format *format = store_format_of(p->c->store);
	char id[UUID_TEXT_LEN], version[16];

	uuid_encode(format->store_id, id);
	(void)snprintf(version, sizeof(version), "%u", format->version);
	page_family(p, "depfs_build_info", METRIC_GAUGE, "1; labels: version of the daemon.");
	page_value(p, 1, "version", DEPFS_VERSION, NULL);
	page_family(p, "depfs_store_info", METRIC_GAUGE, "1; labels: the store's id and format.");
	page_value(p, 1, "store", id, "format", version, NULL);
	page_single(p, "depfs_time_seconds", METRIC_GAUGE,
		    "When this page was made, in seconds since the epoch.", (double)time(NULL));
	page_single(p, "depfs_start_time_seconds", METRIC_GAUGE,
		    "When the store was mounted, in seconds since the epoch.",
		    (double)p->c->started);
	page_single(p, "depfs_unclean_stop", METRIC_GAUGE,
		    "1 while files of an unclean stop are still to be checked.",
		    store_unclean_since(p->c->store) != 0);
}

static void show_requests(struct metrics_page *p, const struct metrics_total *t)
{
	page_family(p, "depfs_fuse_request_duration_seconds", METRIC_HISTOGRAM,
		    "From the arrival of a request to its answer, by what the kernel asked.");
	for (unsigned op = 0; op < METRIC_OP_END; op++)
		if (histogram_count(&t->ops[op]) > 0)
			page_histogram(p, &t->ops[op], "op", metric_op_name(op), NULL);
	page_family(p, "depfs_fuse_errors_total", METRIC_COUNTER,
		    "Requests that were answered by an error, by its class.");
	for (unsigned op = 0; op < METRIC_OP_END; op++)
		for (unsigned e = 0; e < METRIC_ERROR_END; e++)
			if (t->errors[op][e] > 0)
				page_count(p, t->errors[op][e], "op", metric_op_name(op), "class",
					   metric_error_name(e), NULL);
}

/* Families of plain counts. A row without a name goes into the family of the one above. */
static const struct {
	enum metric_count what;
	const char *name, *help, *label, *value;
} counts[] = {
	{METRIC_READ_BYTES, "depfs_read_bytes_total", "Plaintext bytes read from files.", NULL,
	 NULL},
	{METRIC_WRITTEN_BYTES, "depfs_written_bytes_total", "Plaintext bytes written to files.",
	 NULL, NULL},
	{METRIC_DAMAGE_BLOCK, "depfs_block_failures_total",
	 "Reads refused because what is stored does not authenticate, by what it is.", "what",
	 "block"},
	{METRIC_DAMAGE_HEADER, NULL, NULL, "what", "header"},
	{METRIC_DAMAGE_SIZE, NULL, NULL, "what", "size"},
	{METRIC_DAMAGE_OTHER, NULL, NULL, "what", "other"},
	{METRIC_BUDGET_LOW, "depfs_write_budget_low_total",
	 "Files that came near the number of block writes one key allows.", NULL, NULL},
	{METRIC_KEY_HIT, "depfs_key_cache_requests_total",
	 "Requests for a policy's opened key: in memory, to be asked for, refused as revoked.",
	 "result", "hit"},
	{METRIC_KEY_MISS, NULL, NULL, "result", "miss"},
	{METRIC_KEY_REFUSED, NULL, NULL, "result", "refused"},
	{METRIC_AVAIL_OUTAGE, "depfs_availability_key_uses_total",
	 "Keys opened by an availability key, by why no vault opened them.", "reason", "outage"},
	{METRIC_AVAIL_DENIED, NULL, NULL, "reason", "denied"},
	{METRIC_AVAIL_DAMAGED, NULL, NULL, "reason", "damaged"},
	{METRIC_REVOCATIONS, "depfs_revocations_total",
	 "Policies that turned revoked, counted each time.", NULL, NULL},
	{METRIC_REVOKED_FILES, "depfs_revoked_open_files_total",
	 "Open files that revocations have shut.", NULL, NULL},
	{METRIC_REVOKED_FLUSHED, "depfs_revoked_dirty_bytes_total",
	 "Bytes of dirty pages when a policy was revoked, by what became of them.", "result",
	 "flushed"},
	{METRIC_REVOKED_LOST, NULL, NULL, "result", "lost"},
	{METRIC_REVOKED_KEYS, "depfs_revoked_data_keys_total",
	 "Data keys that revocations have wiped.", NULL, NULL},
};

static void show_counts(struct metrics_page *p, const struct metrics_total *t)
{
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		if (counts[i].name)
			page_family(p, counts[i].name, METRIC_COUNTER, counts[i].help);
		if (counts[i].label)
			page_count(p, t->counts[counts[i].what], counts[i].label, counts[i].value,
				   NULL);
		else
			page_count(p, t->counts[counts[i].what], NULL);
	}
}

static void show_revocations(struct metrics_page *p)
{
	struct revocation sum;

	keyring_revocations(p->c->keyring, &sum);
	page_single(p, "depfs_revocations_under_way", METRIC_GAUGE,
		    "Revocations that have not yet reached every file.", (double)sum.under_way);
}

static void show_data(struct metrics_page *p, const struct metrics_total *t)
{
	const struct control_config *config = &p->c->config;
	struct control_gauges gauges = {0};

	if (config->gauges)
		config->gauges(config->gauges_arg, &gauges);
	page_single(p, "depfs_open_files", METRIC_GAUGE, "Files that programs have open.",
		    (double)(t->counts[METRIC_FILES_OPENED] - t->counts[METRIC_FILES_CLOSED]));
	page_single(p, "depfs_cached_inodes", METRIC_GAUGE, "Files and folders the kernel knows.",
		    gauges.inodes_cached);
	page_single(p, "depfs_requests_waiting", METRIC_GAUGE,
		    "Requests that wait for a vault to answer.", gauges.requests_waiting);
}

static void show_audit(struct metrics_page *p)
{
	struct audit *a = p->c->audit;
	struct audit_counts n;

	audit_counts(a, &n);
	page_single(p, "depfs_audit_events_total", METRIC_COUNTER, "Events since the mount.",
		    (double)n.accepted);
	page_single(p, "depfs_audit_events_lost_total", METRIC_COUNTER,
		    "Events that could not be kept: the queue was full.", (double)n.lost);
	page_single(p, "depfs_audit_write_failures_total", METRIC_COUNTER,
		    "Attempts to write events to the store that failed.", (double)n.write_failures);
	page_single(p, "depfs_audit_queued_events", METRIC_GAUGE,
		    "Events that are not durable yet.", (double)n.waiting);
	page_single(p, "depfs_audit_last_sequence", METRIC_GAUGE,
		    "Number of the newest durable event.", (double)audit_last_seq(a));
}

int ctl_metrics_show(struct ctl_call *call)
{
	struct metrics_page page = {.out = call->out, .c = call->c};
	CLEANUP(free_mem_p) struct metrics_total *total = malloc(sizeof(*total));
	int r;

	if (!total)
		return -ENOMEM;
	metrics_total(call->c->metrics, total);
	show_identity(&page);
	metrics_process(&page);
	show_data(&page, total);
	show_requests(&page, total);
	show_counts(&page, total);
	show_revocations(&page);
	show_audit(&page);
	r = metrics_vaults_show(&page);
	if (r == 0)
		r = metrics_policies(&page);
	if (r == 0)
		r = metrics_scan(&page);
	return r < 0 ? r : metrics_jobs(&page);
}
