/* tools/depctl/coverage.h - what is protected by what: the last scan, or one folder, ready to be
 * shown. */
#ifndef DEPFS_DEPCTL_COVERAGE_H
#define DEPFS_DEPCTL_COVERAGE_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/depctl/ctl_client.h"
#include "tools/depctl/fields.h"

struct coverage_row {
	const char *workload; /* "mailbox", ... "other" */
	char *policy_id;      /* NULL: the service key */
	char *policy;	      /* its name now; NULL: removed; "service key" */
	uint32_t generation;
	uint64_t files, bytes;
};

struct coverage {
	struct fields scan; /* the control file "scan", or lines like it */
	char *folder;	    /* that alone was counted, "." the top; NULL: everything, by a job */
	struct coverage_row *rows;
	size_t n_rows;
};

#define COVERAGE_WORKLOADS 5
extern const char *const coverage_workloads[COVERAGE_WORKLOADS];

/* coverage_read() - what the last scan found; -ENOENT: there was none. */
int coverage_read(struct client *ctl, struct coverage *ret_cov, struct err *err) MUST_CHECK;
/**
 * coverage_walk() - the same of one file, or folder and what is below it, by reading each header
 * @path: in the mount; from its top where it is relative, or from the folder one is in
 * Each file is counted once, with what programs wrote before. What comes, goes or moves meanwhile
 * may be counted or not: only a scan sees that.
 * Return: 0; -EINVAL: not a path of this mount; -ENOENT, -EACCES (the store's folder is root's) ...
 */
int coverage_walk(struct client *ctl, const char *path, struct coverage *ret_cov,
		  struct err *err) MUST_CHECK;
/* coverage_parse() - lines of the file "scan"; @text is taken over. @folder: that alone was
 * counted; NULL: everything, by a job. -ENOENT: nothing was counted yet. */
int coverage_parse(char *text, const char *folder, struct coverage *ret_cov,
		   struct err *err) MUST_CHECK;
void coverage_fini(struct coverage *cov);

/* coverage_sum() - of one workload; NULL: of all. */
void coverage_sum(const struct coverage *cov, const char *workload, uint64_t *ret_files,
		  uint64_t *ret_bytes);
/* coverage_field() - "job", "started", "ended", "mailboxes", "unreadable" as the file has it. */
const char *coverage_field(const struct coverage *cov, const char *name);
/* coverage_name() - of a row's key, for people: "EUR Policy, generation 2". */
void coverage_name(const struct coverage_row *row, char *out, size_t out_len);
/* coverage_size() - "1.5 MiB". */
#define COVERAGE_SIZE_LEN 32
void coverage_size(uint64_t bytes, char out[static COVERAGE_SIZE_LEN]);

void coverage_print(const struct coverage *cov);
json_t *coverage_json(const struct coverage *cov);
/**
 * coverage_html() - one page that needs nothing else: no script, no link, no font, no picture
 * It is for an auditor: what was counted when, bars, the same as tables, and the policies.
 * Return: 0; the errno of the file, of which nothing is left then.
 */
int coverage_html(struct client *ctl, const struct coverage *cov, const char *path,
		  struct err *err) MUST_CHECK;

#endif
