/* fs/policy/scan.h - what a scan counted: files and bytes by workload, policy and generation. */
#ifndef DEPFS_POLICY_SCAN_H
#define DEPFS_POLICY_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/base/err.h"
#include "crypto/header.h"
#include "fs/audit/audit.h"
#include "fs/jobs/job.h"
#include "fs/policy/policies.h"
#include "fs/policy/scope.h"

struct scan_row {
	enum workload workload;
	struct wrap_ref ref;   /* in the headers; zeros: the service key */
	uint64_t files, bytes; /* bytes of plaintext */
};

/*
 * Scan record, version 1, integers little-endian: the record "scan" of table "meta".
 *   magic "DEPC" | version u16 = 1 | flags u16 = 0 | job, started, ended u64 (times: s since the
 *   epoch) | mailboxes, unreadable u64 | rows u32 | for each row: workload u8 (the order of
 *   scope.h) | zero 3 | generation u32 | policy id 16 | files u64 | bytes u64
 * Beside it "untargeted/<policy id>": u64, when; 0 from when the policy was made. No header can
 * have come under that policy since the last complete scan began (or since the policy was made), so
 * what that scan counted is the most that there can be. Assigning the policy takes the record away,
 * in the same transaction.
 */
struct scan_result {
	uint64_t job, started, ended;
	uint64_t mailboxes;  /* folders below mailbox/ */
	uint64_t unreadable; /* files whose header cannot be read: they are in no row */
	struct scan_row *rows;
	size_t n_rows, capacity;
};

#define SCAN_ROWS_MAX 1000000u

void scan_result_fini(struct scan_result *res);

/* scan_add() - @files and @bytes more, or less, in the row they belong to. -ENOMEM. */
int scan_add(struct scan_result *res, enum workload workload, const struct wrap_ref *ref,
	     int64_t files, int64_t bytes) MUST_CHECK;
/* scan_sum() - of the rows under @policy_id (NULL: all rows). */
void scan_sum(const struct scan_result *res, const uint8_t *policy_id, uint64_t *ret_files,
	      uint64_t *ret_bytes);

/* Encoding gives a malloc'ed record without rows of no files. Decoders: -EBADMSG, -ENOTSUP. */
int scan_encode(const struct scan_result *res, uint8_t **ret_rec, size_t *ret_len) MUST_CHECK;
int scan_decode(const uint8_t *in, size_t in_len, struct scan_result *ret_res) MUST_CHECK;

/* scan_start() - an act: queues a scan; one that has not begun yet is enough. */
int scan_start(struct policies *ps, const struct actor *actor, uint64_t *ret_job,
	       struct err *err) MUST_CHECK;

/* scan_last() - a copy of what the last complete scan counted; -ENOENT: there was none. */
int scan_last(struct policies *ps, struct scan_result *ret_res) MUST_CHECK;

/* ---- for the walk that counts: fs/walk ---- */

/* scan_begins() - before targets_synchronize(): a policy that is no target now can become one
 * only by an act, which voids the proof of this scan. */
void scan_begins(struct policies *ps, const struct job *j);
/* scan_ends() - the result is durable; @res is consumed on success. */
int scan_ends(struct policies *ps, struct job *j, struct scan_result *res,
	      struct err *err) MUST_CHECK;

#endif
