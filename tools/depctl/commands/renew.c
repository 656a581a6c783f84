/* tools/depctl/commands/renew.c - depctl renew: a new data key for a file, or for all files below a
 * folder. */
#include "tools/depctl/cli/change.h"
#include "tools/depctl/client/client.h"
#include "tools/depctl/client/mount_path.h"
#include "tools/depctl/commands/commands.h"

int cmd_renew(int argc, char **argv, const struct cmd_env *env)
{
	CLEANUP(client_free_p) struct client *ctl = NULL;
	CLEANUP(free_mem_p) char *answer = NULL;
	const char *const *operands;
	char path[2 * PATH_MAX];
	struct err err = {0};
	int r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage("renew");
	r = cmd_operands(argc, argv, 1, &operands);
	if (r != CMD_OK)
		return r;
	r = client_open(env->mount, &ctl, &err);
	if (r == 0)
		r = mount_path("renew", client_mount(ctl), operands[0], path, &err);
	if (r == 0)
		r = client_write(ctl, "renew", path, &answer, &err);
	return r < 0 ? cmd_refuse(r, &err) : change_report(env, answer, NULL, NULL);
}
