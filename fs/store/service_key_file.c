/* fs/store/service_key_file.c - the service key's file: read, checked, made. */
#include "fs/store/service_key_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/base/file.h"
#include "fs/store/service_key.h"

/*
 * The file, one line of ASCII:
 *   off len  field
 *     0  18  "depfs-service-key "
 *    18   2  "1 ", the version, else -ENOTSUP
 *    20  36  UUID of the store
 *    56   1  blank
 *    57  64  the key, hex digits
 *   121   1  line feed
 */
#define MAGIC	      "depfs-service-key "
#define MAGIC_LEN     18
#define UUID_OFF      20
#define UUID_CHARS    (UUID_TEXT_LEN - 1)
#define HEX_OFF	      57
#define HEX_LEN	      (2 * WRAP_KEY_LEN)
#define LINE_LEN      122
#define LINE_CAPACITY (LINE_LEN + 1) /* one byte more, to notice a longer file */
#define SPEC_PREFIX   "file:"
#define DIR_MODE      0700
#define KEY_FILE_ERR  "service key file %s"

static_assert(HEX_OFF == UUID_OFF + UUID_CHARS + 1, "the blank between store and key");
static_assert(LINE_LEN == HEX_OFF + HEX_LEN + 1, "the line feed ends the file");

void service_key_default_spec(const uint8_t store_id[static UUID_LEN], char *out, size_t out_len)
{
	char uuid[UUID_TEXT_LEN];

	uuid_encode(store_id, uuid);
	(void)snprintf(out, out_len, SPEC_PREFIX SERVICE_KEY_DIR "/%s.key", uuid);
}

int service_spec_path(const char *spec, const char **ret_path, struct err *err)
{
	const char *path = spec + strlen(SPEC_PREFIX);

	if (strncmp(spec, SPEC_PREFIX, strlen(SPEC_PREFIX)) != 0)
		return err_set(err, -EINVAL, "service key '%s' is not of the form file:PATH", spec);
	if (path[0] != '/')
		return err_set(err, -EINVAL, "service key: the path '%s' is not absolute", path);
	if (strlen(path) >= PATH_MAX)
		return err_set(err, -ENAMETOOLONG, "service key: the path is too long");
	if (path[strlen(path) - 1] == '/')
		return err_set(err, -EINVAL, "service key: the path '%s' names a folder", path);
	*ret_path = path;
	return 0;
}

/* The file opens all data that no policy covers, so that only the daemon's user may have access. */
static int file_check_access(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, KEY_FILE_ERR ": %m", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, KEY_FILE_ERR " is not a regular file", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return err_set(err, -EPERM, KEY_FILE_ERR " belongs to another user (uid %u)", path,
			       st.st_uid);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return err_set(err, -EPERM,
			       KEY_FILE_ERR " is open to others than its owner (mode %04o): "
					    "chmod 600 it",
			       path, st.st_mode & 07777);
	return 0;
}

/* Read into the secure heap directly: a stdio buffer would hold the digits. */
static int line_read(int fd, struct secret *line, const char *path, struct err *err)
{
	size_t done = 0;

	while (done < LINE_CAPACITY) {
		ssize_t n = read(fd, secret_bytes(line) + done, LINE_CAPACITY - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, -errno, KEY_FILE_ERR ": %m", path);
		if (n == 0)
			break;
		done += (size_t)n;
	}
	secret_shrink(line, done);
	return 0;
}

static int line_check(struct secret *line, uint8_t ret_id[static UUID_LEN])
{
	const uint8_t *in = secret_bytes(line);
	size_t len = secret_len(line);
	char uuid[UUID_TEXT_LEN] = {0};

	if (len < UUID_OFF || memcmp(in, MAGIC, MAGIC_LEN) != 0)
		return -EBADMSG;
	if (memcmp(in + MAGIC_LEN, "1 ", 2) != 0)
		return -ENOTSUP;
	if (len != LINE_LEN || in[HEX_OFF - 1] != ' ' || in[LINE_LEN - 1] != '\n')
		return -EBADMSG;
	memcpy(uuid, in + UUID_OFF, UUID_CHARS);
	return uuid_decode(uuid, ret_id) < 0 ? -EBADMSG : 0;
}

static int line_parse(struct secret *line, const uint8_t store_id[static UUID_LEN],
		      struct secret *root, const char *path, struct err *err)
{
	char uuid[UUID_TEXT_LEN];
	uint8_t id[UUID_LEN];
	int r = line_check(line, id);

	if (r == -ENOTSUP)
		return err_set(err, r, KEY_FILE_ERR " was made by a later version of depfs", path);
	if (r == 0) {
		secret_bytes(line)[LINE_LEN - 1] = '\0'; /* hex_decode() takes a string */
		r = hex_decode((char *)secret_bytes(line) + HEX_OFF, secret_bytes(root),
			       WRAP_KEY_LEN);
	}
	if (r < 0)
		return err_set(err, -EBADMSG,
			       KEY_FILE_ERR " is damaged: not one line of a service key", path);
	if (memcmp(id, store_id, UUID_LEN) != 0) {
		uuid_encode(id, uuid);
		return err_set(err, -EKEYREJECTED, KEY_FILE_ERR " is the key of another store (%s)",
			       path, uuid);
	}
	return 0;
}

int service_file_read(const char *spec, const uint8_t store_id[static UUID_LEN],
		      struct secret **ret_root, struct err *err)
{
	CLEANUP(secret_free_p) struct secret *line = NULL;
	CLEANUP(secret_free_p) struct secret *root = NULL;
	CLEANUP(close_fd_p) int fd = -1;
	const char *path;
	int r;

	r = service_spec_path(spec, &path, err);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return err_set(err, -errno, KEY_FILE_ERR ": %m", path);
	r = file_check_access(fd, path, err);
	if (r < 0)
		return r;
	if (secret_new(LINE_CAPACITY, &line) < 0 || secret_new(WRAP_KEY_LEN, &root) < 0)
		return err_set(err, -ENOMEM, "service key: the secure heap is full");
	r = line_read(fd, line, path, err);
	if (r < 0)
		return r;
	r = line_parse(line, store_id, root, path, err);
	if (r < 0)
		return r;
	*ret_root = STEAL(root);
	return 0;
}

static int line_make(const uint8_t store_id[static UUID_LEN], struct secret **ret_line)
{
	CLEANUP(secret_free_p) struct secret *line = NULL;
	CLEANUP(secret_free_p) struct secret *root = NULL;
	char uuid[UUID_TEXT_LEN];
	char *out;

	if (secret_new(LINE_CAPACITY, &line) < 0)
		return -ENOMEM;
	if (secret_new_random(WRAP_KEY_LEN, &root) < 0)
		return -EIO;
	uuid_encode(store_id, uuid);
	out = (char *)secret_bytes(line);
	memcpy(out, MAGIC "1 ", UUID_OFF);
	memcpy(out + UUID_OFF, uuid, UUID_CHARS);
	out[HEX_OFF - 1] = ' ';
	hex_encode(secret_bytes(root), WRAP_KEY_LEN, out + HEX_OFF);
	out[LINE_LEN - 1] = '\n'; /* over the NUL of hex_encode() */
	secret_shrink(line, LINE_LEN);
	*ret_line = STEAL(line);
	return 0;
}

static int line_write(int fd, struct secret *line)
{
	int r = write_all(fd, secret_bytes(line), secret_len(line));

	return r == 0 && fsync(fd) < 0 ? -errno : r;
}

/* Only the default folder is made: a missing folder in a given path is more likely a mistake. */
static int default_dir_make(const char *path, struct err *err)
{
	if (strncmp(path, SERVICE_KEY_DIR "/", strlen(SERVICE_KEY_DIR "/")) != 0)
		return 0;
	if (mkdir("/var/lib/depfs", DIR_MODE) < 0 && errno != EEXIST)
		return err_set(err, -errno,
			       "folder /var/lib/depfs cannot be made: %m; "
			       "--service-key file:PATH names another place");
	if (mkdir(SERVICE_KEY_DIR, DIR_MODE) < 0 && errno != EEXIST)
		return err_set(err, -errno,
			       "folder " SERVICE_KEY_DIR " cannot be made: %m; "
			       "--service-key file:PATH names another place");
	return 0;
}

static int dir_open(const char *path, int *ret_fd, struct err *err)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash == path ? 1 : (size_t)(slash - path);
	int fd;

	memcpy(dir, path, len); /* service_spec_path() bounded it */
	dir[len] = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "folder %s of the service key file: %m", dir);
	*ret_fd = fd;
	return 0;
}

int service_key_create(const char *spec, const uint8_t store_id[static UUID_LEN], struct err *err)
{
	CLEANUP(secret_free_p) struct secret *line = NULL;
	CLEANUP(close_fd_p) int dir_fd = -1, fd = -1;
	const char *path;
	int r;

	r = service_spec_path(spec, &path, err);
	if (r < 0)
		return r;
	r = line_make(store_id, &line);
	if (r < 0)
		return err_set(err, r, "service key: no randomness or no secure memory");
	r = default_dir_make(path, err);
	if (r < 0)
		return r;
	r = dir_open(path, &dir_fd, err);
	if (r < 0)
		return r;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return err_set(err, -EEXIST, KEY_FILE_ERR " exists: it is never overwritten", path);
	if (fd < 0)
		return err_set(err, -errno, KEY_FILE_ERR ": %m", path);
	r = line_write(fd, line);
	if (r == 0 && fsync(dir_fd) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlink(path); /* just made; r is the error to report */
		return err_set(err, r, KEY_FILE_ERR " cannot be written: %s", path,
			       strerrordesc_np(-r));
	}
	return 0;
}

void service_file_discard(const char *spec)
{
	const char *path = NULL;

	if (service_spec_path(spec, &path, NULL) == 0)
		(void)unlink(path); /* undoes after an error, which is the one reported */
}
