/* tools/depctl/client/mount_path.c - a typed path made absolute, and looked up below the mount. */
#include "tools/depctl/client/mount_path.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_below(const char *path, const char *dir)
{
	size_t len = strcmp(dir, "/") == 0 ? 0 : strlen(dir);

	return strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

int mount_path(const char *what, const char *mount, const char *path, char out[static 2 * PATH_MAX],
	       struct err *err)
{
	char cwd[PATH_MAX];
	int n;

	while (strncmp(path, "./", 2) == 0)
		path += 2;
	if (*path == '/' || !getcwd(cwd, sizeof(cwd)) || !is_below(cwd, mount))
		n = snprintf(out, 2 * PATH_MAX, "%s", path);
	else
		n = snprintf(out, 2 * PATH_MAX, "%s/%s", cwd, strcmp(path, ".") == 0 ? "" : path);
	return n < 2 * PATH_MAX ? 0 : err_set(err, -ENAMETOOLONG, "%s: the path is too long", what);
}

/* Links are followed, as open(2) of @path would. */
static int path_real(const char *top, const char *path, char **ret_real, struct err *err)
{
	CLEANUP(free_mem_p) char *full = NULL;
	char typed[2 * PATH_MAX];
	int r = mount_path("coverage", top, path, typed, err);

	if (r < 0)
		return r;
	if (asprintf(&full, "%s%s%s", *typed == '/' ? "" : top, *typed == '/' ? "" : "/", typed) <
	    0) {
		full = NULL;
		return err_set(err, -ENOMEM, "out of memory");
	}
	*ret_real = realpath(full, NULL);
	return *ret_real ? 0 : err_set(err, -errno, "%s: %m", full);
}

int mount_path_find(const char *mount, const char *path, char **ret_below, struct err *err)
{
	CLEANUP(free_mem_p) char *top = realpath(mount, NULL);
	CLEANUP(free_mem_p) char *real = NULL;
	const char *below;
	struct stat st;
	int r;

	if (!top)
		return err_set(err, -errno, "%s: %m", mount);
	r = path_real(top, path, &real, err);
	if (r < 0)
		return r;
	if (!is_below(real, top))
		return err_set(err, -EINVAL, "'%s' is not below %s", path, mount);
	below = real + (strcmp(top, "/") == 0 ? 0 : strlen(top));
	below += strspn(below, "/");
	if (is_below(below, ".depfs"))
		return err_set(err, -EINVAL, "'%s': control files are not stored", path);
	if (lstat(real, &st) < 0)
		return err_set(err, -errno, "%s: %m", real);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return err_set(err, -EINVAL, "'%s' is neither a file nor a folder", path);
	*ret_below = strdup(below);
	return *ret_below ? 0 : err_set(err, -ENOMEM, "out of memory");
}
