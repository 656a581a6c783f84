/* fs/fuse/revoke.h - what a denied policy does to the kernel's cache: dirty pages are written out,
 * cached pages and attributes dropped. What it does to the content: fs/content/drain.h. */
#ifndef DEPFS_FUSE_REVOKE_H
#define DEPFS_FUSE_REVOKE_H

#include <fuse_lowlevel.h>

#include "fs/fuse/session.h"

/* revoke_listen() - revocations are carried out from now on; s->fuse is set. */
void revoke_listen(struct session *s);
/* revoke_silence() - after the last request was served: answers the requests that revocations under
 * way still need, and waits for their end. None uses the session afterwards. */
void revoke_silence(struct session *s);

struct inode;

/*
 * revoke_epoch() before the attributes in a reply are read, revoke_recheck() after the reply was
 * sent. The kernel takes the attributes in the reply to a creation or a SETATTR as they are, even
 * when a revocation has invalidated the inode since they were read; then they are invalidated
 * again.
 */
uint64_t revoke_epoch(struct session *s);
void revoke_recheck(struct session *s, fuse_ino_t ino, uint64_t epoch);

/* revoke_attributes() - the kernel asks for a node's attributes again, which this daemon has
 * changed without being asked to. No lock is held; the node has a lookup count. */
void revoke_attributes(struct session *s, struct inode *i);

#endif
