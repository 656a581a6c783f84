/* tools/depctl/cmdlets/args.h - the parameters of a cmdlet as PowerShell reads them: in upper or
 * lower case, shortened, -Name value or -Name:value. */
#ifndef DEPFS_DEPCTL_CMDLETS_ARGS_H
#define DEPFS_DEPCTL_CMDLETS_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/base/cleanup.h"

#define CMDLET_LIST_MAX 8

enum cmdlet_type {
	CMDLET_TEXT,
	CMDLET_LIST,   /* a,b or a, b or @("a","b") */
	CMDLET_BOOL,   /* takes $true or $false */
	CMDLET_SWITCH, /* takes none, or :$true and :$false */
};

struct cmdlet_param {
	const char *name; /* as Microsoft spells it; NULL ends a table */
	enum cmdlet_type type;
	bool positional; /* the first word without a parameter is its value */
};

struct cmdlet_value {
	bool given;
	const char *text;	      /* CMDLET_TEXT */
	bool on;		      /* CMDLET_BOOL, CMDLET_SWITCH */
	char *items[CMDLET_LIST_MAX]; /* CMDLET_LIST, into buffer */
	size_t n_items;		      /* how many were given; may exceed CMDLET_LIST_MAX */
	char *buffer;		      /* owned */
};

/**
 * cmdlet_parse() - the values of @params in @argv, whose first word is the cmdlet's name
 * @ret_values: one for each row of @params, zeroed by the caller; cmdlet_value_fini() each
 * @ret_json: set to true when --json is among them
 * Return: CMD_OK; CMD_USAGE, reported on stderr.
 */
int cmdlet_parse(const struct cmdlet_param *params, char **argv, struct cmdlet_value *ret_values,
		 bool *ret_json) MUST_CHECK;
void cmdlet_value_fini(struct cmdlet_value *v);

#endif
