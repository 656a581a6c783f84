/* fs/fuse/session.h - one mount: what every operation is handed, and the order of all locks. */
#ifndef DEPFS_FUSE_SESSION_H
#define DEPFS_FUSE_SESSION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "fs/policy/engine.h"
#include "fs/vtree/vtree.h"

/* clang-format off: a list */
/*
 * Lock order, outermost first:
 *   revoke_lock       a leaf: how many revocations are carried out
 *   visits.lock       read: a name changes; write: a job begins or ends. The one lock that is held
 *                     across a vault call: a job that waits for it lets others in between
 *   inode stripe      (inode_table) loading, first opening, last closing of a file's content
 *   tally.lock        files that may change, and the sums of a scan
 *   file.lock         (struct file_lock) content, size and header of one open file
 *   visits.moved_lock what a job has yet to come to
 *   inode_table.lock  lookup counts, descriptors, hash chains
 *   opened.lock       a leaf: what programs have open
 *   pool.lock, fs/policy's own locks
 * None is held across fuse_reply_*(), a vault call or an LMDB commit. fsync() runs under none.
 */
/* clang-format on */
/* Requests that wait for a vault at once; more are refused with EAGAIN. One policy's get at most a
 * quarter of them: WAITERS_MAX in fs/keyring/keyring_flight.c. */
#define BLOCKING_THREADS_MAX 1024u

struct session {
	struct engine *engine;
	struct inode_table *inodes;
	struct visits *visits;	       /* the job that goes through the files, if any */
	struct tally *tally;	       /* what a scan counts */
	struct purge_list *purge_list; /* of the job that runs; NULL: it lists nothing */
	struct pool *pool;
	struct pool
		*control_pool; /* the control directory's own: it answers whatever files wait for */
	struct fuse_session *fuse;    /* for notifications; set before the first request */
	pthread_mutex_t revoke_lock;  /* guards the next two */
	_Atomic unsigned revoking;    /* revocations that use `fuse` */
	bool revoke_silent;	      /* no more of them: the mount goes away */
	_Atomic uint64_t sweeps;      /* revocations so far */
	const struct vtree_ops *vops; /* the control directory, served as <top>/.depfs */
	void *vtree;
	int top_fd;	   /* the store's folder */
	const char *store; /* its absolute path */
	const char *mount;
	int64_t unclean_since; /* s; files changed since may have a tail to complete; 0: none */
	unsigned threads; /* that answer the kernel; vaults and a crowd of fsyncs go to the pool */
	gid_t system_gid;
	bool has_system_gid;
	bool writeback;
	bool read_only;
	bool drops_ids; /* root: creations take on the caller's fsuid and fsgid */
	struct {
		pthread_mutex_t lock;
		LIST_HEAD(, handle) files; /* of programs; what is left at the end is closed */
		LIST_HEAD(, dir) dirs;
	} opened;
	_Atomic unsigned requests_waiting; /* parked until a vault has answered */
	struct {
		_Atomic unsigned disturbed; /* odd while a file's mtime is wrong: renew.c */
		bool searching;		    /* for what is half done; guarded by visits.lock */
		bool only_ends;		    /* what is half done; the job's thread's own */
		_Atomic bool unseen;	    /* something could not be looked at by this job */
	} renew;
	_Atomic bool ending; /* nobody is served any more: who waits for a vault gives up */
};

#endif
