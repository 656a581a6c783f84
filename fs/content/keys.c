#include "fs/content/keys_internal.h"

#include <errno.h>
#include <string.h>

#include "crypto/base/cleanup.h"
#include "fs/content/report.h"
#include "fs/jobs/renewal.h"

int keys_load_new(const struct file *f, struct worker *w)
{
	return f->dek ? block_ctx_load(w->crypt, f->dek, f->hdr.file_id) : -EKEYREVOKED;
}

int keys_load(const struct file *f, struct worker *w)
{
	int r = keys_load_new(f, w);

	if (r < 0 || !f->old_dek)
		return r;
	w->has_old = true;
	return block_ctx_load(w->crypt_old, f->old_dek, f->old_id);
}

void keys_forget(struct worker *w)
{
	block_ctx_forget(w->crypt);
	if (w->has_old)
		block_ctx_forget(w->crypt_old);
	w->has_old = false;
}

int keys_open(const struct file *f, struct worker *w, uint32_t block_no,
	      const uint8_t in[static BLOCK_LEN], uint8_t *out, struct block_meta *ret_meta,
	      enum key_age *ret_age)
{
	int r = block_open(w->crypt, block_no, in, out, ret_meta);

	*ret_age = KEY_NEW;
	if (r != -EBADMSG || !f->old_dek || block_no < f->renewed_to)
		return r;
	*ret_age = KEY_OLD;
	return block_open(w->crypt_old, block_no, in, out, ret_meta);
}

int keys_load_old(struct volume *v, struct file *f)
{
	struct renewal ren;
	int r;

	if (!(f->hdr.flags & HEADER_FLAG_RENEWING))
		return 0;
	if (!renewal_find(v->renewals, f->hdr.file_id, &ren))
		return file_damage(v, f->fd, 0, "record of its renewal is missing");
	r = dek_unwrap_old(f->dek, f->hdr.file_id, ren.old_wrap, ren.old_id, &f->old_dek);
	if (r < 0)
		return r == -EBADMSG ? file_damage(v, f->fd, 0, "record of its renewal") : r;
	if (f->renewing)
		return 0;
	memcpy(f->old_id, ren.old_id, FILE_ID_LEN);
	f->renewed_to = 1;
	f->renewing = true;
	renewal_hold(v->renewals, f->hdr.file_id);
	return 0;
}

void keys_put_old(struct volume *v, struct file *f)
{
	if (!f->renewing)
		return;
	dek_free(STEAL(f->old_dek));
	f->renewing = false;
	renewal_unhold(v->renewals, f->hdr.file_id);
}

void keys_drop_old(struct volume *v, struct file *f)
{
	if (!f->renewing)
		return;
	renewal_drop(v->renewals, f->hdr.file_id);
	keys_put_old(v, f);
}
