/* The data key of open content: in memory while its policy may be used, and had again afterwards.
 */
#include <errno.h>
#include <string.h>

#include "crypto/base/cleanup.h"
#include "fs/content/file.h"
#include "fs/content/keys.h"

bool file_tag_locked(struct session *s, struct file *f, const struct wrap_ref *ref)
{
	atomic_store(&f->inode->policy_tag, inode_tag_of(ref->policy_id));
	return keyring_denied(s->engine, ref);
}

unsigned file_forget_key_locked(struct file *f)
{
	unsigned wiped = f->old_dek ? 2 : 1;

	if (!f->dek || f->lent || atomic_load(&f->state) != CONTENT_REVOKED)
		return 0;
	/* Where that fails, the header on disk is the one before: good for all blocks there. */
	if (f->writable && f->header_dirty)
		(void)!file_write_header_locked(f, true);
	dek_free(STEAL(f->dek));
	dek_free(STEAL(f->old_dek));
	return wiped;
}

/* The data key once more, from the header in memory, and the one before it while it is renewed.
 * Expects the write lock. */
static int key_locked(struct session *s, struct file *f, struct wrap_key *kek)
{
	int r;

	if (f->dek)
		return 0;
	r = dek_unwrap(kek, &f->hdr, &f->dek);
	if (r < 0)
		return r == -EBADMSG ? file_damage(s, f->fd, 0, "header") : r;
	r = keys_load_old(s, f);
	if (r < 0)
		dek_free(STEAL(f->dek));
	return r;
}

/* -EAGAIN: it was re-wrapped meanwhile, and @kek is another policy's. */
static int admit(struct session *s, struct file *f, const struct wrap_ref *ref,
		 enum request_class class, struct wrap_key *kek, bool *ret_lent)
{
	bool denied;
	int r = 0;

	file_lock_write(&f->lock);
	denied = keyring_denied(s->engine, ref); /* @kek may be older than the denial */
	if (!wrap_ref_equal(&f->hdr.ref, ref))
		r = -EAGAIN;
	else if (denied && class == REQUEST_USER)
		r = -EKEYREVOKED;
	else
		r = key_locked(s, f, kek);
	if (r == 0 && denied) {
		f->lent++;
		*ret_lent = true;
	} else if (r == 0) {
		atomic_store(&f->state, CONTENT_OPEN); /* access is back */
	}
	file_unlock_write(&f->lock);
	return r;
}

static int enter(struct session *s, struct file *f, const struct request *rq, bool *ret_lent)
{
	/* What goes into the page cache is for whoever has the file open: users must be allowed. */
	const struct request asked = {
		.blocking = rq->blocking,
		.class = rq->in_page ? REQUEST_USER : rq->class,
		.wait = rq->wait,
	};
	int r;

	do {
		CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
		struct wrap_ref ref;

		file_lock_read(&f->lock);
		ref = f->hdr.ref;
		file_unlock_read(&f->lock);
		r = request_kek(s, &ref, &asked, &kek);
		if (r < 0)
			return r;
		r = admit(s, f, &ref, asked.class, kek, ret_lent);
	} while (r == -EAGAIN);
	return r;
}

int file_enter(struct session *s, struct file *f, const struct request *rq, bool *ret_lent)
{
	int state = atomic_load(&f->state);

	*ret_lent = false;
	if (state == CONTENT_OPEN)
		return 0;
	/* Its page is locked: to ask a vault now would keep the revocation waiting. */
	if (state == CONTENT_DRAINING && rq->in_page)
		return -EKEYREVOKED;
	return enter(s, f, rq, ret_lent);
}

void file_leave(struct file *f, bool lent)
{
	if (!lent)
		return;
	file_lock_write(&f->lock);
	f->lent--;
	(void)file_forget_key_locked(f);
	file_unlock_write(&f->lock);
}

int file_authorise(struct session *s, struct file *f, const struct request *rq)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	struct wrap_ref ref;
	bool lent;
	int r;

	if (atomic_load(&f->state) != CONTENT_OPEN) {
		r = file_enter(s, f, rq, &lent);
		file_leave(f, lent);
		return r;
	}
	file_lock_read(&f->lock);
	ref = f->hdr.ref;
	file_unlock_read(&f->lock);
	return request_kek(s, &ref, rq, &kek);
}
