/* fs/data/proto.h - what the kernel offers and libfuse 3.14 does not know: O_TMPFILE, set-id bits,
 * parallel lookups. */
#ifndef DEPFS_DATA_PROTO_H
#define DEPFS_DATA_PROTO_H

#include <fuse_lowlevel.h>
#include <stdbool.h>

/* For fuse_session_custom_io(): requests and replies pass through here on their way. */
extern const struct fuse_custom_io proto_io;

/*
 * proto_kills_setid() - whether the request this thread serves is to clear the file's set-user-id
 * and set-group-id bits: a write, a truncation or an open by somebody without CAP_FSETID.
 */
bool proto_kills_setid(void);

#endif
