/* tools/cmd_renew.c - depctl renew: fresh data keys for a file, or for all below a folder. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/change.h"
#include "tools/depctl.h"

/* In a folder of the mount a path is meant from there, elsewhere from the mount's top. */
static int path_in_mount(const char *mount, const char *path, char out[static 2 * PATH_MAX],
			 struct err *err)
{
	size_t len = strlen(mount);
	char cwd[PATH_MAX];
	int n;

	while (strncmp(path, "./", 2) == 0)
		path += 2;
	if (*path == '/' || !getcwd(cwd, sizeof(cwd)) || strncmp(cwd, mount, len) != 0 ||
	    (cwd[len] != '/' && cwd[len] != '\0'))
		n = snprintf(out, 2 * PATH_MAX, "%s", path);
	else
		n = snprintf(out, 2 * PATH_MAX, "%s/%s", cwd, strcmp(path, ".") == 0 ? "" : path);
	return n < 2 * PATH_MAX ? 0 : err_set(err, -ENAMETOOLONG, "renew: the path is too long");
}

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
		return cmd_usage_error("renew", "renew: %s: no such option", argv[1]);
	if (argc - dashes != 2)
		return cmd_usage_error("renew",
				       "renew: wrong number of arguments, %d instead of 1 (a name "
				       "with blanks needs quotes)",
				       argc - 1 - dashes);
	r = client_open(env->mount, &ctl, &err);
	if (r == 0)
		r = path_in_mount(client_mount(ctl), argv[1 + dashes], path, &err);
	if (r == 0)
		r = client_write(ctl, "renew", path, &answer, &err);
	return r < 0 ? cmd_refuse(r, &err) : change_say(env, answer, NULL, NULL);
}
