/* fs/store/scrub.c - what was removed leaves the disk, and receipts that say so. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crypto/base/file.h"
#include "crypto/kdf.h"
#include "fs/store/store_internal.h"

#define ASIDE	 STORE_STATE_DIR ".copied-"
#define NAME_LEN 300

int store_shred(int fd, struct err *err)
{
	static const uint8_t zeros[1 << 16];
	struct stat st;
	int r = fstat(fd, &st) < 0 || lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;

	for (off_t left = r == 0 ? st.st_size : 0; r == 0 && left > 0;) {
		size_t len = left < (off_t)sizeof(zeros) ? (size_t)left : sizeof(zeros);

		r = write_all(fd, zeros, len);
		left -= (off_t)len;
	}
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r < 0 ? err_set(err, r, "state: an old file cannot be overwritten: %s", strerror(-r))
		     : 0;
}

/* A link, or a pipe, is of somebody else's making: what it leads to is not ours to overwrite. */
static int open_to_shred(int dir_fd, const char *name, int *ret_fd, struct err *err)
{
	CLEANUP(close_fd_p) int fd = openat(dir_fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, -errno, "state: %s cannot be opened: %m", name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "state: %s is not a plain file: remove it", name);
	*ret_fd = STEAL_FD(fd);
	return 0;
}

int store_snapshot_hold(struct store *s, int *ret_fd, struct err *err)
{
	return open_to_shred(s->dir_fd, STORE_SNAPSHOT, ret_fd, err);
}

static int shred_named(int dir_fd, const char *name, struct err *err)
{
	CLEANUP(close_fd_p) int fd = -1;
	int r = open_to_shred(dir_fd, name, &fd, err);

	return r < 0 ? r : store_shred(fd, err);
}

/* States that store_open() set aside, because they were copied or older than the snapshot. */
static int aside_remove(struct store *s, const char *name, struct err *err)
{
	CLEANUP(close_fd_p)
	int fd = openat(s->dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct err why = {0};
	int r = fd < 0 ? -errno : shred_named(fd, "data.mdb", &why);

	if (fd < 0 && r == -ENOTDIR)
		return 0; /* a link or a file: no state of ours */
	if (r == 0 || (fd >= 0 && r == -ENOENT))
		r = state_folder_remove(s->dir_fd, name);
	return r < 0 ? err_set(err, r, "state: %s cannot be removed: %s", name,
			       why.text[0] ? why.text : strerror(-r))
		     : 0;
}

static int asides_remove(struct store *s, struct err *err)
{
	int fd = openat(s->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		if (fd >= 0)
			(void)close(fd); /* fdopendir did not take it */
		return err_set(err, -EIO, "state: its folder cannot be read");
	}
	for (const struct dirent *d; r == 0 && (d = readdir(dir));)
		if (strncmp(d->d_name, ASIDE, strlen(ASIDE)) == 0)
			r = aside_remove(s, d->d_name, err);
	(void)closedir(dir); /* only read from */
	return r;
}

/* The transaction is there for its lock, and for what it reads. */
static int remake_locked(struct store_txn *t, struct err *err)
{
	CLEANUP(close_fd_p) int old_fd = -1;
	struct store *s = t->store;
	int r = state_copy_build(t, err);

	mdb_txn_abort(STEAL(t->mdb));
	if (r == 0)
		r = open_to_shred(s->dir_fd, STORE_DATA_FILE, &old_fd, err);
	if (r == 0)
		r = map_swap(s, STORE_SCRUB_TMP, err);
	return r < 0 ? r : store_shred(old_fd, err);
}

int store_scrub(struct store *s, struct err *err)
{
	CLEANUP(store_abort_p) struct store_txn *t = NULL;
	int r = store_begin(s, STORE_WRITE, &t, err);

	if (r == 0)
		r = remake_locked(t, err);
	return r < 0 ? r : asides_remove(s, err);
}

/* ---- receipts ---- */

static void receipt_tmp(const char *name, char out[static NAME_LEN])
{
	(void)snprintf(out, NAME_LEN, "%.200s.tmp", name);
}

/* The folder itself, never one that a link leads to. */
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
	(void)close(fd); /* nothing is in it */
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

/* Whole under its own name, and durably so. */
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
