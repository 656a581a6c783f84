/* fs/policy/target.h - what new data is wrapped under, and what jobs bring existing data under. */
#ifndef DEPFS_POLICY_TARGET_H
#define DEPFS_POLICY_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/header.h"
#include "fs/jobs/job.h"
#include "fs/policy/policies.h"
#include "fs/policy/scope.h"

/* Where a target comes from. */
enum target_source {
	TARGET_MAILBOX,
	TARGET_TENANT,
	TARGET_SERVICE
};

/**
 * target_resolve() - what new data of @scope is wrapped under: the mailbox's policy, else the
 * tenant's if it covers the workload, else the service key. From memory, never blocks.
 */
enum target_source target_resolve(struct policies *ps, const struct scope *scope,
				  struct wrap_ref *ret_ref);

/*
 * targets_epoch() - changes whenever any target_resolve() may have: an assignment, a new
 * generation. A file whose target was resolved in this epoch need not ask again. One atomic load.
 */
uint64_t targets_epoch(const struct policies *ps);

/*
 * Readers and the grace period of targets. A reader lasts from before target_resolve() until what
 * that gave is on disk, or forgotten; target_read_begin() gives what target_read_end() takes. A job
 * that re-wraps calls targets_synchronize() first, which returns when all readers that had begun
 * have ended: after it no file is made under a target of before. For one thread at a time; a reader
 * may wait for a vault meanwhile.
 */
unsigned target_read_begin(struct policies *ps);
void target_read_end(struct policies *ps, unsigned side);
void targets_synchronize(struct policies *ps);

/**
 * job_wants() - whether @j is to wrap a file anew, by what the file's header says
 * @now: under what its data key is wrapped; @scope: where it lies
 * @ret_target: what it is to be wrapped under
 * From memory, never blocks. Any thread, while the job runs.
 */
bool job_wants(struct policies *ps, const struct job *j, const struct wrap_ref *now,
	       const struct scope *scope, struct wrap_ref *ret_target);

#endif
