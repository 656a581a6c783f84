/* tools/depctl/commands/commands.h - the functions of the subcommands in
 * tools/depctl/subcommands.c. */
#ifndef DEPFS_DEPCTL_COMMANDS_COMMANDS_H
#define DEPFS_DEPCTL_COMMANDS_COMMANDS_H

struct cmd_env;

/* Each is a cmd_fn, in the file of its name; unassign and assignment are in assign.c. */
int cmd_status(int argc, char **argv, const struct cmd_env *env);
int cmd_policy(int argc, char **argv, const struct cmd_env *env);
int cmd_assign(int argc, char **argv, const struct cmd_env *env);
int cmd_unassign(int argc, char **argv, const struct cmd_env *env);
int cmd_assignment(int argc, char **argv, const struct cmd_env *env);
int cmd_mailbox(int argc, char **argv, const struct cmd_env *env);
int cmd_job(int argc, char **argv, const struct cmd_env *env);
int cmd_renew(int argc, char **argv, const struct cmd_env *env);
int cmd_scan(int argc, char **argv, const struct cmd_env *env);
int cmd_coverage(int argc, char **argv, const struct cmd_env *env);
int cmd_events(int argc, char **argv, const struct cmd_env *env);
int cmd_inspect(int argc, char **argv, const struct cmd_env *env);
int cmd_key(int argc, char **argv, const struct cmd_env *env);
int cmd_doctor(int argc, char **argv, const struct cmd_env *env);
int cmd_help(int argc, char **argv, const struct cmd_env *env);

#endif
