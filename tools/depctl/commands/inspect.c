/* tools/depctl/commands/inspect.c - depctl inspect: a ciphertext file's header, read without a
 * key. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "crypto/block.h"
#include "crypto/header.h"
#include "fs/mountinfo/mountinfo.h"
#include "tools/depctl/cli/cmd.h"
#include "tools/depctl/commands/commands.h"
#include "tools/depctl/output/json.h"
#include "tools/depctl/output/text.h"

#define FUSE_MAGIC 0x65735546 /* statfs(2) */

struct inspected {
	char *path; /* of the ciphertext */
	uint64_t disk_len, size;
	bool size_fits; /* disk_len is a length that file_disk_len() gives */
	struct header hdr;
};

/* The ciphertext file, in the store, of @real, a path below mount @e. */
static int backing_path(const struct mount_entry *e, const char *real, char **ret_path,
			struct err *err)
{
	size_t point_len = strcmp(e->point, "/") == 0 ? 0 : strlen(e->point);
	const char *root = strcmp(e->root, "/") == 0 ? "" : e->root;
	const char *below = real + point_len;

	if (strncmp(real, e->point, point_len) != 0 || *below != '/')
		return err_set(err, -ENOENT, "%s: not below its mount %s", real, e->point);
	if (strncmp(below, "/.depfs/", 8) == 0 && !*root)
		return err_set(err, -EINVAL, "%s: control files are not stored", real);
	if (asprintf(ret_path, "%s%s%s", e->source, root, below) < 0) {
		*ret_path = NULL;
		return err_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

/* @path lies in a FUSE filesystem: if it is a depfs mount, name the file in its store. */
static int map_mounted(const char *path, const struct stat *st, char **ret_path, struct err *err)
{
	CLEANUP(mount_list_fini) struct mount_list list = {0};
	CLEANUP(free_mem_p) char *real = realpath(path, NULL);
	const struct mount_entry *best = NULL;
	int r;

	if (!real)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	r = mount_list_read(MOUNTINFO_PATH, &list, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list.count; i++) {
		const struct mount_entry *e = &list.entries[i];
		size_t len = strcmp(e->point, "/") == 0 ? 0 : strlen(e->point);

		if (e->dev == st->st_dev && strncmp(real, e->point, len) == 0 && real[len] == '/' &&
		    (!best || len >= strlen(best->point)))
			best = e;
	}
	if (!best)
		return 0; /* another FUSE filesystem, on which a store may lie */
	return backing_path(best, real, ret_path, err);
}

static int locate(const char *path, char **ret_path, struct err *err)
{
	struct statfs fs;
	struct stat st;
	int r = 0;

	if (stat(path, &st) < 0 || statfs(path, &fs) < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if ((uint32_t)fs.f_type == FUSE_MAGIC)
		r = map_mounted(path, &st, ret_path, err);
	if (r == 0 && !*ret_path) {
		*ret_path = strdup(path);
		if (!*ret_path)
			r = err_set(err, -ENOMEM, "out of memory");
	}
	return r;
}

static int open_regular(const char *path, int *ret_fd, uint64_t *ret_len, struct err *err)
{
	CLEANUP(close_fd_p) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL,
			       "%s: only regular files have a header", path);
	*ret_len = (uint64_t)st.st_size;
	*ret_fd = STEAL_FD(fd);
	return 0;
}

static int read_header(int fd, struct inspected *in, struct err *err)
{
	uint8_t bytes[HEADER_LEN];
	ssize_t n;
	int r;

	if (in->disk_len == 0)
		return err_set(err, -EBADMSG, "%s: damaged: an empty file has no header", in->path);
	n = pread(fd, bytes, sizeof(bytes), 0);
	if (n < 0)
		return err_set(err, -errno, "%s: %s", in->path, strerror(errno));
	if (n != HEADER_LEN)
		return err_set(err, -EBADMSG, "%s: damaged: cut off within its header", in->path);
	r = header_decode(bytes, &in->hdr, err);
	if (r < 0)
		return err_prefix(err, r, "%s: %s", in->path,
				  r == -ENOTSUP ? "made by a later depfs" : "damaged");
	if (in->disk_len < BLOCK_LEN)
		return err_set(err, -EBADMSG, "%s: damaged: cut off within its first block",
			       in->path);
	in->size_fits = file_plain_size(in->disk_len, &in->size);
	return 0;
}

/*
 * The store that @path lies in: the nearest folder upwards with a format line, as mkfs.depfs wrote
 * it. False where there is none: a lone file, or a backup of a part.
 */
static bool surrounding_store(const char *path, char ret_id[static UUID_TEXT_LEN])
{
	CLEANUP(free_mem_p) char *dir = realpath(path, NULL);
	char *slash;

	while (dir && (slash = strrchr(dir, '/'))) {
		CLEANUP(free_mem_p) char *format = NULL;
		CLEANUP(fclose_p) FILE *f = NULL;

		*slash = '\0';
		if (asprintf(&format, "%s/.depfs/format", dir) < 0) {
			format = NULL;
			return false;
		}
		f = fopen(format, "re");
		if (f)
			return fscanf(f, "depfs %*u %36s", ret_id) == 1;
	}
	return false;
}

static void holes_text(const struct header *hdr, char *out, size_t out_len)
{
	size_t at = 0;

	(void)snprintf(out, out_len, "none");
	for (size_t i = 0; i < HEADER_HOLES_MAX && hdr->holes[i].count > 0 && at < out_len; i++)
		at += (size_t)snprintf(out + at, out_len - at, "%s%" PRIu32 "-%" PRIu32,
				       i ? ", " : "", hdr->holes[i].start,
				       hdr->holes[i].start + hdr->holes[i].count - 1);
}

static const char *const flags_text[] = {
	[0] = "none",
	[HEADER_FLAG_LOOSE_HOLES] = "loose holes",
	[HEADER_FLAG_RENEWING] = "renewing",
	[HEADER_FLAG_LOOSE_HOLES | HEADER_FLAG_RENEWING] = "loose holes, renewing",
};

static void print_text(const struct inspected *in)
{
	const struct header *hdr = &in->hdr;
	char uuid[UUID_TEXT_LEN], hex[2 * FILE_ID_LEN + 1], holes[128];

	out_pair("file", in->path);
	uuid_encode(hdr->store_id, uuid);
	out_pair("store", uuid);
	hex_encode(hdr->file_id, FILE_ID_LEN, hex);
	out_pair("file id", hex);
	hex_encode(hdr->scope_id, SCOPE_ID_LEN, hex);
	out_pair("scope id", hex);
	printf("suite: %d (AES-256-GCM, AES-256-SIV, HMAC-SHA256)\n", HEADER_SUITE);
	uuid_encode(hdr->ref.policy_id, uuid);
	printf("policy id: %s%s\n", uuid, wrap_ref_is_service(&hdr->ref) ? " (service key)" : "");
	printf("generation: %" PRIu32 "\n", hdr->ref.generation);
	printf("blocks: %" PRIu64 "\n", in->disk_len / BLOCK_LEN);
	printf("size: %" PRIu64 "%s\n", in->size, in->size_fits ? "" : " (estimated)");
	holes_text(hdr, holes, sizeof(holes));
	out_pair("holes", holes);
	out_pair("flags",
		 flags_text[hdr->flags & (HEADER_FLAG_LOOSE_HOLES | HEADER_FLAG_RENEWING)]);
	printf("version: %" PRIu64 "\n", hdr->version_no);
	printf("budget: %" PRIu64 " of %" PRIu64 " block writes\n", hdr->budget, BUDGET_MAX);
}

static json_t *id_json(const uint8_t id[static UUID_LEN])
{
	char uuid[UUID_TEXT_LEN];

	uuid_encode(id, uuid);
	return out_text_json(uuid);
}

static json_t *hex_json(const uint8_t *id, size_t len)
{
	char hex[2 * FILE_ID_LEN + 1];

	hex_encode(id, len, hex);
	return out_text_json(hex);
}

static json_t *holes_json(const struct header *hdr)
{
	json_t *array = json_array();

	for (size_t i = 0; i < HEADER_HOLES_MAX && hdr->holes[i].count > 0; i++) {
		json_t *hole = json_object();

		out_set(hole, "start", json_integer(hdr->holes[i].start));
		out_set(hole, "count", json_integer(hdr->holes[i].count));
		out_append(array, hole);
	}
	return array;
}

static void print_json(const struct inspected *in)
{
	const struct header *hdr = &in->hdr;
	json_t *object = json_object(), *flags = json_array();

	out_set(object, "file", out_text_json(in->path));
	out_set(object, "store", id_json(hdr->store_id));
	out_set(object, "file_id", hex_json(hdr->file_id, FILE_ID_LEN));
	out_set(object, "scope_id", hex_json(hdr->scope_id, SCOPE_ID_LEN));
	out_set(object, "suite", json_integer(HEADER_SUITE));
	out_set(object, "policy_id", id_json(hdr->ref.policy_id));
	out_set(object, "service_key", json_boolean(wrap_ref_is_service(&hdr->ref)));
	out_set(object, "generation", json_integer(hdr->ref.generation));
	out_set(object, "blocks", json_integer((json_int_t)(in->disk_len / BLOCK_LEN)));
	out_set(object, "size", json_integer((json_int_t)in->size));
	out_set(object, "size_fits", json_boolean(in->size_fits));
	out_set(object, "holes", holes_json(hdr));
	if (hdr->flags & HEADER_FLAG_LOOSE_HOLES)
		out_append(flags, json_string("loose holes"));
	if (hdr->flags & HEADER_FLAG_RENEWING)
		out_append(flags, json_string("renewing"));
	out_set(object, "flags", flags);
	out_set(object, "version", json_integer((json_int_t)hdr->version_no));
	out_set(object, "budget", json_integer((json_int_t)hdr->budget));
	out_json(object);
}

/* Faults that the header alone does not show. The header is printed before them, since it helps to
 * find out what happened to the file. */
static int judge(const struct inspected *in, struct err *err)
{
	char here[UUID_TEXT_LEN], named[UUID_TEXT_LEN];

	if (!in->size_fits)
		return err_set(err, -EBADMSG,
			       "%s: damaged: no file of whole blocks has %" PRIu64 " bytes",
			       in->path, in->disk_len);
	uuid_encode(in->hdr.store_id, named);
	if (surrounding_store(in->path, here) && strcmp(here, named) != 0)
		return err_set(err, -EBADMSG, "%s: belongs to store %s, but lies in store %s",
			       in->path, named, here);
	return 0;
}

static int inspect(const char *path, const struct cmd_env *env, struct err *err)
{
	struct inspected in = {0};
	CLEANUP(free_mem_p) char *located = NULL;
	CLEANUP(close_fd_p) int fd = -1;
	int r = locate(path, &located, err);

	if (r == 0)
		r = open_regular(located, &fd, &in.disk_len, err);
	if (r < 0)
		return r;
	in.path = located;
	r = read_header(fd, &in, err);
	if (r < 0)
		return r;
	if (env->json)
		print_json(&in);
	else
		print_text(&in);
	return judge(&in, err);
}

int cmd_inspect(int argc, char **argv, const struct cmd_env *env)
{
	struct err err = {0};
	int r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage("inspect");
	if (argc == 3 && strcmp(argv[1], "--") == 0)
		argv++;
	else if (argc != 2 || (argv[1][0] == '-' && argv[1][1]))
		return cmd_usage_error("inspect", "inspect: one file is needed");
	r = inspect(argv[1], env, &err);
	return r < 0 ? cmd_refuse(r, &err) : CMD_OK;
}
