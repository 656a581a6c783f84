#include "fs/content/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/fdpath.h"
#include "fs/content/access.h"
#include "fs/content/blocks_internal.h"
#include "fs/content/header.h"
#include "fs/content/keys_internal.h"
#include "fs/content/new_file.h"
#include "fs/content/report.h"
#include "fs/content/rewrap.h"
#include "fs/content/tail_internal.h"
#include "fs/content/usage.h"
#include "fs/inode/disk.h"
#include "fs/inode/fds.h"
#include "fs/keyring/keyring.h"
#include "fs/policy/target.h"
#include "fs/store/intent.h"
#include "fs/store/store.h"

#define KEY_ATTEMPTS 8 /* another key may be assigned between two attempts */

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

/* Publishes @f as the inode's content; the stripe is held. If its policy is denied, a system
 * request opened the file, or the denial came while it was loaded: the key is wiped. */
static void publish_locked(struct volume *v, struct inode *i, struct file *f)
{
	if (file_tag_locked(v, f, &f->hdr.ref)) {
		atomic_store(&f->state, CONTENT_REVOKED);
		(void)file_forget_key_locked(f);
	}
	f->opens = 1;
	f->published = true;
	i->file = f;
	inode_hold(v->inodes, i);
}

int file_take_over(struct volume *v, struct inode *i, struct new_file *n, int fd,
		   struct file **ret_file)
{
	pthread_mutex_t *stripe = inode_stripe(v->inodes, i);
	struct file *f = file_new(i);

	if (!f)
		return -ENOMEM;
	f->fd = fd;
	f->writable = true;
	f->hdr = n->hdr;
	f->dek = STEAL(n->dek);
	f->budget_used = f->unsynced = n->hdr.budget;
	pthread_mutex_lock(stripe);
	publish_locked(v, i, f);
	usage_open(v->usage, f);
	pthread_mutex_unlock(stripe);
	*ret_file = f;
	return 0;
}

/* ---- loading ---- */

static int open_backing(struct volume *v, struct inode *i, bool *ret_writable)
{
	char link[FD_PATH_LEN];
	int path_fd, fd, r = inode_fd(v->inodes, i, &path_fd);

	if (r < 0)
		return r;
	fd_path(path_fd, link);
	*ret_writable = !v->read_only;
	fd = open(link, (v->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOATIME);
	if (fd < 0 && errno == EPERM) /* O_NOATIME is the owner's */
		fd = open(link, (v->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (fd < 0 && (errno == EACCES || errno == EROFS || errno == ETXTBSY)) {
		*ret_writable = false;
		fd = open(link, O_RDONLY | O_CLOEXEC);
	}
	r = fd_for_file(fd);
	inode_fd_done(v->inodes, i);
	return r;
}

/* Whether an unclean stop came between the two steps of a rename across scopes. */
static bool was_moving(struct volume *v, const struct scope *scope, const struct header *hdr)
{
	return v->unclean_since && intent_allows(v->store, hdr->file_id, hdr->scope_id, scope->id);
}

/* What is wrong with a decoded header, as far as that can be seen without a key; NULL: nothing. */
static const char *header_fault(struct volume *v, const struct inode *i, const struct header *hdr)
{
	if (memcmp(hdr->store_id, store_format_of(v->store)->store_id, UUID_LEN) != 0)
		return "header of another store";
	if (memcmp(hdr->scope_id, i->scope->id, SCOPE_ID_LEN) != 0 && !was_moving(v, i->scope, hdr))
		return "header of another scope";
	return NULL;
}

/* Finishes a rename across scopes that a crash interrupted: the file lies in the new scope already,
 * and the header follows. */
static int finish_move(struct volume *v, struct file *f, const struct request *rq)
{
	const struct scope *scope = f->inode->scope;

	if (memcmp(f->hdr.scope_id, scope->id, SCOPE_ID_LEN) == 0)
		return 0;
	return file_move_scope(v, f, scope, rq);
}

static int load_header(struct volume *v, struct file *f, const struct request *rq)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	uint8_t bytes[HEADER_LEN];
	const char *fault;
	struct err err = {0};
	int r;

	r = disk_read(f->fd, bytes, HEADER_LEN, 0);
	if (r == -ENODATA)
		return file_damage(v, f->fd, 0, "file without a header");
	if (r < 0)
		return r;
	r = header_decode(bytes, &f->hdr, &err);
	fault = r < 0 ? err_text(&err, r) : header_fault(v, f->inode, &f->hdr);
	if (fault)
		return file_damage(v, f->fd, 0, fault);
	r = request_kek(v, &f->hdr.ref, rq, &kek);
	if (r < 0)
		return r == -ENOKEY ? file_damage(v, f->fd, 0, "header names an unknown policy")
				    : r;
	r = dek_unwrap(kek, &f->hdr, &f->dek);
	if (r == 0)
		r = header_verify(bytes, f->dek);
	if (r == 0)
		return keys_load_old(v, f);
	return r == -EBADMSG ? file_damage(v, f->fd, 0, "header") : r;
}

static int reset(struct volume *v, struct file *f, const struct request *rq);

/* An unclean stop came between creating the file and writing its first block, so it never held
 * data. */
static int finish_creation(struct volume *v, struct file *f, const struct request *rq)
{
	int r = reset(v, f, rq);

	if (r == 0)
		file_event(v, f->fd, "file-completed", 0);
	return r;
}

/* Reads of an empty file open no block. Block 0 is opened here, so that a file cut down to its
 * first block is not taken for an empty one. */
static int check_empty(struct volume *v, struct file *f)
{
	struct worker *w = worker_self();

	return w ? blocks_open_old(v, f, w, 0, w->tail) : -ENOMEM;
}

static int load_content(struct volume *v, struct file *f, const struct request *rq)
{
	struct stat st;
	uint64_t size;
	int r;

	if (fstat(f->fd, &st) < 0)
		return -errno;
	if (st.st_size == 0 && v->unclean_since && st.st_ctime >= v->unclean_since && f->writable)
		return finish_creation(v, f, rq);
	r = load_header(v, f, rq);
	if (r < 0)
		return r;
	r = holes_from_header(&f->holes, f->hdr.holes);
	f->budget_used = f->hdr.budget;
	if (r == 0)
		r = finish_move(v, f, rq);
	if (r < 0)
		return r;
	if (v->unclean_since && st.st_ctime >= v->unclean_since) {
		r = recover_tail(v, f, (uint64_t)st.st_size, &size);
		if (r < 0)
			return r;
	} else if (!file_plain_size((uint64_t)st.st_size, &size)) {
		return file_damage(v, f->fd, (uint64_t)st.st_size / BLOCK_LEN, "size");
	}
	atomic_store(&f->size, size);
	return size ? 0 : check_empty(v, f);
}

/* O_TRUNC: a new key, without reading the old content. The first block is overwritten before the
 * others are cut off, so that a full disk cannot leave a file without its header. */
static int reset_under_target(struct volume *v, struct file *f, const struct request *rq)
{
	struct new_file n = {0};
	bool denied;
	int r;

	r = new_file_init(v, f->inode->scope, NULL, rq, &n);
	if (r < 0)
		return r;
	r = new_file_write(&n, f->fd);
	if (r == 0 && ftruncate(f->fd, BLOCK_LEN) < 0)
		r = -errno;
	if (r < 0) {
		new_file_fini(&n);
		return r;
	}
	keys_drop_old(v, f);
	/* From here on a denial of the file's old policy no longer matters. */
	denied = file_tag_locked(v, f, &n.hdr.ref);
	dek_free(f->dek);
	holes_fini(&f->holes);
	f->hdr = n.hdr;
	f->dek = n.dek;
	f->budget_used = f->unsynced = n.hdr.budget;
	f->header_dirty = f->holes_changed = false;
	atomic_store(&f->size, 0);
	atomic_store(&f->state, denied ? CONTENT_REVOKED : CONTENT_OPEN);
	if (f->published)
		(void)file_forget_key_locked(f); /* denied: each request unwraps the key anew */
	return 0;
}

static int reset(struct volume *v, struct file *f, const struct request *rq)
{
	unsigned reader = target_read_begin(v->policies); /* until the header is on disk */
	int r = reset_under_target(v, f, rq);

	target_read_end(v->policies, reader);
	return r;
}

/* Whether the header or the size may change through this open; after an unclean stop already
 * loading a file may complete it. */
static bool may_change(const struct volume *v, int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC || v->unclean_since;
}

static int file_load_locked(struct volume *v, struct inode *i, int flags, const struct request *rq)
{
	CLEANUP(file_free_p) struct file *f = file_new(i);
	bool truncate = flags & O_TRUNC;
	int r;

	if (!f)
		return -ENOMEM;
	f->fd = open_backing(v, i, &f->writable);
	if (f->fd < 0)
		return f->fd;
	if (truncate && !f->writable)
		return -EROFS;
	if (may_change(v, flags))
		usage_open(v->usage, f);
	r = truncate ? reset(v, f, rq) : load_content(v, f, rq);
	/* The wrapping key may have been looked up before a denial. */
	if (r == 0 && rq->class == REQUEST_USER && file_tag_locked(v, f, &f->hdr.ref))
		r = -EKEYREVOKED;
	if (r < 0) {
		keys_put_old(v, f);
		usage_close(v->usage, f);
		return r;
	}
	publish_locked(v, i, STEAL(f));
	return 0;
}

/* Waits, without the stripe, for the key that a file needs, so that the second attempt finds it in
 * memory. */
static int wait_for_key(struct volume *v, struct inode *i, bool truncate, const struct request *rq)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	CLEANUP(close_fd_p) int fd = -1;
	uint8_t bytes[HEADER_LEN];
	struct header hdr;
	bool writable;
	int r;

	if (truncate) {
		target_resolve(v->policies, i->scope, &hdr.ref);
		return request_kek(v, &hdr.ref, rq, &kek);
	}
	fd = open_backing(v, i, &writable);
	if (fd < 0)
		return fd;
	r = disk_read(fd, bytes, HEADER_LEN, 0);
	if (r == -ENODATA && v->unclean_since) {
		/* Created and never written: see finish_creation(). */
		target_resolve(v->policies, i->scope, &hdr.ref);
		return request_kek(v, &hdr.ref, rq, &kek);
	}
	if (r == 0)
		r = header_decode(bytes, &hdr, NULL);
	if (r < 0)
		return 0; /* the next attempt reports what is wrong with the file */
	r = request_kek(v, &hdr.ref, rq, &kek);
	if (r == -ENOKEY)
		return file_damage(v, fd, 0, "header names an unknown policy");
	if (r < 0 || !was_moving(v, i->scope, &hdr))
		return r;
	wrap_key_put(STEAL(kek));
	target_resolve(v->policies, i->scope, &hdr.ref);
	return request_kek(v, &hdr.ref, rq, &kek);
}

/* Truncates open content to nothing. The content's lock is not held while a vault is asked: serving
 * threads would wait for it. */
static int reset_open(struct volume *v, struct file *f, const struct request *rq)
{
	const struct request quick = {.blocking = NEVER_BLOCK, .class = rq->class};
	int r;

	if (!f->writable)
		return -EROFS;
	for (int attempt = 0;; attempt++) {
		file_lock_write(&f->lock);
		r = reset(v, f, &quick);
		file_unlock_write(&f->lock);
		if (r != -EINPROGRESS || rq->blocking == NEVER_BLOCK)
			return r;
		if (attempt == KEY_ATTEMPTS)
			return -ETIMEDOUT;
		r = wait_for_key(v, f->inode, true, rq);
		if (r < 0)
			return r;
	}
}

int file_get(struct volume *v, struct inode *i, int flags, const struct request *rq,
	     struct file **ret_file)
{
	const struct request quick = {.blocking = NEVER_BLOCK, .class = rq->class};
	pthread_mutex_t *stripe = inode_stripe(v->inodes, i);
	bool truncate = flags & O_TRUNC, loaded;
	struct file *f;
	int r;

	for (int attempt = 0;; attempt++) {
		pthread_mutex_lock(stripe);
		loaded = i->file != NULL;
		r = loaded ? 0 : file_load_locked(v, i, flags, &quick);
		f = i->file;
		if (r == 0 && loaded) {
			f->opens++;
			if (may_change(v, flags))
				usage_open(v->usage, f);
		}
		pthread_mutex_unlock(stripe);
		if (r != -EINPROGRESS || rq->blocking == NEVER_BLOCK)
			break;
		if (attempt == KEY_ATTEMPTS)
			return -ETIMEDOUT;
		r = wait_for_key(v, i, truncate, rq);
		if (r < 0)
			return r;
	}
	if (r == 0 && loaded) {
		r = truncate ? reset_open(v, f, rq) : file_authorise(v, f, rq);
		if (r < 0)
			(void)file_put(v, f); /* its errno: of writes by other opens */
	}
	if (r == 0)
		*ret_file = f;
	return r;
}

/* No walk finds a file without a name, but the kernel can still open it again through its inode. So
 * the hold on the record of its renewal is kept until the mount ends. */
static bool is_gone(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_nlink == 0;
}

int file_put(struct volume *v, struct file *f)
{
	struct inode *i = f->inode;
	pthread_mutex_t *stripe = inode_stripe(v->inodes, i);
	int r = 0;

	pthread_mutex_lock(stripe);
	if (--f->opens == 0) {
		r = file_flush_header(f);
		if (!is_gone(f->fd))
			keys_put_old(v, f);
		usage_close(v->usage, f);
		i->file = NULL;
	} else {
		i = NULL;
	}
	pthread_mutex_unlock(stripe);
	if (i) {
		file_free(f);
		inode_unhold(v->inodes, i);
	}
	return r;
}
