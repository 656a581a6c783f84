/* kms/local/local.h - software vaults in a folder: the kind of vault, and what `depctl key` does
 * with them. Layout: depfs-vaults(5). */
#ifndef DEPFS_KMS_LOCAL_LOCAL_H
#define DEPFS_KMS_LOCAL_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"
#include "kms/vault/kind.h"

extern const struct vault_kind local_vaults; /* scheme local; its client is the vaults' folder */

#define LOCAL_VERSIONS_MAX 500 /* of one key; rotating further is refused */
/* Longest delay that a fault can have; with KMS_DEADLINE_S or more the outcome is transient. */
#define LOCAL_DELAY_MAX_MS    600000u
#define LOCAL_LEVEL_DEFAULT   "Recoverable+ProtectedSubscription"
#define LOCAL_LEVEL_PURGEABLE "Recoverable+Purgeable"

/* Operations, as bits of a set: each can be denied, and each but get can be in a key's key_ops. */
#define LOCAL_OP_GET	1u
#define LOCAL_OP_WRAP	2u
#define LOCAL_OP_UNWRAP 4u
#define LOCAL_OP_ALL	(LOCAL_OP_GET | LOCAL_OP_WRAP | LOCAL_OP_UNWRAP)

#define LOCAL_OPS_TEXT_LEN 32
const char *local_op_name(unsigned op); /* of one bit: "get", "wrapKey", "unwrapKey" */
/* local_op_parse() - one name, in any case; 0: no operation has that name. */
unsigned local_op_parse(const char *name);
/* local_ops_format() - names with a comma between, or "none". */
void local_ops_format(unsigned ops, char out[static LOCAL_OPS_TEXT_LEN]);

/* An outcome set by hand. KMS_DAMAGED applies to unwrap only, the others to every operation. */
struct local_fault {
	enum kms_outcome outcome; /* KMS_OK: none; never KMS_MISCONFIGURED */
	unsigned delay_ms;	  /* pause before every answer */
};

const char *local_fault_name(enum kms_outcome outcome); /* "none", "not-found", ... */
/* local_fault_parse() - the reverse; -EINVAL: not one of the five names. */
int local_fault_parse(const char *name, enum kms_outcome *ret_outcome) MUST_CHECK;

/* Settings that a whole vault and each of its keys have alike. */
struct local_rules {
	unsigned denied; /* set of LOCAL_OP_* */
	struct local_fault fault;
};

struct local_version {
	char version[33]; /* 32 hex digits */
	int64_t created;  /* seconds since the epoch, like every time here */
	bool enabled;
	char sha256[65]; /* of the private key's file, in hex; of an EC key empty */
};

struct local_key {
	char name[128]; /* as spelled when it was created */
	char kty[8];	/* "RSA" or "EC" */
	unsigned bits;
	unsigned ops; /* LOCAL_OP_WRAP, LOCAL_OP_UNWRAP */
	bool enabled;
	int64_t created;
	int64_t not_before, expires; /* 0: none */
	int64_t deleted;	     /* 0: it is not */
	char recovery_level[64];
	struct local_rules rules;
	struct local_version *versions; /* oldest first, one at least */
	size_t n_versions;
};

void local_key_free(struct local_key *key);
DEFINE_CLEANUP(struct local_key *, local_key_free)
/* local_key_version() - the version named, or the newest for an empty name; NULL: there is none. */
const struct local_version *local_key_version(const struct local_key *key, const char *version);

/**
 * local_uri_parse() - a key id of scheme local, or "local://VAULT" alone: the name is then empty
 * Return: 0; -EINVAL and a sentence.
 */
int local_uri_parse(const char *text, struct key_id *ret_id, struct err *err) MUST_CHECK;

struct local_create {
	const char *kty; /* "RSA", or "EC": a key that cannot wrap, to test checks with */
	unsigned bits;	 /* 2048, 3072, 4096; of an EC key 0 */
	unsigned ops;	 /* LOCAL_OP_WRAP and LOCAL_OP_UNWRAP, one at least */
	int64_t not_before, expires; /* 0: none */
	bool purgeable;
};

/*
 * Changes. @vaults_dir: folder of the vaults. @id: of scheme local; a change of one version takes
 * its id, all others refuse an id with a version. Each is durable when it returns 0, seen by the
 * next call of every process, and leaves everything as it was when it fails. Common errors: -ENOENT
 * no such vault, key or version, or the key is deleted; -EINVAL @id or a value does not fit;
 * -EBADMSG a file of the vault does not parse; errno of the filesystem.
 */

/* local_key_create() - and its vault, where that is missing; -EEXIST, also of a deleted key.
 * @ret_key_id: the id with the first version. */
int local_key_create(const char *vaults_dir, const struct key_id *id,
		     const struct local_create *options, char ret_key_id[static KEY_ID_MAX],
		     struct err *err) MUST_CHECK;
/* local_key_rotate() - a new newest version; -EMLINK at LOCAL_VERSIONS_MAX. */
int local_key_rotate(const char *vaults_dir, const struct key_id *id,
		     char ret_key_id[static KEY_ID_MAX], struct err *err) MUST_CHECK;
/* The whole key, or the one version that @id names. */
int local_key_enable(const char *vaults_dir, const struct key_id *id, struct err *err) MUST_CHECK;
int local_key_disable(const char *vaults_dir, const struct key_id *id, struct err *err) MUST_CHECK;
int local_key_delete(const char *vaults_dir, const struct key_id *id, struct err *err) MUST_CHECK;
int local_key_recover(const char *vaults_dir, const struct key_id *id, struct err *err) MUST_CHECK;
/* Of a key, or of the whole vault when @id names no key. @ops: the operations to deny or allow. */
int local_deny(const char *vaults_dir, const struct key_id *id, unsigned ops,
	       struct err *err) MUST_CHECK;
int local_allow(const char *vaults_dir, const struct key_id *id, unsigned ops,
		struct err *err) MUST_CHECK;
int local_fault_set(const char *vaults_dir, const struct key_id *id, struct local_fault fault,
		    struct err *err) MUST_CHECK;

/* Reading, whatever the vault denies; of deleted keys too. */
int local_key_show(const char *vaults_dir, const struct key_id *id, struct local_key **ret_key,
		   struct err *err) MUST_CHECK;
int local_vault_show(const char *vaults_dir, const struct key_id *id, struct local_rules *ret_rules,
		     struct err *err) MUST_CHECK;
/**
 * local_list() - names below: the vaults when @vault is NULL, else the keys of that vault
 * @ret_names: sorted, ended by NULL; one allocation for free(), names included
 */
int local_list(const char *vaults_dir, const char *vault, char ***ret_names,
	       struct err *err) MUST_CHECK;

#endif
