/* tools/depctl/client/client.c - a mount's control directory opened, read, written and listed. */
#include "tools/depctl/client/client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/base/file.h"
#include "tools/depctl/client/interrupt.h"
#include "tools/depctl/client/mount_choose.h"

#define CONTROL_DIR ".depfs"
#define READ_STEP   4096u

struct client {
	char *mount;
	int fd; /* of MOUNT/.depfs */
};

void client_free(struct client *ctl)
{
	if (!ctl)
		return;
	if (ctl->fd >= 0)
		(void)close(ctl->fd); /* opened for reading */
	free(ctl->mount);
	free(ctl);
}

const char *client_mount(const struct client *ctl)
{
	return ctl->mount;
}

static int open_failed(const char *mount, int r, struct err *err)
{
	switch (r) {
	case -EACCES:
	case -EPERM:
		return access(mount, X_OK) < 0
			       ? err_set(err, r,
					 "%s: its own mode keeps you out: chmod go+x lets its "
					 "admin group through",
					 mount)
			       : err_set(err, r,
					 "%s: only its owner and its admin group may steer it",
					 mount);
	case -ENOENT:
	case -ENOTDIR:
		return access(mount, F_OK) < 0
			       ? err_set(err, r, "%s: %s", mount, strerror(errno))
			       : err_set(err, r, "%s is not a depfs mount: it has no folder %s",
					 mount, CONTROL_DIR);
	case -ENOTCONN:
		return err_set(err, r, "%s: its daemon has ended; unmount it, then mount again",
			       mount);
	default:
		return err_set(err, r, "%s/%s: %s", mount, CONTROL_DIR, strerror(-r));
	}
}

static int open_dir(const char *mount, int *ret_fd)
{
	CLEANUP(close_fd_p) int top = open(mount, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (top < 0)
		return -errno;
	*ret_fd = openat(top, CONTROL_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *ret_fd < 0 ? -errno : 0;
}

int client_open(const char *mount, struct client **ret_ctl, struct err *err)
{
	CLEANUP(client_free_p) struct client *ctl = calloc(1, sizeof(*ctl));
	struct stat st;
	int r;

	if (!ctl)
		return err_set(err, -ENOMEM, "out of memory");
	ctl->fd = -1;
	r = mount_choose(mount, &ctl->mount, err);
	if (r < 0)
		return r;
	r = open_dir(ctl->mount, &ctl->fd);
	if (r < 0)
		return open_failed(ctl->mount, r, err);
	if (fstatat(ctl->fd, "policies", &st, AT_SYMLINK_NOFOLLOW) <
	    0) /* a store, too, has a .depfs, but without "policies" */
		return err_set(err, -ENOTDIR,
			       "%s is not a depfs mount: %s there is no control directory "
			       "(is it the store itself?)",
			       ctl->mount, CONTROL_DIR);
	*ret_ctl = STEAL(ctl);
	return 0;
}

static int path_error(struct err *err, int r, const char *path)
{
	if (r == -EROFS) /* by the kernel: the daemon, which has better sentences, was not asked */
		return err_set(err, r,
			       "%s: the mount is read-only (-o ro), and what changes policies or "
			       "files, or starts a job, is a write: unmount, and mount without ro",
			       path);
	return err_set(err, r, "%s: %s", path, strerror(-r));
}

int client_fd(struct client *ctl, const char *path, int *ret_fd, struct err *err)
{
	int fd = openat(ctl->fd, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return path_error(err, -errno, path);
	*ret_fd = fd;
	return 0;
}

/* Reads from offset 0, wherever a write has left the offset of @fd. */
static int read_all(int fd, char **ret_text)
{
	CLEANUP(free_mem_p) char *text = NULL;
	size_t len = 0;
	ssize_t n;

	do {
		char *more = realloc(text, len + READ_STEP + 1);

		if (!more)
			return -ENOMEM;
		text = more;
		n = pread(fd, text + len, READ_STEP, (off_t)len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		len += (size_t)n;
	} while (n != 0);
	text[len] = '\0';
	*ret_text = STEAL(text);
	return 0;
}

int client_read(struct client *ctl, const char *path, char **ret_text, struct err *err)
{
	CLEANUP(close_fd_p) int fd = -1;
	int r = client_fd(ctl, path, &fd, err);

	if (r < 0)
		return r;
	r = read_all(fd, ret_text);
	return r < 0 ? path_error(err, r, path) : 0;
}

static void cut_line_end(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
}

/* A control file that a write has failed on reads as the reason (depfs-control(5)). */
static int write_failed(int fd, int r, const char *path, struct err *err)
{
	CLEANUP(free_mem_p) char *text = NULL;

	if (read_all(fd, &text) < 0 || !*text)
		return path_error(err, r, path);
	cut_line_end(text);
	return err_set(err, r, "%s", text);
}

static int take_answer(int fd, char **ret_answer)
{
	CLEANUP(free_mem_p) char *text = NULL;

	if (read_all(fd, &text) < 0) { /* the command was carried out; only its answer is lost */
		*ret_answer = strdup("done");
		return *ret_answer ? 0 : -ENOMEM;
	}
	cut_line_end(text);
	if (strncmp(text, "ok: ", 4) == 0)
		memmove(text, text + 4, strlen(text + 4) + 1);
	*ret_answer = STEAL(text);
	return 0;
}

int client_write(struct client *ctl, const char *path, const char *command, char **ret_answer,
		 struct err *err)
{
	CLEANUP(free_mem_p) char *line = NULL;
	CLEANUP(close_fd_p) int fd = -1;
	int len = asprintf(&line, "%s\n",
			   command); /* the kernel sends no request for an empty write */

	if (len < 0) {
		line = NULL;
		return err_set(err, -ENOMEM, "out of memory");
	}
	interrupt_hold();
	fd = openat(ctl->fd, path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return path_error(err, -errno, path);
	if (write(fd, line, (size_t)len) < 0)
		return write_failed(fd, -errno, path, err);
	if (ret_answer && take_answer(fd, ret_answer) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

/* The daemon writes control characters of a name as '?'. */
static bool names_path(const char *line, const char *path)
{
	for (; *path; line++, path++) {
		bool control = (unsigned char)*path < 0x20 || *path == 0x7f;

		if (*line != (control ? '?' : *path))
			return false;
	}
	return *line == '\n';
}

/*
 * After mkdir(2), rmdir(2) and rename(2) there is no descriptor to read the reason from: it is the
 * "why:" line of the file last_error, provided that its "file:" line names the same path.
 */
static int change_failed(struct client *ctl, int r, const char *path, struct err *err)
{
	CLEANUP(free_mem_p) char *text = NULL;
	const char *file, *why;

	if (r == -EROFS || client_read(ctl, "last_error", &text, NULL) < 0)
		return path_error(err, r, path);
	file = strstr(text, "\nfile: ");
	why = strstr(text, "\nwhy: ");
	if (!file || !why || !names_path(file + 7, path))
		return path_error(err, r, path);
	cut_line_end(text);
	return err_set(err, r, "%s", why + 6);
}

int client_mkdir(struct client *ctl, const char *path, struct err *err)
{
	interrupt_hold();
	if (mkdirat(ctl->fd, path, 0750) == 0)
		return 0;
	return change_failed(ctl, -errno, path, err);
}

int client_rmdir(struct client *ctl, const char *path, struct err *err)
{
	interrupt_hold();
	if (unlinkat(ctl->fd, path, AT_REMOVEDIR) == 0)
		return 0;
	return change_failed(ctl, -errno, path, err);
}

int client_rename(struct client *ctl, const char *from, const char *to, struct err *err)
{
	interrupt_hold();
	if (renameat(ctl->fd, from, ctl->fd, to) == 0) /* the daemon refuses to replace */
		return 0;
	return change_failed(ctl, -errno, from, err);
}

void client_names_fini(struct client_names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->names[i]);
	free(n->names);
	*n = (struct client_names){0};
}

static int names_add(struct client_names *n, const char *name)
{
	char **more = reallocarray(n->names, n->count + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	n->names = more;
	n->names[n->count] = strdup(name);
	if (!n->names[n->count])
		return -ENOMEM;
	n->count++;
	return 0;
}

static int names_read(DIR *dir, struct client_names *n)
{
	for (;;) {
		struct dirent *d;
		int r;

		errno = 0;
		d = readdir(dir);
		if (!d)
			return -errno;
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		r = names_add(n, d->d_name);
		if (r < 0)
			return r;
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int client_list(struct client *ctl, const char *path, struct client_names *ret_names,
		struct err *err)
{
	CLEANUP(client_names_fini) struct client_names n = {0};
	CLEANUP(closedir_p) DIR *dir = NULL;
	int fd = openat(ctl->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : dir_from_fd(fd, &dir);

	if (r == 0)
		r = names_read(dir, &n);
	if (r < 0)
		return path_error(err, r, path);
	if (n.count > 0)
		qsort(n.names, n.count, sizeof(*n.names), by_name);
	*ret_names = n;
	n = (struct client_names){0};
	return 0;
}

int client_name_check(const char *what, const char *name, struct err *err)
{
	if (!*name)
		return err_set(err, -EINVAL, "%s must not be empty", what);
	if (strchr(name, '/'))
		return err_set(err, -EINVAL, "%s must not hold a '/': %s", what, name);
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_set(err, -EINVAL, "%s must not be '%s'", what, name);
	if (strlen(name) > NAME_MAX)
		return err_set(err, -ENAMETOOLONG, "%s is too long: %zu bytes", what, strlen(name));
	return 0;
}

char *client_join(const char *folder, const char *name, const char *file)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s%s%s", folder, name, file ? "/" : "", file ? file : "") < 0)
		return NULL;
	return path;
}
