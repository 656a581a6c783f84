/* fs/fuse/session.h - one mount: the volume, and what the FUSE operations need beside it. */
#ifndef DEPFS_FUSE_SESSION_H
#define DEPFS_FUSE_SESSION_H

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "fs/content/volume.h"
#include "fs/keyring/keyring.h"
#include "fs/vtree/vtree.h"

struct fuse_session;
struct pool;
struct walk;

/* Requests that wait for a vault at once; more are refused with EAGAIN. One policy's get at most a
 * quarter of them: KEYRING_WAITERS_MAX in fs/keyring/keyring.h. */
#define BLOCKING_THREADS_MAX 1024u

/* Background requests that the kernel sends at once, for all files of the mount. */
#define BACKGROUND_MAX 128u
static_assert(KEYRING_BACKGROUND_ALL_MAX <= BACKGROUND_MAX / 2,
	      "half of them never wait for a vault");

/* The order of all locks: fs/README.md, Locks. */
struct session {
	struct volume v;
	struct walk *walk; /* of the job that runs, if any */
	struct pool *pool; /* for requests that wait for a vault or a disk */
	/* for dirty pages that would wait: as many threads as the kernel sends, so always one free
	 */
	struct pool *page_pool;
	/* the control directory's own: it answers even when `pool` is full of waiting requests */
	struct pool *control_pool;
	struct fuse_session *fuse; /* for notifications; set before the first request */
	struct {
		pthread_mutex_t lock;	    /* guards `silent`, and the changes of `under_way` */
		_Atomic unsigned under_way; /* revocations that use `fuse` */
		bool silent;		    /* no revocation may begin: the mount is being ended */
		_Atomic uint64_t sweeps;    /* of attributes in the kernel, so far */
	} revoke;			    /* used by revoke.c alone */
	const struct vtree_ops *vops;	    /* the control directory, served as <top>/.depfs */
	void *vtree;
	unsigned threads; /* serving threads */
	gid_t system_gid;
	bool has_system_gid;
	bool writeback;
	bool list_control; /* .depfs is an entry of the top folder's listing */
	bool drops_ids;	   /* run by root: creations use the caller's fsuid and fsgid */
	struct {
		pthread_mutex_t lock;
		LIST_HEAD(, handle) files; /* of programs; what is left at the end is closed */
		LIST_HEAD(, dir) dirs;
	} opened;
	struct {
		_Atomic uint64_t check_ms; /* when statvfs(3) is due again */
		_Atomic bool is_short;	   /* blocks that all users may take */
	} space;			   /* used by cred.c alone */
	_Atomic bool ending; /* no request is served: waits for vaults are interrupted */
};

#endif
