/* fs/content/request.h - on whose behalf content is used, and whether the request may wait for a
 * vault. */
#ifndef DEPFS_CONTENT_REQUEST_H
#define DEPFS_CONTENT_REQUEST_H

#include <stdbool.h>

#include "fs/content/volume.h"
#include "fs/keyring/keyring.h"

/* What a call may wait for. Where it would have to wait for more it returns -EINPROGRESS. */
enum blocking {
	NEVER_BLOCK,
	NO_VAULT, /* for the disk and the kernel; the vaults are asked, without waiting for them */
	MAY_BLOCK
};

struct request {
	enum blocking blocking;
	enum request_class class;
	bool in_page; /* to fill or write back the kernel's pages, which all handles share */
	struct key_wait wait;
};

/* request_kek() - the wrapping key that a header or a target names: from memory, or after a wait if
 * @rq may block. Errors of keyring_peek() and keyring_get(). */
int request_kek(struct volume *v, const struct wrap_ref *ref, const struct request *rq,
		struct wrap_key **ret_kek) MUST_CHECK;

#endif
