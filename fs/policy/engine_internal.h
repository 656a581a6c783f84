/* fs/policy/engine_internal.h - inside the policy engine: its tables in memory, workers and acts.
 */
#ifndef DEPFS_POLICY_ENGINE_INTERNAL_H
#define DEPFS_POLICY_ENGINE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "crypto/base/clock.h"
#include "fs/jobs/job_internal.h"
#include "fs/jobs/renewal.h"
#include "fs/policy/engine.h"
#include "fs/policy/hash.h"
#include "fs/policy/policy.h"
#include "fs/policy/scan_internal.h"
#include "fs/store/record.h"

/*
 * Locks, outermost first: the gate of acts, jobs.write, jobs.lock, tables.lock, keyring.lock,
 * flight.lock; workers.lock and damage.lock are leaves. But for the gate and jobs.write none is
 * held across a vault call, a commit or a call-back, and tables.lock and keyring.lock are never
 * held together.
 */

/* One policy. Pointers stay valid until the engine closes, but for a discarded draft's. */
struct policy {
	struct policy_record rec; /* guarded by tables.lock; written by acts alone */
	struct key_record **keys; /* the same; oldest generation first; a draft has none */
	uint32_t n_keys;	  /* the same */
	uint32_t mailboxes;	  /* assigned to; the same */
	struct scan_proof proof;  /* the same */
	char last_rotate[POLICY_OUTCOME_MAX];  /* the same */
	char last_refresh[POLICY_OUTCOME_MAX]; /* the same */
	char last_check[POLICY_OUTCOME_MAX];   /* the same */
};

/* A mailbox that has a policy of its own. */
struct mailbox {
	struct mailbox *next;
	uint64_t hash;
	struct policy *policy;
	char id[];
};

/* What the store says, in memory. An act, which holds the gate, reads it without the lock. */
struct tables {
	pthread_rwlock_t lock;
	struct policy **policies; /* by name, case-blind */
	size_t n_policies, room;
	struct policy *tenant; /* NULL: none assigned */
	struct mailbox **buckets;
	size_t n_buckets, n_mailboxes; /* n_buckets is a power of two */
	uint64_t seed;
	struct scan_result scan; /* the last complete one; .ended 0: there was none */
};

/* One act at a time; a waiter gives up after wait_ms. */
#define GATE_WAIT_MS 30000u
struct gate {
	unsigned wait_ms; /* constant, but for a test */
	pthread_mutex_t lock;
	pthread_cond_t left;
	bool busy;
};

/* Threads that wait for a vault in place of their caller; closing waits for the last one. */
struct workers {
	pthread_mutex_t lock;
	pthread_cond_t gone;
	unsigned running;  /* guarded by lock */
	struct work *left; /* their threads end, and are to be joined; guarded by lock */
};

#define DAMAGE_SLOTS 1024
#define DAMAGE_WAYS  8 /* slots in which one file and block may be remembered */

struct damage {
	pthread_mutex_t lock;
	struct {
		uint64_t hash;
		uint64_t told_ms; /* 0: free */
	} slots[DAMAGE_SLOTS];
	uint64_t seed;
};

/* Who resolves a target counts himself in one of two rooms; to settle is to lead everybody new to
 * the other one, and to wait until this one is empty. */
struct settle {
	_Atomic unsigned room;
	_Atomic unsigned inside[2];
};

/* What renewal.h keeps, in memory. The lock is a leaf. */
struct renewal_entry {
	struct renewal ren;
	unsigned holds; /* open files that read with it */
	bool dropped;	/* to be forgotten durably */
	bool sought;	/* not seen yet in a look at every file */
};

struct renewals {
	pthread_mutex_t lock;
	struct renewal_entry *at;
	size_t n, room;
};

void renewals_init(struct renewals *t);
void renewals_fini(struct renewals *t);
int renewals_load(struct engine *e, struct err *err) MUST_CHECK;

struct keyring; /* keyring_internal.h */

struct engine {
	struct store *store;
	struct metrics *metrics;
	struct audit *audit;
	struct kms *kms;
	struct scope_table *scopes;
	struct keyring *keyring;
	unsigned key_check_s;
	uint32_t job_rate;
	bool strict;
	int64_t started;
	atomic_bool closing;
	_Atomic uint64_t epoch;	    /* engine_epoch() */
	_Atomic uint64_t change_no; /* policy_change_no() */
	struct tables tables;
	struct gate gate;
	struct workers workers;
	struct damage damage;
	struct settle settle;
	struct jobs jobs;
	struct renewals renewals;
};

/* engine_worker() - run fn(arg) in a thread of its own; -ENOMEM when there is none to be had. */
int engine_worker(struct engine *e, void (*fn)(void *arg), void *arg) MUST_CHECK;

/* engine_tables.c. Those that end in _locked need tables.lock, or the gate when they only read. */
int tables_init(struct tables *t) MUST_CHECK;
void tables_fini(struct tables *t);
/* By name or id; no tombstone. */
struct policy *tables_find_locked(const struct tables *t, const char *p);
/* As headers name it: a tombstone too. */
struct policy *tables_find_id_locked(const struct tables *t, const uint8_t id[static UUID_LEN]);
/* No tombstone: its name is free. */
struct policy *tables_find_name_locked(const struct tables *t, const char *name);
struct mailbox *tables_mailbox_locked(const struct tables *t, const char *id);
/* Room first, so that nothing can fail once a change is durable. */
int tables_reserve_locked(struct tables *t) MUST_CHECK;	       /* for one policy more */
void tables_insert_locked(struct tables *t, struct policy *p); /* @p is taken over */
void tables_remove_locked(struct tables *t, struct policy *p); /* and freed */
void tables_sort_locked(struct tables *t);		       /* after a rename */
int mailbox_new(const struct tables *t, const char *id, struct mailbox **ret_mailbox) MUST_CHECK;
void tables_mailbox_insert_locked(struct tables *t, struct mailbox *m); /* @m is taken over */
void tables_mailbox_remove_locked(struct tables *t, struct mailbox *m); /* and freed */
/* tables_active_locked() - policies of kind mailbox that are enabled or assigned. */
unsigned tables_active_locked(const struct tables *t);

int policy_new(struct policy **ret_policy) MUST_CHECK;
void policy_free(struct policy *p);
DEFINE_CLEANUP(struct policy *, policy_free)
const struct key_record *policy_key(const struct policy *p, uint32_t generation); /* NULL: none */
static inline bool policy_is_draft(const struct policy *p)
{
	return p->rec.flags & POLICY_FLAG_DRAFT;
}
static inline bool policy_is_enabled(const struct policy *p)
{
	return p->rec.flags & POLICY_FLAG_ENABLED;
}

/* policy_is_removed() - a tombstone: found by its id in headers, and by nobody else. */
static inline bool policy_is_removed(const struct policy *p)
{
	return p->rec.flags & POLICY_FLAG_REMOVED;
}
static inline bool policy_is_purged(const struct policy *p)
{
	return p->rec.flags & POLICY_FLAG_PURGED;
}

/* engine_load() - fill the tables from the store; a record that is not understood is refused. */
int engine_load(struct engine *e, struct err *err) MUST_CHECK;

/* policy_name.c */
int name_compare(const char *a, const char *b); /* case-blind for ASCII, as strcmp(3) */
int text_check(const char *text, const char *what,
	       struct err *err) MUST_CHECK; /* UTF-8, no controls */
int mailbox_id_check(const char *id, struct err *err) MUST_CHECK;

#endif
