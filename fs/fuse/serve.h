/* fs/fuse/serve.h - mounting a session and serving it until it is unmounted. */
#ifndef DEPFS_FUSE_SERVE_H
#define DEPFS_FUSE_SERVE_H

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"
#include "fs/fuse/session.h"

struct jobs;

#define SERVE_FDS_CACHED 4096u /* O_PATH descriptors kept; fewer when RLIMIT_NOFILE is low */

/* serve_init() - inodes, pools and walk of a session; everything else that is constant in the
 * session and its volume is set before. @jobs: the jobs that the walk serves. */
int serve_init(struct session *s, struct jobs *jobs, struct err *err) MUST_CHECK;
void serve_fini(struct session *s);
unsigned serve_inodes(struct session *s); /* nodes that the kernel knows */

/* serve_recover() - completes the files that an unclean stop left unfinished; those that cannot be
 * completed now, for want of their key or for another reason, are completed when they are
 * opened. */
int serve_recover(struct session *s, struct err *err) MUST_CHECK;

/* serve_sync() - after the last request of a clean stop: syncs all files, and forgets the intents
 * of renames. */
int serve_sync(struct session *s, struct err *err) MUST_CHECK;

struct serve_calls {
	int (*ready)(void *arg);
	void (*stopping)(void *arg);
	void *arg;
};

/**
 * serve() - mount, serve, unmount
 * @options: for the kernel and libfuse, comma-separated
 * @calls: ready() is called when the mount is there, before the first request is answered;
 *         negative: give up. stopping() is called after the last request, before what is still open
 *         is closed
 * Return: 0 after a regular unmount or a signal to end; -errno with a sentence.
 */
int serve(struct session *s, const char *options, const struct serve_calls *calls,
	  struct err *err) MUST_CHECK;

#endif
