/* crypto/base/actor.h - the process that a request comes from, as the kernel reports it. */
#ifndef DEPFS_CRYPTO_BASE_ACTOR_H
#define DEPFS_CRYPTO_BASE_ACTOR_H

#include <sys/types.h>

struct actor {
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

#endif
