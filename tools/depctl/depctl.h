/* tools/depctl/depctl.h - what the subcommands of depctl share: their environment, exit codes and
 * the way they refuse. */
#ifndef DEPFS_DEPCTL_DEPCTL_H
#define DEPFS_DEPCTL_DEPCTL_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/base/err.h"

enum cmd_exit {
	CMD_OK = 0,
	CMD_REFUSED = 1, /* the sentence is on stderr */
	CMD_USAGE = 2,
};

/*
 * The options that stand before or after any subcommand; main() has taken them out of argv, so a
 * subcommand sees its own options only. What follows "--" is never an option.
 */
struct cmd_env {
	const char *mount;	/* -m; NULL: not given, client_open() looks for it */
	const char *vaults_dir; /* --vaults, DEPFS_VAULTS or the default; never NULL */
	bool json;		/* --json: one JSON value on stdout instead of text */
};

/*
 * A subcommand: argv[0] is its name ("key"), argv[argc] is NULL. Returns an enum cmd_exit.
 * With the argument --help alone it prints its usage on stdout and returns CMD_OK.
 */
typedef int (*cmd_fn)(int argc, char **argv, const struct cmd_env *env);

int cmd_status(int argc, char **argv, const struct cmd_env *env);
int cmd_policy(int argc, char **argv, const struct cmd_env *env);
int cmd_assign(int argc, char **argv, const struct cmd_env *env);
int cmd_unassign(int argc, char **argv, const struct cmd_env *env);
int cmd_assignment(int argc, char **argv, const struct cmd_env *env);
int cmd_mailbox(int argc, char **argv, const struct cmd_env *env);
int cmd_renew(int argc, char **argv, const struct cmd_env *env);
int cmd_job(int argc, char **argv, const struct cmd_env *env);
int cmd_events(int argc, char **argv, const struct cmd_env *env);
int cmd_inspect(int argc, char **argv, const struct cmd_env *env);
int cmd_scan(int argc, char **argv, const struct cmd_env *env);
int cmd_coverage(int argc, char **argv, const struct cmd_env *env);
int cmd_key(int argc, char **argv, const struct cmd_env *env);
int cmd_doctor(int argc, char **argv, const struct cmd_env *env);

/* cmdlet_find() - the Customer Key cmdlet of that name in any case, or NULL; its argv[0] is the
 * name as typed. */
cmd_fn cmdlet_find(const char *name);

/* cmd_refuse() - "depctl: <sentence>" on stderr; CMD_REFUSED. @r: negative errno, for when @err
 * says nothing. */
int cmd_refuse(int r, const struct err *err);

/**
 * cmd_usage_error() - "depctl: <sentence>" and the usage lines of @command on stderr
 * @command: one or two words, "policy create"; every usage line that begins so is shown, or those
 * of its first word where there is none; NULL: of depctl itself
 * Return: CMD_USAGE.
 */
int cmd_usage_error(const char *command, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* cmd_usage_count() - the usage error of @n operands where @wanted are needed. CMD_USAGE. */
int cmd_usage_count(const char *command, int n, int wanted);

/* cmd_usage_option() - the usage error of what getopt_long() gave: ':', the value of @word is
 * missing (its letters begin with ':'), else there is no such option. CMD_USAGE. */
int cmd_usage_option(const char *command, int option, const char *word);

/* cmd_usage() - the usage of @command on stdout, each line with its meaning; NULL: of everything.
 * CMD_OK. */
int cmd_usage(const char *command);
/* cmd_usage_known() - whether any usage line begins with @command. */
bool cmd_usage_known(const char *command);

/* cmd_wants_help() - the only argument is --help, -h or -?. */
bool cmd_wants_help(int argc, char **argv);

#endif
