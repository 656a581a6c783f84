/* tools/depctl/commands/help.c - depctl help: the usage of a command, or of all. */
#include <stdio.h>

#include "tools/depctl/cli/cmd.h"
#include "tools/depctl/commands/commands.h"

int cmd_help(int argc, char **argv, const struct cmd_env *env)
{
	char command[128];

	(void)env;
	if (argc == 1 || cmd_wants_help(argc, argv))
		return cmd_usage(NULL);
	(void)snprintf(command, sizeof(command), "%s%s%s", argv[1], argc > 2 ? " " : "",
		       argc > 2 ? argv[2] : "");
	if (argc > 3 || !cmd_usage_known(command))
		return cmd_usage_error(NULL, "help: there is no command '%s'", command);
	return cmd_usage(command);
}
