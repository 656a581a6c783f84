/* fs/store/create.c - a new store, made under another name and renamed when it is whole. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>

#include "crypto/base/file.h"
#include "crypto/secret.h"
#include "fs/store/service_key_internal.h"
#include "fs/store/store_internal.h"

#define TMP_DIR	     ".depfs.tmp" /* what a killed mkfs.depfs leaves, the next one removes */
#define KEY_DIR_TOP  "/var/lib/depfs"
#define CREATE_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* What was made so far, for creation_end() to remove on failure. */
struct creation {
	char path[PATH_MAX];   /* absolute, resolved */
	char parent[PATH_MAX]; /* its folder */
	char spec[PATH_MAX + 8];
	uint8_t id[UUID_LEN];
	int top_fd;
	bool made_top, made_key, made_tmp;
	bool had_key_dir, had_key_dir_top;
	bool done;
};

/* RFC 9562 section 5.4: version 4, variant 10. */
static int uuid_draw(uint8_t ret_id[static UUID_LEN])
{
	int r = random_bytes(ret_id, UUID_LEN);

	ret_id[6] = (uint8_t)((ret_id[6] & 0x0f) | 0x40);
	ret_id[8] = (uint8_t)((ret_id[8] & 0x3f) | 0x80);
	return r;
}

/* @store_path without its trailing slashes. */
static int path_trim(const char *store_path, char out[static PATH_MAX], struct err *err)
{
	size_t len = strlen(store_path);

	while (len > 1 && store_path[len - 1] == '/')
		len--;
	if (len == 0)
		return err_set(err, -EINVAL, "the store's path is empty");
	if (len >= PATH_MAX)
		return err_set(err, -ENAMETOOLONG, "the store's path is too long");
	memcpy(out, store_path, len);
	out[len] = '\0';
	return 0;
}

/* Splits @path at its last slash: its folder, resolved, and its name. */
static int parent_resolve(char *path, char ret_parent[static PATH_MAX], const char **ret_name,
			  struct err *err)
{
	char *slash = strrchr(path, '/');
	const char *dir = slash == path ? "/" : slash ? path : ".";

	*ret_name = slash ? slash + 1 : path;
	if (slash)
		*slash = '\0';
	if (!realpath(dir, ret_parent))
		return err_set(err, -errno, "folder %s: %m", dir);
	return 0;
}

static int path_resolve(struct creation *c, const char *store_path, struct err *err)
{
	char path[PATH_MAX];
	const char *name;
	int r = path_trim(store_path, path, err);

	if (r < 0)
		return r;
	if (realpath(path, c->path)) {
		memcpy(path, c->path, PATH_MAX);
		return parent_resolve(path, c->parent, &name, err);
	}
	if (errno != ENOENT)
		return err_set(err, -errno, "store %s: %m", store_path);
	r = parent_resolve(path, c->parent, &name, err);
	if (r < 0)
		return r;
	if (strcmp(c->parent, "/") == 0)
		c->parent[0] = '\0'; /* "/x", not "//x" */
	if (snprintf(c->path, PATH_MAX, "%s/%s", c->parent, name) >= PATH_MAX)
		return err_set(err, -ENAMETOOLONG, "the store's path is too long");
	if (!c->parent[0])
		memcpy(c->parent, "/", 2);
	return 0;
}

static bool path_is_inside(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (strcmp(dir, "/") == 0)
		return true;
	return strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* A key file inside the store would be in every backup of it, beside the data that it opens. */
static int key_check_place(struct creation *c, struct err *err)
{
	char path[PATH_MAX], dir[PATH_MAX];
	struct err ignored;
	const char *key, *name;
	struct stat st;
	int r = service_spec_path(c->spec, &key, err);

	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "%s", key);
	r = parent_resolve(path, dir, &name, &ignored);
	if (path_is_inside(key, c->path) || (r == 0 && path_is_inside(dir, c->path)))
		return err_set(err, -EINVAL,
			       "the service key file %s would lie inside the store: a copy of "
			       "the store would contain its key",
			       key);
	if (r == -ENOENT &&
	    path_is_inside(key, SERVICE_KEY_DIR)) /* service_key_create() makes it */
		return 0;
	if (r < 0)
		return err_set(err, r, "folder %s of the service key file: %s", path,
			       strerrordesc_np(-r));
	if (lstat(key, &st) == 0)
		return err_set(err, -EEXIST, "service key file %s exists: it is never overwritten",
			       key);
	return 0;
}

/* Before the key file is looked at: mkfs.depfs given twice is to report the store, not the key that
 * exists too. And in another store, the files of this one would be damaged ciphertext. */
static int other_stores_check(const struct creation *c, struct err *err)
{
	char dir[PATH_MAX + sizeof(STORE_DIR) + 1], above[PATH_MAX];

	(void)snprintf(dir, sizeof(dir), "%s/" STORE_DIR, c->path);
	if (faccessat(AT_FDCWD, dir, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(err, -EEXIST, "%s is a store already", c->path);
	if (store_above(c->path, above))
		return err_set(err, -EINVAL, "%s would lie in the store %s", c->path, above);
	return 0;
}

/* lost+found is there after mkfs(8) of the backing filesystem, TMP_DIR after a killed mkfs.depfs.
 */
static int top_check_empty(const struct creation *c, struct err *err)
{
	int fd = openat(c->top_fd, ".", CREATE_FLAGS);
	CLEANUP(closedir_p) DIR *d = NULL;
	const struct dirent *e;
	int r = fd < 0 ? -errno : dir_from_fd(fd, &d);

	while (r == 0 && (e = readdir(d))) {
		if (strcmp(e->d_name, STORE_DIR) == 0)
			r = -EEXIST;
		else if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
			 strcmp(e->d_name, "lost+found") != 0 && strcmp(e->d_name, TMP_DIR) != 0)
			r = -ENOTEMPTY;
	}
	if (r == -EEXIST)
		return err_set(err, r, "%s is a store already", c->path);
	if (r == -ENOTEMPTY)
		return err_set(err, r, "folder %s is not empty", c->path);
	return r < 0 ? err_set(err, r, "folder %s: %s", c->path, strerrordesc_np(-r)) : 0;
}

static void tmp_remove(struct creation *c)
{
	CLEANUP(close_fd_p) int fd = openat(c->top_fd, TMP_DIR, CREATE_FLAGS | O_NOFOLLOW);

	if (fd < 0)
		return;
	(void)state_folder_remove(fd, STORE_STATE_DIR); /* where one of these fails, the rmdir */
	(void)unlinkat(fd, STORE_SNAPSHOT, 0);		/* fails, and the next mkdir reports it */
	(void)unlinkat(fd, STORE_SNAPSHOT_TMP, 0);
	(void)unlinkat(fd, STORE_FORMAT_FILE, 0);
	(void)unlinkat(c->top_fd, TMP_DIR, AT_REMOVEDIR);
}

static int top_prepare(struct creation *c, struct err *err)
{
	int r;

	if (mkdir(c->path, 0700) == 0)
		c->made_top = true;
	else if (errno != EEXIST)
		return err_set(err, -errno, "folder %s cannot be made: %m", c->path);
	c->top_fd = open(c->path, CREATE_FLAGS);
	if (c->top_fd < 0)
		return err_set(err, -errno, "%s: %m", c->path);
	r = top_check_empty(c, err);
	if (r < 0)
		return r;
	if (flock(c->top_fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, -EBUSY, "another mkfs.depfs is at work in %s", c->path);
	tmp_remove(c);
	if (mkdirat(c->top_fd, TMP_DIR, 0700) < 0)
		return err_set(err, -errno, "%s/" TMP_DIR " cannot be made: %m", c->path);
	c->made_tmp = true;
	return 0;
}

static int key_make(struct creation *c, struct store *s, struct err *err)
{
	int r;

	c->had_key_dir_top = access(KEY_DIR_TOP, F_OK) == 0;
	c->had_key_dir = access(SERVICE_KEY_DIR, F_OK) == 0;
	r = service_key_create(c->spec, c->id, err);
	if (r < 0)
		return r;
	c->made_key = true;
	return service_key_load(c->spec, c->id, &s->sk, err);
}

static int state_fill(struct store *s, struct err *err)
{
	struct store_txn *t;
	int r = store_begin(s, STORE_WRITE, &t, err);

	if (r < 0)
		return r;
	r = store_put(t, TABLE_META, META_CHECK, strlen(META_CHECK), META_CHECK_TEXT,
		      strlen(META_CHECK_TEXT), err);
	if (r == 0)
		return store_commit(t, STORE_COMMIT_SNAPSHOT, err);
	store_abort(t);
	return r;
}

/* Without LMDB's own syncs: the file is synced once, before the rename makes it a store. */
static int state_make(struct creation *c, struct store *s, struct err *err)
{
	CLEANUP(close_fd_p) int fd = -1;
	char data[PATH_MAX];
	int r;

	if (asprintf(&s->dir, "%s/" TMP_DIR, c->path) < 0) {
		s->dir = NULL;
		return err_set(err, -ENOMEM, "out of memory");
	}
	if (snprintf(data, sizeof(data), "%s/" STORE_DATA_FILE, s->dir) >= PATH_MAX)
		return err_set(err, -ENAMETOOLONG, "the store's path is too long");
	s->dir_fd = openat(c->top_fd, TMP_DIR, CREATE_FLAGS);
	if (s->dir_fd < 0 || mkdirat(s->dir_fd, STORE_STATE_DIR, 0700) < 0)
		return err_set(err, -errno, "%s: %m", s->dir);
	r = env_open(&s->env, data, ENV_CREATE, store_map_min_len, err);
	if (r == 0)
		r = state_fill(s, err);
	env_close(&s->env);
	if (r < 0)
		return r;
	fd = openat(s->dir_fd, STORE_DATA_FILE, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return err_set(err, -errno, "%s: %m", data);
	r = fsync_dir(s->dir_fd, STORE_STATE_DIR);
	return r < 0 ? err_set(err, r, "%s: %s", s->dir, strerrordesc_np(-r)) : 0;
}

static int format_write(const struct creation *c, const struct store *s)
{
	CLEANUP(close_fd_p) int fd = -1;
	char line[STORE_FORMAT_MAX];
	int r;

	format_encode(c->id, line);
	fd = openat(s->dir_fd, STORE_FORMAT_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, line, strlen(line));
	if (r == 0 && (fsync(fd) < 0 || fsync(s->dir_fd) < 0))
		r = -errno;
	return r;
}

static int store_publish(struct creation *c, const struct store *s, struct err *err)
{
	int r = format_write(c, s);

	if (r < 0)
		return err_set(err, r, "the format file cannot be written: %s",
			       strerrordesc_np(-r));
	if (renameat(c->top_fd, TMP_DIR, c->top_fd, STORE_DIR) < 0)
		return err_set(err, -errno, "%s/" STORE_DIR " cannot be put in place: %m", c->path);
	if (fsync(c->top_fd) == 0 && (!c->made_top || fsync_dir(AT_FDCWD, c->parent) == 0)) {
		c->done = true;
		return 0;
	}
	r = err_set(err, -errno, "%s cannot be written: %m", c->path);
	(void)renameat(c->top_fd, STORE_DIR, c->top_fd, TMP_DIR); /* creation_end() removes it */
	return r;
}

/* Undoes what was made, unless the store is complete. */
static void creation_end(struct creation *c)
{
	if (!c->done && c->made_key) {
		service_file_discard(c->spec);
		if (!c->had_key_dir)
			(void)rmdir(SERVICE_KEY_DIR); /* fails where another key is in it by now */
		if (!c->had_key_dir_top)
			(void)rmdir(KEY_DIR_TOP);
	}
	if (!c->done && c->made_tmp)
		tmp_remove(c);
	if (!c->done && c->made_top)
		(void)rmdir(c->path);
	close_fd_p(&c->top_fd);
}

int store_create(const char *store_path, const char *service_spec,
		 uint8_t ret_store_id[static UUID_LEN], struct err *err)
{
	CLEANUP(creation_end) struct creation c = {.top_fd = -1};
	CLEANUP(store_free_p) struct store *s = store_new();
	int r;

	if (!s)
		return err_set(err, -ENOMEM, "out of memory");
	if (uuid_draw(c.id) < 0)
		return err_set(err, -EIO, "no randomness can be had");
	if (!service_spec)
		service_key_default_spec(c.id, c.spec, sizeof(c.spec));
	else if (snprintf(c.spec, sizeof(c.spec), "%s", service_spec) >= (int)sizeof(c.spec))
		return err_set(err, -ENAMETOOLONG, "service key: the path is too long");
	s->mode = STORE_SERVE;
	r = path_resolve(&c, store_path, err);
	if (r == 0)
		r = other_stores_check(&c, err);
	if (r == 0)
		r = key_check_place(&c, err);
	if (r == 0)
		r = top_prepare(&c, err);
	if (r == 0)
		r = key_make(&c, s, err);
	if (r == 0)
		r = state_make(&c, s, err);
	if (r == 0)
		r = store_publish(&c, s, err);
	if (r < 0)
		return r;
	memcpy(ret_store_id, c.id, UUID_LEN);
	return 0;
}
