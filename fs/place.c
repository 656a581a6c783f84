#include "fs/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static int folder_is_empty(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	if (!dir)
		return -errno;
	while (n <= 2 && readdir(dir))
		n++;
	(void)closedir(dir); /* only read from */
	return n <= 2;
}

static bool lies_in(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && (path[len] == '/' || !path[len]);
}

static int refuse_mount_point(const char *path, int error, struct err *err)
{
	if (error == ENOTCONN)
		return err_set(err, -ENOTCONN,
			       "mount point %s: the daemon of a mount there has ended; unmount "
			       "it, then mount again",
			       path);
	return err_set(err, -error, "mount point %s: %s", path, strerror(error));
}

/* refuse_full() - the mount point is not empty: the error tells whether a filesystem is mounted
 * there. */
static int refuse_full(const char *path, dev_t dev, struct err *err)
{
	CLEANUP(close_fd_p) int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat parent;

	if (fd >= 0 && fstatat(fd, "..", &parent, 0) == 0 && parent.st_dev != dev)
		return err_set(err, -EBUSY, "mount point %s: a filesystem is mounted there already",
			       path);
	return err_set(err, -ENOTEMPTY, "mount point %s is not empty", path);
}

int place_find(const struct options *o, struct place *ret_place, struct err *err)
{
	struct stat st;
	int r;

	if (!*o->store || !*o->mount)
		return err_set(err, -EINVAL, "the path of the %s is empty",
			       *o->store ? "mount point" : "store");
	if (!realpath(o->store, ret_place->store))
		return err_set(err, -errno, "store %s: %s", o->store, strerror(errno));
	if (!realpath(o->mount, ret_place->mount))
		return refuse_mount_point(o->mount, errno, err);
	if (lies_in(ret_place->mount, ret_place->store))
		return err_set(err, -EINVAL,
			       "mount point %s lies in the store: what is written there would hide "
			       "its own ciphertext",
			       ret_place->mount);
	if (lies_in(ret_place->store, ret_place->mount))
		return err_set(
			err, -EINVAL,
			"the store %s lies below the mount point %s and would be hidden by it",
			ret_place->store, ret_place->mount);
	if (stat(ret_place->mount, &st) < 0)
		return refuse_mount_point(ret_place->mount, errno, err);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, -ENOTDIR, "mount point %s is not a folder", ret_place->mount);
	r = folder_is_empty(ret_place->mount);
	if (r < 0)
		return refuse_mount_point(ret_place->mount, -r, err);
	if (geteuid() != 0 && access(ret_place->mount, W_OK) < 0) /* fusermount3's rule */
		return refuse_mount_point(ret_place->mount, errno, err);
	return r ? 0 : refuse_full(ret_place->mount, st.st_dev, err);
}

int place_check(const struct options *o, struct err *err)
{
	CLEANUP(close_fd_p) int fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	struct stat st;

	if (fuse_fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
		return err_set(err, -errno, "/dev/fuse: %s: FUSE is missing here (modprobe fuse)",
			       strerror(errno));
	if (o->vaults_dir && stat(o->vaults_dir, &st) == 0 && !S_ISDIR(st.st_mode))
		return err_set(err, -ENOTDIR, "-o vaults=%s: not a folder", o->vaults_dir);
	return 0;
}

/* Commas and backslashes of a path are escaped for libfuse's option parser, see fuse_opt.h. */
static void escape(const char *in, char *out, size_t out_len)
{
	size_t n = 0;

	for (; *in && n + 2 < out_len; in++) {
		if (*in == ',' || *in == '\\')
			out[n++] = '\\';
		out[n++] = *in;
	}
	out[n] = '\0';
}

int place_fuse_options(const struct place *place, const struct options *o, char *out,
		       size_t out_len, struct err *err)
{
	char source[2 * PATH_MAX];
	int n;

	escape(place->store, source, sizeof(source));
	n = snprintf(out, out_len, "fsname=%s,subtype=depfs,default_permissions%s%s%s", source,
		     geteuid() == 0 || o->allow_other ? ",allow_other" : "", o->kernel ? "," : "",
		     o->kernel ? o->kernel : "");
	return n < 0 || (size_t)n >= out_len
		       ? err_set(err, -EINVAL, "the mount options are too long")
		       : 0;
}

int place_no_symfollow(const char *mount, struct err *err)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSYMFOLLOW};

	if (mount_setattr(AT_FDCWD, mount, 0, &attr, sizeof(attr)) < 0)
		return err_set(err, -errno, "-o nosymfollow: %s%s", strerror(errno),
			       errno == EPERM ? ": only root's mounts can have it" : "");
	return 0;
}
