/*
 * fs/content/renew.c - a file gets a new data key, block by block, while programs use it.
 *
 * The states and their order are in fs/jobs/renewal.h. From the moment that the header has the new
 * key, readers try both keys (keys.c) and writers seal under the new one: so it does not matter
 * whether a writer or the renewal comes to a block first.
 */
#include "fs/content/renew.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/base/cleanup.h"
#include "fs/content/access.h"
#include "fs/content/blocks_internal.h"
#include "fs/content/drain.h"
#include "fs/content/header.h"
#include "fs/content/keys_internal.h"
#include "fs/content/new_file.h"
#include "fs/content/report.h"
#include "fs/inode/disk.h"
#include "fs/jobs/job.h"
#include "fs/jobs/renewal.h"
#include "fs/policy/target.h"
#include "fs/store/intent.h"

#define RENEW_BLOCKS 64u     /* while the lock is held once: half a millisecond */
#define YIELD_NS     100000L /* for threads that wait for the lock to take it */

/*
 * A renewal's writes change mtime, which is put back at once. v->mtime_seq is the seqcount of these
 * writes: a stat(2) that finds it odd or changed reads mtime again under the content's lock
 * (fs/fuse/attr.c). One thread renews, so they never overlap. Expects the write lock.
 */
static int mtime_write_begin(struct volume *v, const struct file *f, struct timespec ret_times[2])
{
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		return -errno;
	ret_times[0] = (struct timespec){.tv_nsec = UTIME_OMIT};
	ret_times[1] = st.st_mtim;
	atomic_fetch_add(&v->mtime_seq, 1);
	return 0;
}

static int mtime_write_end(struct volume *v, const struct file *f, const struct timespec times[2])
{
	int r = futimens(f->fd, times) < 0 ? -errno : 0;

	atomic_fetch_add(&v->mtime_seq, 1);
	return r;
}

/* ---- the new key ---- */

/* What belongs to a file's data key, swapped as one. */
struct content_key {
	struct header hdr;
	struct dek *dek;
	uint64_t budget_used, unsynced;
};

static struct content_key take_key(struct file *f)
{
	return (struct content_key){f->hdr, STEAL(f->dek), f->budget_used, f->unsynced};
}

static void give_key(struct file *f, struct content_key *k)
{
	f->hdr = k->hdr;
	f->dek = STEAL(k->dek);
	f->budget_used = k->budget_used;
	f->unsynced = k->unsynced;
}

/* The header of @f under the new key, under which one block is about to be written: block 0. */
static struct content_key next_key(const struct file *f, struct new_file *n, bool two_keys)
{
	struct content_key k = {.hdr = n->hdr, .budget_used = 1, .unsynced = 1};

	k.hdr.flags = f->hdr.flags | (two_keys ? HEADER_FLAG_RENEWING : 0);
	memcpy(k.hdr.holes, f->hdr.holes, sizeof(k.hdr.holes));
	k.hdr.version_no = f->hdr.version_no;
	k.dek = STEAL(n->dek);
	return k;
}

/* Block 0 under the key that @f has now. With two keys it is durable before any other block. */
static int write_block0(struct file *f, struct worker *w, bool two_keys)
{
	int r = blocks_seal_one_locked(f, w, 0, atomic_load(&f->size), w->tail);

	if (r == 0 && two_keys && fdatasync(f->fd) < 0)
		r = -errno;
	return r;
}

/* The policy of the new key may be denied. The job goes on, but programs lose their access. Returns
 * whether drain_content() must follow. */
static bool state_after_swap(struct file *f, bool denied)
{
	bool drains = denied && atomic_load(&f->state) == CONTENT_OPEN;

	if (drains)
		drain_begin_locked(f);
	else if (!denied)
		atomic_store(&f->state, CONTENT_OPEN);
	return drains;
}

/* @n: consumed. On failure the file is as it was. */
static int swap_key(struct volume *v, struct file *f, struct new_file *n, bool two_keys,
		    bool *ret_drains)
{
	struct worker *w = worker_self();
	struct content_key now, next;
	/* Leaves the ciphertext of block 0 in w->edge. */
	int r = w ? blocks_open_one(v, f, w, 0, w->tail) : -ENOMEM;
	bool denied;

	if (r < 0)
		return r;
	denied = file_tag_locked(v, f, &n->hdr.ref);
	next = next_key(f, n, two_keys);
	now = take_key(f);
	give_key(f, &next);
	r = write_block0(f, w, two_keys);
	f->budget_report = r == 0 ? REPORTED_NOTHING : f->budget_report;
	if (r == 0 && two_keys) {
		f->old_dek = now.dek;
		f->renewing = true;
		memcpy(f->old_id, now.hdr.file_id, FILE_ID_LEN);
		f->renewed_to = 1;
		renewal_hold(v->renewals, f->hdr.file_id);
	} else if (r == 0) {
		dek_free(now.dek);
	} else {
		dek_free(f->dek);
		give_key(f, &now);
		(void)file_tag_locked(v, f, &f->hdr.ref); /* as before */
		f->header_dirty = true;
		/* The caller returns the errno of the write that failed. */
		if (disk_write(f->fd, w->edge, BLOCK_LEN, 0) < 0)
			(void)file_damage(v, f->fd, 0, "header not restored after a failed write");
	}
	if (r == 0)
		*ret_drains = state_after_swap(f, denied);
	return r;
}

/* A new key for the file, and what the file was like when it was made, without the lock. */
struct plan {
	struct new_file n;
	struct renewal ren;
	unsigned moves;
	bool two_keys;
	bool drains; /* swap_key() */
};

#define AGAIN 1 /* the file changed: another plan is needed */
#define RESET 2 /* no plan is needed: the file was truncated to nothing, which gives a new key */

/* 0: the file is still as the plan assumes. Else a swap could leave, after a crash, a file that its
 * records do not describe. */
static int fits_locked(const struct file *f, const struct plan *p)
{
	if (memcmp(f->hdr.file_id, p->ren.old_id, FILE_ID_LEN) != 0)
		return RESET;
	if (f->moving || f->moves != p->moves ||
	    memcmp(f->hdr.scope_id, p->n.hdr.scope_id, SCOPE_ID_LEN) != 0)
		return AGAIN; /* renamed across scopes */
	return !p->two_keys && block_count(atomic_load(&f->size)) > 1 ? AGAIN : 0;
}

static int swap_if_fits(struct volume *v, struct file *f, struct plan *p)
{
	struct timespec times[2];
	int r, put_back;

	file_lock_write(&f->lock);
	r = fits_locked(f, p);
	if (r == 0)
		r = mtime_write_begin(v, f, times);
	if (r == 0) {
		r = swap_key(v, f, &p->n, p->two_keys, &p->drains);
		put_back = mtime_write_end(v, f, times);
		r = r < 0 ? r : put_back;
	}
	file_unlock_write(&f->lock);
	return r;
}

static int describe(struct file *f, struct plan *p)
{
	int r;

	memcpy(p->ren.file_id, p->n.hdr.file_id, FILE_ID_LEN);
	file_lock_read(&f->lock);
	p->two_keys = block_count(atomic_load(&f->size)) > 1;
	p->moves = f->moves;
	memcpy(p->ren.old_id, f->hdr.file_id, FILE_ID_LEN);
	r = f->dek ? dek_wrap_old(p->n.dek, p->ren.file_id, f->dek, p->ren.old_id, p->ren.old_wrap)
		   : -EKEYREVOKED;
	file_unlock_read(&f->lock);
	return r;
}

/* What must be on disk before the header has the new key. */
static int record(struct volume *v, struct file *f, const struct plan *p, struct err *err)
{
	int r = intent_follow(v->store, p->ren.old_id, p->ren.file_id, err);

	if (r < 0 || !p->two_keys)
		return r;
	/* What programs wrote is synced without the lock, so that the sync under it has little to
	 * do. */
	return fdatasync(f->fd) < 0 ? -errno : renewal_add(v->renewals, &p->ren, err);
}

static int begin_once(struct volume *v, struct file *f, struct job *j, const struct request *rq,
		      bool *ret_drains, struct err *err)
{
	uint8_t file_id[FILE_ID_LEN];
	const struct scope *scope;
	struct plan p = {0};
	int r = job_file_id(j, file_id);

	file_lock_read(&f->lock);
	scope = f->inode->scope;
	file_unlock_read(&f->lock);
	if (r == 0)
		r = new_file_init(v, scope, file_id, rq, &p.n);
	if (r == 0)
		r = describe(f, &p);
	if (r == 0)
		r = record(v, f, &p, err);
	if (r == 0) {
		r = swap_if_fits(v, f, &p);
		/* After a failed write block 0 on disk may be under either key, so the record
		 * stays. */
		if (r > 0)
			renewal_drop(v->renewals, p.ren.file_id);
		*ret_drains = p.drains;
	}
	new_file_fini(&p.n);
	return r;
}

static int begin(struct volume *v, struct file *f, struct job *j, const struct request *rq,
		 struct err *err)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	bool drains = false;
	int r = AGAIN;

	while (r == AGAIN) {
		unsigned reader;

		if (job_stops(j))
			return -EINTR;
		reader = target_read_begin(v->policies); /* until the header is on disk */
		r = begin_once(v, f, j, rq, &drains, err);
		target_read_end(v->policies, reader);
		if (r == AGAIN)
			(void)nanosleep(&moment, NULL); /* shorter is fine */
	}
	if (drains)
		drain_content(v, f);
	return r == RESET ? 0 : r;
}

/* ---- the blocks ---- */

/* A piece: blocks [first, end) as they lie in w->disk; of them, [from, to) were sealed anew and are
 * still to be written. */
struct piece {
	uint64_t first, end, last; /* last: the file's last block */
	uint64_t from, to;
	uint64_t size;
};

static uint8_t *piece_at(const struct worker *w, const struct piece *p, uint64_t b)
{
	return w->disk + (b - p->first) * BLOCK_LEN;
}

static int piece_write(struct file *f, struct worker *w, struct piece *p)
{
	int r = 0;

	if (p->from < p->to) {
		f->budget_used += p->to - p->from;
		r = disk_write(f->fd, piece_at(w, p, p->from), (p->to - p->from) * BLOCK_LEN,
			       (off_t)(p->from * BLOCK_LEN));
	}
	p->from = p->to = 0;
	return r;
}

/* 1: the block was sealed anew; 0: it is a hole, or under the new key already. */
static int renew_block(struct volume *v, struct file *f, struct worker *w, const struct piece *p,
		       uint64_t b)
{
	uint8_t *at = piece_at(w, p, b);
	struct block_meta meta;
	enum key_age age;
	int r;

	if (b != p->last && bytes_are_zero(at, BLOCK_LEN) && blocks_may_be_hole(f, (uint32_t)b))
		return 0;
	r = keys_open(f, w, (uint32_t)b, at, w->tail, &meta, &age);
	if (r == -EBADMSG)
		return file_damage(v, f->fd, b, "block");
	if (r == 0 &&
	    (meta.final != (b == p->last) || (meta.final && meta.used != p->size - block_start(b))))
		return file_damage(v, f->fd, b, "size");
	if (r < 0 || age == KEY_NEW)
		return r;
	r = block_seal(w->crypt, (uint32_t)b, meta, w->tail, at);
	return r < 0 ? r : 1;
}

static int renew_blocks(struct volume *v, struct file *f, struct worker *w, struct piece *p)
{
	int r = 0;

	for (uint64_t b = p->first; r >= 0 && b < p->end; b++) {
		r = renew_block(v, f, w, p, b);
		if (r == 1) {
			p->from = p->from < p->to ? p->from : b;
			p->to = b + 1;
		} else if (r == 0) {
			r = piece_write(f, w, p);
		}
	}
	return r < 0 ? r : piece_write(f, w, p);
}

static int renew_piece(struct volume *v, struct file *f, struct worker *w, struct piece *p)
{
	uint64_t n = p->end - p->first;
	int r = file_reserve_locked(v, f, n, false);

	if (r == 0 && f->header_dirty)
		r = file_write_header_locked(f, false);
	if (r == 0)
		r = blocks_sync_count(f);
	if (r == 0)
		r = disk_read(f->fd, w->disk, n * BLOCK_LEN, (off_t)(p->first * BLOCK_LEN));
	if (r == -ENODATA)
		r = file_damage(v, f->fd, p->last, "cut");
	if (r == 0)
		r = keys_load(f, w);
	if (r == 0)
		r = renew_blocks(v, f, w, p);
	keys_forget(w);
	explicit_bzero(w->edge, 2 * BLOCK_LEN);
	return r;
}

/* Whether the renewal to @file_id is still under way. A denial may have wiped both keys; then
 * reading and writing fail. */
static bool is_on(const struct file *f, const uint8_t file_id[static FILE_ID_LEN])
{
	return f->renewing && memcmp(f->hdr.file_id, file_id, FILE_ID_LEN) == 0;
}

/* Renews the next piece. 1: there may be more; 0: none is left. */
static int renew_next_locked(struct volume *v, struct file *f, struct worker *w)
{
	struct piece p = {.first = f->renewed_to, .size = atomic_load(&f->size)};
	struct timespec times[2];
	uint64_t n = block_count(p.size);
	int r, put_back;

	p.last = n - 1;
	if (p.first < p.last && blocks_may_be_hole(f, (uint32_t)p.first)) {
		uint64_t data = blocks_next_data(f, p.first - 1);

		p.first = data < p.last ? data : p.last;
	}
	if (p.first >= n)
		return 0;
	p.end = n - p.first < RENEW_BLOCKS ? n : p.first + RENEW_BLOCKS;
	r = mtime_write_begin(v, f, times);
	if (r < 0)
		return r;
	r = renew_piece(v, f, w, &p);
	put_back = mtime_write_end(v, f, times);
	if (r < 0 || put_back < 0)
		return r < 0 ? r : put_back;
	f->renewed_to = p.end;
	return 1;
}

static int renew_rest(struct volume *v, struct file *f, struct job *j,
		      const uint8_t file_id[static FILE_ID_LEN])
{
	const struct timespec yield = {.tv_nsec = YIELD_NS};
	struct worker *w = worker_self();
	int r = 1;

	if (!w)
		return -ENOMEM;
	while (r == 1) {
		if (job_stops(j))
			return -EINTR;
		file_lock_write(&f->lock);
		r = is_on(f, file_id) ? renew_next_locked(v, f, w) : 0;
		file_unlock_write(&f->lock);
		if (file_lock_wanted(&f->lock))
			(void)nanosleep(&yield, NULL); /* shorter is fine */
	}
	return r;
}

/* All blocks are durable before the header gives up the old key. */
static int finish(struct volume *v, struct file *f, const uint8_t file_id[static FILE_ID_LEN])
{
	struct timespec times[2];
	int r = 0, put_back;

	if (fdatasync(f->fd) < 0)
		return -errno;
	file_lock_write(&f->lock);
	if (is_on(f, file_id))
		r = mtime_write_begin(v, f, times);
	if (r == 0 && is_on(f, file_id)) {
		f->hdr.flags &= ~HEADER_FLAG_RENEWING;
		r = file_write_header_locked(f, false);
		if (r < 0)
			f->hdr.flags |= HEADER_FLAG_RENEWING;
		else
			keys_drop_old(v, f);
		put_back = mtime_write_end(v, f, times);
		r = r < 0 ? r : put_back;
	}
	file_unlock_write(&f->lock);
	return r;
}

static int go_on(struct volume *v, struct file *f, struct job *j)
{
	uint8_t file_id[FILE_ID_LEN];
	bool on;
	int r;

	file_lock_read(&f->lock);
	on = f->renewing;
	memcpy(file_id, f->hdr.file_id, FILE_ID_LEN);
	file_unlock_read(&f->lock);
	if (!on)
		return 0;
	r = renew_rest(v, f, j, file_id);
	return r < 0 ? r : finish(v, f, file_id);
}

static bool is_of(struct file *f, const struct job *j)
{
	bool of;

	file_lock_read(&f->lock);
	of = job_file_id_is_of(j, f->hdr.file_id);
	file_unlock_read(&f->lock);
	return of;
}

static int renew_entered(struct volume *v, struct file *f, struct job *j, enum renew_extent extent,
			 const struct request *rq, struct err *err)
{
	int r = go_on(v, f, j);

	if (r < 0 || extent == RENEW_END || is_of(f, j))
		return r;
	r = begin(v, f, j, rq, err);
	return r < 0 ? r : go_on(v, f, j);
}

int file_renew(struct volume *v, struct file *f, struct job *j, enum renew_extent extent,
	       const struct request *rq, struct err *err)
{
	bool borrowed, wiped;
	int r;

	if (!f->writable)
		return -EROFS;
	do {
		r = file_enter(v, f, rq, &borrowed);
		if (r < 0)
			return r;
		r = renew_entered(v, f, j, extent, rq, err);
		wiped = !borrowed && atomic_load(&f->state) != CONTENT_OPEN;
		file_leave(f, borrowed);
	} while (r == -EKEYREVOKED && wiped); /* denied meanwhile: a job may still borrow the key */
	return r;
}
