/* kms/local/edit.c - the frame of every change to a local vault: lock, load, save, log. */
#include "kms/local/edit_internal.h"

#include <errno.h>
#include <string.h>

void edit_fini_p(struct edit *e)
{
	local_key_free(e->key);
	local_dir_close_p(&e->key_dir);
	close_fd_p(&e->lock_fd);
	local_dir_close_p(&e->vault);
}

int edit_begin_vault(struct edit *e, const char *vaults_dir, const struct key_id *id,
		     struct err *err)
{
	int r;

	e->id = *id;
	r = vault_open(vaults_dir, id->vault, &e->vault, err);
	if (r < 0)
		return r;
	return vault_lock(&e->vault, &e->lock_fd, err);
}

int edit_begin_key(struct edit *e, const char *vaults_dir, const struct key_id *id, struct err *err)
{
	int r;

	if (!id->name[0])
		return err_set(err, -EINVAL, "a key is meant, but only a vault is named");
	r = edit_begin_vault(e, vaults_dir, id, err);
	if (r < 0)
		return r;
	r = key_open(&e->vault, id->name, &e->key_dir, &e->key, err);
	if (r < 0)
		return r;
	memcpy(e->id.name, e->key->name, sizeof(e->key->name)); /* in the record's spelling */
	return 0;
}

int edit_begin_live(struct edit *e, const char *vaults_dir, const struct key_id *id,
		    struct err *err)
{
	int r = edit_begin_key(e, vaults_dir, id, err);

	if (r == 0 && e->key->deleted != 0)
		return err_set(err, -ENOENT, "the key is deleted; recover it first");
	return r;
}

int version_refuse(const struct key_id *id, struct err *err)
{
	if (id->version[0])
		return err_set(err, -EINVAL, "this works on a whole key, but a version is named");
	return 0;
}

/* The vault's log has a line for each change as for each request. */
void edit_log(const struct edit *e, const char *change)
{
	char request_id[KMS_REQUEST_ID_LEN];

	if (request_id_new(request_id) < 0)
		(void)snprintf(request_id, sizeof(request_id), "-");
	vault_log(&e->vault, change, &e->id, kms_outcome_name(KMS_OK), request_id);
}

int edit_save(const struct edit *e, const char *change, struct err *err)
{
	int r = key_save(&e->key_dir, e->key, err);

	if (r == 0)
		edit_log(e, change);
	return r;
}
