/* crypto/base/file.h - whole writes to files, and reading folders. */
#ifndef DEPFS_CRYPTO_BASE_FILE_H
#define DEPFS_CRYPTO_BASE_FILE_H

#include <dirent.h>
#include <stddef.h>

#include "crypto/base/cleanup.h"

/* write_all() - @len bytes at the file's position, however many write(2)s it takes. Return: 0;
 * negative errno of write(2), with an unknown number of bytes written. */
int write_all(int fd, const void *in, size_t len) MUST_CHECK;

/* dir_from_fd() - a stream of the folder @fd, which is consumed whatever the outcome. Return: 0;
 * negative errno of fdopendir(3). */
int dir_from_fd(int fd, DIR **ret_dir) MUST_CHECK;
void closedir_p(DIR **dir); /* for CLEANUP(); NULL allowed */

#endif
