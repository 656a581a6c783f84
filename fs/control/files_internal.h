/* fs/control/files_internal.h - what each control file shows and takes (depfs-control(5)); table.c
 * has the rows. */
#ifndef DEPFS_CONTROL_FILES_INTERNAL_H
#define DEPFS_CONTROL_FILES_INTERNAL_H

#include "fs/control/call_internal.h"

/* about.c */
int ctl_version_show(struct ctl_call *call);
int ctl_workloads_show(struct ctl_call *call);
int ctl_readme_show(struct ctl_call *call);
/* status.c */
int ctl_status_show(struct ctl_call *call);
/* assignment.c */
/* ctl_assign_how() - a command that assigns: a policy, and behind it "force" unless that is how a
 * policy's name ends. @ret_p: the policy. */
enum assign_how ctl_assign_how(struct policies *policies, const char *in,
			       char ret_p[static CTL_WRITE_MAX + 1]);
int ctl_assignment_show(struct ctl_call *call);
int ctl_assignment_store(struct ctl_call *call, const char *in);
/* renew.c */
/* ctl_split() - the words of @in, in place; -1: there are more than @max. */
int ctl_split(char *in, char **words, int max);
enum ctl_words_end {
	CTL_WORDS_ALL_END,  /* each text at the next name */
	CTL_WORDS_LAST_OPEN /* that of the last name at the end of the command */
};
/* ctl_words() - "NAME=TEXT NAME=TEXT" cut into pieces, in any order. @values: one for each of the
 * @n names, NULL where not given. -EINVAL: one is given twice, or there is none: @usage is in the
 * sentence. */
int ctl_words(struct ctl_call *call, char *in, const char *const *names, const char **values,
	      size_t n, enum ctl_words_end last, const char *usage);
int ctl_create_show(struct ctl_call *call);
int ctl_create_store(struct ctl_call *call, const char *in);
int ctl_renew_show(struct ctl_call *call);
int ctl_renew_store(struct ctl_call *call, const char *in);
/* scan.c */
int ctl_scan_show(struct ctl_call *call);
int ctl_scan_store(struct ctl_call *call, const char *in);
/* metrics.c */
int ctl_metrics_show(struct ctl_call *call);
/* failure.c */
int ctl_last_error_show(struct ctl_call *call);
int ctl_error_log_show(struct ctl_call *call);

/* policies.c: policies/NAME/, the policy's record */
int ctl_policy_id_show(struct ctl_call *call);
int ctl_policy_kind_show(struct ctl_call *call);
int ctl_policy_name_show(struct ctl_call *call);
int ctl_policy_name_store(struct ctl_call *call, const char *in);
int ctl_policy_kind_store(struct ctl_call *call, const char *in);
int ctl_policy_description_show(struct ctl_call *call);
int ctl_policy_description_store(struct ctl_call *call, const char *in);
int ctl_policy_enabled_show(struct ctl_call *call);
int ctl_policy_enabled_store(struct ctl_call *call, const char *in);
int ctl_policy_status_show(struct ctl_call *call);
/* policy_keys.c: the policy's keys */
int ctl_policy_key_ids_show(struct ctl_call *call);
int ctl_policy_key_ids_store(struct ctl_call *call, const char *in);
int ctl_policy_refresh_show(struct ctl_call *call);
int ctl_policy_refresh_store(struct ctl_call *call, const char *in);
int ctl_policy_rotate_show(struct ctl_call *call);
int ctl_policy_rotate_store(struct ctl_call *call, const char *in);
int ctl_policy_check_show(struct ctl_call *call);
int ctl_policy_check_store(struct ctl_call *call, const char *in);
/* policy_remove.c: purging and removing it */
int ctl_policy_purge_show(struct ctl_call *call);
int ctl_policy_purge_store(struct ctl_call *call, const char *in);
int ctl_policy_remove_show(struct ctl_call *call);
int ctl_policy_remove_store(struct ctl_call *call, const char *in);

/* mailboxes.c: mailboxes/ID/ */
int ctl_mailbox_policy_show(struct ctl_call *call);
int ctl_mailbox_policy_store(struct ctl_call *call, const char *in);

/* jobs.c: jobs/N/ */
int ctl_job_status_show(struct ctl_call *call);
int ctl_job_control_show(struct ctl_call *call);
int ctl_job_control_store(struct ctl_call *call, const char *in);
int ctl_job_failed_show(struct ctl_call *call);

/* ---- what several of these files print ---- */

/* ctl_answer_job() - ends an answer with the number of the job, newer than @after, that applies the
 * change to existing files, if there is one. @mailbox: whose job; NULL: the tenant's. */
void ctl_answer_job(struct ctl_call *call, const char *mailbox, uint64_t after);

/* ctl_policy_id(), ctl_policy_info() - of the policy whose folder the call is on: by its id, so
 * that a handle stays with its policy through a rename. */
const char *ctl_policy_id(const struct ctl_call *call);
int ctl_policy_info(struct ctl_call *call, struct policy_info *ret_info) MUST_CHECK;
/* ctl_policy_answer() - "ok: policy NAME ...", by the policy's present name. */
void ctl_policy_answer(struct ctl_call *call, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* ctl_key_version() - the version that @key_id names, in @ret_key, or "none". */
const char *ctl_key_version(const char *key_id, struct key_id *ret_key);

/* scan.c: lines of a policy's status: what the last scan counted under it */
void ctl_scan_of_policy(struct ctl_call *call, const uint8_t id[static UUID_LEN]);
/* revocation.c: lines of a policy's status, and of the mount's */
void ctl_revocation_of_policy(struct ctl_call *call, const struct policy_info *info);
void ctl_revocations_summary(struct ctl_call *call);

#endif
