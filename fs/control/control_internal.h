/* fs/control/control_internal.h - the state of one mount's control directory: the pieces that it
 * steers, its folders, failures and open handles. */
#ifndef DEPFS_CONTROL_CONTROL_INTERNAL_H
#define DEPFS_CONTROL_CONTROL_INTERNAL_H

#include <pthread.h>
#include <sys/queue.h>

#include "fs/control/call_internal.h"
#include "fs/control/control.h"
#include "fs/control/folder_internal.h"
#include "fs/jobs/job.h"
#include "fs/metrics/metrics.h"

#define CTL_LOG_MAX 256 /* failures kept in error_log */

struct ctl_stream;
struct vtree_file;

/* The order of its locks: fs/README.md, Locks. */
struct control {
	/* What the files show and steer: borrowed, constant; filled in by control.c alone. */
	struct policies *policies;
	struct jobs *jobs;
	struct keyring *keyring;
	struct scope_table *scopes;
	struct audit *audit;
	struct metrics *metrics;
	struct store *store;
	struct kms *kms;
	unsigned key_check_s;
	int64_t started; /* s since the epoch */

	struct control_config config; /* constant; mount is our own copy */
	char *mount;

	pthread_mutex_t lock; /* guards the rest, down to streams_lock */
	struct ctl_folders folders;
	bool synced; /* the folders of policies are those of change_no */
	uint64_t change_no;
	char *log[CTL_LOG_MAX];
	uint64_t log_n; /* failures so far; the next goes into log[log_n % CTL_LOG_MAX] */

	pthread_mutex_t streams_lock; /* guards the rest */
	struct ctl_stream *streams;
	LIST_HEAD(, vtree_file) files; /* open ones */
};

void ctl_failures_fini(struct control *c); /* failure.c */

/* listing.c, change.c: operations of control_vtree_ops, see fs/vtree/vtree.h */
int ctl_readdir(void *tree, uint64_t node, uint64_t off, vtree_fill_fn fill, void *arg);
int ctl_mkdir(void *tree, uint64_t parent, const char *name, const struct actor *actor,
	      struct vtree_attr *ret_attr);
int ctl_rmdir(void *tree, uint64_t parent, const char *name, const struct actor *actor);
int ctl_rename(void *tree, uint64_t parent, const char *name, uint64_t new_parent,
	       const char *new_name, const struct actor *actor);

#endif
