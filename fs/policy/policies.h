/* fs/policy/policies.h - the policies and assignments of one open store, in memory. */
#ifndef DEPFS_POLICY_POLICIES_H
#define DEPFS_POLICY_POLICIES_H

#include <stdbool.h>

#include "crypto/base/err.h"
#include "crypto/header.h"
#include "fs/keyring/roots.h"

struct audit;
struct jobs;
struct keyring;
struct kms;
struct policies;
struct store;

/* All borrowed for as long as the policies live. */
struct policies_config {
	struct store *store;
	struct kms *kms;
	struct audit *audit;
	struct keyring *keyring;
	struct jobs *jobs;
	bool strict; /* a purgeable root key is an error, not a warning */
};

/* policies_new() - loads them from the store; a record that is not understood is refused: -EBADMSG,
 * -ENOTSUP. */
int policies_new(const struct policies_config *config, struct policies **ret_policies,
		 struct err *err) MUST_CHECK;
void policies_free(struct policies *ps); /* NULL allowed */

/* policies_key_source() - a key_source_fn of @policies, for keyring_start(). */
int policies_key_source(void *policies, const struct wrap_ref *ref,
			struct key_source *ret_src) MUST_CHECK;

#endif
