/* fs/control/metrics_scan.c - metrics of what the last scan counted. */
#include <errno.h>
#include <string.h>

#include "fs/control/metrics_internal.h"
#include "fs/policy/scan.h"

/* Labels of a row. */
struct scan_label {
	char policy[UUID_TEXT_LEN + POLICY_NAME_MAX];
	char generation[16];
};

/* A policy that was removed is labelled by its id; no name looks like an id, or is "none". */
static void label_of(const struct scan_row *row, const struct policy_info *list, size_t n,
		     struct scan_label *ret_label)
{
	const struct policy_info *info = NULL;

	(void)snprintf(ret_label->generation, sizeof(ret_label->generation), "%u",
		       row->ref.generation);
	for (size_t i = 0; i < n && !info; i++)
		if (memcmp(list[i].id, row->ref.policy_id, UUID_LEN) == 0)
			info = &list[i];
	if (info)
		(void)snprintf(ret_label->policy, sizeof(ret_label->policy), "%s", info->name);
	else if (wrap_ref_is_service(&row->ref))
		(void)snprintf(ret_label->policy, sizeof(ret_label->policy), "none");
	else
		uuid_encode(row->ref.policy_id, ret_label->policy);
}

/* The number of a row that a family shows. */
typedef uint64_t (*row_value)(const struct scan_row *row);

static uint64_t files_of(const struct scan_row *row)
{
	return row->files;
}

static uint64_t bytes_of(const struct scan_row *row)
{
	return row->bytes;
}

/* Rows beyond METRICS_SCAN_ROWS_MAX, added up, so that the sums hold. */
static void show_rest(struct metrics_page *p, const struct scan_result *res, row_value value)
{
	uint64_t rest[WORKLOAD_COUNT] = {0};

	for (size_t i = METRICS_SCAN_ROWS_MAX; i < res->n_rows; i++)
		rest[res->rows[i].workload] += value(&res->rows[i]);
	for (unsigned w = 0; w < WORKLOAD_COUNT; w++)
		if (rest[w] > 0)
			page_count(p, rest[w], "workload", workload_name(w), "policy", "other",
				   "generation", "other", NULL);
}

static void show_rows(struct metrics_page *p, const struct scan_result *res,
		      const struct policy_info *list, size_t n, row_value value)
{
	for (size_t i = 0; i < res->n_rows && i < METRICS_SCAN_ROWS_MAX; i++) {
		struct scan_label label;

		if (!res->rows[i].files) /* all its files were changed or removed during the scan */
			continue;
		label_of(&res->rows[i], list, n, &label);
		page_count(p, value(&res->rows[i]), "workload",
			   workload_name(res->rows[i].workload), "policy", label.policy,
			   "generation", label.generation, NULL);
	}
	show_rest(p, res, value);
}

/* Before the first scan the families have no samples: zero would be wrong. */
static void show_scan(struct metrics_page *p, const struct scan_result *res, bool done,
		      const struct policy_info *list, size_t n)
{
	page_family(p, "depfs_scanned_files", METRIC_GAUGE,
		    "Files that the last scan counted, by workload, policy and generation.");
	show_rows(p, res, list, n, files_of);
	page_family(p, "depfs_scanned_bytes", METRIC_GAUGE, "Their plaintext bytes.");
	show_rows(p, res, list, n, bytes_of);
	page_family(p, "depfs_scan_unreadable_files", METRIC_GAUGE,
		    "Files whose header that scan could not read.");
	if (done)
		page_count(p, res->unreadable, NULL);
	page_family(p, "depfs_scan_start_time_seconds", METRIC_GAUGE,
		    "When that scan began, in seconds since the epoch.");
	if (done)
		page_count(p, res->started, NULL);
	page_family(p, "depfs_scan_end_time_seconds", METRIC_GAUGE,
		    "When it was done, in seconds since the epoch.");
	if (done)
		page_count(p, res->ended, NULL);
}

int metrics_scan(struct metrics_page *p)
{
	CLEANUP(free_mem_p) struct policy_info *list = NULL;
	CLEANUP(scan_result_fini) struct scan_result res = {0};
	size_t n = 0;
	int r = policy_list(p->c->policies, &list, &n), found;

	if (r < 0)
		return r;
	found = scan_last(p->c->policies, &res);
	if (found < 0 && found != -ENOENT)
		return found;
	show_scan(p, &res, found == 0, list, n);
	return 0;
}
