/* fs/store/receipt.c - receipts, written under a temporary name and renamed when they are durable.
 */
#include "fs/store/receipt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crypto/kdf.h"
#include "fs/store/store_internal.h"

#define NAME_LEN 300 /* bytes of a file name here: 200 of the receipt's, ".tmp", NUL */

static void receipt_tmp(const char *name, char out[static NAME_LEN])
{
	(void)snprintf(out, NAME_LEN, "%.200s.tmp", name);
}

static int receipts_open(struct store *s, int *ret_fd)
{
	int fd = openat(s->dir_fd, STORE_RECEIPTS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int store_receipt_begin(struct store *s, const char *name, FILE **ret_out, struct err *err)
{
	CLEANUP(close_fd_p) int dir_fd = -1;
	char tmp[NAME_LEN];
	int fd, r;

	receipt_tmp(name, tmp);
	if (mkdirat(s->dir_fd, STORE_RECEIPTS, 0700) < 0 && errno != EEXIST)
		return err_set(err, -errno, "the folder of receipts cannot be made: %m");
	r = receipts_open(s, &dir_fd);
	if (r < 0)
		return err_set(err, r, "the folder of receipts cannot be opened: %s", strerror(-r));
	if (unlinkat(dir_fd, tmp, 0) < 0 && errno != ENOENT)
		return err_set(err, -errno, "an unfinished receipt cannot be removed: %m");
	fd = openat(dir_fd, tmp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, -errno, "a receipt cannot be written: %m");
	*ret_out = fdopen(fd, "w+");
	if (*ret_out)
		return 0;
	(void)close(fd); /* the file is empty */
	return err_set(err, -ENOMEM, "no memory for a receipt");
}

static int hash_file(int fd, uint8_t ret_hash[static SHA256_LEN])
{
	struct kdf_part part = {0};
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	part.len = (size_t)st.st_size;
	part.data = mmap(NULL, part.len, PROT_READ, MAP_SHARED, fd, 0);
	if (part.data == MAP_FAILED)
		return -errno;
	r = sha256(&part, 1, ret_hash);
	(void)munmap((void *)part.data, part.len); /* fails only for a bad argument */
	return r;
}

static int receipt_publish(struct store *s, const char *name)
{
	CLEANUP(close_fd_p) int dir_fd = -1;
	char tmp[NAME_LEN], final[NAME_LEN];
	int r = receipts_open(s, &dir_fd);

	receipt_tmp(name, tmp);
	(void)snprintf(final, sizeof(final), "%.200s", name);
	if (r == 0 &&
	    (renameat(dir_fd, tmp, dir_fd, final) < 0 || fsync(dir_fd) < 0 || fsync(s->dir_fd) < 0))
		r = -errno;
	return r;
}

int store_receipt_end(struct store *s, const char *name, FILE *out,
		      uint8_t ret_hash[static SHA256_LEN], struct err *err)
{
	int r = ferror(out) || fflush(out) != 0 || fsync(fileno(out)) < 0 ? -EIO : 0;

	if (r == 0)
		r = hash_file(fileno(out), ret_hash);
	if (fclose(out) != 0 && r == 0)
		r = -EIO;
	if (r == 0)
		r = receipt_publish(s, name);
	return r < 0 ? err_set(err, r, "the receipt cannot be written: %s", strerror(-r)) : 0;
}

static int receipt_open(struct store *s, const char *name, size_t *ret_len, int *ret_fd)
{
	CLEANUP(close_fd_p) int dir_fd = -1, fd = -1;
	char file[NAME_LEN];
	struct stat st;
	int r = receipts_open(s, &dir_fd);

	if (r < 0)
		return r;
	(void)snprintf(file, sizeof(file), "%.200s", name);
	fd = openat(dir_fd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > STORE_RECEIPT_MAX)
		return -EFBIG;
	*ret_len = (size_t)st.st_size;
	*ret_fd = STEAL_FD(fd);
	return 0;
}

int store_receipt_read(struct store *s, const char *name, char **ret_text)
{
	CLEANUP(close_fd_p) int fd = -1;
	CLEANUP(free_mem_p) char *text = NULL;
	size_t len = 0;
	ssize_t n;
	int r = receipt_open(s, name, &len, &fd);

	if (r < 0)
		return r;
	text = malloc(len + 1);
	if (!text)
		return -ENOMEM;
	for (size_t at = 0; at < len; at += (size_t)n) {
		n = pread(fd, text + at, len - at, (off_t)at);
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
	}
	text[len] = '\0';
	*ret_text = STEAL(text);
	return 0;
}
