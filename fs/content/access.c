#include "fs/content/access.h"

#include <errno.h>
#include <string.h>

#include "crypto/base/cleanup.h"
#include "fs/content/header.h"
#include "fs/content/keys_internal.h"
#include "fs/content/report.h"

uint32_t access_tag_of(const uint8_t policy_id[static UUID_LEN])
{
	uint32_t tag;

	memcpy(&tag, policy_id, sizeof(tag));
	return tag;
}

bool file_tag_locked(struct volume *v, struct file *f, const struct wrap_ref *ref)
{
	atomic_store(&f->inode->policy_tag, access_tag_of(ref->policy_id));
	return keyring_denied(v->keyring, ref);
}

unsigned file_forget_key_locked(struct file *f)
{
	unsigned wiped = f->old_dek ? 2 : 1;

	if (!f->dek || f->borrowers || atomic_load(&f->state) != CONTENT_REVOKED)
		return 0;
	/* If this write fails, the header on disk stays valid for all blocks there. */
	if (f->writable && f->header_dirty)
		(void)!file_write_header_locked(f, true);
	dek_free(STEAL(f->dek));
	dek_free(STEAL(f->old_dek));
	return wiped;
}

/* Unwraps the data key again, from the header in memory, and the old key while the file is renewed.
 * Expects the write lock. */
static int key_locked(struct volume *v, struct file *f, struct wrap_key *kek)
{
	int r;

	if (f->dek)
		return 0;
	r = dek_unwrap(kek, &f->hdr, &f->dek);
	if (r < 0)
		return r == -EBADMSG ? file_damage(v, f->fd, 0, "header") : r;
	r = keys_load_old(v, f);
	if (r < 0)
		dek_free(STEAL(f->dek));
	return r;
}

/* -EAGAIN: the file was re-wrapped since @ref was read, so @kek no longer fits its header. */
static int admit(struct volume *v, struct file *f, const struct wrap_ref *ref,
		 enum request_class class, struct wrap_key *kek, bool *ret_borrowed)
{
	bool denied;
	int r = 0;

	file_lock_write(&f->lock);
	denied = keyring_denied(v->keyring, ref); /* @kek may be older than the denial */
	if (!wrap_ref_equal(&f->hdr.ref, ref))
		r = -EAGAIN;
	else if (denied && class == REQUEST_USER)
		r = -EKEYREVOKED;
	else
		r = key_locked(v, f, kek);
	if (r == 0 && denied) {
		f->borrowers++;
		*ret_borrowed = true;
	} else if (r == 0) {
		atomic_store(&f->state, CONTENT_OPEN); /* access is back */
	}
	file_unlock_write(&f->lock);
	return r;
}

static int enter(struct volume *v, struct file *f, const struct request *rq, bool *ret_borrowed)
{
	/*
	 * Pages of the kernel's cache serve every program that has the file open, so a request for
	 * them needs the access of a user. The kernel may have sent it in one of the background
	 * slots that all files share, so it waits for no vault.
	 */
	const struct request asked = {
		.blocking = rq->in_page ? NO_VAULT : rq->blocking,
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
		r = request_kek(v, &ref, &asked, &kek);
		if (r < 0)
			return r == -EINPROGRESS && rq->in_page ? -EKEYREVOKED : r;
		r = admit(v, f, &ref, asked.class, kek, ret_borrowed);
	} while (r == -EAGAIN);
	return r;
}

int file_enter(struct volume *v, struct file *f, const struct request *rq, bool *ret_borrowed)
{
	int state = atomic_load(&f->state);

	*ret_borrowed = false;
	if (state == CONTENT_OPEN)
		return 0;
	/* The kernel has locked the page, and the revocation waits for that page: asking a vault
	 * here would delay it. */
	if (state == CONTENT_DRAINING && rq->in_page)
		return -EKEYREVOKED;
	return enter(v, f, rq, ret_borrowed);
}

void file_leave(struct file *f, bool borrowed)
{
	if (!borrowed)
		return;
	file_lock_write(&f->lock);
	f->borrowers--;
	(void)file_forget_key_locked(f);
	file_unlock_write(&f->lock);
}

int file_authorise(struct volume *v, struct file *f, const struct request *rq)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	struct wrap_ref ref;
	bool borrowed;
	int r;

	if (atomic_load(&f->state) != CONTENT_OPEN) {
		r = file_enter(v, f, rq, &borrowed);
		file_leave(f, borrowed);
		return r;
	}
	file_lock_read(&f->lock);
	ref = f->hdr.ref;
	file_unlock_read(&f->lock);
	return request_kek(v, &ref, rq, &kek);
}
