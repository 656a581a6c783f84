/* fs/control/metrics_internal.h - for metrics*.c alone: a page in Prometheus' text format. */
#ifndef DEPFS_CONTROL_METRICS_INTERNAL_H
#define DEPFS_CONTROL_METRICS_INTERNAL_H

#include "fs/control/control_internal.h"

/* Every series carries the mount as a label, so that one collector can read several mounts of a
 * host. */
struct metrics_page {
	FILE *out;
	struct control *c;
	const char *family; /* name of the family that samples go into */
};

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM,
};

/* page_family() - the HELP and TYPE lines of a family; the samples that follow belong to it. */
void page_family(struct metrics_page *p, const char *name, enum metric_type type, const char *help);
/* page_value(), page_count() - one sample; after the value, names and values of its labels, ended
 * by NULL. */
void page_value(struct metrics_page *p, double value, ...) __attribute__((sentinel));
void page_count(struct metrics_page *p, uint64_t value, ...) __attribute__((sentinel));
/* page_single() - a family of one sample. */
void page_single(struct metrics_page *p, const char *name, enum metric_type type, const char *help,
		 double value);
void page_histogram(struct metrics_page *p, const struct metric_histogram *h, ...)
	__attribute__((sentinel));
uint64_t histogram_count(const struct metric_histogram *h);

/* Policies beyond this number have no samples of their own: they count in depfs_policies alone. */
#define METRICS_POLICIES_MAX 256
/* Rows of a scan beyond this number are added up for each workload. */
#define METRICS_SCAN_ROWS_MAX 1024

/* Each prints its families, in the order of depfs-metrics(5). Errors: -ENOMEM. */
void metrics_process(struct metrics_page *p);		    /* metrics_process.c */
int metrics_vaults_show(struct metrics_page *p) MUST_CHECK; /* metrics_vaults.c */
int metrics_policies(struct metrics_page *p) MUST_CHECK;    /* metrics_policies.c */
int metrics_scan(struct metrics_page *p) MUST_CHECK;	    /* metrics_scan.c */
int metrics_jobs(struct metrics_page *p) MUST_CHECK;	    /* metrics_policies.c */

#endif
