/* tools/depctl/events_verify.h - depctl events --verify: the audit log of a mount, a store, or in
 * files.
 */
#ifndef DEPFS_DEPCTL_EVENTS_VERIFY_H
#define DEPFS_DEPCTL_EVENTS_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include "tools/depctl/depctl.h"

struct verify_what {
	char **paths; /* a store, or files of lines in their order; none: the mount */
	size_t n_paths;
	const uint8_t *key; /* SIGN_PUBLIC_LEN bytes: whose signatures count; NULL: see below */
	const char *service_spec; /* of a store; NULL: the default */
};

/**
 * events_verify() - check, and say what was found
 * Without a key, that of the daemon (a mount) or of the service key (a store) counts; in files,
 * that of the first signature, which is shown for the reader to compare.
 */
int events_verify(const struct cmd_env *env, const struct verify_what *what);

#endif
