/* fs/store/scrub.c - the state made anew from its live records, and old files overwritten. */
#include "fs/store/scrub.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/base/file.h"
#include "fs/store/store_internal.h"

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

/* A link, or anything but a plain file, was not made by depfs, so it is not overwritten. */
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

/* Removes a state that store_open() set aside because it was a copy or older than the snapshot. */
static int aside_remove(struct store *s, const char *name, struct err *err)
{
	CLEANUP(close_fd_p)
	int fd = openat(s->dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct err why = {0};
	int r = fd < 0 ? -errno : shred_named(fd, "data.mdb", &why);

	if (fd < 0 && r == -ENOTDIR)
		return 0; /* a link or a file: not made by depfs */
	if (r == 0 || (fd >= 0 && r == -ENOENT))
		r = state_folder_remove(s->dir_fd, name);
	return r < 0 ? err_set(err, r, "state: %s cannot be removed: %s", name,
			       why.text[0] ? why.text : strerror(-r))
		     : 0;
}

static int asides_remove(struct store *s, struct err *err)
{
	int fd = openat(s->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(closedir_p) DIR *dir = NULL;
	int r = 0;

	if (fd < 0 || dir_from_fd(fd, &dir) < 0)
		return err_set(err, -EIO, "state: its folder cannot be read");
	for (const struct dirent *d; r == 0 && (d = readdir(dir));)
		if (strncmp(d->d_name, STORE_COPIED_DIR, strlen(STORE_COPIED_DIR)) == 0)
			r = aside_remove(s, d->d_name, err);
	return r;
}

/* The writing transaction @t is read from, and then keeps write_lock while the files are swapped.
 */
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
