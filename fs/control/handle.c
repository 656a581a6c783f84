/* fs/control/handle.c - open files: content printed at open, one command a write, its answer read
 * back. */
#include "fs/control/handle_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>

/*
 * A handle shows what its file held when it was opened; after a write, the write's answer. @base
 * is the file position at which the text starts: a program that goes on reading where its write
 * ended gets the answer whole, and so does one that seeks to the start.
 */
struct vtree_file {
	LIST_ENTRY(vtree_file) others; /* guarded by control.streams_lock */
	struct control *c;
	struct ctl_ref ref; /* row NULL: a folder */
	struct actor opener;
	int flags;
	struct ctl_stream stream; /* guarded by control.streams_lock */

	pthread_mutex_t lock; /* guards the rest */
	char *text;
	size_t text_len;
	off_t base;
	bool written;
	int failed;		  /* errno of the newest write, when it failed; else 0 */
	struct ctl_cursor cursor; /* of a CTL_STREAM row */
};

static void file_free(struct vtree_file *f)
{
	pthread_mutex_destroy(&f->lock);
	free(f->text);
	free(f->cursor.lines);
	free(f);
}
DEFINE_CLEANUP(struct vtree_file *, file_free)

static bool file_reads(const struct vtree_file *f)
{
	return (f->flags & O_ACCMODE) != O_WRONLY;
}

static bool file_writes(const struct vtree_file *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY;
}

static struct vtree_file *file_new(struct control *c, const struct ctl_ref *ref, int flags,
				   const struct actor *actor)
{
	struct vtree_file *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->c = c;
	f->ref = *ref;
	f->opener = *actor;
	f->flags = flags;
	f->cursor.seq = 1;
	pthread_mutex_init(&f->lock, NULL);
	return f;
}

/* show() - print the content of a new handle, which no other thread can reach yet: no lock. */
static int show(struct vtree_file *f, struct ctl_call *call)
{
	int r;

	call->out = open_memstream(&f->text, &f->text_len);
	if (!call->out)
		return -ENOMEM;
	r = f->ref.row->show(call);
	if (fclose(STEAL(call->out)) != 0 && r == 0)
		r = -ENOMEM; /* the only way for a stream in memory to fail */
	return r;
}

/* open_check() - the kernel's check of mode bits, repeated: root is exempt from it, and the tree
 * may be used without a kernel. */
static int open_check(const struct ctl_call *call, int flags)
{
	const struct ctl_row *row = call->ref.row;
	bool writes = (flags & O_ACCMODE) != O_RDONLY;

	if (!row && writes)
		return -EISDIR;
	if (writes && !row->store)
		return -EACCES;
	return ctl_may(call->c, call->actor);
}

/* open_refused() - records a failed open in last_error and error_log, as a failed write. */
static int open_refused(struct ctl_call *call, int r)
{
	char path[CTL_PATH_MAX];

	call->refused = true;
	if (r == -EACCES && ctl_may(call->c, call->actor) == 0)
		(void)err_set(&call->err, r, "%s: cannot be written", call->ref.row->name);
	else if (r == -EACCES)
		(void)err_set(&call->err, r, "uid %u is not the owner and not in the admin group",
			      call->actor->uid);
	ctl_path(call->c, &call->ref, path);
	ctl_failed(call->c, &call->ref, path, call->actor, r, err_text(&call->err, r));
	ctl_record(call, NULL, path, r);
	return r;
}

int ctl_open(void *tree, uint64_t node, int flags, const struct actor *actor,
	     struct vtree_file **ret_file)
{
	CLEANUP(file_free_p) struct vtree_file *f = NULL;
	struct ctl_call call = {.c = tree, .actor = actor};
	int r;

	r = ctl_resolve(call.c, node, &call.ref);
	if (r < 0)
		return r;
	r = open_check(&call, flags);
	if (r < 0)
		return open_refused(&call, r);
	f = file_new(call.c, &call.ref, flags, actor);
	if (!f)
		return -ENOMEM;
	if (call.ref.row && file_reads(f) && !(call.ref.row->flags & CTL_STREAM)) {
		r = show(f, &call);
		if (r < 0)
			return r;
	}
	pthread_mutex_lock(&call.c->streams_lock);
	LIST_INSERT_HEAD(&call.c->files, f, others);
	pthread_mutex_unlock(&call.c->streams_lock);
	*ret_file = STEAL(f);
	return 0;
}

/* read_locked() - a piece of the text; f->lock is held. */
static ssize_t read_locked(struct vtree_file *f, char *buf, size_t len, off_t off)
{
	size_t at;

	if (off < f->base)
		f->base = 0;
	if ((uint64_t)(off - f->base) >= f->text_len)
		return 0;
	at = (size_t)(off - f->base);
	if (len > f->text_len - at)
		len = f->text_len - at;
	memcpy(buf, f->text + at, len);
	return (ssize_t)len;
}

ssize_t ctl_read(struct vtree_file *f, char *buf, size_t len, off_t off)
{
	ssize_t n;

	if (!f->ref.row)
		return -EISDIR;
	if (!file_reads(f))
		return -EBADF;
	if (off < 0)
		return -EINVAL;
	pthread_mutex_lock(&f->lock);
	if (f->ref.row->flags & CTL_STREAM)
		n = ctl_events_read(f->c, &f->cursor, buf, len);
	else
		n = read_locked(f, buf, len, off);
	pthread_mutex_unlock(&f->lock);
	return n;
}

/* place_check() - a command is one write at offset 0, or with O_APPEND the handle's first write. */
static int place_check(struct vtree_file *f, struct ctl_call *call, off_t off)
{
	bool again;

	pthread_mutex_lock(&f->lock);
	again = f->written;
	f->written = true;
	pthread_mutex_unlock(&f->lock);
	if (off == 0 || ((f->flags & O_APPEND) && !again))
		return 0;
	return ctl_refuse(call, -EINVAL,
			  "%s: a command is one write at offset 0, this one came at offset %lld",
			  f->ref.row->name, (long long)off);
}

/* try_out() - a command behind "dry-run": answered in one line, since nothing that it would say has
 * happened. */
static int try_out(struct ctl_call *call, const char *in)
{
	const struct actor *actor = call->actor;
	struct actor trying = *actor;
	int r;

	trying.dry_run = true;
	call->actor = &trying;
	r = call->ref.row->store(call, in);
	call->actor = actor;
	rewind(call->out);
	if (r == 0)
		(void)fputs("ok: nothing is changed; no check refuses it\n", call->out);
	return r;
}

/* carry_out() - one command, from the check of its caller to its answer in call->out. */
static int carry_out(struct vtree_file *f, struct ctl_call *call, const char *buf, size_t len,
		     off_t off)
{
	static const char dry_run[] = "dry-run ";
	char in[CTL_WRITE_MAX + 1];
	int r = ctl_may_write(f->c, call->actor, &f->opener);

	if (r < 0)
		return ctl_refuse(call, r,
				  "%s: uid %u writes to a handle it was handed, but is not the "
				  "owner and not known to be in the admin group",
				  f->ref.row->name, call->actor->uid);
	r = place_check(f, call, off);
	if (r < 0)
		return r;
	r = ctl_text_clean(call, buf, len, in);
	if (r < 0)
		return r;
	if (f->ref.row->flags & CTL_DRY_RUN && strncmp(in, dry_run, strlen(dry_run)) == 0)
		return try_out(call, in + strlen(dry_run));
	return f->ref.row->store(call, in);
}

/* answer() - @text, which is taken over, is what the handle shows from @off on. @r: result of the
 * write. */
static void answer(struct vtree_file *f, char *text, size_t text_len, off_t off, int r)
{
	char *old;

	pthread_mutex_lock(&f->lock);
	f->failed = r;
	old = f->text;
	f->text = text;
	f->text_len = text_len;
	f->base = off;
	pthread_mutex_unlock(&f->lock);
	free(old);
}

static void write_failed(struct vtree_file *f, struct ctl_call *call, const char *path, int r)
{
	const char *sentence = err_text(&call->err, r);
	char *text = NULL;
	int text_len = asprintf(&text, "%s\n", sentence);

	/* A write that failed does not move the file position. */
	answer(f, text_len < 0 ? NULL : text, text_len < 0 ? 0 : (size_t)text_len, 0, r);
	ctl_failed(f->c, &call->ref, path, call->actor, r, sentence);
}

/*
 * refused_before() - errno of the previous write, when it failed and this write is blank; else 0. A
 * shell whose write of a line failed may write the rest of it, the newline: that must not replace
 * the first failure.
 */
static int refused_before(struct vtree_file *f, const char *buf, size_t len)
{
	int r;

	if (f->ref.row->flags & CTL_EMPTY || !ctl_is_blank(buf, len))
		return 0;
	pthread_mutex_lock(&f->lock);
	r = f->failed;
	pthread_mutex_unlock(&f->lock);
	return r;
}

ssize_t ctl_write(struct vtree_file *f, const char *buf, size_t len, off_t off,
		  const struct actor *actor)
{
	CLEANUP(free_mem_p) char *text = NULL;
	struct ctl_call call = {.c = f->c, .ref = f->ref, .actor = actor};
	char path[CTL_PATH_MAX];
	size_t text_len = 0;
	int r;

	if (!f->ref.row || !file_writes(f))
		return -EBADF;
	r = refused_before(f, buf, len);
	if (r < 0)
		return r;
	call.out = open_memstream(&text, &text_len); /* first: nothing is done when it fails */
	if (!call.out)
		return -ENOMEM;
	r = carry_out(f, &call, buf, len, off);
	if (fclose(STEAL(call.out)) != 0)
		text_len = 0; /* the command was carried out; only the answer is lost */

	ctl_path(f->c, &call.ref, path);
	if (r < 0) {
		write_failed(f, &call, path, r);
	} else {
		atomic_fetch_add(&f->ref.folder->writes, 1);
		answer(f, STEAL(text), text_len, off + (off_t)len, 0);
	}
	ctl_record(&call, &f->opener, path, r);
	return r < 0 ? r : (ssize_t)len;
}

unsigned ctl_poll(struct vtree_file *f, void (*notify)(void *arg), void (*drop)(void *arg),
		  void *arg)
{
	bool stream = f->ref.row && f->ref.row->flags & CTL_STREAM;
	bool ready;

	if (!stream) { /* always ready, and that never changes */
		if (notify)
			drop(arg);
		return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
	}
	/* Before the check below, so that no event in between is missed. */
	ctl_stream_watch(f->c, &f->stream, notify, drop, arg);
	pthread_mutex_lock(&f->lock);
	ready = ctl_events_ready(f->c, &f->cursor);
	pthread_mutex_unlock(&f->lock);
	return ready ? POLLIN | POLLRDNORM : 0;
}

void ctl_release(struct vtree_file *f)
{
	ctl_stream_watch(f->c, &f->stream, NULL, NULL, NULL);
	pthread_mutex_lock(&f->c->streams_lock);
	LIST_REMOVE(f, others);
	pthread_mutex_unlock(&f->c->streams_lock);
	file_free(f);
}

void ctl_files_fini(struct control *c)
{
	struct vtree_file *f;

	while ((f = LIST_FIRST(&c->files)))
		ctl_release(f);
}
