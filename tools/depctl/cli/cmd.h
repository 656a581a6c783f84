/* tools/depctl/cli/cmd.h - what all subcommands use: their environment, exit codes, refusals and
 * usage errors. */
#ifndef DEPFS_DEPCTL_CLI_CMD_H
#define DEPFS_DEPCTL_CLI_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/base/cleanup.h"
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
	bool wait;		/* --wait: for the end of a job that a change starts */
};

/*
 * A subcommand: argv[0] is its name ("key"), argv[argc] is NULL. Returns an enum cmd_exit.
 * With the argument --help alone it prints its usage on stdout and returns CMD_OK.
 */
typedef int (*cmd_fn)(int argc, char **argv, const struct cmd_env *env);

/* One line of usage, and what runs it. The table of all is in tools/depctl/subcommands.c. */
struct cmd_row {
	const char *command; /* one or two words; the first is the subcommand */
	cmd_fn run;	     /* rows with the same first word have the same function */
	const char *operands;
	const char *meaning;
};

/* cmd_table_set() - the rows that the functions below print; they must outlive all calls. main()
 * sets them before anything else; without them usage errors show the general usage only. */
void cmd_table_set(const struct cmd_row *rows, size_t n);

/* cmd_find() - a row whose first word is @name, that of a cmdlet in upper or lower case; or
 * NULL. */
const struct cmd_row *cmd_find(const char *name);
/* cmd_unknown() - the usage error for @word, which no row has behind @first (NULL: as its first
 * word), with the word that may have been meant. CMD_USAGE. */
int cmd_unknown(const char *first, const char *word);
/* cmd_is_cmdlet() - whether the row's first word is Verb-Noun, as PowerShell names cmdlets; no
 * subcommand is named so. All words behind it are parameters and their values. */
bool cmd_is_cmdlet(const struct cmd_row *row);

/* cmd_refuse() - "depctl: <sentence>" on stderr; CMD_REFUSED. @r: negative errno, for when @err
 * has no text. */
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

/* cmd_usage_getopt() - the usage error for @option, what getopt_long(3) returned last for @argv:
 * ':' where an option's value is missing (the string of letters begins with ':'), else '?'. Long
 * options must have values that are not printable characters. CMD_USAGE. */
int cmd_usage_getopt(const char *command, int option, char **argv);

/**
 * cmd_operands() - the words of a subcommand that has no options: exactly @n, behind "--" if given
 * @ret_operands: into @argv
 * Return: CMD_OK; CMD_USAGE, reported on stderr.
 */
int cmd_operands(int argc, char **argv, int n, const char *const **ret_operands) MUST_CHECK;

/* cmd_usage() - the usage of @command on stdout, each line with its meaning; NULL: of everything.
 * CMD_OK. */
int cmd_usage(const char *command);
/* cmd_usage_known() - whether any usage line begins with @command. */
bool cmd_usage_known(const char *command);

/* cmd_wants_help() - the only argument is --help, -h or -?. */
bool cmd_wants_help(int argc, char **argv);

#endif
