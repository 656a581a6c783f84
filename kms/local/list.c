/* kms/local/list.c - reads for depctl: the names of vaults and keys, and one key or vault. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "kms/local/local.h"
#include "kms/local/vault_internal.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789-_"

/* Vaults and keys are folders with names that a key id can hold; other entries are the vault's own
 * files, or were not made by depfs. */
static bool is_member(const char *parent, const char *name)
{
	CLEANUP(free_mem_p) char *path = NULL;
	struct stat st;

	if (name[strspn(name, NAME_CHARS)] != '\0')
		return false;
	if (asprintf(&path, "%s/%s", parent, name) < 0) {
		path = NULL; /* undefined after a failure */
		return false;
	}
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int local_list(const char *vaults_dir, const char *vault, char ***ret_names, struct err *err)
{
	CLEANUP(free_mem_p) char **names = NULL;
	CLEANUP(free_mem_p) char *path = NULL;
	size_t kept = 0;
	int r;

	if (asprintf(&path, "%s%s%s", vaults_dir, vault ? "/" : "", vault ? vault : "") < 0) {
		path = NULL; /* undefined after a failure */
		return err_set(err, -ENOMEM, "no memory");
	}
	r = dir_names(path, &names, err);
	if (r < 0)
		return r;
	for (size_t i = 0; names[i]; i++)
		if (is_member(path, names[i]))
			names[kept++] = names[i];
	names[kept] = NULL;
	*ret_names = STEAL(names);
	return 0;
}

int local_key_show(const char *vaults_dir, const struct key_id *id, struct local_key **ret_key,
		   struct err *err)
{
	CLEANUP(local_dir_close_p) struct local_dir vault = LOCAL_DIR_NONE;
	CLEANUP(local_dir_close_p) struct local_dir dir = LOCAL_DIR_NONE;
	int r;

	if (!id->name[0])
		return err_set(err, -EINVAL, "a key is meant, but only a vault is named");
	r = vault_open(vaults_dir, id->vault, &vault, err);
	return r < 0 ? r : key_open(&vault, id->name, &dir, ret_key, err);
}

int local_vault_show(const char *vaults_dir, const struct key_id *id, struct local_rules *ret_rules,
		     struct err *err)
{
	CLEANUP(local_dir_close_p) struct local_dir vault = LOCAL_DIR_NONE;
	int r = vault_open(vaults_dir, id->vault, &vault, err);

	return r < 0 ? r : vault_rules_load(&vault, ret_rules, err);
}

int local_uri_parse(const char *text, struct key_id *ret_id, struct err *err)
{
	return key_id_parse_vault(text, local_vaults.scheme, ret_id, err);
}
