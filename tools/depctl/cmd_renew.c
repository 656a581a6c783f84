/* tools/depctl/cmd_renew.c - depctl renew: fresh data keys for a file, or for all below a folder.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "tools/depctl/change.h"
#include "tools/depctl/depctl.h"
#include "tools/depctl/mount_path.h"

int cmd_renew(int argc, char **argv, const struct cmd_env *env)
{
	CLEANUP(client_free_p) struct client *ctl = NULL;
	CLEANUP(free_mem_p) char *answer = NULL;
	bool dashes = argc > 1 && strcmp(argv[1], "--") == 0;
	char path[2 * PATH_MAX];
	struct err err = {0};
	int r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage("renew");
	if (!dashes && argc > 1 && argv[1][0] == '-' && argv[1][1])
		return cmd_usage_option("renew", '?', argv[1]);
	if (argc - dashes != 2)
		return cmd_usage_count("renew", argc - 1 - dashes, 1);
	r = client_open(env->mount, &ctl, &err);
	if (r == 0)
		r = mount_path("renew", client_mount(ctl), argv[1 + dashes], path, &err);
	if (r == 0)
		r = client_write(ctl, "renew", path, &answer, &err);
	return r < 0 ? cmd_refuse(r, &err) : change_say(env, answer, NULL, NULL);
}
