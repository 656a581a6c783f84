/* tools/depctl/cmdlets/cmdlets.h - the cmdlets of Customer Key, under Microsoft's names; their
 * rows are in tools/depctl/subcommands.c. */
#ifndef DEPFS_DEPCTL_CMDLETS_CMDLETS_H
#define DEPFS_DEPCTL_CMDLETS_CMDLETS_H

struct cmd_env;

/* Each is a cmd_fn; argv[0] is its name as typed. */
int cmdlet_new(int argc, char **argv, const struct cmd_env *env);
int cmdlet_set(int argc, char **argv, const struct cmd_env *env);
int cmdlet_get(int argc, char **argv, const struct cmd_env *env);
int cmdlet_set_assignment(int argc, char **argv, const struct cmd_env *env);
int cmdlet_get_assignment(int argc, char **argv, const struct cmd_env *env);
int cmdlet_set_mailbox_policy(int argc, char **argv, const struct cmd_env *env);
int cmdlet_set_mailbox(int argc, char **argv, const struct cmd_env *env);

#endif
