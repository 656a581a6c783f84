#include "fs/content/request.h"

int request_kek(struct volume *v, const struct wrap_ref *ref, const struct request *rq,
		struct wrap_key **ret_kek)
{
	int r;

	if (rq->blocking == NEVER_BLOCK)
		return keyring_peek(v->keyring, ref, rq->class, ret_kek);
	atomic_fetch_add(&v->requests_waiting, 1);
	/* No err: the keyring's event gives the reason. */
	r = keyring_get(v->keyring, ref, rq->class, &rq->wait, ret_kek, NULL);
	atomic_fetch_sub(&v->requests_waiting, 1);
	return r;
}
