/* fs/policy/scan_internal.h - the last scan, and what it proves. */
#ifndef DEPFS_POLICY_SCAN_INTERNAL_H
#define DEPFS_POLICY_SCAN_INTERNAL_H

#include "fs/policy/scan.h"
#include "fs/store/store.h"

#define SCAN_KEY "scan" /* of the record in "meta" */

/* What is known of the files under a policy; part of struct policy, guarded by tables.lock. */
struct scan_proof {
	bool untargeted;    /* the record "untargeted/<policy id>" is there */
	bool never;	    /* and says that the policy was no target since it was made */
	uint64_t quiet_job; /* the scan that runs, while the policy was no target since it began; 0:
			       none */
};

/* scan_load() - the last scan's counts and the proofs, into the tables. */
int scan_load(struct policies *ps, struct store_txn *txn, struct err *err) MUST_CHECK;
/* untargeted_put() - @id was no target @since a scan (s since the epoch), or UNTARGETED_EVER.
 * untargeted_del() - it is becoming one, or is gone. */
#define UNTARGETED_EVER 0
int untargeted_put(struct store_txn *txn, const uint8_t id[static UUID_LEN], uint64_t since,
		   struct err *err) MUST_CHECK;
int untargeted_del(struct store_txn *txn, const uint8_t id[static UUID_LEN],
		   struct err *err) MUST_CHECK;
/* scan_proves_empty() - no header can refer to the policy; else -EBUSY with a sentence on what
 * to do. The act lock is held. */
int scan_proves_empty(struct policies *ps, const uint8_t id[static UUID_LEN],
		      struct err *err) MUST_CHECK;

#endif
