/* tools/depctl/key_look.h - `depctl key show` and `depctl key list`. */
#ifndef DEPFS_DEPCTL_KEY_LOOK_H
#define DEPFS_DEPCTL_KEY_LOOK_H

#include "kms/local/local.h"
#include "tools/depctl/depctl.h"

/* Both print on stdout and return an enum cmd_exit. */
int key_show(const struct cmd_env *env, const struct key_id *id); /* a vault when it names no key */
/* key_list() - the keys of @vault, or of every vault when it is NULL; one that cannot be read is
 * told on stderr, and the others are listed all the same. */
int key_list(const struct cmd_env *env, const char *vault);

#endif
