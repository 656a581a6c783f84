/* kms/local/create.c - new keys and new versions in local vaults. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "crypto/base/bytes.h"
#include "crypto/base/fdpath.h"
#include "crypto/oaep.h"
#include "kms/local/edit_internal.h"
#include "kms/local/local.h"

/* A version's random name, and its private key where the type has one. */
struct new_version {
	struct local_version version;
	struct secret *pem; /* NULL: an EC key, which wraps nothing */
};

static void new_version_fini_p(struct new_version *n)
{
	secret_free(n->pem);
}

/* The private key of @n, slow to make, and the hash of its file. */
static int new_version_key(struct new_version *n, unsigned bits, struct err *err)
{
	CLEANUP(rsa_key_free_p) struct rsa_key *rsa = NULL;
	int r = rsa_key_generate(bits, &rsa, err);

	if (r == 0)
		r = rsa_key_to_pem(rsa, &n->pem, err);
	if (r < 0)
		return r;
	r = pem_hash(n->pem, n->version.sha256);
	return r < 0 ? err_set(err, r, "OpenSSL refuses to hash") : 0;
}

static int new_version_init(struct new_version *n, const char *kty, unsigned bits, struct err *err)
{
	uint8_t id[16];
	int r = random_bytes(id, sizeof(id));

	if (r < 0)
		return err_set(err, r, "no randomness for a version");
	hex_encode(id, sizeof(id), n->version.version);
	n->version.created = time(NULL);
	n->version.enabled = true;
	return strcmp(kty, "RSA") == 0 ? new_version_key(n, bits, err) : 0;
}

static int new_version_store(const struct local_dir *dir, struct new_version *n, struct err *err)
{
	char name[LOCAL_PEM_NAME_LEN];

	if (!n->pem)
		return 0;
	pem_name(n->version.version, name);
	return file_replace(dir, name, secret_bytes(n->pem), secret_len(n->pem), err);
}

static int create_check(const struct key_id *id, const struct local_create *o, struct err *err)
{
	bool rsa = strcmp(o->kty, "RSA") == 0;
	int r = version_refuse(id, err);

	if (r < 0)
		return r;
	if (!id->name[0])
		return err_set(err, -EINVAL, "a key is meant, but only a vault is named");
	if (strcasecmp(id->name, LOCAL_LOG_FILE) == 0)
		return err_set(err, -EINVAL,
			       "the name '" LOCAL_LOG_FILE "' is taken by the vault's own log");
	if (!rsa && strcmp(o->kty, "EC") != 0)
		return err_set(err, -EINVAL, "key type '%s' is neither RSA nor EC", o->kty);
	if (rsa && o->bits != 2048 && o->bits != 3072 && o->bits != 4096)
		return err_set(err, -EINVAL, "an RSA key has 2048, 3072 or 4096 bits, not %u",
			       o->bits);
	if (!rsa && o->bits != 0)
		return err_set(err, -EINVAL, "an EC key has no size to choose");
	if (o->ops == 0 || (o->ops & ~(LOCAL_OP_WRAP | LOCAL_OP_UNWRAP)))
		return err_set(err, -EINVAL, "a key is made for wrapKey, unwrapKey or both");
	if (o->expires != 0 && o->expires <= o->not_before)
		return err_set(err, -EINVAL, "the key would expire before it is valid");
	return 0;
}

static void key_describe_new(struct local_key *key, const struct key_id *id,
			     const struct local_create *o, struct local_version *first)
{
	bool rsa = strcmp(o->kty, "RSA") == 0;

	memcpy(key->name, id->name, sizeof(key->name));
	(void)snprintf(key->kty, sizeof(key->kty), "%s", o->kty);
	key->bits = rsa ? o->bits : 256;
	key->ops = o->ops;
	key->enabled = true;
	key->created = first->created;
	key->not_before = o->not_before;
	key->expires = o->expires;
	(void)snprintf(key->recovery_level, sizeof(key->recovery_level), "%s",
		       o->purgeable ? LOCAL_LEVEL_PURGEABLE : LOCAL_LEVEL_DEFAULT);
	key->versions = first;
	key->n_versions = 1;
}

/* Removes what a crash has left of an earlier attempt. The vault is locked, so no other process
 * uses this folder. */
static int staging_clear(const struct local_dir *vault, const char *staging, struct err *err)
{
	CLEANUP(local_dir_close_p) struct local_dir dir = LOCAL_DIR_NONE;
	CLEANUP(free_mem_p) char **names = NULL;
	char path[FD_PATH_LEN];
	struct err why = {0};
	int r = dir_open_at(vault, staging, &dir, &why);

	if (r == -ENOENT)
		return 0;
	if (r == 0) {
		r = dir_names(fd_path(dir.fd, path), &names, &why);
	}
	for (size_t i = 0; r == 0 && names[i]; i++)
		if (unlinkat(dir.fd, names[i], 0) < 0)
			r = -errno;
	if (r == 0 && unlinkat(vault->fd, staging, AT_REMOVEDIR) < 0)
		r = -errno;
	return r < 0 ? err_set(err, r, "folder %s/%s: %s", vault->path, staging, strerror(-r)) : 0;
}

/* The key's folder is filled under another name (no key name holds a dot), then renamed: after a
 * crash a key is there with its record and its first version, or not at all. */
static int key_install(const struct local_dir *vault, const struct local_key *key,
		       struct new_version *first, struct err *err)
{
	CLEANUP(local_dir_close_p) struct local_dir dir = LOCAL_DIR_NONE;
	char folder[128], staging[136];
	int r;

	key_folder_name(key->name, folder);
	(void)snprintf(staging, sizeof(staging), "%s.new", folder);
	r = staging_clear(vault, staging, err);
	if (r < 0)
		return r;
	if (mkdirat(vault->fd, staging, 0700) < 0)
		return err_set(err, -errno, "folder %s/%s: %s", vault->path, staging,
			       strerror(errno));
	r = dir_open_at(vault, staging, &dir, err);
	if (r == 0)
		r = new_version_store(&dir, first, err);
	if (r == 0)
		r = key_save(&dir, key, err);
	if (r == 0 && (renameat(vault->fd, staging, vault->fd, folder) < 0 || fsync(vault->fd) < 0))
		r = err_set(err, -errno, "folder %s/%s: %s", vault->path, folder, strerror(errno));
	if (r < 0)
		(void)staging_clear(vault, staging, NULL); /* else the next attempt clears it */
	return r;
}

/* Return: 0: there is no key of that name. */
static int create_refuse_existing(const struct edit *e, struct err *err)
{
	CLEANUP(local_dir_close_p) struct local_dir dir = LOCAL_DIR_NONE;
	CLEANUP(local_key_free_p) struct local_key *key = NULL;
	struct err why = {0};
	char folder[128];
	struct stat st;
	int r;

	key_folder_name(e->id.name, folder);
	if (fstatat(e->vault.fd, folder, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0
				       : err_set(err, -errno, "folder %s/%s: %s", e->vault.path,
						 folder, strerror(errno));
	r = key_open(&e->vault, e->id.name, &dir, &key, &why);
	if (r == 0 && key->deleted != 0)
		return err_set(err, -EEXIST, "a deleted key has that name; recover it instead");
	return err_set(err, -EEXIST, "the vault has a key of that name already");
}

/* Makes the vault's folder, durably, for a first key. */
static int vault_make(const char *vaults_dir, const char *vault, struct err *err)
{
	CLEANUP(local_dir_close_p) struct local_dir parent = LOCAL_DIR_NONE;
	CLEANUP(free_mem_p) char *path = NULL;
	int r;

	if (asprintf(&path, "%s/%s", vaults_dir, vault) < 0) {
		path = NULL; /* undefined after a failure */
		return err_set(err, -ENOMEM, "no memory");
	}
	r = dir_make(path, err);
	if (r < 0)
		return r;
	r = dir_open(vaults_dir, &parent, err);
	if (r == 0 && fsync(parent.fd) < 0)
		return err_set(err, -errno, "folder %s: %s", vaults_dir, strerror(errno));
	return r;
}

static void key_id_with_version(const struct edit *e, const char *version,
				char ret_key_id[static KEY_ID_MAX])
{
	struct key_id id = e->id;

	(void)snprintf(id.version, sizeof(id.version), "%s", version);
	key_id_format(&id, ret_key_id);
}

int local_key_create(const char *vaults_dir, const struct key_id *id,
		     const struct local_create *options, char ret_key_id[static KEY_ID_MAX],
		     struct err *err)
{
	CLEANUP(new_version_fini_p) struct new_version first = {0};
	CLEANUP(edit_fini_p) struct edit e = EDIT_NONE;
	struct local_key key = {0}; /* its one version is borrowed from first */
	int r;

	r = create_check(id, options, err);
	if (r < 0)
		return r;
	r = new_version_init(&first, options->kty, options->bits, err); /* slow: without the lock */
	if (r < 0)
		return r;
	r = vault_make(vaults_dir, id->vault, err);
	if (r < 0)
		return r;
	r = edit_begin_vault(&e, vaults_dir, id, err);
	if (r < 0)
		return r;
	r = create_refuse_existing(&e, err);
	if (r < 0)
		return r;
	key_describe_new(&key, id, options, &first.version);
	r = key_install(&e.vault, &key, &first, err);
	if (r < 0)
		return r;
	edit_log(&e, "create");
	key_id_with_version(&e, first.version.version, ret_key_id);
	return 0;
}

static int versions_append(struct local_key *key, const struct local_version *version)
{
	struct local_version *all;

	all = reallocarray(key->versions, key->n_versions + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	all[key->n_versions++] = *version;
	key->versions = all;
	return 0;
}

static int rotate_check(const struct local_key *key, struct err *err)
{
	if (key->n_versions >= LOCAL_VERSIONS_MAX)
		return err_set(err, -EMLINK, "the key has %d versions, the most there may be",
			       LOCAL_VERSIONS_MAX);
	return 0;
}

int local_key_rotate(const char *vaults_dir, const struct key_id *id,
		     char ret_key_id[static KEY_ID_MAX], struct err *err)
{
	CLEANUP(new_version_fini_p) struct new_version next = {0};
	CLEANUP(edit_fini_p) struct edit e = EDIT_NONE;
	CLEANUP(local_key_free_p) struct local_key *seen = NULL;
	int r = version_refuse(id, err);

	if (r < 0)
		return r;
	r = local_key_show(vaults_dir, id, &seen, err);
	if (r < 0)
		return r;
	r = new_version_init(&next, seen->kty, seen->bits, err); /* they never change */
	if (r < 0)
		return r;
	r = edit_begin_live(&e, vaults_dir, id, err);
	if (r < 0)
		return r;
	r = rotate_check(e.key, err);
	if (r < 0)
		return r;
	if (versions_append(e.key, &next.version) < 0)
		return err_set(err, -ENOMEM, "no memory");
	r = new_version_store(&e.key_dir, &next, err);
	if (r < 0)
		return r;
	r = edit_save(&e, "rotate", err);
	if (r == 0)
		key_id_with_version(&e, next.version.version, ret_key_id);
	return r;
}
