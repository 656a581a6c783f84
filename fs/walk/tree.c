/* fs/walk/tree.c - the walk of a job over the store: the files of a folder first, then its
 * subfolders in the order of their names, so that a path tells how far the walk has come. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/file.h"
#include "fs/content/usage.h"
#include "fs/inode/fds.h"
#include "fs/jobs/job.h"
#include "fs/jobs/renewal.h"
#include "fs/keyring/keyring.h"
#include "fs/policy/scope.h"
#include "fs/store/store.h"
#include "fs/walk/walk_internal.h"

#define NAMES_MAX 8192u /* subfolders kept at once; a folder with more is read more often */

/* Ascending names of subfolders, each malloc'ed. */
struct names {
	char **at;
	size_t n;
	bool more; /* there are greater names than these */
};

static void names_fini(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->at[i]);
	free(names->at);
	*names = (struct names){0};
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Keeps the NAMES_MAX names that come first. */
static void names_cut(struct names *names)
{
	if (names->n)
		qsort(names->at, names->n, sizeof(*names->at), by_name);
	while (names->n > NAMES_MAX) {
		free(names->at[--names->n]);
		names->more = true;
	}
}

static int names_add(struct names *names, const char *name)
{
	if (!names->at)
		names->at = malloc(2 * NAMES_MAX * sizeof(*names->at));
	if (!names->at)
		return -ENOMEM;
	if (names->more && names->n == NAMES_MAX && strcmp(name, names->at[names->n - 1]) > 0)
		return 0;
	names->at[names->n] = strdup(name);
	if (!names->at[names->n])
		return -ENOMEM;
	if (++names->n == 2 * NAMES_MAX)
		names_cut(names);
	return 0;
}

/* The path of the folder that is walked: names are pushed and popped. */
struct path {
	char *text;
	size_t len, capacity;
};

static int path_push(struct path *p, const char *name, size_t *ret_len)
{
	size_t len = strlen(name), need = p->len + len + 2;

	if (need > p->capacity) {
		char *text = realloc(p->text, need * 2);

		if (!text)
			return -ENOMEM;
		p->text = text;
		p->capacity = need * 2;
	}
	*ret_len = p->len;
	if (p->len)
		p->text[p->len++] = '/';
	memcpy(p->text + p->len, name, len + 1);
	p->len += len;
	return 0;
}

static void path_pop(struct path *p, size_t len)
{
	p->len = len;
	p->text[len] = '\0';
}

struct traversal {
	struct walk *w;
	struct job *j;
	struct err *err;
	const char *cursor; /* its rest below this folder; "": the walk begins here */
	struct path path;
	bool in_order;	    /* the path is a cursor */
	bool whole;	    /* all of the store, not the job's roots: no cursor for these */
	bool counts;	    /* only counts files, processes none */
	unsigned depth;	    /* folders of this traversal that are open */
	uint64_t files;	    /* counted, with `counts` */
	uint64_t processed; /* files processed in this folder */
};

static const struct request rq_job = {.blocking = MAY_BLOCK, .class = REQUEST_SYSTEM};

/* After a crash the job goes on from here, so the files before it are synced first. */
static int checkpoint(struct traversal *t)
{
	int r;

	if (!job_rewraps(t->j)) /* a scan begins anew in any case */
		return job_checkpoint(t->j, "", 0, t->err);
	if (syncfs(t->w->v->top_fd) < 0)
		return err_set(t->err, -errno, "the store cannot be synced: %s", strerror(errno));
	r = renewals_flush(t->w->v->renewals, t->err);
	return r < 0 ? r : job_checkpoint(t->j, t->path.text, t->processed, t->err);
}

/* A walk that does not follow the job's roots in order has no cursor: the job begins anew. */
static int interrupted(struct traversal *t)
{
	int r = 0;

	if (t->counts)
		return -EINTR;
	if ((t->in_order && !t->whole) || !job_rewraps(t->j)) {
		r = checkpoint(t);
	} else {
		job_again(t->j);
		r = job_checkpoint(t->j, "", 0, t->err);
	}
	return r < 0 ? r : -EINTR;
}

/* Between two files: stops, slows down or saves the job when that is due. */
static int go_on(struct traversal *t)
{
	if (job_stops(t->j))
		return interrupted(t);
	if (t->counts)
		return 0;
	job_pace(t->j);
	return t->in_order && !t->whole && job_checkpoint_due(t->j) ? checkpoint(t) : 0;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* DT_DIR, DT_REG, or something else; by fstatat(2) where the folder does not give it. */
static unsigned char type_of(DIR *dir, const struct dirent *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type;
	if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return DT_UNKNOWN; /* gone */
	return S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_UNKNOWN;
}

/* By the job's kind; see "one file for each kind of job" in walk_internal.h. */
static int process_file(struct traversal *t, int dir_fd, const char *name,
			const struct scope *scope)
{
	int fd = walk_open_file(dir_fd, name);

	if (fd == -ENOENT || fd == -ELOOP || fd == -ENXIO) /* removed, a symbolic link, a socket */
		return 0;
	if (walk_renews(t->j))
		return walk_renew_file(t->w, t->j, dir_fd, name, fd, scope, &rq_job, t->err);
	if (!job_rewraps(t->j))
		return walk_scan_file(t->w, t->j, dir_fd, name, fd, scope);
	return walk_rewrap_file(t->w, t->j, dir_fd, name, fd, scope, &rq_job, t->err);
}

static int walk_file(struct traversal *t, int dir_fd, const char *name, const struct scope *scope)
{
	int r;

	if (t->counts) {
		t->files++;
		return 0;
	}
	r = process_file(t, dir_fd, name, scope);
	if (r < 0) {
		int saved = t->in_order && !t->whole ? checkpoint(t) : interrupted(t);

		return saved < 0 && saved != -EINTR ? saved : r;
	}
	t->processed += (uint64_t)r;
	return 0;
}

/* The files below cannot be looked at, so the failure is reported for the folder. */
static int folder_failed(struct traversal *t, int dir_fd, const char *name, int r)
{
	if (t->counts)
		return 0;
	if (!job_rewraps(t->j))
		usage_count_unreadable(t->w->v->usage);
	walk_file_failed(t->w, t->j, dir_fd, name, r);
	return 0;
}

/* A folder that is damaged, or under a user's private mount, does not stop the job; an error that
 * all folders would meet does. */
static int folder_unreadable(struct traversal *t, int dir_fd, const char *name, int r)
{
	if (r == -ENOMEM || r == -EMFILE || r == -ENFILE)
		return r;
	return folder_failed(t, dir_fd, name, r);
}

/* Processes the files, when @files, and collects the first NAMES_MAX names of subfolders after
 * @after (NULL: all), or from @after on when @inclusive. */
static int read_folder(struct traversal *t, DIR *dir, const struct scope *scope, bool files,
		       const char *after, bool inclusive, struct names *ret_names)
{
	bool top = t->path.len == 0 && t->in_order;
	int r = 0;

	rewinddir(dir);
	for (struct dirent *d; r == 0 && (errno = 0, d = readdir(dir));) {
		unsigned char type = type_of(dir, d);

		if (is_dots(d->d_name) || (top && strcmp(d->d_name, STORE_DIR) == 0))
			continue;
		if (type == DT_REG && files) {
			r = walk_file(t, dirfd(dir), d->d_name, scope);
			if (r == 0)
				r = go_on(t);
		} else if (type == DT_DIR) {
			int order = after ? strcmp(d->d_name, after) : 1;

			if (order > 0 || (inclusive && order == 0))
				r = names_add(ret_names, d->d_name);
		}
	}
	if (r == 0 && errno)
		r = folder_unreadable(t, dirfd(dir), "", -errno);
	if (r == 0)
		names_cut(ret_names);
	return r;
}

static int walk_folder(struct traversal *t, int dir_fd, const struct scope *scope);

static int walk_inner(struct traversal *t, int dir_fd, const char *name, const struct scope *scope)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct scope *inner;
	size_t len;
	int r;

	if (fd < 0) /* removed or moved; the operation that moved it has queued it */
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			       ? 0
			       : folder_unreadable(t, dir_fd, name, -errno);
	r = scope_enter(t->w->v->scopes, scope, name, &inner);
	if (r == 0)
		r = path_push(&t->path, name, &len);
	if (r < 0) {
		(void)close(fd); /* only read from */
		return r;
	}
	r = walk_folder(t, fd, inner);
	if (r == 0)
		path_pop(&t->path, len);
	return r;
}

static int walk_subfolder(struct traversal *t, int dir_fd, const char *name,
			  const struct scope *scope)
{
	int r;

	if (t->depth == fds_depth_max())
		return folder_failed(t, dir_fd, name, -ENAMETOOLONG);
	t->depth++;
	r = walk_inner(t, dir_fd, name, scope);
	t->depth--;
	return r;
}

static int walk_subfolders(struct traversal *t, DIR *dir, struct names *names,
			   const struct scope *scope, const char *cursor_name)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < names->n; i++) {
		/* The rest of the cursor belongs to the folder that it names, and to no other. */
		if (cursor_name && strcmp(names->at[i], cursor_name) != 0)
			t->cursor = "";
		t->processed = 0;
		r = walk_subfolder(t, dirfd(dir), names->at[i], scope);
		t->cursor = "";
		if (r == 0)
			r = go_on(t);
	}
	return r;
}

/* Takes the first name off the cursor. NULL: no memory. */
static char *cursor_step(struct traversal *t)
{
	size_t len = strcspn(t->cursor, "/");
	char *name = len ? strndup(t->cursor, len) : NULL;

	t->cursor += len + (t->cursor[len] == '/');
	return name;
}

static int walk_dir(struct traversal *t, DIR *dir, const struct scope *scope)
{
	bool begins = t->cursor[0] == '\0';
	CLEANUP(free_mem_p) char *first = begins ? NULL : cursor_step(t);
	CLEANUP(free_mem_p) char *after = NULL;
	struct names names = {0};
	int r;

	if (!begins && !first)
		return -ENOMEM;
	t->processed = 0;
	r = read_folder(t, dir, scope, begins, first, true, &names);
	while (r == 0 && names.n) {
		bool more = names.more;

		r = walk_subfolders(t, dir, &names, scope, after ? NULL : first);
		free(after);
		after = strdup(names.at[names.n - 1]);
		names_fini(&names);
		if (r < 0 || !more)
			break;
		r = after ? read_folder(t, dir, scope, false, after, false, &names) : -ENOMEM;
	}
	names_fini(&names);
	return r;
}

/* @dir_fd is consumed. */
static int walk_folder(struct traversal *t, int dir_fd, const struct scope *scope)
{
	CLEANUP(closedir_p) DIR *dir = NULL;
	int r = dir_from_fd(dir_fd, &dir);

	if (r < 0)
		return r;
	if (t->counts || !walk_has_passed(t->w, dir_fd))
		r = walk_dir(t, dir, scope);
	if (r == 0 && !t->counts)
		walk_mark_passed(t->w, dir_fd);
	if (r < 0 && r != -EINTR)
		(void)err_prefix(t->err, r, "%s", t->path.len ? t->path.text : "the store");
	return r;
}

/* A root that is not a folder: the file of a renewal, or a folder that was removed since the job
 * was started. */
static int walk_root_file(struct traversal *t, int dir_fd, const char *name, const char *rest,
			  int why, const struct scope *scope)
{
	if (t->whole || job_of(t->j)->kind != JOB_RENEW)
		return 0; /* nothing there yet */
	if (why == -ENOTDIR && !*rest)
		return walk_file(t, dir_fd, name, scope);
	if (!t->counts)
		walk_file_failed(t->w, t->j, dir_fd, name, why);
	return 0;
}

/* Walks a root given by its path, opened name by name as the walk itself would open it. */
static int walk_root(struct traversal *t, const char *root)
{
	const struct scope *scope = scope_root(t->w->v->scopes);
	int fd = openat(t->w->v->top_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), next, r = 0;
	char name[JOB_ROOT_LEN];
	size_t ignored;

	while (fd >= 0 && *root) {
		size_t len = strcspn(root, "/");

		(void)snprintf(name, sizeof(name), "%.*s", (int)len, root);
		root += len + (root[len] == '/');
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = next < 0 ? -errno : 0;
		if (r == -ENOENT || r == -ENOTDIR) {
			r = walk_root_file(t, fd, name, root, r, scope);
			(void)close(fd); /* only read from */
			return r;
		}
		if (r < 0)
			r = folder_unreadable(t, fd, name, r);
		(void)close(fd); /* only read from */
		if (next < 0)
			return r;
		fd = next;
		if (r == 0)
			r = scope_enter(t->w->v->scopes, scope, name, &scope);
		if (r == 0)
			r = path_push(&t->path, name, &ignored);
	}
	if (r == 0 && fd >= 0)
		return walk_folder(t, fd, scope);
	r = fd < 0 ? -errno : r;
	if (fd >= 0)
		(void)close(fd); /* only read from */
	return r;
}

static bool lies_below(const char *path, const char *root, size_t *ret_skip)
{
	size_t len = strlen(root);

	*ret_skip = len + (len && path[len] == '/');
	return strncmp(path, root, len) == 0 && (!len || path[len] == '/' || !path[len]);
}

static int walk_roots(struct traversal *t, const char *cursor)
{
	char roots[JOB_ROOTS_MAX][JOB_ROOT_LEN];
	size_t n = job_roots(t->j, roots), skip;
	bool reached = !*cursor;
	int r = 0;

	if (path_push(&t->path, "", &skip) < 0)
		return -ENOMEM;
	if (t->whole)
		return walk_root(t, "");
	for (size_t i = 0; r == 0 && i < n; i++) {
		bool here = !reached && lies_below(cursor, roots[i], &skip);

		if (!reached && !here && strcmp(cursor, roots[i]) > 0)
			continue; /* done before */
		t->cursor = here ? cursor + skip : "";
		reached = true;
		r = walk_root(t, roots[i]);
		if (r == 0)
			path_pop(&t->path, 0);
	}
	return r;
}

int tree_walk_job(struct walk *w, struct job *j, const char *cursor, struct err *err)
{
	struct traversal t = {.w = w, .j = j, .err = err, .cursor = "", .in_order = true};
	int r = walk_roots(&t, cursor);

	free(t.path.text);
	return r;
}

int tree_walk_store(struct walk *w, struct job *j, struct err *err)
{
	struct traversal t = {
		.w = w, .j = j, .err = err, .cursor = "", .in_order = true, .whole = true};
	int r = walk_roots(&t, "");

	free(t.path.text);
	return r;
}

int tree_walk_folder(struct walk *w, struct job *j, int dir_fd, const struct scope *scope,
		     struct err *err)
{
	struct traversal t = {.w = w, .j = j, .err = err, .cursor = ""};
	size_t ignored;
	int r = path_push(&t.path, "", &ignored);

	if (r < 0)
		(void)close(dir_fd); /* only read from */
	else
		r = walk_folder(&t, dir_fd, scope);
	free(t.path.text);
	return r;
}

int tree_count(struct walk *w, struct job *j, uint64_t *ret_files)
{
	struct traversal t = {.w = w, .j = j, .cursor = "", .in_order = true, .counts = true};
	int r = walk_roots(&t, "");

	free(t.path.text);
	if (r == 0)
		*ret_files = t.files;
	return r;
}
