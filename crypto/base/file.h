/* crypto/base/file.h - writing to plain files. */
#ifndef DEPFS_CRYPTO_BASE_FILE_H
#define DEPFS_CRYPTO_BASE_FILE_H

#include <stddef.h>

#include "crypto/base/cleanup.h"

/* write_all() - @len bytes at the file's position, however many write(2)s it takes. Return: 0;
 * negative errno of write(2), with an unknown number of bytes written. */
int write_all(int fd, const void *in, size_t len) MUST_CHECK;

#endif
