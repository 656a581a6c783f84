/* fs/policy/purge_internal.h - between the act and its receipt. */
#ifndef DEPFS_POLICY_PURGE_INTERNAL_H
#define DEPFS_POLICY_PURGE_INTERNAL_H

#include "fs/policy/act_internal.h"
#include "fs/policy/purge.h"

/* purge_head_make() - the receipt's first lines, malloc'ed. */
int purge_head_make(struct act *a, const struct purge_request *rq,
		    const struct root_answer answers[static 2], char **ret_head) MUST_CHECK;
/* purge_head_put() - kept in the state ("meta", "purge/<policy id>") until the job writes them. */
int purge_head_put(struct store_txn *txn, const uint8_t id[static UUID_LEN], const char *head,
		   struct err *err) MUST_CHECK;

#endif
