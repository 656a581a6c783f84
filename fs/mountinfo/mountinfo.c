/* fs/mountinfo/mountinfo.c - the parser of /proc/self/mountinfo. */
#include "fs/mountinfo/mountinfo.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define MOUNT_TYPE "fuse.depfs"

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

void mount_unescape(char *text)
{
	char *out = text;

	for (const char *in = text; *in;) {
		if (in[0] == '\\' && is_octal(in[1]) && is_octal(in[2]) && is_octal(in[3])) {
			*out++ = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
			in += 4;
		} else {
			*out++ = *in++;
		}
	}
	*out = '\0';
}

static void entry_fini(struct mount_entry *e)
{
	free(e->root);
	free(e->point);
	free(e->source);
}

void mount_list_fini(struct mount_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		entry_fini(&list->entries[i]);
	free(list->entries);
	*list = (struct mount_list){0};
}

static int list_add(struct mount_list *list, struct mount_entry e)
{
	struct mount_entry *more;

	if (!e.root || !e.point || !e.source) {
		entry_fini(&e);
		return -ENOMEM;
	}
	mount_unescape(e.root);
	mount_unescape(e.point);
	mount_unescape(e.source);

	more = realloc(list->entries, (list->count + 1) * sizeof(*more));
	if (!more) {
		entry_fini(&e);
		return -ENOMEM;
	}
	list->entries = more;
	list->entries[list->count++] = e;
	return 0;
}

/*
 * One line, proc_pid_mountinfo(5):
 *   36 35 98:0 /root /point rw,noatime shared:1 ... - fuse.depfs SOURCE rw,...
 * The optional fields between the options and "-" vary in number. Lines of other types are
 * skipped.
 */
static int list_add_line(struct mount_list *list, char *line)
{
	char *save = NULL;
	char *field[6] = {NULL};
	const char *type, *source;
	unsigned major, minor;

	for (size_t i = 0; i < 6; i++) {
		field[i] = strtok_r(i == 0 ? line : NULL, " \n", &save);
		if (!field[i])
			return 0;
	}
	for (const char *f = ""; strcmp(f, "-") != 0;) {
		f = strtok_r(NULL, " \n", &save);
		if (!f)
			return 0;
	}
	type = strtok_r(NULL, " \n", &save);
	source = strtok_r(NULL, " \n", &save);
	if (!type || !source || strcmp(type, MOUNT_TYPE) != 0)
		return 0;
	if (sscanf(field[2], "%u:%u", &major, &minor) != 2)
		return 0;

	return list_add(list, (struct mount_entry){
				      .dev = makedev(major, minor),
				      .root = strdup(field[3]),
				      .point = strdup(field[4]),
				      .source = strdup(source),
			      });
}

int mount_list_read(const char *path, struct mount_list *ret_list, struct err *err)
{
	CLEANUP(mount_list_fini) struct mount_list list = {0};
	CLEANUP(free_mem_p) char *line = NULL;
	CLEANUP(fclose_p) FILE *f = NULL;
	size_t line_size = 0;

	f = fopen(path, "re");
	if (!f)
		return err_set(err, -errno, "cannot read %s: %s", path, strerror(errno));

	while (getline(&line, &line_size, f) >= 0) {
		int r = list_add_line(&list, line);

		if (r < 0)
			return err_set(err, r, "out of memory");
	}
	if (ferror(f))
		return err_set(err, -EIO, "cannot read %s", path);

	*ret_list = list;
	list = (struct mount_list){0};
	return 0;
}

const struct mount_entry *mount_list_top(const struct mount_list *list, const char *point)
{
	for (size_t i = list->count; i-- > 0;)
		if (strcmp(list->entries[i].point, point) == 0)
			return &list->entries[i];
	return NULL;
}
