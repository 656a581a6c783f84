/* The walk of a job over the store: files of a folder first, then its subfolders in the order of
 * their names, so that a path says how far it came. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/base/cleanup.h"
#include "fs/content/usage.h"
#include "fs/inode/disk.h"
#include "fs/jobs/renewal.h"
#include "fs/walk/walk_internal.h"

#define NAMES_MAX 8192u /* subfolders kept at once; a folder with more is read more often */

/* Ascending names of subfolders, each malloc'ed. */
struct names {
	char **at;
	size_t n;
	bool more; /* there are greater ones */
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

/* Keeps the NAMES_MAX least ones. */
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

/* One path, pushed and popped by a name. */
struct path {
	char *text;
	size_t len, room;
};

static int path_push(struct path *p, const char *name, size_t *ret_len)
{
	size_t len = strlen(name), need = p->len + len + 2;

	if (need > p->room) {
		char *text = realloc(p->text, need * 2);

		if (!text)
			return -ENOMEM;
		p->text = text;
		p->room = need * 2;
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

struct walk {
	struct session *s;
	struct job *j;
	struct err *err;
	const char *cursor; /* what is left of it: the way to where the walk begins; "": there */
	struct path path;
	bool in_order;		 /* the path is a cursor */
	bool whole;		 /* the store rather than the roots: not a cursor of theirs */
	bool counts;		 /* how many, no more */
	unsigned depth;		 /* folders of this walk that are open */
	uint64_t files, visited; /* visited: in this folder */
};

static const struct request rq_job = {.blocking = MAY_BLOCK, .class = REQUEST_SYSTEM};

/* After a crash the walk goes on from here; so all before is on disk first. */
static int checkpoint(struct walk *w)
{
	int r;

	if (!job_rewraps(w->j)) /* it begins anew in any case */
		return job_checkpoint(w->j, "", 0, w->err);
	if (syncfs(w->s->top_fd) < 0)
		return err_set(w->err, -errno, "the store cannot be synced: %s", strerror(errno));
	r = renewals_flush(w->s->engine, w->err);
	return r < 0 ? r : job_checkpoint(w->j, w->path.text, w->visited, w->err);
}

/* Out of order there is no cursor: all is looked at again. */
static int interrupted(struct walk *w)
{
	int r = 0;

	if (w->counts)
		return -EINTR;
	if ((w->in_order && !w->whole) || !job_rewraps(w->j)) {
		r = checkpoint(w);
	} else {
		job_again(w->j);
		r = job_checkpoint(w->j, "", 0, w->err);
	}
	return r < 0 ? r : -EINTR;
}

/* Between two files. */
static int go_on(struct walk *w)
{
	if (job_stops(w->j))
		return interrupted(w);
	if (w->counts)
		return 0;
	job_pace(w->j);
	return w->in_order && !w->whole && job_checkpoint_due(w->j) ? checkpoint(w) : 0;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* DT_DIR, DT_REG, or something else; asked for where the folder does not tell. */
static unsigned char type_of(DIR *dir, const struct dirent *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type;
	if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return DT_UNKNOWN; /* gone */
	return S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_UNKNOWN;
}

static int see_file(struct walk *w, int dir_fd, const char *name, const struct scope *scope)
{
	int r;

	if (w->counts) {
		w->files++;
		return 0;
	}
	r = visit_file(w->s, w->j, dir_fd, name, scope, &rq_job, w->err);
	if (r < 0) {
		int saved = w->in_order && !w->whole ? checkpoint(w) : interrupted(w);

		return saved < 0 && saved != -EINTR ? saved : r;
	}
	w->visited += (uint64_t)r;
	return 0;
}

/* What lies in a folder cannot be judged, so that is told of the folder. */
static int folder_failed(struct walk *w, int dir_fd, const char *name, int r)
{
	if (w->counts)
		return 0;
	if (!job_rewraps(w->j))
		tally_unreadable(w->s);
	visit_failed(w->s, w->j, dir_fd, name, r);
	return 0;
}

/* One folder that is damaged, or that somebody's private mount lies on, stops no job; what all
 * folders would fail by does. */
static int folder_unreadable(struct walk *w, int dir_fd, const char *name, int r)
{
	if (r == -ENOMEM || r == -EMFILE || r == -ENFILE)
		return r;
	return folder_failed(w, dir_fd, name, r);
}

/* Files, when @files; and the names of the least subfolders above @after (NULL: all). */
static int read_folder(struct walk *w, DIR *dir, const struct scope *scope, bool files,
		       const char *after, bool inclusive, struct names *ret_names)
{
	bool top = w->path.len == 0 && w->in_order;
	int r = 0;

	rewinddir(dir);
	for (struct dirent *d; r == 0 && (errno = 0, d = readdir(dir));) {
		unsigned char type = type_of(dir, d);

		if (is_dots(d->d_name) || (top && strcmp(d->d_name, STORE_DIR) == 0))
			continue;
		if (type == DT_REG && files) {
			r = see_file(w, dirfd(dir), d->d_name, scope);
			if (r == 0)
				r = go_on(w);
		} else if (type == DT_DIR) {
			int order = after ? strcmp(d->d_name, after) : 1;

			if (order > 0 || (inclusive && order == 0))
				r = names_add(ret_names, d->d_name);
		}
	}
	if (r == 0 && errno)
		r = folder_unreadable(w, dirfd(dir), "", -errno);
	if (r == 0)
		names_cut(ret_names);
	return r;
}

static int walk_folder(struct walk *w, int dir_fd, const struct scope *scope);

static int walk_inner(struct walk *w, int dir_fd, const char *name, const struct scope *scope)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct scope *inner;
	size_t len;
	int r;

	if (fd < 0) /* gone, or something else by now: who moved it has shown it to the job */
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			       ? 0
			       : folder_unreadable(w, dir_fd, name, -errno);
	r = scope_enter(engine_scopes(w->s->engine), scope, name, &inner);
	if (r == 0)
		r = path_push(&w->path, name, &len);
	if (r < 0) {
		(void)close(fd); /* only read from */
		return r;
	}
	r = walk_folder(w, fd, inner);
	if (r == 0)
		path_pop(&w->path, len);
	return r;
}

static int walk_subfolder(struct walk *w, int dir_fd, const char *name, const struct scope *scope)
{
	int r;

	if (w->depth == walk_depth_max())
		return folder_failed(w, dir_fd, name, -ENAMETOOLONG);
	w->depth++;
	r = walk_inner(w, dir_fd, name, scope);
	w->depth--;
	return r;
}

static int walk_subfolders(struct walk *w, DIR *dir, struct names *names, const struct scope *scope,
			   const char *cursor_name)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < names->n; i++) {
		/* the rest of the cursor is good for the folder that it names, and for no other */
		if (cursor_name && strcmp(names->at[i], cursor_name) != 0)
			w->cursor = "";
		w->visited = 0;
		r = walk_subfolder(w, dirfd(dir), names->at[i], scope);
		w->cursor = "";
		if (r == 0)
			r = go_on(w);
	}
	return r;
}

/* The first name of the cursor, taken off it; NULL: the walk begins here. */
static char *cursor_step(struct walk *w)
{
	size_t len = strcspn(w->cursor, "/");
	char *name = len ? strndup(w->cursor, len) : NULL;

	w->cursor += len + (w->cursor[len] == '/');
	return name;
}

static int walk_dir(struct walk *w, DIR *dir, const struct scope *scope)
{
	bool begins = w->cursor[0] == '\0';
	CLEANUP(free_mem_p) char *first = begins ? NULL : cursor_step(w);
	CLEANUP(free_mem_p) char *after = NULL;
	struct names names = {0};
	int r;

	if (!begins && !first)
		return -ENOMEM;
	w->visited = 0;
	r = read_folder(w, dir, scope, begins, first, true, &names);
	while (r == 0 && names.n) {
		bool more = names.more;

		r = walk_subfolders(w, dir, &names, scope, after ? NULL : first);
		free(after);
		after = strdup(names.at[names.n - 1]);
		names_fini(&names);
		if (r < 0 || !more)
			break;
		r = after ? read_folder(w, dir, scope, false, after, false, &names) : -ENOMEM;
	}
	names_fini(&names);
	return r;
}

/* @dir_fd is consumed. */
static int walk_folder(struct walk *w, int dir_fd, const struct scope *scope)
{
	DIR *dir = fdopendir(dir_fd);
	int r = 0;

	if (!dir) {
		r = -errno;
		(void)close(dir_fd); /* fdopendir did not take it */
		return r;
	}
	if (w->counts || !visit_walked(w->s, dir_fd))
		r = walk_dir(w, dir, scope);
	if (r == 0 && !w->counts)
		visit_mark(w->s, dir_fd);
	(void)closedir(dir); /* only read from */
	if (r < 0 && r != -EINTR)
		(void)err_prefix(w->err, r, "%s", w->path.len ? w->path.text : "the store");
	return r;
}

/* A root that is no folder: of a renewal a file, or gone since the job was asked for. */
static int see_root(struct walk *w, int dir_fd, const char *name, const char *rest, int why,
		    const struct scope *scope)
{
	if (w->whole || job_of(w->j)->kind != JOB_RENEW)
		return 0; /* nothing there yet */
	if (why == -ENOTDIR && !*rest)
		return see_file(w, dir_fd, name, scope);
	if (!w->counts)
		visit_failed(w->s, w->j, dir_fd, name, why);
	return 0;
}

/* A root by its path, opened name by name as the walk itself would. */
static int walk_root(struct walk *w, const char *root)
{
	const struct scope *scope = scope_root(engine_scopes(w->s->engine));
	int fd = openat(w->s->top_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), next, r = 0;
	char name[JOB_ROOT_LEN];
	size_t ignored;

	while (fd >= 0 && *root) {
		size_t len = strcspn(root, "/");

		(void)snprintf(name, sizeof(name), "%.*s", (int)len, root);
		root += len + (root[len] == '/');
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = next < 0 ? -errno : 0;
		if (r == -ENOENT || r == -ENOTDIR) {
			r = see_root(w, fd, name, root, r, scope);
			(void)close(fd); /* only read from */
			return r;
		}
		if (r < 0)
			r = folder_unreadable(w, fd, name, r);
		(void)close(fd); /* the same */
		if (next < 0)
			return r;
		fd = next;
		if (r == 0)
			r = scope_enter(engine_scopes(w->s->engine), scope, name, &scope);
		if (r == 0)
			r = path_push(&w->path, name, &ignored);
	}
	if (r == 0 && fd >= 0)
		return walk_folder(w, fd, scope);
	r = fd < 0 ? -errno : r;
	if (fd >= 0)
		(void)close(fd); /* the same */
	return r;
}

static bool lies_below(const char *path, const char *root, size_t *ret_skip)
{
	size_t len = strlen(root);

	*ret_skip = len + (len && path[len] == '/');
	return strncmp(path, root, len) == 0 && (!len || path[len] == '/' || !path[len]);
}

static int walk_roots(struct walk *w, const char *cursor)
{
	char roots[JOB_ROOTS_MAX][JOB_ROOT_LEN];
	size_t n = job_roots(w->j, roots), skip;
	bool reached = !*cursor;
	int r = 0;

	if (path_push(&w->path, "", &skip) < 0)
		return -ENOMEM;
	if (w->whole)
		return walk_root(w, "");
	for (size_t i = 0; r == 0 && i < n; i++) {
		bool here = !reached && lies_below(cursor, roots[i], &skip);

		if (!reached && !here && strcmp(cursor, roots[i]) > 0)
			continue; /* done before */
		w->cursor = here ? cursor + skip : "";
		reached = true;
		r = walk_root(w, roots[i]);
		if (r == 0)
			path_pop(&w->path, 0);
	}
	return r;
}

int walk_all(struct session *s, struct job *j, const char *cursor, struct err *err)
{
	struct walk w = {.s = s, .j = j, .err = err, .cursor = "", .in_order = true};
	int r = walk_roots(&w, cursor);

	free(w.path.text);
	return r;
}

int walk_store(struct session *s, struct job *j, struct err *err)
{
	struct walk w = {.s = s, .j = j, .err = err, .cursor = "", .in_order = true, .whole = true};
	int r = walk_roots(&w, "");

	free(w.path.text);
	return r;
}

int walk_moved(struct session *s, struct job *j, int dir_fd, const struct scope *scope,
	       struct err *err)
{
	struct walk w = {.s = s, .j = j, .err = err, .cursor = ""};
	size_t ignored;
	int r = path_push(&w.path, "", &ignored);

	if (r < 0)
		(void)close(dir_fd); /* only read from */
	else
		r = walk_folder(&w, dir_fd, scope);
	free(w.path.text);
	return r;
}

int walk_count(struct session *s, struct job *j, uint64_t *ret_files)
{
	struct walk w = {.s = s, .j = j, .cursor = "", .in_order = true, .counts = true};
	int r = walk_roots(&w, "");

	free(w.path.text);
	if (r == 0)
		*ret_files = w.files;
	return r;
}
