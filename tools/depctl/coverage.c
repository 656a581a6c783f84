#include "tools/depctl/coverage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/depctl/out.h"

#define BAR_WIDTH 40
#define NONE	  "none" /* how the control file spells the id of the service key */

const char *const coverage_workloads[COVERAGE_WORKLOADS] = {"mailbox", "signals", "chat", "edm",
							    "other"};

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

static const char *workload_find(const char *name)
{
	for (size_t i = 0; i < COVERAGE_WORKLOADS; i++)
		if (strcmp(coverage_workloads[i], name) == 0)
			return coverage_workloads[i];
	return NULL;
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

/* ---- for people ---- */

static void bar_print(uint64_t part, uint64_t whole)
{
	uint64_t filled = whole ? (part * BAR_WIDTH + whole / 2) / whole : 0;

	if (part && !filled)
		filled = 1; /* the least share is still one that can be seen */
	for (uint64_t i = 0; i < BAR_WIDTH; i++)
		putchar(i < filled ? '#' : '.');
}

static void workload_print(const struct coverage *cov, const char *workload)
{
	char size[COVERAGE_SIZE_LEN], name[256];
	uint64_t files, bytes;

	coverage_sum(cov, workload, &files, &bytes);
	if (!files)
		return;
	coverage_size(bytes, size);
	printf("\n%s: %" PRIu64 " file%s, %s\n", workload, files, files == 1 ? "" : "s", size);
	for (size_t i = 0; i < cov->n_rows; i++) {
		const struct coverage_row *row = &cov->rows[i];

		if (strcmp(row->workload, workload) != 0)
			continue;
		coverage_size(row->bytes, size);
		coverage_name(row, name, sizeof(name));
		printf("  ");
		bar_print(row->files, files);
		printf(" %5.1f%%  ", 100.0 * (double)row->files / (double)files);
		out_text(name);
		printf(": %" PRIu64 " file%s, %s\n", row->files, row->files == 1 ? "" : "s", size);
	}
}

void coverage_print(const struct coverage *cov)
{
	char size[COVERAGE_SIZE_LEN];
	uint64_t files, bytes;

	coverage_sum(cov, NULL, &files, &bytes);
	coverage_size(bytes, size);
	printf("counted %s %s", coverage_field(cov, "ended"), cov->folder ? "in " : "by job ");
	out_text(cov->folder ?: coverage_field(cov, "job"));
	printf(": %" PRIu64 " file%s, %s, in %s mailbox%s\n", files, files == 1 ? "" : "s", size,
	       coverage_field(cov, "mailboxes"),
	       strcmp(coverage_field(cov, "mailboxes"), "1") == 0 ? "" : "es");
	if (strcmp(coverage_field(cov, "unreadable"), "0") != 0)
		printf("not in these counts: %s of unreadable header%s%s\n",
		       coverage_field(cov, "unreadable"), cov->folder ? "" : "; depctl job failed ",
		       cov->folder ? "" : coverage_field(cov, "job"));
	else if (!files && cov->folder)
		printf("no file is there, so nothing that a key would protect\n");
	for (size_t i = 0; i < COVERAGE_WORKLOADS; i++)
		workload_print(cov, coverage_workloads[i]);
}

/* ---- as data ---- */

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
	for (size_t i = 0; i < COVERAGE_WORKLOADS; i++)
		out_append(workloads, workload_json(cov, coverage_workloads[i]));
	out_set(object, "workloads", workloads);
	return object;
}
