/* fs/fuse/revoke.h - what a denied policy does to the kernel's cache: dirty pages written out,
 * cached ones dropped, attributes not kept. What it does to the content: fs/content/drain.h. */
#ifndef DEPFS_FUSE_REVOKE_H
#define DEPFS_FUSE_REVOKE_H

#include <fuse_lowlevel.h>

#include "fs/fuse/session.h"

/* revoke_listen() - revocations are carried out from now on; s->fuse is set. */
void revoke_listen(struct session *s);
/* revoke_silence() - after the last request was served: answers what revocations under way still
 * need, waits for them, and none comes after. */
void revoke_silence(struct session *s);

/*
 * revoke_epoch() before the attributes in a reply are read, revoke_recheck() after it: the kernel
 * takes those of a creation or a change of attributes as they come, even when a revocation has
 * invalidated them since they were read. Then they are invalidated again.
 */
uint64_t revoke_epoch(struct session *s);
void revoke_recheck(struct session *s, fuse_ino_t ino, uint64_t epoch);

#endif
