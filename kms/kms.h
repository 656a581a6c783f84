/* kms/kms.h - key services: describe, wrap and unwrap with root keys in vaults, one small
 * interface. */
#ifndef DEPFS_KMS_H
#define DEPFS_KMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"
#include "crypto/secret.h"

#define KEY_ID_MAX   512 /* bytes of a key id with its version and NUL */
#define KMS_WRAP_MAX 512 /* bytes of a wrapped key: RSA 4096 */

/* What a vault's answer means; DESIGN 5.1 judges by these, never by an errno. */
enum kms_outcome {
	KMS_OK,
	KMS_DENIED,    /* 403, key disabled, credential refused: somebody means no */
	KMS_TRANSIENT, /* network, DNS, 408, 429, 5xx, token service down: try again */
	KMS_NOT_FOUND, /* no such vault key or version; judged as denied where a stored copy names
			  it */
	KMS_DAMAGED,   /* 400, OAEP fails: this copy is not what that key wrapped */
	KMS_MISCONFIGURED, /* our side: malformed id, no such scheme, unusable answer */
};

const char *kms_outcome_name(enum kms_outcome o); /* "ok", "denied", "transient", "not found",
						     "damaged", "misconfigured" */
/* STYLE section 4's table, as far as the outcome tells: ok 0, denied -EACCES, transient -EAGAIN,
 * not found -ENOKEY, damaged -EBADMSG, misconfigured -EINVAL. */
int kms_outcome_errno(enum kms_outcome o);
/* kms_errno() - the same, of a call that ended with @o and said @said: -EKEYREVOKED where it was
 * denied because the key or its version is disabled, -EPROTO where the answer was not one that a
 * vault gives, -ETIMEDOUT where the deadline ended the call. */
int kms_errno(enum kms_outcome o, const struct err *said);

/* A parsed key id: SCHEME://VAULT/keys/NAME[/VERSION]. */
struct key_id {
	char scheme[8];	  /* "local" or "https" */
	char vault[256];  /* host or local vault name, lower case */
	char name[128];	  /* letters, digits, '-' and '_' */
	char version[64]; /* 32 hex digits, or empty: the newest */
};

/* key_id_parse() - -EINVAL and a sentence naming the offending part. */
int key_id_parse(const char *text, struct key_id *ret_id, struct err *err) MUST_CHECK;
void key_id_format(const struct key_id *id,
		   char out[static KEY_ID_MAX]); /* with the version when set */
/* key_id_same_key() - same vault and name, whatever the versions. */
bool key_id_same_key(const struct key_id *a, const struct key_id *b);

/* What "describe" tells: enough for every check of DESIGN section 5. */
struct kms_key_info {
	char id[KEY_ID_MAX]; /* with the version described */
	char kty[16];	     /* "RSA", "RSA-HSM", ... */
	unsigned bits;
	bool can_wrap, can_unwrap; /* key_ops */
	bool enabled;
	int64_t expires;	 /* seconds since the epoch, 0: none */
	int64_t not_before;	 /* 0: none */
	char recovery_level[64]; /* Key Vault's word, e.g. "Recoverable+ProtectedSubscription" */
	bool purgeable;
};

/* What DESIGN section 5 asks of a root key, as far as "describe" tells. */
enum kms_rule {
	KMS_RULE_TYPE,	     /* RSA or RSA-HSM, of 2048, 3072 or 4096 bits */
	KMS_RULE_OPERATIONS, /* wrapKey and unwrapKey */
	KMS_RULE_ENABLED,    /* and active already */
	KMS_RULE_EXPIRY,     /* none before the year 9999 */
	KMS_RULE_END,
};
const char *kms_rule_name(enum kms_rule rule);	 /* "type", "operations", "enabled", "expiry" */
const char *kms_rule_remedy(enum kms_rule rule); /* of a key that breaks it */

#define KMS_FOUND_LEN 128
/* kms_key_fit() - @now_s: since the epoch. @ret_found: the value that is good, or empty; else a
 * sentence. Return: 0; -EKEYREVOKED: the key is disabled; -EINVAL: any other fault. */
int kms_key_fit(const struct kms_key_info *info, enum kms_rule rule, int64_t now_s,
		char ret_found[static KMS_FOUND_LEN]) MUST_CHECK;

#define KMS_LOCAL_VAULTS_DIR "/var/lib/depfs/vaults"

/* One call that was answered, or that failed: of a vault, or of a token service. */
enum kms_operation {
	KMS_DESCRIBE,
	KMS_WRAP,
	KMS_UNWRAP,
	KMS_TOKEN, /* an access token was asked for; then the vault is the token service */
};

const char *kms_operation_name(enum kms_operation op); /* "get", "wrapKey", "unwrapKey", "token" */

struct kms_observed {
	const char *vault; /* host with its port, or name of a local vault; borrowed */
	enum kms_operation operation;
	enum kms_outcome outcome;
	uint64_t duration_us; /* of the whole call, its retries and their waits included */
};

/* Called once a call, by the thread that made it, under no lock; must not call the kms. */
typedef void kms_observe_fn(void *arg, const struct kms_observed *seen);

struct kms_config {
	const char *vaults_dir; /* folder of the local vaults; NULL: KMS_LOCAL_VAULTS_DIR */
	/* Azure; NULL or 0: the variable DEPFS_..., else the default. depfs-azure(5) */
	const char *vault_domains; /* of hosts that are vaults too, a ':' between */
	const char *ca_file;	   /* absolute; replaces the system's certificate authorities */
	const char *credential;	   /* "auto", "client-secret", ..., "none" */
	unsigned vault_timeout_s;  /* of one call, its retries included; 1 to 300 */
	unsigned probe_max_s;	   /* longest time between two probes of a vault that failed */
	kms_observe_fn *observe;   /* NULL: nobody watches */
	void *observe_arg;
};

struct kms; /* safe to use from many threads at once */

int kms_new(const struct kms_config *config, struct kms **ret_kms, struct err *err) MUST_CHECK;
void kms_free(struct kms *kms);
DEFINE_CLEANUP(struct kms *, kms_free)

/* kms_needs_network() - false: no id of scheme https can ever be used (credential "none"). */
bool kms_needs_network(const struct kms *kms);

/*
 * kms_credential_check() - can Azure's credential be used, as far as this machine can tell?
 * Return: 0; 1: yes, but @err says what looks wrong about it; -ENOTSUP: credential "none"; another
 * negative errno: its file cannot be used, as @err says.
 */
int kms_credential_check(const struct kms *kms, struct err *err) MUST_CHECK;

/* A vault or token service that failed again and again is probed instead of hammered. */
enum kms_circuit_state {
	KMS_CIRCUIT_CLOSED,    /* asked as usual */
	KMS_CIRCUIT_OPEN,      /* not asked until retry_in_ms have passed; calls fail at once */
	KMS_CIRCUIT_HALF_OPEN, /* one call is on its way to find out */
};
const char *kms_circuit_state_name(enum kms_circuit_state state); /* "closed", "open", ... */

struct kms_circuit {
	char vault[256]; /* host with its port */
	enum kms_circuit_state state;
	unsigned failures;    /* calls in a row that failed */
	uint64_t retry_in_ms; /* until it is asked again; also while it asked for a pause */
};

/* kms_circuits() - of all Azure hosts asked so far, at most @max of them; how many there are in
 * @ret_list. Local vaults have none. */
size_t kms_circuits(struct kms *kms, struct kms_circuit *ret_list, size_t max);
/* kms_circuits_probe() - a host that failed may be probed now, unless it asked for a pause. */
void kms_circuits_probe(struct kms *kms);

#define KMS_DEADLINE_S 30 /* no service takes longer to answer; then it is KMS_TRANSIENT */

/*
 * Each call may block as long as the vault takes, at most KMS_DEADLINE_S.
 * @key_id: text; without a version the newest is meant.
 * @request_id: NULL, or room for the vault's own id of the request, for the audit log.
 * Outcome other than KMS_OK: @err holds a sentence naming the key id and the cause.
 */
#define KMS_REQUEST_ID_LEN 64
enum kms_outcome kms_describe(struct kms *kms, const char *key_id, struct kms_key_info *ret_info,
			      char *request_id, struct err *err) MUST_CHECK;
/* @ret_kid: the id with the version that did the wrap, which the caller stores beside it. */
enum kms_outcome kms_wrap(struct kms *kms, const char *key_id, struct secret *key,
			  uint8_t ret_wrapped[static KMS_WRAP_MAX], size_t *ret_wrapped_len,
			  char ret_kid[static KEY_ID_MAX], char *request_id,
			  struct err *err) MUST_CHECK;
/* @key_id: names a version. */
enum kms_outcome kms_unwrap(struct kms *kms, const char *key_id, const uint8_t *wrapped,
			    size_t wrapped_len, struct secret **ret_key, char *request_id,
			    struct err *err) MUST_CHECK;

#endif
