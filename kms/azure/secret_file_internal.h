/* kms/azure/secret_file_internal.h - a credential that lies in a file, read anew for each use. */
#ifndef DEPFS_KMS_AZURE_SECRET_FILE_INTERNAL_H
#define DEPFS_KMS_AZURE_SECRET_FILE_INTERNAL_H

#include "crypto/secret.h"

#define CREDENTIAL_FILE_MAX (16u * 1024) /* bytes of a client secret or a cluster's token */

enum secret_file_rule {
	SECRET_FILE_PRIVATE,	 /* -EACCES when others may read it */
	SECRET_FILE_SHORT_LIVED, /* a token that is replaced often: any mode */
	SECRET_FILE_NAMED_TO_US, /* any mode, but no symbolic link: an answer has named the file */
};
/**
 * secret_file_read() - a whole file of at most @max_len bytes, without white space at its end
 * Return: 0; -EFBIG: larger; -EINVAL: empty, or not a regular file; -EIO: also where it changes
 * while it is read; other negative errno of open(2); always with a sentence that names the file.
 */
int secret_file_read(const char *path, size_t max_len, enum secret_file_rule rule,
		     struct secret **ret_secret, struct err *err) MUST_CHECK;

#endif
