/* fs/fuse/cred.h - creating things as the caller: fsuid, fsgid and umask of one thread. */
#ifndef DEPFS_FUSE_CRED_H
#define DEPFS_FUSE_CRED_H

#include <sys/types.h>

#include "fs/fuse/session.h"

/* cred_init() - before threads are created: keeps capabilities across setfsuid(2), when mounted by
 * root. */
void cred_init(struct session *s);

/* cred_enter() ... cred_leave() on the same thread around the one call that creates something. */
void cred_enter(const struct session *s, uid_t uid, gid_t gid, mode_t umask_bits);
void cred_leave(const struct session *s);

#endif
