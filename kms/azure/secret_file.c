/* kms/azure/secret_file.c - a file that holds a secret, checked and read into the secure heap. */
#include "kms/azure/secret_file_internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

static int file_check(int fd, const char *path, size_t max_len, enum secret_file_rule rule,
		      struct stat *ret_st, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "%s: %m", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s is not a plain file", path);
	if (rule == SECRET_FILE_PRIVATE && (st.st_mode & 0007))
		return err_set(
			err, -EACCES,
			"%s: others may read it (mode %04o): a credential needs 0600 or 0640", path,
			(unsigned)st.st_mode & 07777);
	if (st.st_size == 0)
		return err_set(err, -EINVAL, "%s is empty", path);
	if ((uint64_t)st.st_size > max_len)
		return err_set(err, -EFBIG, "%s is larger than %zu bytes", path, max_len);
	*ret_st = st;
	return 0;
}

/* A secret that is read while its file is rewritten may be cut. The token service would refuse it,
 * which counts as a denial, so a file that changes meanwhile is an error of its own, -EIO. */
static bool is_unchanged(int fd, const struct stat *before)
{
	struct stat now;

	return fstat(fd, &now) == 0 && now.st_size == before->st_size &&
	       now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

/* @out has space for one byte more than the @len that are expected. */
static int fill(int fd, struct secret *out, size_t len)
{
	size_t n = 0;

	while (n <= len) {
		ssize_t got = read(fd, secret_bytes(out) + n, len + 1 - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	if (n != len)
		return -EIO; /* rewritten meanwhile */
	while (n > 0 && isspace(secret_bytes(out)[n - 1]))
		n--;
	secret_shrink(out, n);
	return n > 0 ? 0 : -ENODATA;
}

int secret_file_read(const char *path, size_t max_len, enum secret_file_rule rule,
		     struct secret **ret_secret, struct err *err)
{
	const int follow = rule == SECRET_FILE_NAMED_TO_US ? O_NOFOLLOW : 0;
	CLEANUP(close_fd_p) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | follow);
	CLEANUP(secret_free_p) struct secret *out = NULL;
	struct stat st = {0};
	int r;

	if (fd < 0 && errno == ELOOP && follow)
		return err_set(err, -EPERM, "%s is a symbolic link: it is not read", path);
	if (fd < 0)
		return err_set(err, -errno, "%s: %m", path);
	r = file_check(fd, path, max_len, rule, &st, err);
	if (r < 0)
		return r;
	r = secret_new((size_t)st.st_size + 1, &out);
	if (r == 0)
		r = fill(fd, out, (size_t)st.st_size);
	if (r == -ENODATA)
		return err_set(err, -EINVAL, "%s is empty", path);
	if (r == -EIO || (r == 0 && !is_unchanged(fd, &st)))
		return err_set(err, -EIO, "%s cannot be read, or is being written just now", path);
	if (r < 0)
		return err_set(err, r, "%s: %s", path, strerror(-r));
	*ret_secret = STEAL(out);
	return 0;
}
