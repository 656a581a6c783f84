/* fs/metrics/metrics.h - counters and latency histograms of one open store, raised by any thread.
 */
#ifndef DEPFS_METRICS_METRICS_H
#define DEPFS_METRICS_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"
#include "kms/kms.h"

/*
 * A count is one relaxed addition in the thread's own shard: no lock, no allocation, and no cache
 * line that another thread writes. What is counted is an enum, so that there are as many series as
 * these tables have rows, whatever files and users do. A reader adds the shards up; it may see one
 * count of a request and not yet another.
 */
struct metrics;

/* A FUSE request by what the kernel asks; all that concern the control directory are one kind. */
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

/* What a program is told, in classes: the table is in metrics.c. */
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
	METRIC_READ_BYTES,    /* plaintext that programs were given */
	METRIC_WRITTEN_BYTES, /* plaintext that the kernel wrote */
	METRIC_FILES_OPENED,  /* handles */
	METRIC_FILES_CLOSED,
	METRIC_DAMAGE_HEADER, /* a header that does not authenticate, or is missing */
	METRIC_DAMAGE_BLOCK,  /* a block that does not authenticate */
	METRIC_DAMAGE_SIZE,   /* length and final block disagree */
	METRIC_DAMAGE_OTHER,
	METRIC_BUDGET_LOW,    /* files that came near 2^32 block writes */
	METRIC_KEY_HIT,	      /* an opened DEP key was in memory */
	METRIC_KEY_MISS,      /* the vaults had to be asked, or a call in flight waited for */
	METRIC_KEY_REFUSED,   /* revoked, told from memory */
	METRIC_AVAIL_OUTAGE,  /* the availability key: no vault could be reached */
	METRIC_AVAIL_DENIED,  /* a vault said no, for a system request */
	METRIC_AVAIL_DAMAGED, /* both copies are damaged */
	METRIC_REVOCATIONS,
	METRIC_REVOKED_FILES,	/* open files that revocations have shut */
	METRIC_REVOKED_FLUSHED, /* bytes of their dirty pages that were written */
	METRIC_REVOKED_LOST,	/* and that could not be */
	METRIC_REVOKED_KEYS,	/* data keys wiped */
	METRIC_COUNT_END,
};

int metrics_new(struct metrics **ret_metrics) MUST_CHECK; /* -ENOMEM */
void metrics_free(struct metrics *m);			  /* NULL allowed */
DEFINE_CLEANUP(struct metrics *, metrics_free)

void metrics_add(struct metrics *m, enum metric_count what, uint64_t n);
/* metrics_op() - a request was answered; @r: 0, or an errno of either sign. */
void metrics_op(struct metrics *m, enum metric_op op, uint64_t took_ns, int r);

/* Latency: how many took at most metric_bound_ns(0), and so on; the last bucket has no bound. */
#define METRIC_BUCKETS 15
uint64_t metric_bound_ns(unsigned bucket); /* bucket < METRIC_BUCKETS - 1 */

struct metric_histogram {
	uint64_t buckets[METRIC_BUCKETS]; /* each by itself */
	uint64_t sum_ns;
};

/* All shards together. */
struct metrics_total {
	struct metric_histogram ops[METRIC_OP_END];
	uint64_t errors[METRIC_OP_END][METRIC_ERROR_END];
	uint64_t counts[METRIC_COUNT_END];
};
void metrics_total(struct metrics *m, struct metrics_total *ret_total);

/* Calls of vaults: rare and slow, so these take a lock. Of more vaults than METRIC_VAULTS_MAX the
 * later ones are counted together, as "other". */
#define METRIC_VAULTS_MAX 64
#define METRIC_OUTCOMES	  (KMS_MISCONFIGURED + 1)
#define METRIC_OPERATIONS (KMS_TOKEN + 1)

struct metric_vault {
	char name[256]; /* as kms.h says it; of a token service its host */
	struct metric_histogram latency[METRIC_OPERATIONS];
	uint64_t outcomes[METRIC_OPERATIONS][METRIC_OUTCOMES];
};
/* metrics_vault() - a kms_observe_fn, whose @metrics is a struct metrics. */
void metrics_vault(void *metrics, const struct kms_observed *seen);
/* metrics_vaults() - in order of first sight; *ret_list is malloc'ed, the caller frees it. */
int metrics_vaults(struct metrics *m, struct metric_vault **ret_list, size_t *ret_count) MUST_CHECK;

#endif
