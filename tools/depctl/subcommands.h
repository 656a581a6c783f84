/* tools/depctl/subcommands.h - the table of all subcommands and cmdlets. */
#ifndef DEPFS_DEPCTL_SUBCOMMANDS_H
#define DEPFS_DEPCTL_SUBCOMMANDS_H

#include "tools/depctl/cli/cmd.h"

extern const struct cmd_row subcommands[];
extern const size_t n_subcommands;

#endif
