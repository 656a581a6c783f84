/* fs/policy/policies_internal.h - the tables of policies and assignments, and what surrounds them.
 */
#ifndef DEPFS_POLICY_POLICIES_INTERNAL_H
#define DEPFS_POLICY_POLICIES_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "crypto/base/clock.h"
#include "crypto/base/hash.h"
#include "fs/audit/audit.h"
#include "fs/jobs/job.h"
#include "fs/policy/policies.h"
#include "fs/policy/policy.h"
#include "fs/policy/scan_internal.h"
#include "fs/policy/target.h"
#include "fs/store/record.h"
#include "fs/store/store.h"

/* The order of locks: fs/README.md, Locks. An act takes the keyring's locks under the act lock, and
 * under neither jobs.write nor a leaf. */

/* One policy. Pointers stay valid until policies_free(), but for those of a draft that is discarded
 * or a policy that is removed by force. */
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
	struct hash_entry entry; /* of tables.mailboxes */
	struct policy *policy;
	char id[];
};

/* The records of the store, in memory. An act, which holds the act lock, reads it without this
 * lock. */
struct tables {
	pthread_rwlock_t lock;
	struct policy **policies; /* by name, case-blind */
	size_t n_policies, capacity;
	struct policy *tenant; /* NULL: none assigned */
	struct hash_table mailboxes;
	struct scan_result scan; /* the last complete one; .ended 0: there was none */
};

/* One act at a time; a waiter gives up after wait_ms. */
#define ACT_WAIT_MS 30000u
struct act_lock {
	unsigned wait_ms; /* constant, but for a test */
	pthread_mutex_t lock;
	pthread_cond_t released;
	bool held;
};

/* Readers of targets count in one of two sides; a writer turns new readers to the other side and
 * waits until this one is empty. */
struct grace {
	_Atomic unsigned current;
	_Atomic unsigned readers[2];
};

struct policies {
	struct store *store; /* this and what follows: constant */
	struct kms *kms;
	struct audit *audit;
	struct keyring *keyring;
	struct jobs *jobs;
	bool strict;
	_Atomic uint64_t epoch;	    /* targets_epoch() */
	_Atomic uint64_t change_no; /* policy_change_no() */
	struct tables tables;
	struct act_lock act_lock;
	struct grace grace;
};

/* ---- tables.c: those that end in _locked need tables.lock, or the act lock to read ---- */

int tables_init(struct tables *t) MUST_CHECK;
void tables_fini(struct tables *t);
/* By name or id; no tombstone. */
struct policy *tables_find_locked(const struct tables *t, const char *p);
/* By the id in a header: a tombstone too. */
struct policy *tables_find_id_locked(const struct tables *t, const uint8_t id[static UUID_LEN]);
/* A tombstone is not found: its name may be used again. */
struct policy *tables_find_name_locked(const struct tables *t, const char *name);
struct mailbox *tables_mailbox_locked(const struct tables *t, const char *id);
/* Memory is taken before a change is durable, so that nothing can fail after it. */
int tables_reserve_locked(struct tables *t) MUST_CHECK;	       /* for one policy more */
void tables_insert_locked(struct tables *t, struct policy *p); /* @p is taken over */
void tables_remove_locked(struct tables *t, struct policy *p); /* and freed */
void tables_sort_locked(struct tables *t);		       /* after a rename */
int mailbox_new(const char *id, struct mailbox **ret_mailbox) MUST_CHECK;
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

/* policy_is_removed() - a tombstone: found by its id in headers alone. */
static inline bool policy_is_removed(const struct policy *p)
{
	return p->rec.flags & POLICY_FLAG_REMOVED;
}
static inline bool policy_is_purged(const struct policy *p)
{
	return p->rec.flags & POLICY_FLAG_PURGED;
}

/* policies_load() - fill the tables from the store. */
int policies_load(struct policies *ps, struct err *err) MUST_CHECK;

/* ---- names.c ---- */

int name_compare(const char *a, const char *b); /* case-blind for ASCII, as strcmp(3) */
int text_check(const char *text, const char *what,
	       struct err *err) MUST_CHECK; /* UTF-8, no controls */
int mailbox_id_check(const char *id, struct err *err) MUST_CHECK;

#endif
