/* fs/fuse/protocol.h - what the kernel offers and libfuse 3.14 does not know: O_TMPFILE, set-id
 * bits, parallel lookups; and the counting of requests. */
#ifndef DEPFS_FUSE_PROTOCOL_H
#define DEPFS_FUSE_PROTOCOL_H

#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdint.h>

#include "fs/metrics/metrics.h"

/* For fuse_session_custom_io(): requests and replies pass through here on their way. */
extern const struct fuse_custom_io protocol_io;

/*
 * protocol_kills_setid() - whether the request this thread serves is to clear the file's
 * set-user-id and set-group-id bits: a write, a truncation or an open by a process without
 * CAP_FSETID; for SETXATTR of an ACL, the set-group-id bit alone, since the caller is outside the
 * group.
 */
bool protocol_kills_setid(void);

/*
 * What is counted of a request (fs/metrics/metrics.h): its latency, from its arrival to its reply,
 * and the reply's errno. The thread that read a request replies to it, or hands this on to the
 * thread that does.
 */
struct protocol_request {
	uint64_t unique; /* the kernel's number of the request; 0: none */
	uint64_t since_ns;
	enum metric_op op;
};

struct protocol_request protocol_request(void);		/* the request that this thread serves */
void protocol_go_on(const struct protocol_request *rq); /* from now on this thread serves @rq */

#endif
