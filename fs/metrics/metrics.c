/* fs/metrics/metrics.c - counters and histograms in shards, counts of vaults, and all names. */
#include "fs/metrics/metrics.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Threads beyond these share shards, which makes counting slower, not wrong. */
#define SHARDS 32

struct histogram {
	_Atomic uint64_t buckets[METRIC_BUCKETS];
	_Atomic uint64_t sum_ns;
};

struct shard {
	struct histogram ops[METRIC_OP_END];
	_Atomic uint64_t errors[METRIC_OP_END][METRIC_ERROR_END];
	_Atomic uint64_t counts[METRIC_COUNT_END];
	char padding[64]; /* no cache line belongs to two shards */
};

struct metrics {
	struct shard shards[SHARDS];
	pthread_mutex_t vaults_lock;			   /* no other lock is taken under it */
	size_t n_vaults;				   /* guarded by vaults_lock */
	struct metric_vault vaults[METRIC_VAULTS_MAX + 1]; /* guarded too; the last: "other" */
};

/* ---- names ---- */

static const char *const op_names[METRIC_OP_END] = {
	[METRIC_OP_OTHER] = "other",
	[METRIC_OP_LOOKUP] = "lookup",
	[METRIC_OP_FORGET] = "forget",
	[METRIC_OP_GETATTR] = "getattr",
	[METRIC_OP_SETATTR] = "setattr",
	[METRIC_OP_READLINK] = "readlink",
	[METRIC_OP_SYMLINK] = "symlink",
	[METRIC_OP_MKNOD] = "mknod",
	[METRIC_OP_MKDIR] = "mkdir",
	[METRIC_OP_UNLINK] = "unlink",
	[METRIC_OP_RMDIR] = "rmdir",
	[METRIC_OP_RENAME] = "rename",
	[METRIC_OP_LINK] = "link",
	[METRIC_OP_OPEN] = "open",
	[METRIC_OP_READ] = "read",
	[METRIC_OP_WRITE] = "write",
	[METRIC_OP_STATFS] = "statfs",
	[METRIC_OP_RELEASE] = "release",
	[METRIC_OP_FSYNC] = "fsync",
	[METRIC_OP_SETXATTR] = "setxattr",
	[METRIC_OP_GETXATTR] = "getxattr",
	[METRIC_OP_LISTXATTR] = "listxattr",
	[METRIC_OP_REMOVEXATTR] = "removexattr",
	[METRIC_OP_FLUSH] = "flush",
	[METRIC_OP_OPENDIR] = "opendir",
	[METRIC_OP_READDIR] = "readdir",
	[METRIC_OP_READDIRPLUS] = "readdirplus",
	[METRIC_OP_RELEASEDIR] = "releasedir",
	[METRIC_OP_FSYNCDIR] = "fsyncdir",
	[METRIC_OP_CREATE] = "create",
	[METRIC_OP_TMPFILE] = "tmpfile",
	[METRIC_OP_FALLOCATE] = "fallocate",
	[METRIC_OP_LSEEK] = "lseek",
	[METRIC_OP_POLL] = "poll",
	[METRIC_OP_INTERRUPT] = "interrupt",
	[METRIC_OP_CONTROL] = "control",
};

const char *metric_op_name(enum metric_op op)
{
	return op_names[op];
}

static const char *const error_names[METRIC_ERROR_END] = {
	[METRIC_ERROR_OTHER] = "other",
	[METRIC_ERROR_NOT_FOUND] = "not_found",
	[METRIC_ERROR_EXISTS] = "exists",
	[METRIC_ERROR_PERMISSION] = "permission",
	[METRIC_ERROR_KEY] = "key",
	[METRIC_ERROR_IO] = "io",
	[METRIC_ERROR_SPACE] = "space",
	[METRIC_ERROR_TIMEOUT] = "timeout",
	[METRIC_ERROR_INTERRUPTED] = "interrupted",
	[METRIC_ERROR_RESOURCES] = "resources",
	[METRIC_ERROR_NO_DATA] = "no_data",
	[METRIC_ERROR_INVALID] = "invalid",
	[METRIC_ERROR_UNSUPPORTED] = "unsupported",
};

const char *metric_error_name(enum metric_error e)
{
	return error_names[e];
}

enum metric_error metric_error_of(int r)
{
	switch (abs(r)) {
	case ENOENT:
	case ESTALE:
		return METRIC_ERROR_NOT_FOUND;
	case EEXIST:
	case ENOTEMPTY:
		return METRIC_ERROR_EXISTS;
	case EACCES:
	case EPERM:
	case EROFS:
		return METRIC_ERROR_PERMISSION;
	case EKEYREVOKED:
	case ENOKEY:
		return METRIC_ERROR_KEY;
	case EIO:
	case EBADMSG:
		return METRIC_ERROR_IO;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return METRIC_ERROR_SPACE;
	case EAGAIN:
	case ETIMEDOUT:
	case EBUSY:
		return METRIC_ERROR_TIMEOUT;
	case EINTR:
		return METRIC_ERROR_INTERRUPTED;
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return METRIC_ERROR_RESOURCES;
	case ENODATA:
	case ERANGE:
	case ENXIO:
		return METRIC_ERROR_NO_DATA;
	case EINVAL:
	case EBADF:
	case ENOTDIR:
	case EISDIR:
	case ENAMETOOLONG:
	case ELOOP:
	case EXDEV:
		return METRIC_ERROR_INVALID;
	case ENOSYS:
	case EOPNOTSUPP:
		return METRIC_ERROR_UNSUPPORTED;
	default:
		return METRIC_ERROR_OTHER;
	}
}

/* From 10 us, as an answer from memory takes, to 30 s, the usual deadline of a vault's call. */
static const uint64_t bounds_ns[METRIC_BUCKETS - 1] = {
	10000,	  30000,     100000,	300000,	    1000000,	3000000,     10000000,
	30000000, 100000000, 300000000, 1000000000, 3000000000, 10000000000, 30000000000,
};

uint64_t metric_bound_ns(unsigned bucket)
{
	return bounds_ns[bucket];
}

static unsigned bucket_of(uint64_t took_ns)
{
	unsigned b = 0;

	while (b < METRIC_BUCKETS - 1 && took_ns > bounds_ns[b])
		b++;
	return b;
}

/* ---- counting ---- */

static struct shard *shard_of(struct metrics *m)
{
	static _Atomic unsigned threads;
	static _Thread_local unsigned mine; /* this thread's shard, from 1; 0: none yet */

	if (mine == 0)
		mine = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % SHARDS + 1;
	return &m->shards[mine - 1];
}

static void counter_add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

void metrics_add(struct metrics *m, enum metric_count what, uint64_t n)
{
	counter_add(&shard_of(m)->counts[what], n);
}

void metrics_op(struct metrics *m, enum metric_op op, uint64_t took_ns, int r)
{
	struct shard *s = shard_of(m);

	counter_add(&s->ops[op].buckets[bucket_of(took_ns)], 1);
	counter_add(&s->ops[op].sum_ns, took_ns);
	if (r != 0)
		counter_add(&s->errors[op][metric_error_of(r)], 1);
}

static uint64_t counter_read(_Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void shard_total(struct shard *s, struct metrics_total *total)
{
	for (unsigned op = 0; op < METRIC_OP_END; op++) {
		for (unsigned b = 0; b < METRIC_BUCKETS; b++)
			total->ops[op].buckets[b] += counter_read(&s->ops[op].buckets[b]);
		total->ops[op].sum_ns += counter_read(&s->ops[op].sum_ns);
		for (unsigned c = 0; c < METRIC_ERROR_END; c++)
			total->errors[op][c] += counter_read(&s->errors[op][c]);
	}
	for (unsigned c = 0; c < METRIC_COUNT_END; c++)
		total->counts[c] += counter_read(&s->counts[c]);
}

void metrics_total(struct metrics *m, struct metrics_total *ret_total)
{
	memset(ret_total, 0, sizeof(*ret_total));
	for (unsigned i = 0; i < SHARDS; i++)
		shard_total(&m->shards[i], ret_total);
}

/* ---- vaults ---- */

static struct metric_vault *vault_locked(struct metrics *m, const char *name)
{
	struct metric_vault *v = m->vaults;

	while (v < m->vaults + m->n_vaults && strcmp(v->name, name) != 0)
		v++;
	if (v < m->vaults + m->n_vaults)
		return v;
	if (m->n_vaults >= METRIC_VAULTS_MAX) {
		v = &m->vaults[METRIC_VAULTS_MAX];
		name = "other";
	}
	(void)snprintf(v->name, sizeof(v->name), "%s", name);
	m->n_vaults = (size_t)(v - m->vaults) + 1;
	return v;
}

void metrics_vault(void *metrics, const struct kms_observed *seen)
{
	uint64_t took_ns = seen->duration_us * 1000;
	struct metrics *m = metrics;
	struct metric_vault *v;

	assert(seen->operation < METRIC_OPERATIONS && seen->outcome < METRIC_OUTCOMES);
	pthread_mutex_lock(&m->vaults_lock);
	v = vault_locked(m, seen->vault);
	v->outcomes[seen->operation][seen->outcome]++;
	v->latency[seen->operation].buckets[bucket_of(took_ns)]++;
	v->latency[seen->operation].sum_ns += took_ns;
	pthread_mutex_unlock(&m->vaults_lock);
}

int metrics_vaults(struct metrics *m, struct metric_vault **ret_list, size_t *ret_count)
{
	struct metric_vault *list;

	pthread_mutex_lock(&m->vaults_lock);
	list = malloc((m->n_vaults + 1) * sizeof(*list));
	if (list) {
		memcpy(list, m->vaults, m->n_vaults * sizeof(*list));
		*ret_list = list;
		*ret_count = m->n_vaults;
	}
	pthread_mutex_unlock(&m->vaults_lock);
	return list ? 0 : -ENOMEM;
}

int metrics_new(struct metrics **ret_metrics)
{
	struct metrics *m = calloc(1, sizeof(*m)); /* untouched pages of it take no memory */

	if (!m)
		return -ENOMEM;
	(void)pthread_mutex_init(&m->vaults_lock, NULL); /* cannot fail with glibc */
	*ret_metrics = m;
	return 0;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	(void)pthread_mutex_destroy(&m->vaults_lock);
	free(m);
}
