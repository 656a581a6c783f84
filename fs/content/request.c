#include "fs/content/request.h"

#include <errno.h>

int request_kek(struct volume *v, const struct wrap_ref *ref, const struct request *rq,
		struct wrap_key **ret_kek)
{
	int r;

	if (rq->blocking != MAY_BLOCK) {
		r = keyring_peek(v->keyring, ref, rq->class, ret_kek);
		if (r == -EINPROGRESS && rq->blocking == NO_VAULT) {
			keyring_ask(v->keyring, ref, rq->class);
			if (rq->class == REQUEST_USER && keyring_denied(v->keyring, ref))
				r = -EKEYREVOKED; /* until a vault opens it */
		}
		return r;
	}
	atomic_fetch_add(&v->requests_waiting, 1);
	/* No err: the keyring's event gives the reason. */
	r = keyring_get(v->keyring, ref, rq->class, &rq->wait, ret_kek, NULL);
	atomic_fetch_sub(&v->requests_waiting, 1);
	return r;
}
