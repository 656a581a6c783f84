/* fs/keyring/keyring.h - DEP keys in memory: opened on demand by one vault call for all who wait,
 * proved again every key_check seconds, taken away when a vault denies (fs/README.md, Opening a DEP
 * key and Revocation). */
#ifndef DEPFS_KEYRING_KEYRING_H
#define DEPFS_KEYRING_KEYRING_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/base/err.h"
#include "crypto/header.h"
#include "crypto/wrap.h"
#include "fs/keyring/roots.h"
#include "kms/kms.h"

struct audit;
struct keyring;
struct metrics;
struct store;

/* All borrowed for as long as the keyring lives. */
struct keyring_config {
	struct store *store; /* for its service key */
	struct kms *kms;
	struct audit *audit;
	struct metrics *metrics;
	unsigned key_check_s; /* access is proved again this often; not 0 */
};

/* keyring_new() - empty; only the service key can be had until keyring_start(). */
int keyring_new(const struct keyring_config *config, struct keyring **ret_keyring,
		struct err *err) MUST_CHECK;

/**
 * key_source_fn: looks up what opening one generation needs
 * @ref: generation 0: the newest
 * Called by any thread, without a lock of the keyring.
 * Return: 0; -EKEYREVOKED: the policy is purged; -ENOKEY: no such policy or generation.
 */
typedef int key_source_fn(void *arg, const struct wrap_ref *ref, struct key_source *ret_src);

/* keyring_start() - keys come from @source from now on; starts the checker's thread. Once, before
 * any key of a policy is asked for. -EAGAIN: no thread. */
int keyring_start(struct keyring *k, key_source_fn *source, void *arg, struct err *err) MUST_CHECK;

/*
 * The end, in this order. keyring_closing() - the vaults are not asked any more: a caller that
 * waits for a key is answered within a vault's deadline. keyring_stop() - waits for the keyring's
 * threads and the call-backs they run; nothing may ask for keys by then. keyring_free() - keys are
 * wiped. NULL allowed.
 */
void keyring_closing(struct keyring *k);
void keyring_stop(struct keyring *k);
void keyring_free(struct keyring *k);

enum request_class {
	REQUEST_USER,	/* a program's request */
	REQUEST_SYSTEM, /* depfs's own jobs, or a process in the group of system_gid= */
};

/* How long a caller waits for a vault. */
struct key_wait {
	bool (*interrupted)(void *arg); /* polled every 50 ms or so; NULL: never */
	void *arg;
	unsigned timeout_ms; /* 0: the default of 60,000 */
	bool background;     /* meanwhile it takes one of the kernel's background slots */
};

/**
 * keyring_peek() - a key that is open, from memory only; never blocks
 * Return: 0 and a counted reference; -EINPROGRESS: not open, ask keyring_get() from a thread that
 * may block; -EKEYREVOKED: the policy is revoked, was proved so within key_check seconds, and users
 * ask for it often; a few times a second they are let through to the vaults (-EINPROGRESS), so that
 * the next request after access returned opens it.
 */
int keyring_peek(struct keyring *k, const struct wrap_ref *ref, enum request_class class,
		 struct wrap_key **ret_kek) MUST_CHECK;

/**
 * keyring_get() - the same, asking the vaults if need be
 * Single flight per policy and generation: the first caller asks, the others wait for its result.
 * Return: 0; -EKEYREVOKED: a root answered denied and none opened (user request); -ENOKEY: no such
 * policy or generation in this store; -EBADMSG: every copy damaged; -EINTR; -ETIMEDOUT; -EAGAIN:
 * KEYRING_WAITERS_MAX callers, or too many in background slots, wait already; -ENOMEM. Events:
 * "key-open" with policy, generation, vault key id, outcome, request id; "availability-key-used"
 * with the reason each time; "key-copy-damaged".
 */
int keyring_get(struct keyring *k, const struct wrap_ref *ref, enum request_class class,
		const struct key_wait *wait, struct wrap_key **ret_kek, struct err *err) MUST_CHECK;

/* A quarter of the threads of the blocking pool that serves files (fs/fuse), so that requests for
 * other keys find a thread while all of these wait. */
#define KEYRING_WAITERS_MAX 256u

/*
 * The kernel sends reads and writes of all files in as many background slots as max_background
 * (fs/fuse/session.h), and nothing else of the mount is read or written while all are taken. So of
 * those requests only so many wait for one key, and for all keys together.
 */
#define KEYRING_BACKGROUND_MAX	   16u
#define KEYRING_BACKGROUND_ALL_MAX 64u

/*
 * keyring_ask() - starts to ask for a key without waiting for it
 * What the vaults answer takes effect as if a caller of @class had waited, so that a later
 * keyring_peek() finds the key. A question that is under way already is joined. Never blocks.
 */
void keyring_ask(struct keyring *k, const struct wrap_ref *ref, enum request_class class);

/* keyring_forget() - drop the cached key of one policy (every generation), e.g. after its keys were
 * replaced. */
void keyring_forget(struct keyring *k, const uint8_t policy_id[static UUID_LEN]);

/* keyring_purge() - no key of the policy that @src names (id and name suffice) exists any more:
 * denied for good, and carried out as a revocation is. The caller holds no lock. */
void keyring_purge(struct keyring *k, const struct key_source *src);

/* keyring_note() - both roots were asked outside the keyring (refresh, check). Bad answers show in
 * the health alone: only the checker takes keys away; two good ones end a revocation. */
void keyring_note(struct keyring *k, const struct key_source *src,
		  const struct root_answer answers[static 2]);

/**
 * keyring_denied() - a root denied this key, and none has opened it since
 * A denial outlasts an outage that follows it: access that was taken away returns only when a vault
 * opens the key again. False for the service key. From memory, never blocks.
 */
bool keyring_denied(struct keyring *k, const struct wrap_ref *ref);

/* ---- what is known of a policy's keys ---- */

/* What the last proof of access showed, per root key. */
struct root_health {
	enum kms_outcome outcome;
	int64_t when;	/* s since the epoch; 0: never asked */
	char text[400]; /* sentence when not ok */
};

enum keyring_state {
	KEYRING_CLOSED,	  /* nothing cached */
	KEYRING_OPEN,	  /* both roots opened it when last asked */
	KEYRING_DEGRADED, /* open, but a root fails or a copy is damaged, or opened by the
			     availability key */
	KEYRING_REVOKED,  /* denied, none opens */
};
enum keyring_state keyring_state_of(struct keyring *k, const uint8_t policy_id[static UUID_LEN],
				    struct root_health ret_health[static 2]);

/* For the metrics. */
struct keyring_look {
	bool open;	/* one of its keys is in memory */
	int64_t proved; /* s since the epoch: a root last opened the newest key; 0: never yet */
	uint64_t revocations; /* since the mount */
};
void keyring_look(struct keyring *k, const uint8_t policy_id[static UUID_LEN],
		  struct keyring_look *ret_look);

/* ---- revocations ---- */

/* What a revocation found among the files; counted by fs/content. */
struct revoked_files {
	uint64_t open_files;   /* by programs or jobs */
	uint64_t handles;      /* that programs had of them */
	uint64_t cached_files; /* closed, but the kernel may have had pages of them */
	uint64_t flushed;      /* bytes of dirty pages written */
	uint64_t lost;	       /* bytes of dirty pages that could not be written in time */
	uint64_t data_keys;    /* wiped */
};

/*
 * Called when a policy turns revoked, once keyring_denied() is true and its keys left the keyring,
 * from a thread that serves no files; several policies at once. @files: zeros, to be counted in.
 */
typedef void revoked_fn(void *arg, const uint8_t policy_id[UUID_LEN], struct revoked_files *files);

/* keyring_on_revoked() - one call-back a keyring; NULL takes it away. */
void keyring_on_revoked(struct keyring *k, revoked_fn *fn, void *arg);

/* The last revocation of a policy since the mount; or, summed up, all of all policies. */
struct revocation {
	uint64_t count;	      /* how many there were */
	uint64_t under_way;   /* of those, not yet done */
	int64_t when;	      /* s since the epoch: the denial was proved; 0: never */
	uint64_t took_ms;     /* from there until it was done */
	uint64_t policy_keys; /* wiped */
	struct revoked_files files;
};

void keyring_revocation(struct keyring *k, const uint8_t policy_id[static UUID_LEN],
			struct revocation *ret_revocation);
/* keyring_revocations() - over all policies: sums, and the newest `when`. For metrics. */
void keyring_revocations(struct keyring *k, struct revocation *ret_sum);

/**
 * keyring_window_s() - the longest time from a denial at both roots until it has taken effect
 * @slow: vaults that take all of KMS_DEADLINE_S to answer. The last answer that opened the key may
 * be as old as a period and, where the other vault was slow with it, a deadline; then the denial
 * may take another deadline.
 */
unsigned keyring_window_s(const struct keyring *k, bool slow);

#endif
