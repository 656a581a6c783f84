/* kms/local/edit_internal.h - the frame of every change to a local vault: lock, load, change,
 * save. */
#ifndef DEPFS_KMS_LOCAL_EDIT_INTERNAL_H
#define DEPFS_KMS_LOCAL_EDIT_INTERNAL_H

#include "kms/local/vault_internal.h"

/* One change, of a vault or a key; the vault is locked from edit_begin_*() to edit_fini_p(). */
struct edit {
	struct key_id id;
	struct local_dir vault, key_dir;
	int lock_fd;
	struct local_key *key;
};

#define EDIT_NONE                                                                 \
	{                                                                         \
		.vault = LOCAL_DIR_NONE, .key_dir = LOCAL_DIR_NONE, .lock_fd = -1 \
	}

void edit_fini_p(struct edit *e); /* for CLEANUP(); a change that was not saved is dropped */

int edit_begin_vault(struct edit *e, const char *vaults_dir, const struct key_id *id,
		     struct err *err) MUST_CHECK;
int edit_begin_key(struct edit *e, const char *vaults_dir, const struct key_id *id,
		   struct err *err) MUST_CHECK;
/* edit_begin_live() - as edit_begin_key(); -ENOENT for a deleted key. */
int edit_begin_live(struct edit *e, const char *vaults_dir, const struct key_id *id,
		    struct err *err) MUST_CHECK;
/* edit_save() - the key's record, then a line in the vault's log that names the change. */
int edit_save(const struct edit *e, const char *change, struct err *err) MUST_CHECK;
void edit_log(const struct edit *e, const char *change);

/* version_refuse() - -EINVAL when @id names a version: for changes of a whole key. */
int version_refuse(const struct key_id *id, struct err *err) MUST_CHECK;

#endif
