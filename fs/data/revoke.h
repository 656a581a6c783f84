/* fs/data/revoke.h - a revoked policy reaches its open files: pages flushed and dropped, requests
 * refused. */
#ifndef DEPFS_DATA_REVOKE_H
#define DEPFS_DATA_REVOKE_H

#include "fs/session.h"

/* revoke_listen() - from now on; s->fuse is set. */
void revoke_listen(struct session *s);
/* revoke_silence() - before the mount goes away: waits for a revocation under way, and none comes
 * after. */
void revoke_silence(struct session *s);

#endif
