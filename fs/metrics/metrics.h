/* fs/metrics/metrics.h - counters and latency histograms of one open store, for use by any
 * thread. */
#ifndef DEPFS_METRICS_METRICS_H
#define DEPFS_METRICS_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"
#include "kms/kms.h"

/*
 * Counting is a relaxed atomic addition in the thread's own shard: no lock, no allocation, and (up
 * to 32 threads) no cache line that another thread writes. The counts are enums, so these tables
 * bound the number of series, whatever files and users there are. A reader sums the shards; it may
 * see one count of a request and not yet another.
 */
struct metrics;

/* A FUSE request by its operation; those on the control directory are all METRIC_OP_CONTROL. */
enum metric_op {
	METRIC_OP_OTHER,
	METRIC_OP_LOOKUP,
	METRIC_OP_FORGET,
	METRIC_OP_GETATTR,
	METRIC_OP_SETATTR,
	METRIC_OP_READLINK,
	METRIC_OP_SYMLINK,
	METRIC_OP_MKNOD,
	METRIC_OP_MKDIR,
	METRIC_OP_UNLINK,
	METRIC_OP_RMDIR,
	METRIC_OP_RENAME,
	METRIC_OP_LINK,
	METRIC_OP_OPEN,
	METRIC_OP_READ,
	METRIC_OP_WRITE,
	METRIC_OP_STATFS,
	METRIC_OP_RELEASE,
	METRIC_OP_FSYNC,
	METRIC_OP_SETXATTR,
	METRIC_OP_GETXATTR,
	METRIC_OP_LISTXATTR,
	METRIC_OP_REMOVEXATTR,
	METRIC_OP_FLUSH,
	METRIC_OP_OPENDIR,
	METRIC_OP_READDIR,
	METRIC_OP_READDIRPLUS,
	METRIC_OP_RELEASEDIR,
	METRIC_OP_FSYNCDIR,
	METRIC_OP_CREATE,
	METRIC_OP_TMPFILE,
	METRIC_OP_FALLOCATE,
	METRIC_OP_LSEEK,
	METRIC_OP_POLL,
	METRIC_OP_INTERRUPT,
	METRIC_OP_CONTROL,
	METRIC_OP_END,
};
const char *metric_op_name(enum metric_op op); /* "lookup", ... */

/* Errors that requests are answered with, in classes; metric_error_of() has the table. */
enum metric_error {
	METRIC_ERROR_OTHER,
	METRIC_ERROR_NOT_FOUND,
	METRIC_ERROR_EXISTS,
	METRIC_ERROR_PERMISSION,
	METRIC_ERROR_KEY,
	METRIC_ERROR_IO,
	METRIC_ERROR_SPACE,
	METRIC_ERROR_TIMEOUT,
	METRIC_ERROR_INTERRUPTED,
	METRIC_ERROR_RESOURCES,
	METRIC_ERROR_NO_DATA,
	METRIC_ERROR_INVALID,
	METRIC_ERROR_UNSUPPORTED,
	METRIC_ERROR_END,
};
const char *metric_error_name(enum metric_error e); /* "not_found", ... */
enum metric_error metric_error_of(int r);	    /* errno, of either sign */

/* Plain counts. */
enum metric_count {
	METRIC_READ_BYTES,    /* plaintext read by the kernel */
	METRIC_WRITTEN_BYTES, /* plaintext written by the kernel */
	METRIC_FILES_OPENED,  /* handles */
	METRIC_FILES_CLOSED,
	METRIC_DAMAGE_HEADER, /* a header that does not authenticate, or is missing */
	METRIC_DAMAGE_BLOCK,  /* a block that does not authenticate */
	METRIC_DAMAGE_SIZE,   /* length and final block disagree */
	METRIC_DAMAGE_OTHER,
	METRIC_BUDGET_LOW,    /* files that came near 2^32 block writes */
	METRIC_KEY_HIT,	      /* an opened DEP key was in memory */
	METRIC_KEY_MISS,      /* the vaults had to be asked, or a call in flight waited for */
	METRIC_KEY_REFUSED,   /* the policy was known to be revoked; no vault was asked */
	METRIC_AVAIL_OUTAGE,  /* the availability key was used: no vault could be reached */
	METRIC_AVAIL_DENIED,  /* the availability key was used: a vault denied a system request */
	METRIC_AVAIL_DAMAGED, /* the availability key was used: both vault copies are damaged */
	METRIC_REVOCATIONS,
	METRIC_REVOKED_FILES,	/* files that were open under a policy when it was revoked */
	METRIC_REVOKED_FLUSHED, /* bytes of their dirty pages that were written */
	METRIC_REVOKED_LOST,	/* bytes of dirty pages that could not be written */
	METRIC_REVOKED_KEYS,	/* data keys wiped */
	METRIC_COUNT_END,
};

int metrics_new(struct metrics **ret_metrics) MUST_CHECK; /* -ENOMEM */
void metrics_free(struct metrics *m);			  /* NULL allowed */
DEFINE_CLEANUP(struct metrics *, metrics_free)

void metrics_add(struct metrics *m, enum metric_count what, uint64_t n);
/* metrics_op() - a request was answered after @took_ns; @r: 0, or an errno of either sign. */
void metrics_op(struct metrics *m, enum metric_op op, uint64_t took_ns, int r);

/* Latency. Bucket i counts what took longer than bound i - 1 and at most bound i; the last one has
 * no bound. */
#define METRIC_BUCKETS 15
uint64_t metric_bound_ns(unsigned bucket); /* bucket < METRIC_BUCKETS - 1 */

struct metric_histogram {
	uint64_t buckets[METRIC_BUCKETS]; /* not cumulative */
	uint64_t sum_ns;
};

/* All shards together. */
struct metrics_total {
	struct metric_histogram ops[METRIC_OP_END];
	uint64_t errors[METRIC_OP_END][METRIC_ERROR_END];
	uint64_t counts[METRIC_COUNT_END];
};
void metrics_total(struct metrics *m, struct metrics_total *ret_total);

/* Calls of vaults, which are rare and slow, are counted under a lock. Beyond METRIC_VAULTS_MAX
 * vaults, all others are counted together as "other". */
#define METRIC_VAULTS_MAX 64
#define METRIC_OUTCOMES	  (KMS_MISCONFIGURED + 1)
#define METRIC_OPERATIONS (KMS_TOKEN + 1)

struct metric_vault {
	char name[256]; /* as in struct kms_observed; of a token service its host */
	struct metric_histogram latency[METRIC_OPERATIONS];
	uint64_t outcomes[METRIC_OPERATIONS][METRIC_OUTCOMES];
};
/* metrics_vault() - a kms_observe_fn, whose @metrics is a struct metrics. */
void metrics_vault(void *metrics, const struct kms_observed *seen);
/* metrics_vaults() - a copy, in the order in which they were counted first; *ret_list is malloc'ed.
 * -ENOMEM. */
int metrics_vaults(struct metrics *m, struct metric_vault **ret_list, size_t *ret_count) MUST_CHECK;

#endif
