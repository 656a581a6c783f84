/* crypto/base/actor.h - the process that a request comes from, as the kernel reports it. */
#ifndef DEPFS_CRYPTO_BASE_ACTOR_H
#define DEPFS_CRYPTO_BASE_ACTOR_H

#include <stdbool.h>
#include <sys/types.h>

struct actor {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	bool dry_run; /* an act is checked up to its commit, and changes nothing */
};

#endif
