/* fs/keyring/keyring.h - opened DEP keys: the rules of DESIGN 5.1, one vault call at a time per
 * policy. */
#ifndef DEPFS_KEYRING_KEYRING_H
#define DEPFS_KEYRING_KEYRING_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/base/err.h"
#include "crypto/header.h"
#include "crypto/wrap.h"
#include "kms/kms.h"

struct engine;

enum request_class {
	REQUEST_USER,	/* a program's request */
	REQUEST_SYSTEM, /* depfs's own jobs, or a process in the group of system_gid= */
};

/* How long a caller waits for a vault. */
struct key_wait {
	bool (*interrupted)(void *arg); /* polled every 50 ms or so; NULL: never */
	void *arg;
	unsigned timeout_ms; /* 0: the default of 60,000 */
};

/**
 * keyring_peek() - a key that is open, from memory only; never blocks
 * Return: 0 and a counted reference; -EINPROGRESS: not open, ask keyring_get() from a thread that
 * may block; -EKEYREVOKED: the policy is revoked, was proved so within key_check seconds, and users
 * ask for it in a storm; a few times a second they are let through to the vaults (-EINPROGRESS), so
 * that the next request after access returned opens it.
 */
int keyring_peek(struct engine *e, const struct wrap_ref *ref, enum request_class class,
		 struct wrap_key **ret_kek) MUST_CHECK;

/**
 * keyring_get() - the same, asking the vaults if need be
 * Single flight per policy and generation: the first caller asks, the others wait for its result.
 * Return: 0; -EKEYREVOKED: a root answered denied and none opened (user request); -ENOKEY: no such
 * policy or generation in this store; -EBADMSG: every copy damaged; -EINTR; -ETIMEDOUT; -EAGAIN:
 * 192 wait for this key already; -ENOMEM. Events: "key-open" with policy, generation, vault key id,
 * outcome, request id; "availability-key-used" with the reason each time; "key-copy-damaged".
 */
int keyring_get(struct engine *e, const struct wrap_ref *ref, enum request_class class,
		const struct key_wait *wait, struct wrap_key **ret_kek, struct err *err) MUST_CHECK;

/* keyring_forget() - drop the cached key of one policy (every generation), e.g. after its keys were
 * replaced. */
void keyring_forget(struct engine *e, const uint8_t policy_id[static UUID_LEN]);

/* What the last proof of access showed, per root key. */
struct root_health {
	enum kms_outcome outcome;
	int64_t when;	/* s since the epoch; 0: never asked */
	char text[400]; /* sentence when not ok */
};

/**
 * keyring_denied() - a root said no about this key, and none has opened it since
 * A denial outlasts an outage that follows it: what was taken away comes back by a vault's yes
 * alone. False for the service key. From memory, never blocks.
 */
bool keyring_denied(struct engine *e, const struct wrap_ref *ref);

/* What a revocation found among the files; counted by who serves them. */
struct revoked_files {
	uint64_t open_files;   /* by programs or jobs */
	uint64_t handles;      /* that programs had of them */
	uint64_t cached_files; /* closed, but the kernel may have had pages of them */
	uint64_t flushed;      /* bytes of dirty pages written */
	uint64_t lost;	       /* bytes of dirty pages that could not be written in time */
	uint64_t data_keys;    /* wiped */
};

/* The last revocation of a policy since the mount; or, summed up, all of all policies. */
struct revocation {
	uint64_t count;	      /* how many there were */
	uint64_t under_way;   /* of those, not yet done */
	int64_t when;	      /* s since the epoch: the denial was proved; 0: never */
	uint64_t took_ms;     /* from there until it was done */
	uint64_t policy_keys; /* wiped */
	struct revoked_files files;
};

void keyring_revocation(struct engine *e, const uint8_t policy_id[static UUID_LEN],
			struct revocation *ret_revocation);
/* keyring_revocations() - over all policies: sums, and the newest `when`. For metrics. */
void keyring_revocations(struct engine *e, struct revocation *ret_sum);

/**
 * keyring_window_s() - the longest time from a denial at both roots until it has taken effect
 * @slow: vaults that take all of KMS_DEADLINE_S to answer. The last yes may be as old as a period
 * and, where the other vault was slow with it, a deadline; then the no may take another deadline.
 */
unsigned keyring_window_s(const struct engine *e, bool slow);

enum keyring_state {
	KEYRING_CLOSED,	  /* nothing cached */
	KEYRING_OPEN,	  /* both roots fine at last sight */
	KEYRING_DEGRADED, /* open, but a root fails or a copy is damaged, or opened by the
			     availability key */
	KEYRING_REVOKED,  /* denied, none opens */
};
enum keyring_state keyring_state_of(struct engine *e, const uint8_t policy_id[static UUID_LEN],
				    struct root_health ret_health[static 2]);

/* What the metrics tell of a policy's keys. */
struct keyring_look {
	bool open;	/* one of its keys is in memory */
	int64_t proved; /* s since the epoch: a root last opened the newest key; 0: never yet */
	uint64_t revocations; /* since the mount */
};
void keyring_look(struct engine *e, const uint8_t policy_id[static UUID_LEN],
		  struct keyring_look *ret_look);

#endif
