/* fs/control/scan.c - scan: shows what the last scan counted, and starts another. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/control/control_internal.h"
#include "fs/control/files_internal.h"
#include "fs/policy/scan.h"

/* Orders by workload, policy, generation, so that the results of two scans can be compared line by
 * line. */
static int row_compare(const void *a, const void *b)
{
	const struct scan_row *x = a, *y = b;
	int order;

	if (x->workload != y->workload)
		return x->workload < y->workload ? -1 : 1;
	order = memcmp(x->ref.policy_id, y->ref.policy_id, UUID_LEN);
	if (order)
		return order;
	return x->ref.generation < y->ref.generation ? -1 : x->ref.generation > y->ref.generation;
}

/* The name comes last, since it may have blanks. A policy that was removed has only its id. */
static void row_show(struct ctl_call *call, size_t no, const struct scan_row *row)
{
	struct policy_info info = {.name = ""};
	char id[UUID_TEXT_LEN];
	bool service = wrap_ref_is_service(&row->ref);

	uuid_encode(row->ref.policy_id, id);
	if (!service && policy_get(call->c->policies, id, &info, NULL) < 0)
		info.name[0] = '\0';
	(void)fprintf(call->out, "row %zu: %s %s %u %llu %llu %s\n", no,
		      workload_name(row->workload), service ? "none" : id, row->ref.generation,
		      (unsigned long long)row->files, (unsigned long long)row->bytes,
		      service ? "service key" : info.name);
}

static void result_show(struct ctl_call *call, struct scan_result *res)
{
	uint64_t files, bytes;
	size_t no = 0;

	scan_sum(res, NULL, &files, &bytes);
	(void)fprintf(call->out, "job: %llu\n", (unsigned long long)res->job);
	ctl_time_line(call->out, "started", res->started);
	ctl_time_line(call->out, "ended", res->ended);
	(void)fprintf(call->out, "mailboxes: %llu\nfiles: %llu\nbytes: %llu\nunreadable: %llu\n",
		      (unsigned long long)res->mailboxes, (unsigned long long)files,
		      (unsigned long long)bytes, (unsigned long long)res->unreadable);
	if (res->n_rows)
		qsort(res->rows, res->n_rows, sizeof(*res->rows), row_compare);
	for (size_t i = 0; i < res->n_rows; i++)
		if (res->rows[i].files)
			row_show(call, ++no, &res->rows[i]);
}

/* Scans that have not ended yet. */
static void under_way_show(struct ctl_call *call)
{
	CLEANUP(free_mem_p) struct job_info *list = NULL;
	size_t n;

	if (job_list(call->c->jobs, &list, &n) < 0)
		return; /* no memory: the counts are shown all the same */
	for (size_t i = 0; i < n; i++)
		if (list[i].rec.kind == JOB_SCAN && !job_state_is_final(list[i].rec.state))
			(void)fprintf(call->out, "under way: job %llu\n",
				      (unsigned long long)list[i].rec.no);
}

int ctl_scan_show(struct ctl_call *call)
{
	CLEANUP(scan_result_fini) struct scan_result res = {0};
	int r = scan_last(call->c->policies, &res);

	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0)
		result_show(call, &res);
	else
		(void)fputs("job: none\n", call->out);
	under_way_show(call);
	return 0;
}

int ctl_scan_store(struct ctl_call *call, const char *in)
{
	uint64_t job = 0;
	int r;

	if (strcmp(in, "1") != 0)
		return ctl_refuse(call, -EINVAL, "scan: write 1 to count all files");
	r = scan_start(call->c->policies, call->actor, &job, &call->err);
	if (r == 0)
		(void)fprintf(call->out, "ok: job %llu counts all files\n",
			      (unsigned long long)job);
	return r;
}

/* The counts of one policy, with one line for each generation. */
void ctl_scan_of_policy(struct ctl_call *call, const uint8_t id[static UUID_LEN])
{
	CLEANUP(scan_result_fini) struct scan_result res = {0};
	uint64_t files, bytes;

	if (scan_last(call->c->policies, &res) < 0) {
		(void)fputs("last scan: never\n", call->out);
		return;
	}
	scan_sum(&res, id, &files, &bytes);
	ctl_time_line(call->out, "last scan", res.ended);
	(void)fprintf(call->out, "files at last scan: %llu\nbytes at last scan: %llu\n",
		      (unsigned long long)files, (unsigned long long)bytes);
	for (uint32_t done = 0;;) {
		uint32_t next = UINT32_MAX;

		files = bytes = 0;
		for (size_t i = 0; i < res.n_rows; i++)
			if (memcmp(res.rows[i].ref.policy_id, id, UUID_LEN) == 0 &&
			    res.rows[i].ref.generation > done && res.rows[i].ref.generation < next)
				next = res.rows[i].ref.generation;
		if (next == UINT32_MAX)
			return;
		for (size_t i = 0; i < res.n_rows; i++)
			if (memcmp(res.rows[i].ref.policy_id, id, UUID_LEN) == 0 &&
			    res.rows[i].ref.generation == next)
				files += res.rows[i].files;
		(void)fprintf(call->out, "files of generation %u: %llu\n", next,
			      (unsigned long long)files);
		done = next;
	}
}
