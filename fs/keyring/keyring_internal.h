/* fs/keyring/keyring_internal.h - the table of opened keys, and the steps from an answer to it. */
#ifndef DEPFS_KEYRING_KEYRING_INTERNAL_H
#define DEPFS_KEYRING_KEYRING_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "crypto/base/clock.h"
#include "fs/audit/audit.h"
#include "fs/keyring/keyring.h"
#include "fs/metrics/metrics.h"
#include "fs/pool/pool.h"
#include "fs/store/service_key.h"
#include "fs/store/store.h"

/* The order of the keyring's locks: fs/README.md, Locks. None is held across a vault call, a commit
 * or a call-back. */

enum slot_from {
	FROM_VAULT,
	FROM_OUTAGE, /* by the availability key: for every request, until until_ms */
	FROM_DENIED, /* by the availability key: for system requests, until until_ms */
};

/* One generation of a policy. Guarded by keyring.lock; lives as long as the keyring. */
struct key_slot {
	struct key_slot *next;
	uint32_t generation;
	struct wrap_key *key; /* NULL: not open */
	enum slot_from from;
	uint64_t until_ms;  /* not FROM_VAULT: when it must be proved again */
	uint64_t denied_ms; /* when denial was last proved; 0: it was not */
	uint64_t asked_ms;  /* while denied: start of the second that `asked` counts in */
	unsigned asked;
	struct flight *flight; /* the question under way; NULL: none */
};

/* One policy. Guarded by keyring.lock; lives as long as the keyring. */
struct key_policy {
	struct key_policy *next;
	uint8_t id[UUID_LEN];
	struct key_slot *slots;
	struct root_health health[2];
	bool revoked;
	bool purged; /* its keys are destroyed */
	bool used;   /* a key was handed out since the mount: files may be open, so go on asking */
	struct revocation last;	     /* the last one */
	struct revocation sum;	     /* of all since the mount, as keyring_revocations() adds up */
	bool checking;		     /* a thread of the checker asks about it */
	int64_t proved;		     /* s since the epoch: access was last proved; 0: never */
	uint64_t epoch;		     /* raised by keyring_forget() and keyring_purge(): answers to
					questions from before are void */
	enum keyring_state reported; /* in the last event "policy-state" */
	struct {
		enum kms_outcome outcomes[2]; /* in the last event "key-check" */
		uint64_t reported_ms;	      /* when that was; 0: there was none */
		uint64_t checks;	      /* since then */
	} proof;
};

#define KEYRING_BUCKETS 256

struct keyring {
	struct store *store; /* this and what follows: constant */
	struct kms *kms;
	struct audit *audit;
	struct metrics *metrics;
	unsigned key_check_s;
	key_source_fn *source; /* constant after keyring_start() */
	void *source_arg;
	atomic_bool closing;
	_Atomic unsigned background; /* callers that wait in background slots */
	pthread_rwlock_t lock;
	struct key_policy *buckets[KEYRING_BUCKETS]; /* guarded by lock */
	revoked_fn *on_revoked;			     /* guarded by lock */
	void *on_revoked_arg;
	struct pool *pool; /* for calls of vaults: KEYRING_THREADS_MAX */
	pthread_t checker;
	bool checker_runs; /* written when no other thread runs */
	pthread_mutex_t stop_lock;
	pthread_cond_t stop; /* signalled when `closing` is set */
};

/* ---- table.c ---- */

struct key_policy *keyring_find_locked(struct keyring *k, const uint8_t id[static UUID_LEN]);
struct key_slot *keyring_slot_locked(struct key_policy *kp, uint32_t generation); /* NULL: none */
/* The same, made where missing; NULL: no memory. */
struct key_policy *keyring_add_locked(struct keyring *k, const uint8_t id[static UUID_LEN]);
struct key_slot *keyring_slot_add_locked(struct key_policy *kp, uint32_t generation);

/* keyring_denied_locked() - keyring_denied(), of a slot that may not be there. */
bool keyring_denied_locked(const struct key_policy *kp, const struct key_slot *slot);
bool keyring_slot_serves(const struct key_slot *slot, enum request_class class);
/* keyring_slot_set_locked() - takes a reference to @key. */
void keyring_slot_set_locked(struct keyring *k, struct key_slot *slot, enum slot_from from,
			     struct wrap_key *key);
void keyring_slot_close_locked(struct key_slot *slot);
enum keyring_state keyring_state_locked(const struct key_policy *kp);

/* ---- avail.c ---- */

/* avail_cause() - why the availability key is needed, by what the roots answered. */
enum metric_count avail_cause(enum verdict v, const struct root_answer answers[static 2]);
/* avail_open() - the DEP key by the availability key, counted as @cause, with an event that gives
 * the reason. */
int avail_open(struct keyring *k, const struct key_source *src, enum metric_count cause,
	       const char *reason, struct secret **ret_dep_key) MUST_CHECK;
/* copy_damaged_report() - the event "key-copy-damaged". */
void copy_damaged_report(struct keyring *k, const struct key_source *src, const char *copy,
			 const char *text);

/* ---- judge.c ---- */

/* What judging led to; reported after the lock is dropped. */
struct judgement {
	bool changed; /* to be reported as an event */
	bool revoked; /* by this judgement */
	uint64_t revoked_ms;
	enum keyring_state state;
};

/**
 * keyring_judge_locked() - note what the roots answered about @src's generation
 * @key: with VERDICT_OPEN the key, to which a reference is taken where it is kept; else NULL
 */
struct judgement keyring_judge_locked(struct keyring *k, struct key_policy *kp,
				      const struct key_source *src, enum verdict verdict,
				      const struct root_answer answers[static 2],
				      struct wrap_key *key);
/* judgement_report() - event and call-back of a judgement; no lock held. */
void judgement_report(struct keyring *k, const struct key_source *src, const struct judgement *j,
		      const struct root_answer answers[static 2]);

/* ---- revoke.c: a policy was denied; its files are shut, and what that did is kept ---- */

void keyring_revocation_begin_locked(struct key_policy *kp, uint64_t policy_keys);
void keyring_revocation_run(struct keyring *k, const struct key_source *src, uint64_t since_ms);

/* ---- check.c ---- */

void *keyring_checker(void *keyring); /* the checker's thread */
/* keyring_check_all() - one round: every policy that is due is asked about, each in its own thread.
 */
void keyring_check_all(struct keyring *k);

#endif
