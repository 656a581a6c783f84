/* fs/privileges.h - what a root daemon gives up before it serves. */
#ifndef DEPFS_PRIVILEGES_H
#define DEPFS_PRIVILEGES_H

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"

/**
 * privileges_drop() - keep the capabilities that serving files takes, lose the others for good
 * Adds none that the process does not have. Call before the first thread, since each thread has its
 * own capabilities. Sets no_new_privs as well. Does nothing unless root: an unprivileged mount
 * needs fusermount3, which is set-user-id.
 * Return: 0; -errno with a sentence.
 */
int privileges_drop(struct err *err) MUST_CHECK;

#endif
