/* fs/policy/act_internal.h - what acts share: lock, event, commit, checks. */
#ifndef DEPFS_POLICY_ACTS_INTERNAL_H
#define DEPFS_POLICY_ACTS_INTERNAL_H

#include "fs/jobs/plan.h"
#include "fs/keyring/keyring.h"
#include "fs/policy/policies_internal.h"

/* One act under way. From act_begin() to act_end() it is the only one. */
struct act {
	struct policies *ps;
	const char *event;
	const struct actor *actor;
	struct err *err; /* the caller's, or own_err */
	struct err own_err;
	struct policy *policy; /* the one asked for; NULL: none */
	bool entered;
	bool dry_stopped;		/* act_dry() ended it */
	bool forced;			/* without the proof of its root keys, for the event */
	bool new_policy;		/* act_commit() makes it: no header can refer to it yet */
	const char *mailbox, *new_name; /* for the event; NULL: none */
	uint64_t job;			/* started by it, for the event; 0: none */
	struct mailbox *new_mailbox;	/* assign.c; owned */
	char policy_name[POLICY_NAME_MAX + 1]; /* for the event: as it was, or as asked */
	char policy_id[UUID_TEXT_LEN];	       /* empty: unknown */
	/* for the event, where the act is done: what wraps the newest generation; empty: nothing */
	char key_ids[2][KEY_ID_MAX], key_ids_before[2][KEY_ID_MAX];
	char warnings[ERR_TEXT_LEN]; /* of its report, for the event */
};

/**
 * act_begin() - take the act lock, waiting for the act that has it
 * @p: name or id of the policy, looked up; NULL: the act is about none yet
 * Return: 0; -EBUSY after 30 s; -ENOENT. Whatever it is, act_end() follows.
 */
int act_begin(struct act *a, struct policies *ps, const char *event, const struct actor *actor,
	      const char *p, struct err *err) MUST_CHECK;
/* act_end() - queue the event, release the lock, make the event durable; returns @r. */
int act_end(struct act *a, int r);
/* act_dry() - goes before each commit: 0, or -ECANCELED for an act that is tried only
 * (actor.dry_run), which act_end() reports as done. */
int act_dry(struct act *a) MUST_CHECK;
/* act_name() - the policy that the event names; @id: NULL: not known. */
void act_name(struct act *a, const char *name, const uint8_t *id);
/* act_key_ids() - the ids that wrap the newest generation of @p; untouched when it has no keys. */
void act_key_ids(const struct policy *p, char ret_ids[static 2][KEY_ID_MAX]);

/* policy_put() - its record, in a transaction of the caller's. */
int policy_put(struct store_txn *txn, const struct policy_record *rec, struct err *err) MUST_CHECK;
/* act_commit() - policy record and @n key records in one durable transaction with snapshot. */
int act_commit(struct act *a, const struct policy_record *rec, const struct key_record *const *keys,
	       uint32_t n_keys) MUST_CHECK;
/* act_commit_job() - and with them the job that they make necessary; NULL: none. */
int act_commit_job(struct act *a, const struct policy_record *rec,
		   const struct key_record *const *keys, uint32_t n_keys,
		   struct job_plan *plan) MUST_CHECK;
/* act_changed() - the tables changed: raises policy_change_no(), and targets_epoch() as @targets
 * asks. */
enum act_targets {
	TARGETS_SAME,
	TARGETS_CHANGED
};
void act_changed(struct act *a, enum act_targets targets);

/* What checks found, a line each: "key 1 enabled: ok". */
struct report {
	char text[POLICY_OUTCOME_MAX];
	size_t len;
	size_t spare;	     /* bytes at the end kept free, for lines that must not be left out */
	int r;		     /* errno of the first refusal; 0: none */
	struct audit *audit; /* gets an event for each call of a vault; NULL: none */
	bool down[2];	     /* the vault of this root did not answer: it is not asked again */
	bool terse;	     /* a vault's refusal is not repeated in the next line */
	struct err last;     /* that refusal */
};

/* act_warnings() - the report's warnings, for the event. */
void act_warnings(struct act *a, const struct report *rep);

/* report_line() - "<what>: <outcome text>"; what does not fit is left out. */
void report_line(struct report *rep, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* report_refuse() - a line that begins "refused, "; the first one is put in @err. */
void report_refuse(struct report *rep, struct err *err, int r, const char *what, const char *whose,
		   const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* vault_call_report() - an event about one call of a vault: "key-wrap", "key-unwrap",
 * "key-describe". @audit: NULL: no event. @request_id: empty: the vault gave none. @cause: why,
 * when not ok. */
void vault_call_report(struct audit *audit, const char *event, const char *key_id,
		       enum kms_outcome outcome, const char *request_id, const struct err *cause);
/* report_outcome() - a line of a vault's outcome; one that is not ok refuses. */
void report_outcome(struct report *rep, struct err *err, const char *what, enum kms_outcome o,
		    const struct err *cause);

/* root_ids_parse() - trim both, refuse what is no key id; with the version given, if any. */
int root_id_parse(const char *text, struct key_id *ret_id, struct err *err) MUST_CHECK; /* one */
int root_ids_parse(const char *const ids[static 2], struct key_id ret_ids[static 2],
		   struct err *err) MUST_CHECK;
/* What a version in a key id that is gone or disabled does: it refuses keys that are to be taken.
 * Of keys that wrap already it may have been retired since, for a refresh moves on from it. */
enum named_version {
	NAMED_REFUSES,
	NAMED_WARNS
};
/* check_roots() - every check of depfs-control(5), check; returns report.r, which is 0 or what
 * refuses. */
int check_roots(struct policies *ps, const struct key_id ids[static 2], enum named_version named,
		struct report *rep, struct err *err) MUST_CHECK;
/* roots_take() - root_ids_parse() and check_roots(), of keys that an act is to wrap by. */
int roots_take(struct act *a, const char *const ids[static 2], struct key_id ret_ids[static 2],
	       struct report *rep) MUST_CHECK;

#define CHECK_WRAPPED_LEN 2560 /* bytes that the lines of check_wrapped() take, about, at most */
/* check_wrapped() - whether the versions that have just wrapped would be taken by "create". A
 * refusal is a line that begins "warning, ": the act is done, for the older copies would be no
 * better. */
void check_wrapped(struct policies *ps, const struct root_copy copies[static 2],
		   struct report *rep);
int description_check(const char *text, struct err *err) MUST_CHECK;
int kind_check(enum policy_kind kind, struct err *err) MUST_CHECK;
/* check_quota() - one more policy of kind mailbox may be active; -EDQUOT. */
int check_quota(struct act *a, enum policy_kind kind) MUST_CHECK;

/* record_replace() - the policy's record changed: durable first, then in the tables. */
int record_replace(struct act *a, const struct policy_record *rec) MUST_CHECK;
/* policy_unassigned() - -EBUSY: it is assigned. policy_refuse_purged() - gives -EINVAL. */
int policy_unassigned(const struct act *a) MUST_CHECK;
int policy_refuse_purged(const struct act *a);

/* copy_make() - wrap under a root's newest version, open again and compare. Lines begin with
 * @label, "key 1", or with the word alone when it is empty. Returns 0 or what refused it. */
int copy_make(struct kms *kms, const struct key_id *id, const char *label, struct secret *dep_key,
	      struct root_copy *ret_copy, struct report *rep, struct err *err) MUST_CHECK;

/* copies_make() - both copies; @prefix: empty or "generation 2 " */
int copies_make(struct policies *ps, const struct key_id ids[static 2], const char *prefix,
		struct secret *dep_key, struct root_copy ret_copies[static 2], struct report *rep,
		struct err *err) MUST_CHECK;

/* policy_make_keys() - the keys of a policy that has none yet. @rec: id is set; generation 1 is
 * made. */
int policy_make_keys(struct policies *ps, struct policy_record *rec,
		     const struct key_id ids[static 2], struct key_record **ret_key,
		     struct report *rep, struct err *err) MUST_CHECK;
/* policy_complete() - a draft gets its keys and is enabled. */
int policy_complete(struct act *a, const char *const ids[static 2], struct report *rep) MUST_CHECK;
/* roots_proved() - both of a policy's root keys have just opened their copies. */
void roots_proved(struct policies *ps, const struct policy *p);
/* roots_prove() - ask both root keys whether they open the newest generation; health is noted. 0,
 * or the errno of one that does not. */
int roots_prove(struct act *a) MUST_CHECK;
/* policy_replace_keys() - new copies of every generation under two new root keys. */
int policy_replace_keys(struct act *a, const struct key_id ids[static 2],
			struct report *rep) MUST_CHECK;

/* policy_next_key() - a key record of the generation after the newest, under the same root keys and
 * the same availability key. */
int policy_next_key(struct act *a, struct key_record **ret_key, struct report *rep) MUST_CHECK;

/* policy_refresh_keys() - new copies of every generation under the newest versions of its roots. */
int policy_refresh_keys(struct act *a, struct report *rep) MUST_CHECK;
/* check_copies() - do the recorded copies of every generation open? Health is noted. */
void check_copies(struct act *a, struct report *rep);

#endif
