/* tools/depctl/commands/scan.c - depctl scan: starts the job that counts all files. */
#include "tools/depctl/cli/change.h"
#include "tools/depctl/client/client.h"
#include "tools/depctl/commands/commands.h"

int cmd_scan(int argc, char **argv, const struct cmd_env *env)
{
	CLEANUP(client_free_p) struct client *ctl = NULL;
	CLEANUP(free_mem_p) char *answer = NULL;
	struct err err = {0};
	int r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage("scan");
	if (argc > 1)
		return cmd_usage_error("scan", "scan: it takes no arguments, not '%s'", argv[1]);
	r = client_open(env->mount, &ctl, &err);
	if (r == 0)
		r = client_write(ctl, "scan", "1", &answer, &err);
	return r < 0 ? cmd_refuse(r, &err) : change_report(env, answer, NULL, NULL);
}
