/* tools/depctl/client/jobs.h - jobs as the control directory shows them: their numbers, and the
 * status of each. */
#ifndef DEPFS_DEPCTL_CLIENT_JOBS_H
#define DEPFS_DEPCTL_CLIENT_JOBS_H

#include "tools/depctl/client/client.h"
#include "tools/depctl/client/fields.h"

#define JOBS "jobs" /* the folder of jobs in the control directory */

enum jobs_order {
	JOBS_OLDEST_FIRST,
	JOBS_NEWEST_FIRST
};

/* jobs_list() - the jobs' numbers as text, sorted as numbers; freed by client_names_fini(). */
int jobs_list(struct client *ctl, enum jobs_order order, struct client_names *ret_jobs,
	      struct err *err) MUST_CHECK;

/* job_status() - the file jobs/@no/status. -ENOENT, -ESTALE: there is no such job any more. */
int job_status(struct client *ctl, const char *no, struct fields *ret_fields,
	       struct err *err) MUST_CHECK;

#endif
