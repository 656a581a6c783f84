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

/*
 * cred_space_enter() ... cred_space_leave() on the same thread around a call that takes space on
 * the store's disk for user @uid: blocks that ext4 and f2fs keep for root (mkfs.ext4 -m) are
 * refused to other users with ENOSPC. Capabilities stay. CAP_SYS_RESOURCE, which would also give
 * these blocks, is not among them (fs/privileges.c). Returns what cred_space_leave() takes. A
 * change of the fsuid and back costs 2 us (measured), a tenth of a small write, so it is done only
 * while the blocks for users may end: less than SPACE_SHORT are left, looked at every
 * SPACE_CHECK_MS.
 */
bool cred_space_enter(struct session *s, uid_t uid);
void cred_space_leave(bool entered);

#endif
