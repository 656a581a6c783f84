/* tools/depctl/cmdlets/progress.h - progress of a policy's files, in Customer Key's words. */
#ifndef DEPFS_DEPCTL_CMDLETS_PROGRESS_H
#define DEPFS_DEPCTL_CMDLETS_PROGRESS_H

#include "tools/depctl/client/client.h"
#include "tools/depctl/client/fields.h"
#include "tools/depctl/client/policy_view.h"

/* The status files of all jobs, the newest first. */
struct cmdlet_jobs {
	struct fields *list;
	size_t count;
};

int cmdlet_jobs_read(struct client *ctl, struct cmdlet_jobs *ret_jobs, struct err *err) MUST_CHECK;
void cmdlet_jobs_fini(struct cmdlet_jobs *jobs);

/**
 * cmdlet_progress() - of the policy's running jobs, else of its failed and cancelled ones
 * "Registering (42%)", "Rolling (7%), 3 failed", "Registered", "Unregistered": the states that
 * Get-M365DataAtRestEncryptionPolicy has in Microsoft's documentation of Customer Key; and
 * "Unregistering", for the way back to the service key, which Customer Key does not show.
 */
#define CMDLET_PROGRESS_LEN 96
void cmdlet_progress(const struct cmdlet_jobs *jobs, const struct policy_view *v,
		     char out[static CMDLET_PROGRESS_LEN]);

#endif
