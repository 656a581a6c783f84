/* tools/depctl/key_azure.h - `depctl key show` of keys in Azure, and `depctl key check` of any. */
#ifndef DEPFS_DEPCTL_KEY_AZURE_H
#define DEPFS_DEPCTL_KEY_AZURE_H

#include "kms/kms.h"
#include "tools/depctl/depctl.h"

/* All change nothing in a vault, print on stdout and return an enum cmd_exit. */
int azure_show(const struct cmd_env *env, const struct key_id *id);
/* key_check() - each precondition of a root key by name; CMD_REFUSED when one is not met. */
int key_check(const struct cmd_env *env, const struct key_id *id);

#endif
