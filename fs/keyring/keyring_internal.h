/* fs/keyring/keyring_internal.h - inside the keyring: slots, flights, and what the roots answered.
 */
#ifndef DEPFS_KEYRING_KEYRING_INTERNAL_H
#define DEPFS_KEYRING_KEYRING_INTERNAL_H

#include "fs/policy/engine_internal.h"

/* All that opening one generation needs, copied out of the tables: no lock while a vault thinks. */
struct key_source {
	struct key_record key;
	uint8_t wrapped_avail[WRAP_LEN];
	char policy_name[POLICY_NAME_MAX + 1];
	bool newest; /* this generation is the one that new data takes */
};

struct root_answer {
	bool asked;
	enum kms_outcome outcome;
	int r;		/* errno of the outcome and its cause */
	char text[400]; /* sentence when not ok */
	char request_id[KMS_REQUEST_ID_LEN];
};

/* DESIGN 5.1's table, its rows. */
enum verdict {
	VERDICT_OPEN,	/* either opens */
	VERDICT_OUTAGE, /* none opens, nobody said no: the availability key, for everybody */
	VERDICT_DENIED, /* none opens and somebody said no: the availability key for system requests
			 */
};

/* keyring_source() - -EKEYREVOKED when the policy is purged; -ENOKEY when this store has no such
 * policy or generation; generation 0: the newest. */
int keyring_source(struct engine *e, const struct wrap_ref *ref,
		   struct key_source *ret_src) MUST_CHECK;

enum ask {
	ASK_UNTIL_OPEN, /* one at random, the other when that fails */
	ASK_BOTH,
};

/**
 * roots_ask() - the two vaults
 * @ret_dep_key: with VERDICT_OPEN the opened key, else untouched
 * @answers: what each said
 */
enum verdict roots_ask(struct engine *e, const struct key_source *src, enum ask how,
		       struct root_answer answers[static 2],
		       struct secret **ret_dep_key) MUST_CHECK;
/* secrets_equal() - in constant time. */
bool secrets_equal(struct secret *a, struct secret *b);
/* root_ask() - one vault. A copy that opens to anything but this key is as damaged as one that does
 * not open. @ret_key: with KMS_OK in @answer. */
void root_ask(struct engine *e, const struct key_source *src, unsigned i,
	      struct root_answer *answer, struct secret **ret_key);
/* roots_tell() - an event "key-open" for each root that was asked, "key-copy-damaged" where due. */
void roots_tell(struct engine *e, const struct key_source *src,
		const struct root_answer answers[static 2]);
/* key_tell() - an event about one call of a vault: "key-wrap", "key-unwrap", "key-describe".
 * @audit: NULL: nothing is told. @request_id: empty: the vault gave none. @said: why, when not ok.
 */
void key_tell(struct audit *audit, const char *event, const char *key_id, enum kms_outcome outcome,
	      const char *request_id, const struct err *said);
#define ROOTS_TEXT_MAX 900 /* bytes: both roots' sentences */
/* roots_text() - "key 1 denied: ...; key 2 ...", one line. */
void roots_text(const struct root_answer answers[static 2], char *out, size_t out_len);

/* avail_unwrap() - the DEP key by the availability key, into WRAP_KEY_LEN bytes; -EBADMSG, -ENOMEM.
 * Untold: for a policy in the making. */
int avail_unwrap(struct engine *e, const struct key_source *src, struct secret *dep_key) MUST_CHECK;
/* avail_why() - what the roots' answers make the availability key needed for. */
enum metric_count avail_why(enum verdict v, const struct root_answer answers[static 2]);
/* avail_open() - the DEP key by the availability key, counted as @why, with an event that gives the
 * reason. */
int avail_open(struct engine *e, const struct key_source *src, enum metric_count why,
	       const char *reason, struct secret **ret_dep_key) MUST_CHECK;

/**
 * keyring_open_any() - by whatever copy works, as a system request; for acts, nothing is cached
 * Return: 0; -EBADMSG, -ENOMEM with a sentence.
 */
int keyring_open_any(struct engine *e, const struct key_source *src, struct secret **ret_dep_key,
		     struct err *err) MUST_CHECK;

/* keyring_note() - both roots were asked outside the keyring (refresh, check): judge as it would.
 */
void keyring_note(struct engine *e, const struct key_source *src,
		  const struct root_answer answers[static 2]);

enum slot_from {
	FROM_VAULT,
	FROM_OUTAGE, /* by the availability key, for everybody, until a time */
	FROM_DENIED, /* by the availability key, for system requests, until a time */
};

/* One generation of a policy. Guarded by keyring.lock; lives as long as the keyring. */
struct key_slot {
	struct key_slot *next;
	uint32_t generation;
	struct wrap_key *key; /* NULL: not open */
	enum slot_from from;
	uint64_t until_ms;  /* not FROM_VAULT: prove it again then */
	uint64_t denied_ms; /* when denial was last proved; 0: it was not */
	uint64_t asked_ms;  /* while denied: start of the second that `asked` counts in */
	unsigned asked;
	struct flight *flight; /* whom to wait for; NULL: nobody asks */
};

/* One policy. The same. */
struct key_policy {
	struct key_policy *next;
	uint8_t id[UUID_LEN];
	struct key_slot *slots;
	struct root_health health[2];
	bool revoked;
	bool purged; /* for good */
	bool used;   /* a key was handed out since the mount: files may be open, so go on asking */
	struct revocation last; /* of it */
	struct revocation sum;	/* of all that were, as keyring_revocations() adds up */
	bool checking;		/* a checker's thread is asking */
	int64_t proved;		/* s since the epoch: access was last proved; 0: never */
	uint64_t turn; /* raised by keyring_forget() and keyring_purge(): older answers say nothing
			  more */
	enum keyring_state told; /* what the last event said */
	struct {
		enum kms_outcome outcomes[2]; /* what the last event "key-check" said, and when */
		uint64_t told_ms;	      /* 0: there was none */
		uint64_t checks;	      /* since then */
	} proof;
};

#define KEYRING_BUCKETS 256

struct keyring {
	pthread_rwlock_t lock;
	struct key_policy *buckets[KEYRING_BUCKETS];
	revoked_fn *on_revoked; /* guarded by lock */
	void *on_revoked_arg;
	pthread_t checker;
	bool checker_runs; /* written before the first and after the last other thread */
	pthread_mutex_t stop_lock;
	pthread_cond_t stop;
};

int keyring_new(struct engine *e, struct keyring **ret_keyring, struct err *err) MUST_CHECK;
void keyring_stop(struct keyring *k); /* the checker; NULL allowed */
void keyring_free(struct keyring *k);

struct key_policy *keyring_find_locked(struct keyring *k, const uint8_t id[static UUID_LEN]);
struct key_slot *keyring_slot_locked(struct key_policy *kp, uint32_t generation); /* NULL: none */
/* The same, made where missing; NULL: no memory. */
struct key_policy *keyring_add_locked(struct keyring *k, const uint8_t id[static UUID_LEN]);
struct key_slot *keyring_slot_add_locked(struct key_policy *kp, uint32_t generation);

/* keyring_denied(), of a slot that may not be there. */
bool keyring_denied_locked(const struct key_policy *kp, const struct key_slot *slot);

bool keyring_slot_serves(const struct key_slot *slot, enum request_class class);
/* keyring_slot_set_locked() - @key is counted once more. */
void keyring_slot_set_locked(struct engine *e, struct key_slot *slot, enum slot_from from,
			     struct wrap_key *key);
void keyring_slot_close_locked(struct key_slot *slot);
enum keyring_state keyring_state_locked(const struct key_policy *kp);

/* What judging led to; told after the lock is dropped. */
struct judgement {
	bool changed; /* worth an event */
	bool revoked; /* just now */
	uint64_t revoked_ms;
	enum keyring_state state;
};

/**
 * keyring_judge_locked() - note what the roots said about @src's generation
 * @key: with VERDICT_OPEN the key, counted once more where it is kept; else NULL
 */
struct judgement keyring_judge_locked(struct engine *e, struct key_policy *kp,
				      const struct key_source *src, enum verdict verdict,
				      const struct root_answer answers[static 2],
				      struct wrap_key *key);
/* keyring_tell() - event and call-back of a judgement; no lock held. */
void keyring_tell(struct engine *e, const struct key_source *src, const struct judgement *j,
		  const struct root_answer answers[static 2]);

/* keyring_revoke.c: a policy has just been denied; its files are seen to, and the outcome kept. */
void keyring_revocation_begin_locked(struct key_policy *kp, uint64_t policy_keys);
void keyring_revocation_run(struct engine *e, const struct key_source *src, uint64_t since_ms);

/* The checker's thread, and one look at every policy that is open or revoked. */
void *keyring_checker(void *engine);
void keyring_check_all(struct engine *e);

/* keyring_purge() - no key of the policy that @src names exists any more: denied for good, and
 * carried out as a revocation is. No lock of the engine may be held. */
void keyring_purge(struct engine *e, const struct key_source *src);

#endif
