#include "fs/content/new_file.h"

#include <errno.h>
#include <string.h>

#include "crypto/base/cleanup.h"
#include "fs/content/worker.h"
#include "fs/inode/disk.h"
#include "fs/policy/target.h"
#include "fs/store/store.h"

void new_file_fini(struct new_file *n)
{
	dek_free(n->dek);
	n->dek = NULL;
}

int new_file_init(struct volume *v, const struct scope *scope, const uint8_t *file_id,
		  const struct request *rq, struct new_file *ret_new)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;
	struct new_file n = {.hdr = {.version_no = 1, .budget = 1}};
	int r;

	target_resolve(v->policies, scope, &n.hdr.ref);
	r = request_kek(v, &n.hdr.ref, rq, &kek);
	if (r < 0)
		return r;
	memcpy(n.hdr.store_id, store_format_of(v->store)->store_id, UUID_LEN);
	memcpy(n.hdr.scope_id, scope->id, SCOPE_ID_LEN);
	if (file_id)
		memcpy(n.hdr.file_id, file_id, FILE_ID_LEN);
	else
		r = random_bytes(n.hdr.file_id, FILE_ID_LEN);
	if (r < 0)
		return r;
	r = dek_new(&n.dek);
	if (r < 0)
		return r;
	r = dek_wrap(n.dek, kek, &n.hdr);
	if (r < 0) {
		new_file_fini(&n);
		return r;
	}
	*ret_new = n;
	return 0;
}

int new_file_write(struct new_file *n, int fd)
{
	struct worker *w = worker_self();
	int r;

	if (!w)
		return -ENOMEM;
	r = block_ctx_load(w->crypt, n->dek, n->hdr.file_id);
	if (r < 0)
		return r;
	r = block_seal(w->crypt, 0, (struct block_meta){.used = 0, .final = true}, NULL, w->disk);
	block_ctx_forget(w->crypt);
	if (r < 0)
		return r;
	r = header_encode(&n->hdr, n->dek, w->disk);
	if (r < 0)
		return r;
	return disk_write(fd, w->disk, BLOCK_LEN, 0);
}
