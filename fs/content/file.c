#include "fs/content/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/base/cleanup.h"
#include "fs/content/blocks.h"
#include "fs/content/fresh.h"
#include "fs/content/keys.h"
#include "fs/content/recover.h"
#include "fs/content/tally.h"
#include "fs/content/worker.h"
#include "fs/inode/disk.h"
#include "fs/store/intent.h"

#define STORE_PATH_ROOM 4096
#define KEY_ATTEMPTS	8 /* the policy was assigned anew each time we looked */

/* Path relative to the store's top, for events; the inode's number where it cannot be told. */
static const char *path_in_store(struct session *s, int fd, char room[static STORE_PATH_ROOM])
{
	size_t store_len = strlen(s->store);
	struct stat st;

	if (fd_name(fd, room, STORE_PATH_ROOM) < 0) /* longer than a path may be */
		(void)snprintf(room, STORE_PATH_ROOM, "inode %ju",
			       fstat(fd, &st) == 0 ? (uintmax_t)st.st_ino : 0);
	return strncmp(room, s->store, store_len) == 0 && room[store_len] == '/'
		       ? room + store_len + 1
		       : room;
}

int file_damage(struct session *s, int fd, uint64_t block_no, const char *what)
{
	char room[STORE_PATH_ROOM];

	engine_damage(s->engine, path_in_store(s, fd, room), block_no, what);
	return -EIO;
}

void file_event(struct session *s, int fd, const char *event, uint64_t number)
{
	char room[STORE_PATH_ROOM];
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("path", path_in_store(s, fd, room)),
		AUDIT_FIELD_U64("number", number),
	};

	audit_event(engine_audit(s->engine), event, NULL, "ok", fields, 2);
}

void file_budget_event(struct session *s, int fd, const char *event, uint64_t used)
{
	char room[STORE_PATH_ROOM], reason[STORE_PATH_ROOM + 160];
	const char *path = path_in_store(s, fd, room);
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("path", path),
		AUDIT_FIELD_U64("number", used),
		AUDIT_FIELD_STR("reason", reason),
	};

	(void)snprintf(reason, sizeof(reason),
		       "%llu of the %llu block writes that its data key is good for are used%s: "
		       "depctl renew '%s/%s' gives it a fresh key",
		       (unsigned long long)used, (unsigned long long)BUDGET_MAX,
		       used + 1 > BUDGET_WARN && strcmp(event, "write-budget-low") != 0
			       ? ", and writing to it is refused"
			       : "",
		       s->mount, path);
	audit_event(engine_audit(s->engine), event, NULL, "ok", fields, 3);
}

static void file_free(struct file *f)
{
	if (!f)
		return;
	dek_free(f->dek);
	dek_free(f->old_dek);
	holes_fini(&f->holes);
	close_fd_p(&f->fd);
	file_lock_fini(&f->lock);
	free(f);
}
DEFINE_CLEANUP(struct file *, file_free)

static struct file *file_new(struct inode *i)
{
	struct file *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	file_lock_init(&f->lock);
	f->inode = i;
	f->fd = -1;
	return f;
}

/* Publishes @f as the inode's content; the stripe is held. Where its policy is denied, a system
 * request opened it, or it was made as the denial came. */
static void publish_locked(struct session *s, struct inode *i, struct file *f)
{
	if (file_tag_locked(s, f, &f->hdr.ref)) {
		atomic_store(&f->state, CONTENT_REVOKED);
		(void)file_forget_key_locked(f);
	}
	f->opens = 1;
	f->published = true;
	i->file = f;
	inode_hold(s->inodes, i);
}

int file_adopt(struct session *s, struct inode *i, struct fresh *n, int fd, struct file **ret_file)
{
	pthread_mutex_t *stripe = inode_stripe(s->inodes, i);
	struct file *f = file_new(i);

	if (!f)
		return -ENOMEM;
	f->fd = fd;
	f->writable = true;
	f->hdr = n->hdr;
	f->dek = STEAL(n->dek);
	f->budget_used = f->unsynced = n->hdr.budget;
	pthread_mutex_lock(stripe);
	publish_locked(s, i, f);
	tally_open(s, f);
	pthread_mutex_unlock(stripe);
	*ret_file = f;
	return 0;
}

/* ---- loading ---- */

static int open_backing(struct session *s, struct inode *i, bool *ret_writable)
{
	char link[FD_PATH_LEN];
	int path_fd, fd, r = inode_fd(s->inodes, i, &path_fd);

	if (r < 0)
		return r;
	fd_path(path_fd, link);
	*ret_writable = !s->read_only;
	fd = open(link, (s->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOATIME);
	if (fd < 0 && errno == EPERM) /* O_NOATIME is the owner's */
		fd = open(link, (s->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (fd < 0 && (errno == EACCES || errno == EROFS || errno == ETXTBSY)) {
		*ret_writable = false;
		fd = open(link, O_RDONLY | O_CLOEXEC);
	}
	r = fd_for_file(fd);
	inode_fd_done(s->inodes, i);
	return r;
}

/* Whether an unclean stop came between the two steps of a rename across scopes. */
static bool was_moving(struct session *s, const struct scope *scope, const struct header *hdr)
{
	return s->unclean_since &&
	       intent_allows(engine_store(s->engine), hdr->file_id, hdr->scope_id, scope->id);
}

/* What the header alone can be found guilty of. */
static const char *header_fault(struct session *s, const struct inode *i, const struct header *hdr)
{
	if (memcmp(hdr->store_id, store_format_of(engine_store(s->engine))->store_id, UUID_LEN) !=
	    0)
		return "header of another store";
	if (memcmp(hdr->scope_id, i->scope->id, SCOPE_ID_LEN) != 0 && !was_moving(s, i->scope, hdr))
		return "header of another scope";
	return NULL;
}

/* A rename across scopes that a crash cut in two: the header follows the name. */
static int finish_move(struct session *s, struct file *f, const struct request *rq)
{
	const struct scope *scope = f->inode->scope;

	if (memcmp(f->hdr.scope_id, scope->id, SCOPE_ID_LEN) == 0)
		return 0;
	return file_move_scope(s, f, scope, rq);
}

static int load_header(struct session *s, struct file *f, const struct request *rq)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	uint8_t bytes[HEADER_LEN];
	const char *fault;
	struct err err = {0};
	int r;

	r = disk_read(f->fd, bytes, HEADER_LEN, 0);
	if (r == -ENODATA)
		return file_damage(s, f->fd, 0, "file without a header");
	if (r < 0)
		return r;
	r = header_decode(bytes, &f->hdr, &err);
	fault = r < 0 ? err_text(&err, r) : header_fault(s, f->inode, &f->hdr);
	if (fault)
		return file_damage(s, f->fd, 0, fault);
	r = request_kek(s, &f->hdr.ref, rq, &kek);
	if (r < 0)
		return r == -ENOKEY ? file_damage(s, f->fd, 0, "header names an unknown policy")
				    : r;
	r = dek_unwrap(kek, &f->hdr, &f->dek);
	if (r == 0)
		r = header_verify(bytes, f->dek);
	if (r == 0)
		return keys_load_old(s, f);
	return r == -EBADMSG ? file_damage(s, f->fd, 0, "header") : r;
}

static int start_over(struct session *s, struct file *f, const struct request *rq);

/* An unclean stop came between making the file and writing its first block: nobody had written to
 * it yet. */
static int finish_creation(struct session *s, struct file *f, const struct request *rq)
{
	int r = start_over(s, f, rq);

	if (r == 0)
		file_event(s, f->fd, "file-completed", 0);
	return r;
}

/* A file cut to its first block looks empty, and nobody reads an empty file: so that block is
 * looked at now. */
static int check_empty(struct session *s, struct file *f)
{
	struct worker *w = worker_self();

	return w ? blocks_open_old(s, f, w, 0, w->tail) : -ENOMEM;
}

static int load_content(struct session *s, struct file *f, const struct request *rq)
{
	struct stat st;
	uint64_t size;
	int r;

	if (fstat(f->fd, &st) < 0)
		return -errno;
	if (st.st_size == 0 && s->unclean_since && st.st_ctime >= s->unclean_since && f->writable)
		return finish_creation(s, f, rq);
	r = load_header(s, f, rq);
	if (r < 0)
		return r;
	r = holes_from_header(&f->holes, f->hdr.holes);
	f->budget_used = f->hdr.budget;
	if (r == 0)
		r = finish_move(s, f, rq);
	if (r < 0)
		return r;
	if (s->unclean_since && st.st_ctime >= s->unclean_since) {
		r = recover_tail(s, f, (uint64_t)st.st_size, &size);
		if (r < 0)
			return r;
	} else if (!file_plain_size((uint64_t)st.st_size, &size)) {
		return file_damage(s, f->fd, (uint64_t)st.st_size / BLOCK_LEN, "size");
	}
	atomic_store(&f->size, size);
	return size ? 0 : check_empty(s, f);
}

/* O_TRUNC: a fresh key, and nothing of the old content is looked at. In place first, so that a full
 * disk cannot leave a file without its header. */
static int start_over_entered(struct session *s, struct file *f, const struct request *rq)
{
	struct fresh n = {0};
	bool denied;
	int r;

	r = fresh_init(s, f->inode->scope, NULL, rq, &n);
	if (r < 0)
		return r;
	r = fresh_write(&n, f->fd);
	if (r == 0 && ftruncate(f->fd, BLOCK_LEN) < 0)
		r = -errno;
	if (r < 0) {
		fresh_fini(&n);
		return r;
	}
	keys_drop_old(s, f);
	denied = file_tag_locked(s, f, &n.hdr.ref); /* its old content is nobody's any more */
	dek_free(f->dek);
	holes_fini(&f->holes);
	f->hdr = n.hdr;
	f->dek = n.dek;
	f->budget_used = f->unsynced = n.hdr.budget;
	f->header_dirty = f->holes_changed = false;
	atomic_store(&f->size, 0);
	atomic_store(&f->state, denied ? CONTENT_REVOKED : CONTENT_OPEN);
	if (f->published)
		(void)file_forget_key_locked(f); /* revoked: each request asks for it */
	return 0;
}

static int start_over(struct session *s, struct file *f, const struct request *rq)
{
	unsigned room = engine_target_enter(s->engine); /* until its header is on disk */
	int r = start_over_entered(s, f, rq);

	engine_target_leave(s->engine, room);
	return r;
}

/* Whether the header or the size may change through this open; loading itself may put right what an
 * unclean stop left. */
static bool may_change(const struct session *s, int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC || s->unclean_since;
}

static int file_load_locked(struct session *s, struct inode *i, int flags, const struct request *rq)
{
	CLEANUP(file_free_p) struct file *f = file_new(i);
	bool truncate = flags & O_TRUNC;
	int r;

	if (!f)
		return -ENOMEM;
	f->fd = open_backing(s, i, &f->writable);
	if (f->fd < 0)
		return f->fd;
	if (truncate && !f->writable)
		return -EROFS;
	if (may_change(s, flags))
		tally_open(s, f);
	r = truncate ? start_over(s, f, rq) : load_content(s, f, rq);
	/* the key that let it in may be older than a denial */
	if (r == 0 && rq->class == REQUEST_USER && file_tag_locked(s, f, &f->hdr.ref))
		r = -EKEYREVOKED;
	if (r < 0) {
		keys_put_old(s, f);
		tally_close(s, f);
		return r;
	}
	publish_locked(s, i, STEAL(f));
	return 0;
}

/* Waits for the key a file needs, outside the stripe, so that the second attempt finds it open. */
static int wait_for_key(struct session *s, struct inode *i, bool truncate, const struct request *rq)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	CLEANUP(close_fd_p) int fd = -1;
	uint8_t bytes[HEADER_LEN];
	struct header hdr;
	bool writable;
	int r;

	if (truncate) {
		engine_target(s->engine, i->scope, &hdr.ref);
		return request_kek(s, &hdr.ref, rq, &kek);
	}
	fd = open_backing(s, i, &writable);
	if (fd < 0)
		return fd;
	r = disk_read(fd, bytes, HEADER_LEN, 0);
	if (r == -ENODATA &&
	    s->unclean_since) { /* made, and never written: see finish_creation() */
		engine_target(s->engine, i->scope, &hdr.ref);
		return request_kek(s, &hdr.ref, rq, &kek);
	}
	if (r == 0)
		r = header_decode(bytes, &hdr, NULL);
	if (r < 0)
		return 0; /* the attempt itself reports what is wrong with the file */
	r = request_kek(s, &hdr.ref, rq, &kek);
	if (r == -ENOKEY)
		return file_damage(s, fd, 0, "header names an unknown policy");
	if (r < 0 || !was_moving(s, i->scope, &hdr))
		return r;
	wrap_key_put(STEAL(kek));
	engine_target(s->engine, i->scope, &hdr.ref);
	return request_kek(s, &hdr.ref, rq, &kek);
}

/* Without the file's lock while a vault is asked: readers would wait for it on serving threads. */
int file_start_over(struct session *s, struct file *f, const struct request *rq)
{
	const struct request quick = {.blocking = NEVER_BLOCK, .class = rq->class};
	int r;

	if (!f->writable)
		return -EROFS;
	for (int attempt = 0;; attempt++) {
		file_lock_write(&f->lock);
		r = start_over(s, f, &quick);
		file_unlock_write(&f->lock);
		if (r != -EINPROGRESS || rq->blocking == NEVER_BLOCK)
			return r;
		if (attempt == KEY_ATTEMPTS)
			return -ETIMEDOUT;
		r = wait_for_key(s, f->inode, true, rq);
		if (r < 0)
			return r;
	}
}

int file_get(struct session *s, struct inode *i, int flags, const struct request *rq,
	     struct file **ret_file)
{
	const struct request quick = {.blocking = NEVER_BLOCK, .class = rq->class};
	pthread_mutex_t *stripe = inode_stripe(s->inodes, i);
	bool truncate = flags & O_TRUNC, loaded;
	struct file *f;
	int r;

	for (int attempt = 0;; attempt++) {
		pthread_mutex_lock(stripe);
		loaded = i->file != NULL;
		r = loaded ? 0 : file_load_locked(s, i, flags, &quick);
		f = i->file;
		if (r == 0 && loaded) {
			f->opens++;
			if (may_change(s, flags))
				tally_open(s, f);
		}
		pthread_mutex_unlock(stripe);
		if (r != -EINPROGRESS || rq->blocking == NEVER_BLOCK)
			break;
		if (attempt == KEY_ATTEMPTS)
			return -ETIMEDOUT;
		r = wait_for_key(s, i, truncate, rq);
		if (r < 0)
			return r;
	}
	if (r == 0 && loaded) {
		r = truncate ? file_start_over(s, f, rq) : file_authorise(s, f, rq);
		if (r < 0)
			(void)file_put(s, f); /* nothing of ours to write back */
	}
	if (r == 0)
		*ret_file = f;
	return r;
}

/* No walk finds it, and yet who holds an O_PATH descriptor may open it again: so the record of its
 * renewal stays held until the mount ends. */
static bool is_gone(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_nlink == 0;
}

int file_put(struct session *s, struct file *f)
{
	struct inode *i = f->inode;
	pthread_mutex_t *stripe = inode_stripe(s->inodes, i);
	int r = 0;

	pthread_mutex_lock(stripe);
	if (--f->opens == 0) {
		r = file_flush_header(f);
		if (!is_gone(f->fd))
			keys_put_old(s, f);
		tally_close(s, f);
		i->file = NULL;
	} else {
		i = NULL;
	}
	pthread_mutex_unlock(stripe);
	if (i) {
		file_free(f);
		inode_unhold(s->inodes, i);
	}
	return r;
}
