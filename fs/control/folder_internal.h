/* fs/control/folder_internal.h - the table of folders: by number, by policy id, by name. */
#ifndef DEPFS_CONTROL_FOLDER_INTERNAL_H
#define DEPFS_CONTROL_FOLDER_INTERNAL_H

#include "fs/control/node_internal.h"

/* Append only, so that an index is a stable readdir offset. */
struct ctl_list {
	struct ctl_folder **at;
	size_t n, cap;
};

/* All folders; embedded in struct control, whose lock guards it. */
struct ctl_folders {
	struct ctl_list by_no;
	struct ctl_list policies, mailboxes, jobs;
	void *policy_index, *mailbox_index, *job_index; /* tsearch(3), by policy id and by name */
};

int ctl_folders_init(struct ctl_folders *f) MUST_CHECK; /* -ENOMEM */
void ctl_folders_fini(struct ctl_folders *f);

/* All of these expect control.lock. */
/* ctl_folder_fixed_locked() - the one folder of @kind: the top, policies/, mailboxes/, jobs/. */
struct ctl_folder *ctl_folder_fixed_locked(const struct ctl_folders *f, enum ctl_kind kind);
/* ctl_folder_by_id_locked() - the folder of a policy, listed or not; NULL: none. */
struct ctl_folder *ctl_folder_by_id_locked(const struct ctl_folders *f,
					   const uint8_t id[static UUID_LEN]);
struct ctl_folder *ctl_folder_by_policy_name_locked(const struct ctl_folders *f, const char *name);
/* ctl_folder_named_locked() - the folder of a mailbox or a job, created at its first use;
 * -ENOMEM. */
int ctl_folder_named_locked(struct ctl_folders *f, enum ctl_kind kind, const char *name,
			    struct ctl_folder **ret_folder) MUST_CHECK;
/* ctl_folders_set_policies_locked() - exactly these policies are listed from now on, under these
 * names; -ENOMEM. */
int ctl_folders_set_policies_locked(struct ctl_folders *f, const struct policy_info *list,
				    size_t n) MUST_CHECK;
/* ctl_folders_set_named_locked() - exactly these @n mailboxes, or jobs, are listed from now on; a
 * name may be given twice; -ENOMEM. */
int ctl_folders_set_named_locked(struct ctl_folders *f, enum ctl_kind kind, char *const *names,
				 size_t n) MUST_CHECK;
/* ctl_folder_next_locked() - the first entry of policies/, mailboxes/ or jobs/ at or after @index
 * that is listed, @index moved to it; NULL: none is left. */
struct ctl_folder *ctl_folder_next_locked(const struct ctl_folders *f, enum ctl_kind folders,
					  size_t *index);

#endif
