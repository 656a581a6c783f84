/* crypto/base/fdpath.h - paths by way of an open descriptor, proc_pid_fd(5). */
#ifndef DEPFS_CRYPTO_BASE_FDPATH_H
#define DEPFS_CRYPTO_BASE_FDPATH_H

#include <stddef.h>

#include "crypto/base/cleanup.h"

/* fd_path() - "/proc/self/fd/N", for calls that take a path but no O_PATH descriptor. Valid while
 * @fd is open. Returns @out. */
#define FD_PATH_LEN 32
const char *fd_path(int fd, char out[static FD_PATH_LEN]);

/**
 * fd_name() - the absolute path of an open file or folder, as it is named now
 * One that has no name left is shown with its last one and " (deleted)".
 * @ret_path: NUL-terminated; on failure its content is undefined
 * Return: 0; -ENAMETOOLONG: @path_len is too short, or the path is longer than the kernel shows;
 * errno of readlink(2).
 */
int fd_name(int fd, char *ret_path, size_t path_len) MUST_CHECK;

#endif
