#include "fs/content/rewrap.h"

#include <errno.h>
#include <string.h>

#include "crypto/base/cleanup.h"
#include "fs/content/access.h"
#include "fs/content/drain.h"
#include "fs/content/header.h"
#include "fs/keyring/keyring.h"
#include "fs/policy/target.h"

/*
 * Wraps the data key under @target and for @scope_id, in memory. Expects the write lock. A system
 * request may bring content under a policy that is denied; *ret_drain is set then, and the caller
 * has the file's pages dropped by drain_content(), without the lock. -EINPROGRESS: that needs a
 * thread that may block.
 */
static int rewrap_locked(struct volume *v, struct file *f, const struct wrap_ref *target,
			 const uint8_t *scope_id, struct wrap_key *kek, const struct request *rq,
			 bool *ret_drain)
{
	bool denied = file_tag_locked(v, f, target);
	bool refused = denied && (rq->class == REQUEST_USER || rq->in_page);
	bool drains = denied && f->published && atomic_load(&f->state) == CONTENT_OPEN;
	struct header hdr = f->hdr;
	int r = -EKEYREVOKED;

	hdr.ref = *target;
	memcpy(hdr.scope_id, scope_id, SCOPE_ID_LEN);
	if (!refused && drains && rq->blocking == NEVER_BLOCK)
		r = -EINPROGRESS; /* denied since must_wait() */
	else if (f->dek && !refused)
		r = dek_wrap(f->dek, kek, &hdr);
	if (r < 0) {
		(void)file_tag_locked(v, f, &f->hdr.ref);
		return r;
	}
	f->hdr = hdr;
	f->header_dirty = true;
	*ret_drain = drains;
	if (drains)
		drain_begin_locked(f);
	else if (!denied)
		atomic_store(&f->state, CONTENT_OPEN);
	return 0;
}

/* Whether this needs a thread that may block: dropping pages may wait for requests that the serving
 * threads have to answer. */
static bool must_wait(struct volume *v, const struct file *f, const struct wrap_ref *target,
		      const struct request *rq)
{
	return f->published && rq->blocking == NEVER_BLOCK && rq->class == REQUEST_SYSTEM &&
	       !rq->in_page && keyring_denied(v->keyring, target);
}

/* In memory, unless a rename across scopes came between: then *ret_epoch is 0, so that the next
 * write compares again. */
static int rewrap_in_memory(struct volume *v, struct file *f, const struct wrap_ref *target,
			    const struct scope *scope, const struct request *rq,
			    uint64_t *ret_epoch)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	bool borrowed = false, drain = false;
	int r;

	if (must_wait(v, f, target, rq))
		return -EINPROGRESS;
	r = request_kek(v, target, rq, &kek);
	if (r == 0)
		r = file_enter(v, f, rq, &borrowed);
	if (r < 0)
		return r;
	file_lock_write(&f->lock);
	if (f->inode->scope == scope)
		r = rewrap_locked(v, f, target, scope->id, kek, rq, &drain);
	else
		*ret_epoch = 0;
	file_unlock_write(&f->lock);
	file_leave(f, borrowed);
	if (drain)
		drain_content(v, f);
	return r;
}

static int rewrap_if_due(struct volume *v, struct file *f, const struct request *rq)
{
	/* Read before the target, so that a change in between is noticed at the next write. */
	uint64_t epoch = targets_epoch(v->policies);
	struct wrap_ref target, now;
	const struct scope *scope;
	int r = 0;

	file_lock_read(&f->lock);
	scope = f->inode->scope;
	now = f->hdr.ref;
	file_unlock_read(&f->lock);
	target_resolve(v->policies, scope, &target);
	if (!wrap_ref_equal(&now, &target))
		r = rewrap_in_memory(v, f, &target, scope, rq, &epoch);
	if (r == 0)
		atomic_store(&f->epoch, epoch);
	return r;
}

int file_rewrap_if_due(struct volume *v, struct file *f, const struct request *rq)
{
	unsigned reader;
	int r;

	if (atomic_load(&f->epoch) == targets_epoch(v->policies))
		return 0;
	reader = target_read_begin(v->policies);
	r = rewrap_if_due(v, f, rq);
	target_read_end(v->policies, reader);
	return r;
}

/* Writes the header for scope @to (NULL: the present one) and @target to disk, unless it is for
 * them already; mtime stays. */
static int rewrap_on_disk(struct volume *v, struct file *f, const struct wrap_ref *target,
			  const struct scope *to, const struct request *rq)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	bool borrowed, drain = false;
	int r;

	if (must_wait(v, f, target, rq))
		return -EINPROGRESS;
	r = request_kek(v, target, rq, &kek);
	if (r < 0)
		return r;
	if (!f->writable)
		return -EROFS;
	r = file_enter(v, f, rq, &borrowed);
	if (r < 0)
		return r;
	file_lock_write(&f->lock);
	to = to ? to : f->inode->scope;
	if (to != f->inode->scope || !wrap_ref_equal(&f->hdr.ref, target) ||
	    memcmp(f->hdr.scope_id, to->id, SCOPE_ID_LEN) != 0)
		r = rewrap_locked(v, f, target, to->id, kek, rq, &drain);
	if (r == 0 && f->header_dirty)
		r = file_write_header_locked(f, true);
	if (r == 0 && to != f->inode->scope) {
		f->inode->scope = to;
		atomic_store(&f->epoch, 0); /* @target may be older than an assignment */
	}
	file_unlock_write(&f->lock);
	file_leave(f, borrowed);
	if (drain)
		drain_content(v, f);
	return r;
}

int file_rewrap_now(struct volume *v, struct file *f, const struct wrap_ref *target,
		    const struct request *rq)
{
	return rewrap_on_disk(v, f, target, NULL, rq);
}

void file_move_begin(struct file *f, uint8_t ret_id[static FILE_ID_LEN])
{
	file_lock_write(&f->lock);
	f->moving++;
	f->moves++;
	memcpy(ret_id, f->hdr.file_id, FILE_ID_LEN);
	file_unlock_write(&f->lock);
}

void file_move_end(struct file *f)
{
	file_lock_write(&f->lock);
	f->moving--;
	file_unlock_write(&f->lock);
}

int file_move_scope(struct volume *v, struct file *f, const struct scope *to,
		    const struct request *rq)
{
	struct wrap_ref target;

	target_resolve(v->policies, to, &target);
	return rewrap_on_disk(v, f, &target, to, rq);
}
