/* fs/walk/scan.c - a job that counts: each file once, and the mailboxes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "crypto/base/file.h"
#include "fs/content/usage.h"
#include "fs/policy/scope.h"
#include "fs/walk/purge_list.h"
#include "fs/walk/walk_internal.h"

int walk_scan_file(struct walk *w, struct job *j, int dir_fd, const char *name, int fd,
		   const struct scope *scope)
{
	struct usage_file file = {0};
	int r = fd < 0 ? fd : usage_count(w->v->usage, fd, scope->workload, &file);

	if (fd >= 0)
		(void)close(fd); /* only read from */
	if (r >= 0 && job_of(j)->kind == JOB_PURGE)
		purge_list_add(w, j, &file, dir_fd, name);
	if (r > 0)
		job_file(j, JOB_FILE_DONE);
	if (r < 0 && r != -EBADMSG) /* -EBADMSG: usage_count() counted it */
		usage_count_unreadable(w->v->usage);
	if (r < 0)
		walk_file_failed(w, j, dir_fd, name, r);
	return r != 0;
}

int walk_scan_mailboxes(struct walk *w, uint64_t *ret_n)
{
	int fd = openat(w->v->top_fd, workload_name(WORKLOAD_MAILBOX),
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP(closedir_p) DIR *dir = NULL;
	struct stat st;
	int r;

	*ret_n = 0;
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -errno;
	r = dir_from_fd(fd, &dir);
	if (r < 0)
		return r;
	for (const struct dirent *d; (d = readdir(dir));)
		if (d->d_name[0] != '.' || (d->d_name[1] && strcmp(d->d_name, "..") != 0))
			*ret_n += fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
				  S_ISDIR(st.st_mode);
	return 0;
}
