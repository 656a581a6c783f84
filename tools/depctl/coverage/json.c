/* tools/depctl/coverage/json.c - the coverage as one JSON object. */
#include <stdlib.h>
#include <string.h>

#include "fs/workload/workload.h"
#include "tools/depctl/coverage/coverage.h"
#include "tools/depctl/output/json.h"

static json_t *row_json(const struct coverage_row *row)
{
	json_t *object = json_object();

	out_set(object, "policy", out_text_json(row->policy_id ? row->policy : NULL));
	out_set(object, "policy_id", out_text_json(row->policy_id));
	out_set(object, "generation", row->policy_id ? json_integer(row->generation) : json_null());
	out_set(object, "files", json_integer((json_int_t)row->files));
	out_set(object, "bytes", json_integer((json_int_t)row->bytes));
	return object;
}

static json_t *workload_json(const struct coverage *cov, const char *workload)
{
	json_t *object = json_object(), *rows = json_array();
	uint64_t files, bytes;

	coverage_sum(cov, workload, &files, &bytes);
	for (size_t i = 0; i < cov->n_rows; i++)
		if (strcmp(cov->rows[i].workload, workload) == 0)
			out_append(rows, row_json(&cov->rows[i]));
	out_set(object, "workload", out_text_json(workload));
	out_set(object, "files", json_integer((json_int_t)files));
	out_set(object, "bytes", json_integer((json_int_t)bytes));
	out_set(object, "keys", rows);
	return object;
}

json_t *coverage_json(const struct coverage *cov)
{
	static const char *const numbers[] = {"job", "mailboxes", "unreadable"};
	json_t *object = json_object(), *workloads = json_array();
	uint64_t files, bytes;

	coverage_sum(cov, NULL, &files, &bytes);
	out_set(object, "started", out_text_json(coverage_field(cov, "started")));
	out_set(object, "ended", out_text_json(coverage_field(cov, "ended")));
	out_set(object, "folder", out_text_json(cov->folder));
	for (size_t i = 0; i < 3; i++)
		out_set(object, numbers[i],
			i == 0 && cov->folder
				? json_null()
				: json_integer(strtoll(coverage_field(cov, numbers[i]), NULL, 10)));
	out_set(object, "files", json_integer((json_int_t)files));
	out_set(object, "bytes", json_integer((json_int_t)bytes));
	for (enum workload w = 0; w < WORKLOAD_COUNT; w++)
		out_append(workloads, workload_json(cov, workload_name(w)));
	out_set(object, "workloads", workloads);
	return object;
}
