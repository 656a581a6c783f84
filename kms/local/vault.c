/* kms/local/vault.c - a local vault's folder: lock, records, private keys' files, log. */
#include "kms/local/vault_internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "crypto/base/bytes.h"
#include "crypto/kdf.h"
#include "kms/local/record_internal.h"

#define JSON_MAX   (256 * 1024) /* bytes of a record */
#define KEY_FILE   "key.json"
#define VAULT_FILE "vault.json"
#define LOCK_FILE  "vault.lock"
#define LOG_MAX	   (1024 * 1024) /* bytes; a longer log is renamed to log.1 */

int vault_open(const char *vaults_dir, const char *vault, struct local_dir *ret_dir,
	       struct err *err)
{
	CLEANUP(free_mem_p) char *path = NULL;

	if (asprintf(&path, "%s/%s", vaults_dir, vault) < 0) {
		path = NULL; /* undefined after a failure */
		return err_set(err, -ENOMEM, "no memory");
	}
	return dir_open(path, ret_dir, err);
}

int vault_lock(const struct local_dir *vault, int *ret_lock_fd, struct err *err)
{
	CLEANUP(close_fd_p) int fd = -1;

	fd = openat(vault->fd, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, -errno, "file %s/" LOCK_FILE ": %s", vault->path,
			       strerror(errno));
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_set(err, -errno, "lock of vault %s: %s", vault->path,
				       strerror(errno));
	*ret_lock_fd = STEAL_FD(fd);
	return 0;
}

/* A record's text, not terminated. @ret_len may be 0, which no decoder accepts. */
static int record_read(const struct local_dir *dir, const char *name, char **ret_text,
		       size_t *ret_len, struct err *err)
{
	CLEANUP(close_fd_p) int fd = -1;
	CLEANUP(free_mem_p) char *text = NULL;
	size_t len;
	int r;

	r = file_open(dir, name, JSON_MAX, &fd, &len, err);
	if (r < 0)
		return r;
	text = malloc(len + 1);
	if (!text)
		return err_set(err, -ENOMEM, "no memory");
	r = file_fill(fd, (uint8_t *)text, len);
	if (r < 0)
		return err_set(err, r, "file %s/%s: %s", dir->path, name, strerror(-r));
	*ret_text = STEAL(text);
	*ret_len = len;
	return 0;
}

int vault_rules_load(const struct local_dir *vault, struct local_rules *ret_rules, struct err *err)
{
	CLEANUP(free_mem_p) char *text = NULL;
	struct err why = {0};
	size_t len;
	int r;

	r = record_read(vault, VAULT_FILE, &text, &len, &why);
	if (r == -ENOENT) {
		*ret_rules = (struct local_rules){0};
		return 0;
	}
	if (r < 0)
		return err_set(err, r, "%s", err_text(&why, r));
	r = local_rules_decode(text, len, ret_rules, err);
	return r < 0 ? err_prefix(err, r, "file %s/" VAULT_FILE, vault->path) : 0;
}

int vault_rules_save(const struct local_dir *vault, const struct local_rules *rules,
		     struct err *err)
{
	CLEANUP(free_mem_p) char *text = NULL;
	int r = local_rules_encode(rules, &text);

	if (r < 0)
		return err_set(err, r, "no memory");
	return file_replace(vault, VAULT_FILE, text, strlen(text), err);
}

void key_folder_name(const char *name, char out[static 128])
{
	size_t i = 0;

	for (; name[i] && i < 127; i++)
		out[i] = (char)tolower((unsigned char)name[i]);
	out[i] = '\0';
}

int key_open(const struct local_dir *vault, const char *name, struct local_dir *ret_dir,
	     struct local_key **ret_key, struct err *err)
{
	CLEANUP(local_dir_close_p) struct local_dir dir = LOCAL_DIR_NONE;
	CLEANUP(free_mem_p) char *text = NULL;
	char folder[128];
	size_t len;
	int r;

	key_folder_name(name, folder);
	r = dir_open_at(vault, folder, &dir, err);
	if (r == -ENOENT || r == -ENOTDIR) /* the vault's own files are no keys */
		return err_set(err, -ENOENT, "the vault has no key of that name");
	if (r < 0)
		return r;
	r = record_read(&dir, KEY_FILE, &text, &len, err);
	if (r < 0)
		return r;
	r = local_key_decode(text, len, folder, ret_key, err);
	if (r < 0)
		return err_prefix(err, r, "file %s/" KEY_FILE, dir.path);
	*ret_dir = dir;
	dir.fd = -1;
	return 0;
}

int key_save(const struct local_dir *dir, const struct local_key *key, struct err *err)
{
	CLEANUP(free_mem_p) char *text = NULL;
	int r = local_key_encode(key, &text);

	if (r < 0)
		return err_set(err, r, "no memory");
	return file_replace(dir, KEY_FILE, text, strlen(text), err);
}

void pem_name(const char *version, char out[static LOCAL_PEM_NAME_LEN])
{
	(void)snprintf(out, LOCAL_PEM_NAME_LEN, "%.32s.pem", version);
}

int pem_hash(struct secret *pem, char out[static 65])
{
	struct kdf_part part = {secret_bytes(pem), secret_len(pem)};
	uint8_t hash[SHA256_LEN];
	int r = sha256(&part, 1, hash);

	if (r == 0)
		hex_encode(hash, sizeof(hash), out);
	return r;
}

int request_id_new(char out[static KMS_REQUEST_ID_LEN])
{
	uint8_t id[16];
	int r = random_bytes(id, sizeof(id));

	if (r < 0)
		return r;
	hex_encode(id, sizeof(id), out);
	return 0;
}

/* Under the vault's lock, so that two processes do not both rename the log. Where another process
 * holds the lock, the log grows a little, and a later line rotates it. */
static void log_rotate(const struct local_dir *vault)
{
	CLEANUP(close_fd_p) int lock = -1;
	struct stat st;

	lock = openat(vault->fd, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0)
		return;
	if (fstatat(vault->fd, LOCAL_LOG_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    st.st_size < LOG_MAX)
		return; /* another process has rotated it */
	(void)renameat(vault->fd, LOCAL_LOG_FILE, vault->fd, LOCAL_LOG_FILE ".1");
}

void vault_log(const struct local_dir *vault, const char *op, const struct key_id *id,
	       const char *outcome, const char *request_id)
{
	CLEANUP(close_fd_p) int fd = -1;
	char when[32], text[KEY_ID_MAX], line[KEY_ID_MAX + 160];
	time_t now = time(NULL);
	struct stat st;
	struct tm tm;
	int len;

	fd = openat(vault->fd, LOCAL_LOG_FILE,
		    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	(void)strftime(when, sizeof(when), "%FT%TZ", gmtime_r(&now, &tm));
	key_id_format(id, text);
	len = snprintf(line, sizeof(line), "%s %s %s %s %s\n", when, op, text, outcome, request_id);
	if (write(fd, line, (size_t)len) == len && fstat(fd, &st) == 0 && st.st_size >= LOG_MAX)
		log_rotate(vault);
}
