/* kms/local/file.c - folders and files of a local vault: opened, listed, replaced. */
#include "kms/local/file_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/base/file.h"

int dir_open(const char *path, struct local_dir *ret_dir, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_set(err, -errno, "folder %s: %s", path, strerror(errno));
	ret_dir->fd = fd;
	(void)snprintf(ret_dir->path, sizeof(ret_dir->path), "%s", path);
	return 0;
}

int dir_open_at(const struct local_dir *parent, const char *name, struct local_dir *ret_dir,
		struct err *err)
{
	int fd = openat(parent->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct local_dir dir = {.fd = fd};
	int len;

	if (fd < 0)
		return err_set(err, -errno, "folder %s/%s: %s", parent->path, name,
			       strerror(errno));
	len = snprintf(dir.path, sizeof(dir.path), "%s/%s", parent->path, name);
	if (len < 0 || (size_t)len >= sizeof(dir.path)) /* the path is for sentences only */
		memcpy(dir.path + sizeof(dir.path) - 4, "...", 4);
	*ret_dir = dir;
	return 0;
}

int dir_make(const char *path, struct err *err)
{
	CLEANUP(free_mem_p) char *part = strdup(path);

	if (!part)
		return err_set(err, -ENOMEM, "folder %s: no memory", path);
	for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return err_set(err, -errno, "folder %s: %s", part, strerror(errno));
		if (!slash)
			return 0;
		*slash = '/';
	}
}

/* Names as strings one behind the other, of which names_array() makes an array. */
struct names {
	char *text;
	size_t len, n;
};

static int names_add(struct names *s, const char *name)
{
	size_t len = strlen(name) + 1;
	char *text = realloc(s->text, s->len + len);

	if (!text)
		return -ENOMEM;
	memcpy(text + s->len, name, len);
	s->text = text;
	s->len += len;
	s->n++;
	return 0;
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **names_array(const struct names *s)
{
	size_t head = (s->n + 1) * sizeof(char *);
	char **array = malloc(head + s->len);
	char *at;

	if (!array)
		return NULL;
	at = (char *)array + head;
	if (s->len > 0)
		memcpy(at, s->text, s->len);
	for (size_t i = 0; i < s->n; i++, at += strlen(at) + 1)
		array[i] = at;
	array[s->n] = NULL;
	qsort(array, s->n, sizeof(char *), name_compare);
	return array;
}

int dir_names(const char *path, char ***ret_names, struct err *err)
{
	CLEANUP(closedir_p) DIR *dir = opendir(path);
	struct names names = {0};
	CLEANUP(free_mem_p) char *text = NULL;
	char **array;
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return err_set(err, -errno, "folder %s: %s", path, strerror(errno));
	for (errno = 0; r == 0 && (entry = readdir(dir)); errno = 0)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = names_add(&names, entry->d_name);
	text = names.text; /* freed at the end */
	if (r == 0 && errno != 0)
		r = -errno;
	if (r < 0)
		return err_set(err, r, "folder %s: %s", path, strerror(-r));
	array = names_array(&names);
	if (!array)
		return err_set(err, -ENOMEM, "no memory");
	*ret_names = array;
	return 0;
}

int file_open(const struct local_dir *dir, const char *name, size_t max_len, int *ret_fd,
	      size_t *ret_len, struct err *err)
{
	CLEANUP(close_fd_p) int fd = -1;
	struct stat st;

	/* O_NONBLOCK: does not hang where a FIFO was put in place of the file */
	fd = openat(dir->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, -errno, "file %s/%s: %s", dir->path, name, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EBADMSG, "%s/%s is not a plain file", dir->path, name);
	if (st.st_size > (off_t)max_len)
		return err_set(err, -EBADMSG, "file %s/%s is larger than %zu bytes", dir->path,
			       name, max_len);
	*ret_fd = STEAL_FD(fd);
	*ret_len = (size_t)st.st_size;
	return 0;
}

int file_fill(int fd, uint8_t *out, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, out + done, len - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

/* Makes a durable file; a file that a crash has left under that name is removed before. */
static int file_make(const struct local_dir *dir, const char *name, const void *in, size_t in_len)
{
	CLEANUP(close_fd_p) int fd = -1;
	int r;

	(void)unlinkat(dir->fd, name, 0); /* usually ENOENT; after another failure O_EXCL fails */
	fd = openat(dir->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, in, in_len);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (close(STEAL_FD(fd)) < 0 && r == 0)
		r = -errno;
	return r;
}

int file_replace(const struct local_dir *dir, const char *name, const void *in, size_t in_len,
		 struct err *err)
{
	char temp[64];
	int r;

	(void)snprintf(temp, sizeof(temp), "%s.new",
		       name); /* the vault is locked: no other writer */
	r = file_make(dir, temp, in, in_len);
	if (r == 0 && renameat(dir->fd, temp, dir->fd, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dir->fd, temp, 0); /* the first failure is the one to report */
		return err_set(err, r, "file %s/%s: %s", dir->path, name, strerror(-r));
	}
	if (fsync(dir->fd) < 0)
		return err_set(err, -errno, "folder %s: %s", dir->path, strerror(errno));
	return 0;
}
