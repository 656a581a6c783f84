/* kms/local_store.h - the files of a local vault: folders, lock, records, log. For kms/ only. */
#ifndef DEPFS_KMS_LOCAL_STORE_H
#define DEPFS_KMS_LOCAL_STORE_H

#include "kms/local.h"

#define LOCAL_JSON_MAX	   (256 * 1024) /* bytes of a record */
#define LOCAL_PEM_MAX	   (16 * 1024)
#define LOCAL_PEM_NAME_LEN 40 /* "<32 hex>.pem" */
#define LOCAL_KEY_FILE	   "key.json"
#define LOCAL_VAULT_FILE   "vault.json"
#define LOCAL_LOCK_FILE	   "vault.lock"
#define LOCAL_LOG_FILE	   "log"
#define LOCAL_LOG_MAX	   (1024 * 1024) /* bytes; then it becomes log.1 */

/* A folder that is open; @path is for sentences only and may be cut. */
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

/*
 * local_file.c: every function gives a negative errno and a sentence that names the file.
 */
int dir_open(const char *path, struct local_dir *ret_dir, struct err *err) MUST_CHECK;
int dir_open_at(const struct local_dir *parent, const char *name, struct local_dir *ret_dir,
		struct err *err) MUST_CHECK;
/* dir_make() - the folder and its missing parents, 0700; one that is there already is fine. */
int dir_make(const char *path, struct err *err) MUST_CHECK;
/* file_open() - for reading, a plain file of at most @max_len bytes; -EFBIG when it is larger. */
int file_open(const struct local_dir *dir, const char *name, size_t max_len, int *ret_fd,
	      size_t *ret_len, struct err *err) MUST_CHECK;
/* file_fill() - exactly @len bytes from the start of @fd; -EIO when there are fewer. */
int file_fill(int fd, uint8_t *out, size_t len) MUST_CHECK;
/* file_replace() - mode 0600; a reader sees the old bytes or the new ones, a crash leaves either.
 */
int file_replace(const struct local_dir *dir, const char *name, const void *in, size_t in_len,
		 struct err *err) MUST_CHECK;

/* local_look.c: dir_names() - every entry but . and .., sorted, NULL-ended, one allocation for
 * free() */
int dir_names(const char *path, char ***ret_names, struct err *err) MUST_CHECK;

/*
 * local_record.c: key.json and vault.json, bytes to struct and back.
 */
/* -EBADMSG and a sentence for everything that local_key_encode() does not write. @name: its folder.
 */
int local_key_decode(const char *in, size_t in_len, const char *name, struct local_key **ret_key,
		     struct err *err) MUST_CHECK;
int local_key_encode(const struct local_key *key, char **ret_text) MUST_CHECK; /* -ENOMEM */
int local_rules_decode(const char *in, size_t in_len, struct local_rules *ret_rules,
		       struct err *err) MUST_CHECK;
int local_rules_encode(const struct local_rules *rules, char **ret_text) MUST_CHECK;

/*
 * local_vault.c: a vault's folder and what lies there. Reading needs no lock, since each file is
 * replaced as a whole; whoever changes one holds the vault's lock.
 */
int vault_open(const char *vaults_dir, const char *vault, struct local_dir *ret_dir,
	       struct err *err) MUST_CHECK;
int vault_lock(const struct local_dir *vault, int *ret_lock_fd, struct err *err) MUST_CHECK;
int vault_rules_load(const struct local_dir *vault, struct local_rules *ret_rules,
		     struct err *err) MUST_CHECK; /* none is stored: nothing denied, no fault */
int vault_rules_save(const struct local_dir *vault, const struct local_rules *rules,
		     struct err *err) MUST_CHECK;
/* key_open() - a key's folder and its record; -ENOENT: no such key; -EBADMSG: the record. */
int key_open(const struct local_dir *vault, const char *name, struct local_dir *ret_dir,
	     struct local_key **ret_key, struct err *err) MUST_CHECK;
int key_save(const struct local_dir *dir, const struct local_key *key, struct err *err) MUST_CHECK;
void key_folder_name(const char *name, char out[static 128]); /* lower case: ids are case-blind */
void pem_name(const char *version, char out[static LOCAL_PEM_NAME_LEN]);

/* pem_hash() - what a version's sha256 says of its file, so that damage is told from a wrong copy.
 */
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
