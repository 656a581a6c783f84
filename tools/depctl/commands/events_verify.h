/* tools/depctl/commands/events_verify.h - depctl events --verify: the audit log of a mount, of a
 * store, or in files. */
#ifndef DEPFS_DEPCTL_COMMANDS_EVENTS_VERIFY_H
#define DEPFS_DEPCTL_COMMANDS_EVENTS_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include "tools/depctl/cli/cmd.h"

struct verify_what {
	char **paths; /* a store, or files of lines in their order; none: the mount */
	size_t n_paths;
	const uint8_t *key; /* SIGN_PUBLIC_LEN bytes: whose signatures count; NULL: see below */
	const char *service_spec; /* of a store; NULL: the default */
};

/**
 * events_verify() - check the hash chain and the signatures, and print the result
 * Without a key, that of the daemon (a mount) or of the service key (a store) counts; in files,
 * that of the first signature, which is printed for the reader to compare.
 * Return: an enum cmd_exit.
 */
int events_verify(const struct cmd_env *env, const struct verify_what *what);

#endif
