/* Under which policy an open file is: the key asked for, the header re-wrapped. */
#include <errno.h>
#include <string.h>

#include "crypto/cleanup.h"
#include "file.h"

/* The wrapping key a header or a target names. */
int request_kek(struct session *s, const struct wrap_ref *ref, const struct request *rq,
		struct wrap_key **ret_kek)
{
	int r;

	if (rq->blocking == NEVER_BLOCK)
		return keyring_peek(s->engine, ref, rq->class, ret_kek);
	atomic_fetch_add(&s->requests_waiting, 1);
	r = keyring_get(s->engine, ref, rq->class, &rq->wait, ret_kek,
			NULL); /* its event says why */
	atomic_fetch_sub(&s->requests_waiting, 1);
	return r;
}

int file_authorise(struct session *s, struct file *f, const struct request *rq)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	struct wrap_ref ref;
	int r;

	file_lock_read(&f->lock);
	ref = f->hdr.ref;
	file_unlock_read(&f->lock);
	r = request_kek(s, &ref, rq, &kek);
	if (r == 0 && rq->class == REQUEST_USER)
		atomic_store(&f->revoked, false); /* access is back */
	return r;
}

/* The data key under @target and for @scope_id, in memory. Expects the write lock. */
static int rewrap_locked(struct file *f, const struct wrap_ref *target, const uint8_t *scope_id,
			 struct wrap_key *kek)
{
	struct header hdr = f->hdr;
	int r;

	hdr.ref = *target;
	memcpy(hdr.scope_id, scope_id, SCOPE_ID_LEN);
	r = dek_wrap(f->dek, kek, &hdr);
	if (r < 0)
		return r;
	f->hdr = hdr;
	f->header_dirty = true;
	return 0;
}

static int rewrap_if_due(struct session *s, struct file *f, const struct request *rq)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	uint64_t epoch =
		engine_epoch(s->engine); /* before the target: a change between is seen next time */
	const struct scope *scope;
	struct wrap_ref target;
	bool due;
	int r = 0;

	scope = f->inode->scope;
	engine_target(s->engine, scope, &target);
	file_lock_read(&f->lock);
	due = !wrap_ref_equal(&f->hdr.ref, &target);
	file_unlock_read(&f->lock);
	if (due) {
		r = request_kek(s, &target, rq, &kek);
		if (r < 0)
			return r;
		file_lock_write(&f->lock);
		/* A rename across scopes may have come between; then the next write looks again. */
		if (f->inode->scope == scope)
			r = rewrap_locked(f, &target, scope->id, kek);
		else
			epoch = 0;
		file_unlock_write(&f->lock);
	}
	if (r == 0)
		atomic_store(&f->epoch, epoch);
	return r;
}

int file_rewrap_if_due(struct session *s, struct file *f, const struct request *rq)
{
	unsigned room;
	int r;

	if (atomic_load(&f->epoch) == engine_epoch(s->engine))
		return 0;
	room = engine_target_enter(s->engine);
	r = rewrap_if_due(s, f, rq);
	engine_target_leave(s->engine, room);
	return r;
}

int file_rewrap_now(struct session *s, struct file *f, const struct wrap_ref *target,
		    const struct request *rq)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	int r = request_kek(s, target, rq, &kek);

	if (r < 0)
		return r;
	if (!f->writable)
		return -EROFS;
	file_lock_write(&f->lock);
	if (!wrap_ref_equal(&f->hdr.ref, target))
		r = rewrap_locked(f, target, f->inode->scope->id, kek);
	if (r == 0 && f->header_dirty)
		r = file_write_header_locked(f, true);
	file_unlock_write(&f->lock);
	return r;
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

int file_move_scope(struct session *s, struct file *f, const struct scope *to,
		    const struct request *rq)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	struct wrap_ref target;
	int r;

	engine_target(s->engine, to, &target);
	r = request_kek(s, &target, rq, &kek);
	if (r < 0)
		return r;
	if (!f->writable)
		return -EROFS;
	file_lock_write(&f->lock);
	r = rewrap_locked(f, &target, to->id, kek);
	if (r == 0)
		r = file_write_header_locked(f, true);
	if (r == 0) {
		f->inode->scope = to;
		atomic_store(&f->epoch, 0); /* @target may be of before an assignment */
	}
	file_unlock_write(&f->lock);
	return r;
}
