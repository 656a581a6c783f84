/* fs/control/node_internal.h - folders and rows of the control directory, and node numbers for
 * both. */
#ifndef DEPFS_CONTROL_NODE_INTERNAL_H
#define DEPFS_CONTROL_NODE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "crypto/base/bytes.h"
#include "crypto/base/cleanup.h"
#include "fs/policy/policy.h"
#include "fs/vtree/vtree.h"

struct control;
struct ctl_call;

#define CTL_PATH_MAX 400 /* "mailboxes/<255>/last_error" and NUL, with space to spare */

enum ctl_kind {
	CTL_TOP,
	CTL_POLICIES,
	CTL_POLICY,
	CTL_MAILBOXES,
	CTL_MAILBOX,
	CTL_JOBS,
	CTL_JOB,
	CTL_KIND_COUNT,
};

/* Permission bits of files and folders. */
#define CTL_READ_ONLY  0440
#define CTL_READ_WRITE 0660
#define CTL_ENTER      0750 /* the control directory itself: no entry can be made in it */
#define CTL_DIR	       0770

/* Flags of a row. */
#define CTL_LINES  0x1u /* a write may have several lines */
#define CTL_EMPTY  0x2u /* an empty write is a value */
#define CTL_STREAM 0x4u /* content is read through the handle's own cursor: events */
#define CTL_FOLDER 0x8u /* a folder of its own, @child */
/* A command may begin with "dry-run": its act is checked, and changes nothing. */
#define CTL_DRY_RUN 0x10u

/*
 * One entry of a folder; the rows are in table.c.
 * @show: prints the content into call->out. @store: carries out @in, which is trimmed text, and
 * prints its answer, "ok: ...", into call->out. Both return 0, or a negative errno with a sentence
 * in call->err. NULL: cannot be read, or written.
 */
struct ctl_row {
	const char *name;
	mode_t mode; /* CTL_READ_ONLY or CTL_READ_WRITE; CTL_DIR of a folder */
	unsigned flags;
	enum ctl_kind child;
	int (*show)(struct ctl_call *call);
	int (*store)(struct ctl_call *call, const char *in);
};

/* ctl_rows() - the rows of a folder of @kind, ended by a row without a name; none for the folders
 * whose entries are policies, mailboxes or jobs. */
const struct ctl_row *ctl_rows(enum ctl_kind kind);

/*
 * A folder lives as long as the control directory, also after its policy is removed: so pointers to
 * it need no reference count, and its number is never used for another folder.
 */
struct ctl_folder {
	enum ctl_kind kind;
	uint64_t no;
	uint8_t policy_id[UUID_LEN];
	char policy_text[UUID_TEXT_LEN]; /* policy_id as text, as fs/policy/ takes it */
	uint64_t created;		 /* of a policy, s since the epoch */
	_Atomic uint32_t writes;	 /* commands carried out by files of this folder */
	bool listed;	  /* the policy, mailbox or job exists; guarded by control.lock */
	char *last_error; /* content of the file, NULL: none yet; guarded by control.lock */
	char name[];	  /* a policy's: guarded by control.lock; others: constant */
};

/* Node numbers: row 1 is the folder itself, row i + 2 the i-th of ctl_rows(). */
#define CTL_NODE(folder_no, row_no) (((folder_no) << 8) | (row_no))

/* A node, resolved. @row is NULL when it is the folder itself. */
struct ctl_ref {
	struct ctl_folder *folder;
	const struct ctl_row *row;
};

/* node.c */
/* ctl_resolve() - folder and row of a node. -ENOENT: no node ever had this number; -ESTALE: its
 * policy was removed. */
int ctl_resolve(struct control *c, uint64_t node, struct ctl_ref *ret_ref) MUST_CHECK;
void ctl_attr(const struct control *c, const struct ctl_ref *ref, struct vtree_attr *ret_attr);
/* ctl_child() - an entry of @folder by name; a policy by its exact name or its id. */
int ctl_child(struct control *c, struct ctl_folder *folder, const char *name,
	      struct ctl_ref *ret_ref) MUST_CHECK;
/* ctl_path() - a node's path below the control directory, for texts; control characters become
 * '?'. */
void ctl_path(struct control *c, const struct ctl_ref *ref, char out[static CTL_PATH_MAX]);

/* entries.c: which policies, mailboxes and jobs have a folder */
/* ctl_policies_sync() - brings the folders of policies up to date. */
int ctl_policies_sync(struct control *c) MUST_CHECK;
/* ctl_mailboxes_scan() - reads STORE/mailbox and the assignments, and lists the mailboxes found. */
int ctl_mailboxes_scan(struct control *c) MUST_CHECK;
int ctl_jobs_scan(struct control *c) MUST_CHECK;
/* ctl_entry() - the entry @name of policies/, mailboxes/ or jobs/. Return: 0; -ENOENT, for a
 * mailbox only when @name cannot be the id of one; -ENOMEM. */
int ctl_entry(struct control *c, enum ctl_kind folders, const char *name,
	      struct ctl_folder **ret_folder) MUST_CHECK;

#endif
