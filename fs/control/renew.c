/* fs/control/renew.c - renew: a write starts a job that gives files new data keys. */
#include <errno.h>
#include <string.h>

#include "fs/control/control_internal.h"
#include "fs/control/files_internal.h"

int ctl_renew_show(struct ctl_call *call)
{
	(void)fputs("write the path of a file or folder, below the mount's top\n", call->out);
	return 0;
}

/* path_below() - @in relative to the mount's top; it may be absolute, or relative already. "": the
 * top; NULL: it is not below the mount. */
static const char *path_below(const struct ctl_call *call, const char *in)
{
	size_t len = strlen(call->c->mount);

	if (strncmp(in, call->c->mount, len) == 0 && (in[len] == '/' || in[len] == '\0'))
		in += len;
	else if (*in == '/')
		return NULL;
	in += strspn(in, "/");
	return strcmp(in, ".") == 0 ? in + 1 : in;
}

int ctl_renew_store(struct ctl_call *call, const char *in)
{
	char path[CTL_WRITE_MAX + 1];
	const char *below = path_below(call, in);
	uint64_t no;
	int r;

	if (!below)
		return ctl_refuse(call, -EINVAL, "renew: '%s' is not below %s", in, call->c->mount);
	(void)snprintf(path, sizeof(path), "%s", below);
	for (size_t len = strlen(path); len && path[len - 1] == '/'; len--)
		path[len - 1] = '\0';
	r = renew_start(call->c->jobs, path, call->actor, &no, &call->err);
	if (r == 0)
		(void)fprintf(call->out, "ok: job %llu gives %s a fresh key\n",
			      (unsigned long long)no, *path ? path : "every file");
	return r;
}
