/* tools/depctl/commands/key_show.h - `depctl key show` and `depctl key list`. */
#ifndef DEPFS_DEPCTL_COMMANDS_KEY_SHOW_H
#define DEPFS_DEPCTL_COMMANDS_KEY_SHOW_H

#include "kms/local/local.h"
#include "tools/depctl/cli/cmd.h"

/* Both print on stdout and return an enum cmd_exit. */
/* key_show() - the key, or the vault when @id names no key. */
int key_show(const struct cmd_env *env, const struct key_id *id);
/* key_list() - the keys of @vault, or of every vault when it is NULL; a key or vault that cannot be
 * read is reported on stderr, and the others are listed. */
int key_list(const struct cmd_env *env, const char *vault);

#endif
