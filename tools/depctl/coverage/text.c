/* tools/depctl/coverage/text.c - the coverage as bars on a terminal. */
#include <inttypes.h>
#include <string.h>

#include "fs/workload/workload.h"
#include "tools/depctl/coverage/coverage.h"
#include "tools/depctl/output/text.h"

static void bar_print(uint64_t part, uint64_t whole)
{
	unsigned filled = coverage_bar(part, whole);

	for (unsigned i = 0; i < COVERAGE_BAR_WIDTH; i++)
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
		printf(" %5.1f%%  ", coverage_percent(row->files, files));
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
	for (enum workload w = 0; w < WORKLOAD_COUNT; w++)
		workload_print(cov, workload_name(w));
}
