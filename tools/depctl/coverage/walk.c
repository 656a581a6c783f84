/* tools/depctl/coverage/walk.c - the coverage of one folder, from the headers of the files below
 * it. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/block.h"
#include "crypto/header.h"
#include "fs/policy/scan.h"
#include "tools/depctl/client/mount_path.h"
#include "tools/depctl/client/policy_view.h"
#include "tools/depctl/coverage/coverage.h"

/* A file of several names, which counts once. */
struct counted {
	dev_t dev;
	ino_t ino;
};

struct walk {
	const char *top;   /* of the store */
	const char *below; /* the folder or file to count, relative to top; "": everything */
	void *counted;	   /* tsearch(3) */
	struct scan_result res;
};

static int counted_compare(const void *a, const void *b)
{
	const struct counted *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

/* 1: this file was counted under another name; 0; -ENOMEM. */
static int counted_before(struct walk *w, const struct stat *st)
{
	struct counted *s;
	struct counted **at;

	if (st->st_nlink < 2)
		return 0;
	s = malloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = (struct counted){st->st_dev, st->st_ino};
	at = tsearch(s, &w->counted, counted_compare);
	if (!at || *at != s)
		free(s);
	return !at ? -ENOMEM : *at != s;
}

/* The first folder of the path decides; a file at the top counts as "other". */
static enum workload workload_of(const char *rel)
{
	size_t len = strcspn(rel, "/");

	return rel[len] ? workload_of_folder(rel, len) : WORKLOAD_OTHER;
}

/* Counts by the rules of a scan. An empty file is still being created, and refers to no key. */
static int file_count(struct walk *w, const char *rel, const FTSENT *e)
{
	CLEANUP(close_fd_p)
	int fd = open(e->fts_accpath, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	uint8_t bytes[HEADER_LEN];
	struct header hdr;
	struct stat st;
	uint64_t size;
	ssize_t n;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == ENOENT || errno == ELOOP ? 0 : -errno; /* deleted meanwhile */
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return 0;
	r = counted_before(w, &st);
	if (r != 0)
		return r < 0 ? r : 0;
	n = pread(fd, bytes, sizeof(bytes), 0);
	if (n != HEADER_LEN || header_decode(bytes, &hdr, NULL) < 0) {
		w->res.unreadable++;
		return 0;
	}
	if (!file_plain_size((uint64_t)st.st_size, &size))
		size = 0; /* its header refers to a policy all the same */
	return scan_add(&w->res, workload_of(rel), &hdr.ref, 1, (int64_t)size);
}

/* "mailbox/ID", and nothing deeper. */
static bool is_mailbox(const char *rel)
{
	return workload_of(rel) == WORKLOAD_MAILBOX && !strchr(strchr(rel, '/') + 1, '/');
}

static int entry_count(struct walk *w, FTS *fts, FTSENT *e)
{
	const char *rel = e->fts_path + strlen(w->top);

	rel += strspn(rel, "/");
	switch (e->fts_info) {
	case FTS_D:
		if (strcmp(rel, ".depfs") == 0)
			return fts_set(fts, e, FTS_SKIP) < 0 ? -errno : 0;
		w->res.mailboxes += is_mailbox(rel);
		return 0;
	case FTS_F:
		return file_count(w, rel, e);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		if (e->fts_errno == ENOENT && e->fts_level > FTS_ROOTLEVEL)
			return 0; /* deleted meanwhile */
		return -e->fts_errno;
	default:
		return 0;
	}
}

/* The path in the store. It must hold no symbolic link (the path in the mount has none), which
 * could lead to files outside of the store. */
static int path_in_store(const struct walk *w, char **ret_path, struct err *err)
{
	CLEANUP(free_mem_p) char *path = NULL;
	CLEANUP(free_mem_p) char *real = NULL;

	if (asprintf(&path, "%s%s%s", w->top, *w->below ? "/" : "", w->below) < 0) {
		path = NULL;
		return err_set(err, -ENOMEM, "out of memory");
	}
	real = realpath(path, NULL);
	if (!real)
		return err_set(err, -errno, "%s: %m", path);
	if (strcmp(real, path) != 0)
		return err_set(err, -ELOOP, "%s: leads through a symbolic link in the store", path);
	*ret_path = STEAL(path);
	return 0;
}

static int walk(struct walk *w, struct err *err)
{
	CLEANUP(free_mem_p) char *path = NULL;
	char *paths[2] = {NULL, NULL};
	FTS *fts;
	int r = path_in_store(w, &path, err);

	if (r < 0)
		return r;
	paths[0] = path;
	fts = fts_open(paths, FTS_PHYSICAL, NULL);
	if (!fts)
		return err_set(err, -errno, "%s: %m", path);
	for (FTSENT *e; r == 0 && (errno = 0, e = fts_read(fts));) {
		r = entry_count(w, fts, e);
		if (r < 0)
			(void)err_set(err, r, "%s%s: %s", e->fts_path,
				      r == -EACCES ? ", where the headers are" : "", strerror(-r));
	}
	if (r == 0 && errno)
		r = err_set(err, -errno, "%s: %m", path);
	(void)fts_close(fts); /* nothing was written */
	return r;
}

/*
 * Writes dirty pages first, since they are in no header or length yet. A failure is ignored: it is
 * reported to the program that wrote (fsync(2), close(2)), and the headers on disk are valid.
 */
static int flush(struct client *ctl, struct err *err)
{
	CLEANUP(close_fd_p) int fd = -1;
	int r = client_fd(ctl, "status", &fd, err); /* any file of this filesystem */

	if (r == 0)
		(void)syncfs(fd); /* as above */
	return r;
}

/* ---- the result, as the lines of the control file "scan" ---- */

static int row_compare(const void *a, const void *b)
{
	const struct scan_row *x = a, *y = b;
	int order = memcmp(x->ref.policy_id, y->ref.policy_id, UUID_LEN);

	if (x->workload != y->workload)
		return x->workload < y->workload ? -1 : 1;
	if (order)
		return order;
	return x->ref.generation < y->ref.generation ? -1 : x->ref.generation > y->ref.generation;
}

static void row_write(FILE *out, struct client *ctl, size_t no, const struct scan_row *row)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	bool service = wrap_ref_is_service(&row->ref);
	const char *name = "service key";
	char id[UUID_TEXT_LEN];

	uuid_encode(row->ref.policy_id, id);
	if (!service)
		name = policy_view_find(ctl, id, &v, NULL) == 0 ? policy_view_get(&v, "name") : "";
	(void)fprintf(out, "row %zu: %s %s %u %llu %llu %s\n", no, workload_name(row->workload),
		      service ? "none" : id, row->ref.generation, (unsigned long long)row->files,
		      (unsigned long long)row->bytes, name);
}

static void time_write(FILE *out, const char *what, time_t at)
{
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&at, &tm))
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	(void)fprintf(out, "%s: %s\n", what, text);
}

static int lines_write(struct walk *w, struct client *ctl, time_t started, char **ret_text)
{
	size_t len;
	FILE *out = open_memstream(ret_text, &len);

	if (!out)
		return -ENOMEM;
	(void)fputs("job: none\n", out);
	time_write(out, "started", started);
	time_write(out, "ended", time(NULL));
	(void)fprintf(out, "mailboxes: %llu\nunreadable: %llu\n",
		      (unsigned long long)w->res.mailboxes, (unsigned long long)w->res.unreadable);
	if (w->res.n_rows)
		qsort(w->res.rows, w->res.n_rows, sizeof(*w->res.rows), row_compare);
	for (size_t i = 0; i < w->res.n_rows; i++)
		row_write(out, ctl, i + 1, &w->res.rows[i]);
	return fclose(out) == 0 ? 0 : -ENOMEM;
}

static int store_find(struct client *ctl, char **ret_store, struct err *err)
{
	CLEANUP(fields_fini) struct fields status = {0};
	const char *store = NULL;
	int r = fields_read(ctl, "status", &status, err);

	if (r < 0)
		return r;
	store = fields_get(&status, "store");
	if (!store)
		return err_set(err, -EPROTO, "status does not tell where the store is");
	*ret_store = realpath(store, NULL);
	return *ret_store ? 0 : err_set(err, -errno, "%s: %m", store);
}

static int count(struct walk *w, struct client *ctl, char **ret_text, struct err *err)
{
	time_t started = time(NULL);
	int r = flush(ctl, err);

	if (r == 0)
		r = walk(w, err);
	return r < 0 ? r : lines_write(w, ctl, started, ret_text);
}

int coverage_walk(struct client *ctl, const char *path, struct coverage *ret_cov, struct err *err)
{
	CLEANUP(free_mem_p) char *below = NULL;
	CLEANUP(free_mem_p) char *store = NULL;
	struct walk w = {0};
	char *text = NULL;
	int r = mount_path_find(client_mount(ctl), path, &below, err);

	if (r == 0)
		r = store_find(ctl, &store, err);
	if (r < 0)
		return r;
	w.top = store;
	w.below = below;
	w.res.mailboxes = workload_of(below) == WORKLOAD_MAILBOX && !is_mailbox(below);
	r = count(&w, ctl, &text, err);
	scan_result_fini(&w.res);
	tdestroy(w.counted, free);
	if (r == 0)
		return coverage_parse(text, *below ? below : ".", ret_cov, err);
	free(text);
	return r == -ENOMEM ? err_set(err, r, "out of memory") : r;
}
