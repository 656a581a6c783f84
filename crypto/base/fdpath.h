/* crypto/base/fdpath.h - paths by way of an open descriptor, proc_pid_fd(5). */
#ifndef DEPFS_CRYPTO_BASE_FDPATH_H
#define DEPFS_CRYPTO_BASE_FDPATH_H

#include <stddef.h>

/* fd_path() - "/proc/self/fd/N", for calls that take a path but no O_PATH descriptor. Valid while
 * @fd is open. Returns @out. */
#define FD_PATH_LEN 32
const char *fd_path(int fd, char out[static FD_PATH_LEN]);

/**
 * fd_path_in() - the present path of the file or folder behind @fd, relative to the folder @top
 * "" for @top itself; an absolute path where the file is not below @top; a path that ends in
 * " (deleted)" where it has no name left. Points into @out.
 * Return: NULL: the path is longer than @out_len - 1, or @fd is not open.
 */
const char *fd_path_in(int fd, const char *top, char *out, size_t out_len);

#endif
