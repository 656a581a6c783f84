/* kms/local/file_internal.h - folders and files of a local vault; a file is replaced as a whole. */
#ifndef DEPFS_KMS_LOCAL_FILE_INTERNAL_H
#define DEPFS_KMS_LOCAL_FILE_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"

/* An open folder; path is for sentences only and may be cut. */
struct local_dir {
	int fd;
	char path[384];
};

#define LOCAL_DIR_NONE   \
	{                \
		.fd = -1 \
	}

static inline void local_dir_close_p(struct local_dir *d)
{
	close_fd_p(&d->fd);
}

/* All: 0, or a negative errno and a sentence that names the file or folder. */
int dir_open(const char *path, struct local_dir *ret_dir, struct err *err) MUST_CHECK;
int dir_open_at(const struct local_dir *parent, const char *name, struct local_dir *ret_dir,
		struct err *err) MUST_CHECK;
/* dir_make() - the folder and its missing parents, mode 0700; no error where it exists. */
int dir_make(const char *path, struct err *err) MUST_CHECK;
/* dir_names() - every entry but . and .., sorted, ended by NULL, one allocation for free() */
int dir_names(const char *path, char ***ret_names, struct err *err) MUST_CHECK;
/* file_open() - for reading; -EBADMSG: not a regular file, or larger than @max_len bytes. */
int file_open(const struct local_dir *dir, const char *name, size_t max_len, int *ret_fd,
	      size_t *ret_len, struct err *err) MUST_CHECK;
/* file_fill() - exactly @len bytes from the start of @fd; -EIO when there are fewer; no
 * sentence. */
int file_fill(int fd, uint8_t *out, size_t len) MUST_CHECK;
/* file_replace() - mode 0600; a reader sees the old bytes or the new ones, a crash leaves
 * either. */
int file_replace(const struct local_dir *dir, const char *name, const void *in, size_t in_len,
		 struct err *err) MUST_CHECK;

#endif
