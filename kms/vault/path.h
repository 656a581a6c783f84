/* kms/vault/path.h - paths that stay good when the daemon changes its working directory to "/". */
#ifndef DEPFS_KMS_VAULT_PATH_H
#define DEPFS_KMS_VAULT_PATH_H

/* path_absolute() - for free(); NULL: no memory, or no working directory. */
char *path_absolute(const char *path);

#endif
