/* kms/vault/path.c - a path made absolute by the working directory. */
#include "kms/vault/path.h"

#include <string.h>

#include "crypto/base/cleanup.h"

char *path_absolute(const char *path)
{
	CLEANUP(free_mem_p) char *cwd = NULL;
	char *abs = NULL;

	if (path[0] == '/')
		return strdup(path);
	cwd = getcwd(NULL, 0);
	if (!cwd || asprintf(&abs, "%s/%s", cwd, path) < 0)
		return NULL;
	return abs;
}
