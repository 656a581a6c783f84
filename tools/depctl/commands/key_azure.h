/* tools/depctl/commands/key_azure.h - `depctl key show` of keys in Azure, `depctl key check`, and
 * what `depctl doctor` shares with them. Nothing here changes a vault. */
#ifndef DEPFS_DEPCTL_COMMANDS_KEY_AZURE_H
#define DEPFS_DEPCTL_COMMANDS_KEY_AZURE_H

#include "kms/azure/diagnose.h"
#include "kms/azure/keys.h"
#include "kms/kms.h"
#include "tools/depctl/cli/cmd.h"

/* azure_kms_open() - the vaults, with the settings of the environment (depfs-azure(5)); the caller
 * frees it. Errors of secret_init() and kms_new(). */
int azure_kms_open(const struct cmd_env *env, struct kms **ret_kms, struct err *err) MUST_CHECK;

/* These print on stdout and return an enum cmd_exit. */
int azure_show(const struct cmd_env *env, const struct key_id *id);
/* key_check() - each precondition of a root key by name; CMD_REFUSED when one is not met. */
int key_check(const struct cmd_env *env, const struct key_id *id);

/* azure_remedy_print() - what to do about @f, the finding of @step, on stderr; text on stdout is
 * written before it. CMD_REFUSED. */
int azure_remedy_print(const struct cmd_env *env, enum azure_step step,
		       const struct azure_finding *f);

#endif
