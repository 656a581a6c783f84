/* fs/policy/purge.h - crypto-erase: a mailbox policy's key is destroyed, and a receipt written. */
#ifndef DEPFS_POLICY_PURGE_H
#define DEPFS_POLICY_PURGE_H

#include "fs/jobs/job.h"
#include "fs/policy/policy.h"
#include "fs/policy/scan.h"

#define PURGE_TEXT_MAX 512 /* bytes of reason and contact, each */

struct purge_request {
	const char *reason, *contact; /* for the receipt */
	const char *confirm;	      /* the policy's id once more; NULL or empty: not given */
};

/**
 * policy_purge() - destroy every copy of the policy's key
 * For kind mailbox alone, and only when both root keys answer *denied* (403, disabled, gone) to
 * every copy: the tenant has closed both vaults, and this closes the way back by the availability
 * key and by allowing the vaults again. Key records and the availability key leave the state, its
 * snapshot and the files that held them (store_scrub()); files under the policy are unreadable for
 * good, which a job lists in the receipt. Repeating it is harmless.
 * Return: 0; -EPERM: multi-workload; -EINVAL: a draft, or a field is missing or wrong; -EBUSY: a
 * vault still grants access; -EAGAIN ...: one does not answer.
 */
int policy_purge(struct policies *ps, const char *p, const struct purge_request *rq,
		 const struct actor *actor, struct err *err) MUST_CHECK;

/* purge_receipt() - of a purged policy, *ret_text malloc'ed; -ENOENT: none, or not yet. */
int purge_receipt(struct policies *ps, const uint8_t id[static UUID_LEN],
		  char **ret_text) MUST_CHECK;

/*
 * The receipt, STORE/.depfs/receipts/purge-<policy id>: "key: value" lines of what was purged, why,
 * by whom and when, a line "file: <path>" for each file that became unreadable, then their number.
 * The event "purge-receipt" has its SHA-256, so the audit chain proves it.
 */
struct receipt;
/* receipt_begin() - for a job of kind purge, from its start: overwrites what is left of the keys.
 */
int receipt_begin(struct policies *ps, const struct job *j, struct receipt **ret_receipt,
		  struct err *err) MUST_CHECK;
void receipt_file(struct receipt *rc, const char *path);
/* receipt_end() - durable, and an event with its hash; consumes @rc. */
int receipt_end(struct receipt *rc, const struct scan_result *res, struct err *err) MUST_CHECK;
void receipt_give_up(struct receipt *rc); /* NULL allowed */

#endif
