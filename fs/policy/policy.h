/* fs/policy/policy.h - acts on policies: create, assign, refresh, replace, enable, check, remove;
 * and what is shown of them. */
#ifndef DEPFS_POLICY_POLICY_H
#define DEPFS_POLICY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/base/err.h"
#include "fs/audit/audit.h"
#include "fs/keyring/keyring.h"
#include "fs/policy/policies.h"
#include "fs/store/record.h"

/*
 * Every act: @actor is recorded in an event with the outcome; @p is a policy's name (case-blind) or
 * id, unknown ones are -ENOENT; errno and sentence as in depfs-control(5). Acts may call vaults, so
 * they are never called by a thread that serves files. Of two acts at once the second waits for the
 * first (-EBUSY with a sentence after 30 s). Acts are idempotent.
 */

#define POLICY_MAILBOX_MAX 50 /* active policies of kind mailbox: enabled, or assigned */

enum policy_state {
	POLICY_DRAFT,
	POLICY_UNPROVED, /* its keys were not asked since the mount */
	POLICY_READY,
	POLICY_DEGRADED,
	POLICY_REVOKED,
	POLICY_DISABLED,
	POLICY_PURGED
};
const char *policy_state_name(enum policy_state s);
const char *policy_kind_name(enum policy_kind k); /* "multi-workload", "mailbox" */

struct policy_root_info {
	char key_id[KEY_ID_MAX];      /* as given */
	char copy_key_id[KEY_ID_MAX]; /* of the copy in use, with version; empty: draft */
	struct root_health health;
};

#define POLICY_OUTCOME_MAX 8192
struct policy_info { /* a copy: valid whatever happens to the policy */
	uint8_t id[UUID_LEN];
	char name[POLICY_NAME_MAX + 1];
	char description[POLICY_DESCRIPTION_MAX + 1];
	enum policy_kind kind;
	enum policy_state state;
	bool enabled, assigned_tenant;
	bool revoked; /* also of one that is disabled, whose state does not show it */
	uint32_t mailboxes_assigned;
	uint32_t generation;
	uint64_t created;
	int64_t proved; /* s since the epoch: a root last opened the newest key; 0: not since the
			   mount */
	struct policy_root_info roots[2];
	char last_rotate[POLICY_OUTCOME_MAX];  /* as the next one */
	char last_refresh[POLICY_OUTCOME_MAX]; /* lines "name: outcome", one a check; empty: not
						  done since the mount */
	char last_check[POLICY_OUTCOME_MAX];
};

/* policy_warning_next() - the first of @lines that is "name: warning, text"; NULL: none is.
 * @ret_len: its bytes, without the line end. */
const char *policy_warning_next(const char *lines, size_t *ret_len);

int policy_get(struct policies *ps, const char *p, struct policy_info *ret_info,
	       struct err *err) MUST_CHECK;
/* policy_name_of() - of any policy that headers may name, a removed one too; -ENOENT. */
int policy_name_of(struct policies *ps, const uint8_t id[static UUID_LEN],
		   char ret_name[static POLICY_NAME_MAX + 1]) MUST_CHECK;
/* policy_list() - by name; *ret_list is malloc'ed, the caller frees it. */
int policy_list(struct policies *ps, struct policy_info **ret_list, size_t *ret_count) MUST_CHECK;
/* policy_change_no() - counts changes of any policy record or assignment: a cheap "did anything
 * change". */
uint64_t policy_change_no(const struct policies *ps);

int policy_name_check(const char *name, struct err *err)
	MUST_CHECK; /* the rules of "create": -EINVAL, -ENAMETOOLONG */

int policy_create_draft(struct policies *ps, const char *name, const struct actor *actor,
			struct err *err) MUST_CHECK;
int policy_set_kind(struct policies *ps, const char *p, enum policy_kind kind,
		    const struct actor *actor,
		    struct err *err) MUST_CHECK; /* draft only, else -EBUSY */
/* policy_set_keys() - completes a draft (it becomes enabled), or replaces both keys; @ids are
 * trimmed. */
int policy_set_keys(struct policies *ps, const char *p, const char *const ids[static 2],
		    const struct actor *actor, struct err *err) MUST_CHECK;
/* policy_create() - draft and keys in one act: exists whole or not at all. */
int policy_create(struct policies *ps, const char *name, const char *const ids[static 2],
		  enum policy_kind kind, const char *description, const struct actor *actor,
		  struct err *err) MUST_CHECK;
int policy_rename(struct policies *ps, const char *p, const char *new_name,
		  const struct actor *actor, struct err *err) MUST_CHECK;
int policy_describe(struct policies *ps, const char *p, const char *text, const struct actor *actor,
		    struct err *err) MUST_CHECK;
int policy_enable(struct policies *ps, const char *p, const struct actor *actor,
		  struct err *err) MUST_CHECK;
int policy_disable(struct policies *ps, const char *p, const struct actor *actor,
		   struct err *err) MUST_CHECK;
/* policy_rotate() - a new generation of the DEP key for new data; a job re-wraps what is under the
 * older ones. */
int policy_rotate(struct policies *ps, const char *p, const struct actor *actor,
		  struct err *err) MUST_CHECK;
int policy_refresh(struct policies *ps, const char *p, const struct actor *actor,
		   struct err *err) MUST_CHECK;
int policy_check(struct policies *ps, const char *p, const struct actor *actor,
		 struct err *err) MUST_CHECK;
/* root_key_check() - every check of depfs-control(5), check, that concerns one root key, without a
 * store: lines as policy_check()'s, "expiry: ok, none". Returns 0 or what refuses the key. */
int root_key_check(struct kms *kms, const char *key_id, bool strict,
		   char ret_report[static POLICY_OUTCOME_MAX], struct err *err) MUST_CHECK;
/*
 * A policy's states, and what ends each:
 *
 *   draft      has no keys                                    key_ids: ready; rmdir: gone
 *   ready      (unproved, degraded, revoked: by its vaults)    enabled 0, remove, purge
 *   disabled   opens what is under it, takes nothing new      enabled 1, remove, purge
 *   purged     no copy of its key is left                     remove
 *   tombstone  no policy any more; opens old backups          -
 *   gone       removed by force, or a draft                   -
 */
enum remove_how {
	REMOVE_KEEP,  /* its keys stay, for backups: a tombstone; of a draft nothing stays */
	REMOVE_DRAFT, /* -EBUSY when it is not a draft: a tool that clears folders takes no keys */
	REMOVE_FORCE  /* nothing stays: backups under it cannot be opened any more */
};
/* policy_remove() - -EBUSY with what to do: assigned, no scan proves that no file is under it, or
 * it is not a draft though @how says so. */
int policy_remove(struct policies *ps, const char *p, enum remove_how how,
		  const struct actor *actor, struct err *err) MUST_CHECK;

/*
 * Assigning asks both vaults first: each root key must open its copy of the newest generation, or
 * the act is refused with the errno of the one that does not, a denial's before an outage's.
 * ASSIGN_FORCED asks nothing. A policy that is assigned there already is not asked about.
 */
enum assign_how {
	ASSIGN_PROVED,
	ASSIGN_FORCED
};
int assign_tenant(struct policies *ps, const char *p, enum assign_how how,
		  const struct actor *actor, struct err *err) MUST_CHECK;
int unassign_tenant(struct policies *ps, const struct actor *actor, struct err *err) MUST_CHECK;
int assign_mailbox(struct policies *ps, const char *mailbox, const char *p, enum assign_how how,
		   const struct actor *actor, struct err *err) MUST_CHECK;
int unassign_mailbox(struct policies *ps, const char *mailbox, const struct actor *actor,
		     struct err *err) MUST_CHECK;
/* assignment_get() - the tenant's policy; -ENOENT: none. assignment_of_mailbox() - its own;
 * -ENOENT: none. */
int assignment_get(struct policies *ps, struct policy_info *ret_info) MUST_CHECK;
int assignment_of_mailbox(struct policies *ps, const char *mailbox,
			  struct policy_info *ret_info) MUST_CHECK;
/* mailbox_list() - ids with a policy of their own; *ret_ids one malloc'ed block of NUL-terminated
 * strings. */
int mailbox_list(struct policies *ps, char **ret_ids, size_t *ret_count) MUST_CHECK;

#endif
