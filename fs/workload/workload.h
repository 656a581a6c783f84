/* fs/workload/workload.h - workloads: the first folder of a path, and what policies do there. */
#ifndef DEPFS_WORKLOAD_WORKLOAD_H
#define DEPFS_WORKLOAD_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * To add a workload: a number here, the next one, and a row in workload.c; all rules, listings and
 * counts follow the table. The numbers are on disk in the record of a scan
 * (fs/policy/scan_record.c): none may change. What is not in the code: the tables in README.md and
 * fs/README.md, Workloads; depfs-control(5); tests/unit/test_scope.c and
 * tests/mount/policy/workloads.sh, row by row.
 */
enum workload {
	WORKLOAD_MAILBOX = 0, /* mailbox/<id>/: each id is a scope of its own */
	WORKLOAD_SIGNALS = 1,
	WORKLOAD_CHAT = 2,
	WORKLOAD_EDM = 3,
	WORKLOAD_OTHER = 4, /* every other folder, and files at the top */
	WORKLOAD_COUNT = 5,
};

const char *workload_name(enum workload w); /* "mailbox", ..., "other" */
bool workload_covered(enum workload w);	    /* by a multi-workload policy */
/* workload_rewraps_existing() - a job re-wraps the files that are there when a policy is assigned;
 * elsewhere each changes over with its next write. */
bool workload_rewraps_existing(enum workload w);

/* Texts for users: the folder as a pattern ("mailbox/<id>/"), where a policy is resolved
 * ("mailbox", "workload"), and what the folder holds. */
const char *workload_folder(enum workload w);
const char *workload_scope(enum workload w);
const char *workload_holds(enum workload w);

/* workload_of_folder() - by the first folder of a path, @len bytes. workload_of_name() - by the
 * name that workload_name() gives; WORKLOAD_COUNT: no workload has that name. */
enum workload workload_of_folder(const char *folder, size_t len);
enum workload workload_of_name(const char *name);

#endif
