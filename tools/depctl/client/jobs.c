/* tools/depctl/client/jobs.c - the numbers of jobs, listed in order, and the status of one. */
#include "tools/depctl/client/jobs.h"

#include <errno.h>
#include <stdlib.h>

static int oldest_first(const void *a, const void *b)
{
	unsigned long long x = strtoull(*(char *const *)a, NULL, 10);
	unsigned long long y = strtoull(*(char *const *)b, NULL, 10);

	return x < y ? -1 : x > y;
}

static int newest_first(const void *a, const void *b)
{
	return oldest_first(b, a);
}

int jobs_list(struct client *ctl, enum jobs_order order, struct client_names *ret_jobs,
	      struct err *err)
{
	struct client_names jobs;
	int r = client_list(ctl, JOBS, &jobs, err);

	if (r < 0)
		return r;
	if (jobs.count)
		qsort(jobs.names, jobs.count, sizeof(*jobs.names),
		      order == JOBS_OLDEST_FIRST ? oldest_first : newest_first);
	*ret_jobs = jobs;
	return 0;
}

int job_status(struct client *ctl, const char *no, struct fields *ret_fields, struct err *err)
{
	CLEANUP(free_mem_p) char *path = client_join(JOBS, no, "status");

	return path ? fields_read(ctl, path, ret_fields, err)
		    : err_set(err, -ENOMEM, "out of memory");
}
