/* fs/control/control_internal.h - inside fs/control/ only: folders, rows of virtual files, and one
 * call on one of them. */
#ifndef DEPFS_CONTROL_CONTROL_INTERNAL_H
#define DEPFS_CONTROL_CONTROL_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/queue.h>

#include "crypto/base/bytes.h"
#include "crypto/base/err.h"
#include "fs/control/control.h"
#include "fs/jobs/job.h"
#include "fs/policy/policy.h"

#define CTL_WRITE_MAX 4096 /* bytes of one command */
#define CTL_SIZE      4096 /* what stat shows of a file, as in sysfs */
#define CTL_LOG_MAX   256  /* failures kept in error_log */
#define CTL_PATH_MAX  400  /* "mailboxes/<255>/last_error" and NUL, with room */
#define CTL_TIME_LEN  32   /* "2026-11-23T22:17:00Z" and NUL, with room for any year */

/* Who may do what, in one place. */
#define CTL_SEE	   0440
#define CTL_CHANGE 0660
#define CTL_ENTER  0750 /* the control directory itself: nothing is made in it */
#define CTL_DIR	   0770

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

struct control;
struct ctl_call;
struct ctl_folder;

#define CTL_LINES  0x1u /* a write may have several lines */
#define CTL_EMPTY  0x2u /* a write of nothing is a value */
#define CTL_STREAM 0x4u /* read on by the handle's own cursor: events */
#define CTL_FOLDER 0x8u /* a folder of its own, @child */
/* May outgrow CTL_SIZE: its size is shown as 0, as in procfs, since tail(1) and others believe any
 * other size and would cut it. */
#define CTL_LONG 0x10u

/*
 * One entry of a folder. To add a file is to add a row.
 * @show: prints the content into call->out. @store: carries out @in, which is trimmed text, and
 * prints its answer, "ok: ...", into call->out. Both return 0 or a negative errno with a sentence.
 */
struct ctl_row {
	const char *name;
	mode_t mode; /* CTL_SEE or CTL_CHANGE, CTL_DIR of a folder */
	unsigned flags;
	enum ctl_kind child;
	int (*show)(struct ctl_call *call);
	int (*store)(struct ctl_call *call, const char *in);
};

/* Tables end with a row without a name; at most CTL_ROWS_MAX rows. */
#define CTL_ROWS_MAX 254
extern const struct ctl_row ctl_top_rows[];
extern const struct ctl_row ctl_policy_rows[];
extern const struct ctl_row ctl_mailbox_rows[];
extern const struct ctl_row ctl_job_rows[];
const struct ctl_row *ctl_rows(enum ctl_kind kind); /* empty for the folders of folders */

/*
 * A folder lives as long as its tree, whatever becomes of its policy: so a pointer to it is good
 * without a count, and its number is never given to another.
 */
struct ctl_folder {
	enum ctl_kind kind;
	uint64_t no;
	uint8_t policy_id[UUID_LEN];
	char policy_text[UUID_TEXT_LEN]; /* the same, as the acts take it */
	uint64_t created;		 /* of a policy, s since the epoch */
	bool listed;	  /* there is such a policy, or mailbox; guarded by control.lock */
	char *last_error; /* what the file shows, NULL: none yet; guarded by control.lock */
	char name[];	  /* a policy's: guarded by control.lock; others: constant */
};

struct ctl_list {
	struct ctl_folder **at; /* append only, so that an index is a stable offset */
	size_t n, cap;
};

struct ctl_stream {
	struct ctl_stream *next;
	struct ctl_stream **link; /* what points here; NULL: not in the list */
	void (*notify)(void *arg);
	void (*drop)(void *arg);
	void *arg;
};

/*
 * Lock order: vtree_file.lock, control.lock. Neither is held across an act of policy.h, a fill
 * callback, or notify; streams_lock is a leaf.
 */
struct control {
	struct control_config config; /* constant; mount is our own copy */
	struct engine *engine;
	char *mount;

	pthread_mutex_t lock;	 /* guards the rest, down to streams_lock */
	struct ctl_list folders; /* by number */
	struct ctl_list policies, mailboxes, jobs;
	void *policy_index, *mailbox_index, *job_index; /* tsearch(3), by policy id and by name */
	bool synced;					/* policies stand as of change_no */
	uint64_t change_no;
	char *log[CTL_LOG_MAX];
	uint64_t log_n; /* failures so far; the next goes into log[log_n % CTL_LOG_MAX] */

	pthread_mutex_t streams_lock; /* guards the rest */
	struct ctl_stream *streams;
	LIST_HEAD(, vtree_file) files; /* open ones */
};

#define CTL_NODE(folder_no, row_no) (((folder_no) << 8) | (row_no)) /* row 1: the folder itself */

/* A node, resolved. @row is NULL for a folder itself. */
struct ctl_ref {
	struct ctl_folder *folder;
	const struct ctl_row *row;
};

/* One show, store or act on a folder, with what it leaves behind. */
struct ctl_call {
	struct control *c;
	struct ctl_ref ref;
	const struct actor *who; /* NULL for show */
	struct err err;
	bool refused; /* by these files, before an act: so no act records it */
	FILE *out;
};

/* ctl_refuse() - the write asks for what cannot be; nothing was done. Return: @r. */
int ctl_refuse(struct ctl_call *call, int r, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* node.c: nodes, from number or name to folder and row */
/* ctl_resolve() - -ENOENT: never was; -ESTALE: the policy is gone. */
int ctl_resolve(struct control *c, uint64_t node, struct ctl_ref *ret_ref) MUST_CHECK;
void ctl_attr(struct control *c, const struct ctl_ref *ref, struct vtree_attr *ret_attr);
/* ctl_child() - an entry of @folder by name; a policy by its exact name or its id. */
int ctl_child(struct control *c, struct ctl_folder *folder, const char *name,
	      struct ctl_ref *ret_ref) MUST_CHECK;
/* ctl_path() - below the control directory, for people; control characters shown as '?'. */
void ctl_path(struct control *c, const struct ctl_ref *ref, char out[static CTL_PATH_MAX]);

/* folder.c: the folders and their names */
int ctl_folders_init(struct control *c) MUST_CHECK;
void ctl_folders_fini(struct control *c);
/* ctl_policy_get() and its like - -ENOENT; of a mailbox only when that cannot be its id. */
int ctl_policy_get(struct control *c, const char *name, struct ctl_folder **ret_folder) MUST_CHECK;
int ctl_mailbox_get(struct control *c, const char *id, struct ctl_folder **ret_folder) MUST_CHECK;
int ctl_job_get(struct control *c, const char *name, struct ctl_folder **ret_folder) MUST_CHECK;
/* ctl_fixed() - a folder of folders by its kind. */
struct ctl_folder *ctl_fixed(struct control *c, enum ctl_kind kind);
/* ctl_next() - the first entry of a folder of folders at or after @index that is listed; NULL: none
 * is left. @ret_name: its name now. */
struct ctl_folder *ctl_next(struct control *c, enum ctl_kind kind, size_t *index,
			    char ret_name[static MAILBOX_ID_MAX + 1]);
/* ctl_policies_sync() - take over what changed in the engine since the last call. */
int ctl_policies_sync(struct control *c) MUST_CHECK;
/* ctl_mark() - exactly the @n mailboxes, or jobs, that are named are listed from now on. */
int ctl_mark(struct control *c, enum ctl_kind kind, char *const *names, size_t n) MUST_CHECK;

/* mailboxes.c */
bool ctl_mailbox_valid(const char *id);
/* ctl_mailboxes_scan() - read STORE/mailbox and the assignments, and mark what is there. */
int ctl_mailboxes_scan(struct control *c) MUST_CHECK;

/* jobs.c */
int ctl_jobs_scan(struct control *c) MUST_CHECK;
/* ctl_job_say() - ends an answer with the job later than @after that makes it true of existing
 * data, if there is one. @mailbox: NULL: the tenant's. */
void ctl_job_say(struct ctl_call *call, const char *mailbox, uint64_t after);

/* metrics.c */
int ctl_metrics_show(struct ctl_call *call);

/* scan.c */
int ctl_scan_show(struct ctl_call *call);
int ctl_scan_store(struct ctl_call *call, const char *in);
/* ctl_scan_of_policy() - lines of a policy's status: what was under it at the last scan. */
void ctl_scan_of_policy(struct ctl_call *call, const uint8_t id[static UUID_LEN]);

/* revocation.c: lines of a policy's status, and of that of the top */
void ctl_revocation_of_policy(struct ctl_call *call, const struct policy_info *info);
void ctl_revocations_summary(struct ctl_call *call);

/* failure.c: what went wrong */
/* ctl_failed() - keep a failure in error_log, and in last_error of @ref's folder. */
void ctl_failed(struct control *c, const struct ctl_ref *ref, const char *path,
		const struct actor *who, int r, const char *sentence);
/* ctl_last_error_set() - the second of these alone. */
void ctl_last_error_set(struct control *c, const struct ctl_ref *ref, const char *path,
			const struct actor *who, int r, const char *sentence);
int ctl_last_error_show(struct ctl_call *call);
int ctl_error_log_show(struct ctl_call *call);
void ctl_errors_fini(struct control *c);

/* text.c: words in and out */
bool ctl_is_blank(const char *in, size_t in_len);
/* ctl_text_clean() - trim a command and check that it is text. @out: NUL-terminated. */
int ctl_text_clean(struct ctl_call *call, const char *in, size_t in_len,
		   char out[static CTL_WRITE_MAX + 1]) MUST_CHECK;
void ctl_time(int64_t when, char out[static CTL_TIME_LEN]); /* "never" for 0 */
void ctl_mask(char *text);				    /* control characters become '?' */

/* access.c */
/**
 * ctl_may() - whether @who may use the control directory
 * The kernel has compared mode bits before an open, but not before a write to a handle that was
 * inherited, and it tells of a process its primary group alone. The others are read from /proc;
 * where they cannot be, the mode bits have spoken. Return: 0; -EACCES.
 */
int ctl_may(const struct control *c, const struct actor *who) MUST_CHECK;
/* ctl_record() - the events that no act records: a refusal, a write by another than the opener. */
void ctl_record(const struct ctl_call *call, const struct actor *opener, const char *path, int r);

/* handle.c: handles */
int ctl_open(void *tree, uint64_t node, int flags, const struct actor *who,
	     struct vtree_file **ret_file);
ssize_t ctl_read(struct vtree_file *f, char *buf, size_t len, off_t off);
ssize_t ctl_write(struct vtree_file *f, const char *buf, size_t len, off_t off,
		  const struct actor *who);
void ctl_release(struct vtree_file *f);
/* ctl_files_fini() - releases what is still open. */
void ctl_files_fini(struct control *c);
unsigned ctl_poll(struct vtree_file *f, void (*notify)(void *arg), void (*drop)(void *arg),
		  void *arg);

/* events.c: the log as a stream. A cursor belongs to one handle, whose lock guards it. */
struct ctl_cursor {
	uint64_t seq; /* of the next event to ask for */
	char *lines;  /* read ahead */
	size_t len, at, cap;
};

ssize_t ctl_events_read(struct control *c, struct ctl_cursor *cur, char *buf, size_t len);
/* ctl_events_ready() - something is there to read at once. */
bool ctl_events_ready(struct control *c, const struct ctl_cursor *cur);
/* ctl_stream_watch() - keep one notification, dropping the one before; @notify NULL: none. */
void ctl_stream_watch(struct control *c, struct ctl_stream *s, void (*notify)(void *arg),
		      void (*drop)(void *arg), void *arg);
void ctl_events_start(struct control *c);
void ctl_events_stop(struct control *c);

#endif
