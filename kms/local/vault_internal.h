/* kms/local/vault_internal.h - a local vault's folder: lock, records, names of private keys, log.
 *
 * Reading needs no lock, since each file is replaced as a whole; a change holds the vault's lock.
 */
#ifndef DEPFS_KMS_LOCAL_VAULT_INTERNAL_H
#define DEPFS_KMS_LOCAL_VAULT_INTERNAL_H

#include "crypto/secret.h"
#include "kms/local/file_internal.h"
#include "kms/local/local.h"

#define LOCAL_PEM_MAX	   (16 * 1024) /* bytes */
#define LOCAL_PEM_NAME_LEN 40	       /* "<32 hex>.pem" */
#define LOCAL_LOG_FILE	   "log"

int vault_open(const char *vaults_dir, const char *vault, struct local_dir *ret_dir,
	       struct err *err) MUST_CHECK;
/* vault_lock() - waits for the lock, which is released when the descriptor is closed. */
int vault_lock(const struct local_dir *vault, int *ret_lock_fd, struct err *err) MUST_CHECK;
int vault_rules_load(const struct local_dir *vault, struct local_rules *ret_rules,
		     struct err *err) MUST_CHECK; /* no record: nothing is denied, no fault */
int vault_rules_save(const struct local_dir *vault, const struct local_rules *rules,
		     struct err *err) MUST_CHECK;
/* key_open() - a key's folder and its record; -ENOENT: no such key; -EBADMSG: a bad record. */
int key_open(const struct local_dir *vault, const char *name, struct local_dir *ret_dir,
	     struct local_key **ret_key, struct err *err) MUST_CHECK;
int key_save(const struct local_dir *dir, const struct local_key *key, struct err *err) MUST_CHECK;
void key_folder_name(const char *name, char out[static 128]); /* lower case: ids are case-blind */
void pem_name(const char *version, char out[static LOCAL_PEM_NAME_LEN]);

/* pem_hash() - the SHA-256 of a version's file, in hex: it distinguishes a damaged file from a
 * wrapped key that does not open. -EIO. */
int pem_hash(struct secret *pem, char out[static 65]) MUST_CHECK;

/* request_id_new() - 32 hex digits, the vault's own name of a call; -EIO without randomness. */
int request_id_new(char out[static KMS_REQUEST_ID_LEN]) MUST_CHECK;
/**
 * vault_log() - one line: time, operation, key id, outcome, request id
 * A line that cannot be written is lost: as with a real vault's diagnostic log, an answer does not
 * depend on it.
 */
void vault_log(const struct local_dir *vault, const char *op, const struct key_id *id,
	       const char *outcome, const char *request_id);

#endif
