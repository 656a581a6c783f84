/* tools/depctl/coverage/coverage.c - the control file "scan" parsed, and its counts formatted. */
#include "tools/depctl/coverage/coverage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/workload/workload.h"

#define NONE "none" /* how the control file spells the id of the service key */

void coverage_fini(struct coverage *cov)
{
	for (size_t i = 0; i < cov->n_rows; i++) {
		free(cov->rows[i].policy_id);
		free(cov->rows[i].policy);
	}
	free(cov->rows);
	free(cov->folder);
	fields_fini(&cov->scan);
	*cov = (struct coverage){0};
}

const char *coverage_field(const struct coverage *cov, const char *name)
{
	return fields_get(&cov->scan, name) ?: "";
}

/* NULL: there is no such workload. */
static const char *workload_find(const char *name)
{
	enum workload w = workload_of_name(name);

	return w < WORKLOAD_COUNT ? workload_name(w) : NULL;
}

/* "mailbox ID GENERATION FILES BYTES NAME"; the name may be empty, and may have blanks. */
static int row_parse(const char *text, struct coverage_row *ret_row)
{
	char workload[16], id[40];
	struct coverage_row row = {0};
	int name_at = 0;

	if (sscanf(text, "%15s %39s %" SCNu32 " %" SCNu64 " %" SCNu64 "%n", workload, id,
		   &row.generation, &row.files, &row.bytes, &name_at) != 5 ||
	    !name_at)
		return -EPROTO;
	row.workload = workload_find(workload);
	if (!row.workload)
		return -EPROTO;
	text += name_at;
	text += *text == ' ';
	row.policy_id = strcmp(id, NONE) == 0 ? NULL : strdup(id);
	row.policy = *text ? strdup(text) : NULL;
	if ((!row.policy_id && strcmp(id, NONE) != 0) || (*text && !row.policy)) {
		free(row.policy_id);
		free(row.policy);
		return -ENOMEM;
	}
	*ret_row = row;
	return 0;
}

static int rows_parse(struct coverage *cov)
{
	int r = 0;

	cov->rows = calloc(cov->scan.count + 1, sizeof(*cov->rows));
	if (!cov->rows)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < cov->scan.count; i++) {
		if (strncmp(cov->scan.items[i].name, "row ", 4) != 0)
			continue;
		r = row_parse(cov->scan.items[i].value, &cov->rows[cov->n_rows]);
		cov->n_rows += r == 0;
	}
	return r;
}

int coverage_parse(char *text, const char *folder, struct coverage *ret_cov, struct err *err)
{
	CLEANUP(coverage_fini) struct coverage cov = {0};
	int r = fields_parse(text, &cov.scan);

	if (r == 0 && !folder && strcmp(coverage_field(&cov, "job"), NONE) == 0)
		return err_set(err, -ENOENT, "nothing was counted yet: depctl scan");
	cov.folder = folder ? strdup(folder) : NULL;
	if (r == 0)
		r = folder && !cov.folder ? -ENOMEM : rows_parse(&cov);
	if (r < 0)
		return err_set(err, r,
			       r == -EPROTO
				       ? "the file scan has a line that this depctl cannot read"
				       : "out of memory");
	*ret_cov = cov;
	cov = (struct coverage){0};
	return 0;
}

int coverage_read(struct client *ctl, struct coverage *ret_cov, struct err *err)
{
	char *text = NULL;
	int r = client_read(ctl, "scan", &text, err);

	return r < 0 ? r : coverage_parse(text, NULL, ret_cov, err);
}

void coverage_sum(const struct coverage *cov, const char *workload, uint64_t *ret_files,
		  uint64_t *ret_bytes)
{
	*ret_files = *ret_bytes = 0;
	for (size_t i = 0; i < cov->n_rows; i++) {
		if (workload && strcmp(cov->rows[i].workload, workload) != 0)
			continue;
		*ret_files += cov->rows[i].files;
		*ret_bytes += cov->rows[i].bytes;
	}
}

void coverage_name(const struct coverage_row *row, char *out, size_t out_len)
{
	if (!row->policy_id)
		(void)snprintf(out, out_len, "service key");
	else if (row->policy)
		(void)snprintf(out, out_len, "%s, generation %u", row->policy, row->generation);
	else
		(void)snprintf(out, out_len, "removed policy %s, generation %u", row->policy_id,
			       row->generation);
}

void coverage_size(uint64_t bytes, char out[static COVERAGE_SIZE_LEN])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double v = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		(void)snprintf(out, COVERAGE_SIZE_LEN, "%" PRIu64 " B", bytes);
		return;
	}
	for (; v >= 1024 && unit < 5; unit++)
		v /= 1024;
	(void)snprintf(out, COVERAGE_SIZE_LEN, "%.1f %s", v, units[unit]);
}

double coverage_percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

unsigned coverage_bar(uint64_t part, uint64_t whole)
{
	uint64_t filled = whole ? (part * COVERAGE_BAR_WIDTH + whole / 2) / whole : 0;

	return part && !filled ? 1 : (unsigned)filled;
}
