/* tools/depctl/coverage/coverage.h - how many files each key protects, by the last scan or by a
 * walk of one folder; as bars, JSON or a page. */
#ifndef DEPFS_DEPCTL_COVERAGE_COVERAGE_H
#define DEPFS_DEPCTL_COVERAGE_COVERAGE_H

#include <jansson.h>
#include <stdint.h>

#include "tools/depctl/client/client.h"
#include "tools/depctl/client/fields.h"

struct coverage_row {
	const char *workload; /* "mailbox", ... "other" */
	char *policy_id;      /* NULL: the service key */
	char *policy;	      /* its name now; NULL: it was removed */
	uint32_t generation;
	uint64_t files, bytes;
};

struct coverage {
	struct fields scan; /* the control file "scan", or lines like it */
	char *folder;	    /* that was counted, "." for the top; NULL: everything, by a job */
	struct coverage_row *rows;
	size_t n_rows;
};

/* coverage_read() - the result of the last scan; -ENOENT: there is none. */
int coverage_read(struct client *ctl, struct coverage *ret_cov, struct err *err) MUST_CHECK;
/**
 * coverage_walk() - of one file, or of a folder and everything below it, by reading each header
 * @path: in the mount; relative to the current folder where that is in the mount, else to its top
 * Dirty pages are written first, and a file of several names counts once. A file that is made,
 * deleted or moved during the walk may be counted or not; only a scan is exact then.
 * Return: 0; -EINVAL: not a path of this mount; -ENOENT, -EACCES (the store's folder is root's) ...
 */
int coverage_walk(struct client *ctl, const char *path, struct coverage *ret_cov,
		  struct err *err) MUST_CHECK;
/* coverage_parse() - the lines of the control file "scan"; @text is taken over, on failure too.
 * @folder: the lines count that folder only; NULL: everything, by a job. -ENOENT: no scan has ended
 * yet; -EPROTO: a line that this depctl cannot read; -ENOMEM. */
int coverage_parse(char *text, const char *folder, struct coverage *ret_cov,
		   struct err *err) MUST_CHECK;
void coverage_fini(struct coverage *cov);

/* coverage_sum() - of one workload; NULL: of all. */
void coverage_sum(const struct coverage *cov, const char *workload, uint64_t *ret_files,
		  uint64_t *ret_bytes);
/* coverage_field() - "job", "started", "ended", "mailboxes", "unreadable" as the file has it;
 * "". */
const char *coverage_field(const struct coverage *cov, const char *name);
/* coverage_name() - of a row's key: "EUR Policy, generation 2". */
void coverage_name(const struct coverage_row *row, char *out, size_t out_len);
/* coverage_size() - "1.5 MiB". */
#define COVERAGE_SIZE_LEN 32
void coverage_size(uint64_t bytes, char out[static COVERAGE_SIZE_LEN]);
/* coverage_percent() - 0 of nothing. */
double coverage_percent(uint64_t part, uint64_t whole);
/* coverage_bar() - how many of the bar's columns are filled: rounded, but one at least for a part
 * that is not 0, so that it is visible. */
#define COVERAGE_BAR_WIDTH 40
unsigned coverage_bar(uint64_t part, uint64_t whole);

/* coverage_print() - bars, on stdout. coverage_json() - the same as an object. */
void coverage_print(const struct coverage *cov);
json_t *coverage_json(const struct coverage *cov);
/**
 * coverage_html() - one page for an auditor, which loads nothing: no script, font or picture
 * The page shows what was counted and when, bars, the numbers as tables, and the policies.
 * Return: 0; the errno of the file; a file that was at @path before is then unchanged.
 */
int coverage_html(struct client *ctl, const struct coverage *cov, const char *path,
		  struct err *err) MUST_CHECK;

#endif
