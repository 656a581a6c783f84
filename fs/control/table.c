/*
 * fs/control/table.c - the rows of all control files.
 *
 * To add one: write its show, and its store if it takes a command, in the file of its subject;
 * declare both in files_internal.h; add a row here; describe it in man/depfs-control.5, and in the
 * README of about.c if an administrator writes to it. tests/unit/test_control_files.c lists all
 * files, and test_control_dir.c those of the top folder: both need the new one. A file in another
 * folder than these four needs a kind in node_internal.h and a case in ctl_rows(). Node numbers are
 * positions of rows, and a kernel keeps them no longer than the mount, so a row may go anywhere.
 */
#include <assert.h>

#include "fs/control/files_internal.h"

static const struct ctl_row top_rows[] = {
	{"version", CTL_READ_ONLY, .show = ctl_version_show},
	{"workloads", CTL_READ_ONLY, .show = ctl_workloads_show},
	{"README", CTL_READ_ONLY, .show = ctl_readme_show},
	{"status", CTL_READ_ONLY, .show = ctl_status_show},
	{"assignment", CTL_READ_WRITE, CTL_DRY_RUN, .show = ctl_assignment_show,
	 .store = ctl_assignment_store},
	{"create", CTL_READ_WRITE, CTL_LINES | CTL_DRY_RUN, .show = ctl_create_show,
	 .store = ctl_create_store},
	{"renew", CTL_READ_WRITE, .show = ctl_renew_show, .store = ctl_renew_store},
	{"policies", CTL_DIR, CTL_FOLDER, .child = CTL_POLICIES},
	{"mailboxes", CTL_DIR, CTL_FOLDER, .child = CTL_MAILBOXES},
	{"jobs", CTL_DIR, CTL_FOLDER, .child = CTL_JOBS},
	{"scan", CTL_READ_WRITE, .show = ctl_scan_show, .store = ctl_scan_store},
	{"events", CTL_READ_ONLY, .flags = CTL_STREAM},
	{"metrics", CTL_READ_ONLY, .show = ctl_metrics_show},
	{"last_error", CTL_READ_ONLY, .show = ctl_last_error_show},
	{"error_log", CTL_READ_ONLY, .show = ctl_error_log_show},
	{0},
};

/* policies/NAME/ */
static const struct ctl_row policy_rows[] = {
	{"id", CTL_READ_ONLY, .show = ctl_policy_id_show},
	{"name", CTL_READ_WRITE, CTL_DRY_RUN, .show = ctl_policy_name_show,
	 .store = ctl_policy_name_store},
	{"kind", CTL_READ_WRITE, .show = ctl_policy_kind_show, .store = ctl_policy_kind_store},
	{"description", CTL_READ_WRITE, CTL_EMPTY, .show = ctl_policy_description_show,
	 .store = ctl_policy_description_store},
	{"enabled", CTL_READ_WRITE, CTL_DRY_RUN, .show = ctl_policy_enabled_show,
	 .store = ctl_policy_enabled_store},
	{"key_ids", CTL_READ_WRITE, CTL_LINES | CTL_DRY_RUN, .show = ctl_policy_key_ids_show,
	 .store = ctl_policy_key_ids_store},
	{"refresh", CTL_READ_WRITE, CTL_DRY_RUN, .show = ctl_policy_refresh_show,
	 .store = ctl_policy_refresh_store},
	{"rotate", CTL_READ_WRITE, CTL_DRY_RUN, .show = ctl_policy_rotate_show,
	 .store = ctl_policy_rotate_store},
	{"check", CTL_READ_WRITE, .show = ctl_policy_check_show, .store = ctl_policy_check_store},
	{"purge", CTL_READ_WRITE, CTL_LINES, .show = ctl_policy_purge_show,
	 .store = ctl_policy_purge_store},
	{"remove", CTL_READ_WRITE, CTL_DRY_RUN, .show = ctl_policy_remove_show,
	 .store = ctl_policy_remove_store},
	{"status", CTL_READ_ONLY, .show = ctl_policy_status_show},
	{"last_error", CTL_READ_ONLY, .show = ctl_last_error_show},
	{0},
};

/* mailboxes/ID/ */
static const struct ctl_row mailbox_rows[] = {
	{"policy", CTL_READ_WRITE, CTL_DRY_RUN, .show = ctl_mailbox_policy_show,
	 .store = ctl_mailbox_policy_store},
	{"last_error", CTL_READ_ONLY, .show = ctl_last_error_show},
	{0},
};

/* jobs/N/ */
static const struct ctl_row job_rows[] = {
	{"status", CTL_READ_ONLY, .show = ctl_job_status_show},
	{"control", CTL_READ_WRITE, .show = ctl_job_control_show, .store = ctl_job_control_store},
	{"failed", CTL_READ_ONLY, .show = ctl_job_failed_show},
	{"last_error", CTL_READ_ONLY, .show = ctl_last_error_show},
	{0},
};

/* CTL_NODE() has eight bits for a row, of which 0 and 1 are taken. */
static_assert(sizeof(top_rows) / sizeof(*top_rows) <= 254 &&
		      sizeof(policy_rows) / sizeof(*policy_rows) <= 254,
	      "a row number fits into a node number");

const struct ctl_row *ctl_rows(enum ctl_kind kind)
{
	static const struct ctl_row none[] = {{0}};

	switch (kind) {
	case CTL_TOP:
		return top_rows;
	case CTL_POLICY:
		return policy_rows;
	case CTL_MAILBOX:
		return mailbox_rows;
	case CTL_JOB:
		return job_rows;
	default:
		return none;
	}
}
