/* tools/depctl/cli/verbs.h - subcommands of two words ("job list"): a table of second words, each
 * with its options and operands, run with the mount's control directory open. */
#ifndef DEPFS_DEPCTL_CLI_VERBS_H
#define DEPFS_DEPCTL_CLI_VERBS_H

#include <getopt.h>

#include "tools/depctl/cli/cmd.h"
#include "tools/depctl/client/client.h"
#include "tools/depctl/output/json.h"
#include "tools/depctl/output/table.h"

#define VERB_OPERANDS_MAX 3
#define VERB_OPTIONS_MAX  4

/* One call, parsed. */
struct verb_call {
	const struct cmd_env *env;
	const struct verb *verb;
	char command[32];			 /* "job list" */
	const char *operands[VERB_OPERANDS_MAX]; /* NULL: not given */
	const char *options[VERB_OPTIONS_MAX];	 /* by option.val; NULL: not given; "": a flag */
	struct client *ctl;
	struct err err;
};

struct verb {
	const char *name;
	int (*run)(struct verb_call *c); /* an enum cmd_exit */
	int n_operands;
	const struct option *options; /* each val is below VERB_OPTIONS_MAX; NULL: none */
	int (*check)(const struct verb_call *c); /* before the mount is looked for; NULL: none */
};

struct verb_group {
	const char *name; /* the first word */
	const struct verb *verbs;
	size_t n;
	bool options_lead; /* options stand before the operands only: "-x" behind them is a name */
};

/* verbs_run() - the whole of a cmd_fn. */
int verbs_run(const struct verb_group *group, int argc, char **argv, const struct cmd_env *env);

/* verb_refuse() - cmd_refuse() with the sentence in @c->err. */
int verb_refuse(const struct verb_call *c, int r);
/* verb_list() - the answer of a list: with --json @array, else @table; both borrowed. CMD_OK. */
int verb_list(const struct verb_call *c, const struct out_table *table, json_t *array);

#endif
