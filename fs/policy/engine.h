/* fs/policy/engine.h - the policy engine of one open store: what the data path and the control
 * files ask. */
#ifndef DEPFS_POLICY_ENGINE_H
#define DEPFS_POLICY_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "crypto/base/err.h"
#include "crypto/header.h"
#include "fs/audit/audit.h"
#include "fs/keyring/keyring.h"
#include "fs/metrics/metrics.h"
#include "fs/policy/scope.h"
#include "fs/store/store.h"

struct engine;

struct engine_config {
	const char *store_path;
	const char *service_spec; /* "file:PATH"; NULL: the default */
	const char *vaults_dir;	  /* NULL: /var/lib/depfs/vaults */
	/* of Azure, as in struct kms_config */
	const char *vault_domains, *ca_file, *credential;
	unsigned vault_timeout_s;
	unsigned key_check_s; /* access is proved again this often; 0 is refused */
	uint32_t job_rate;    /* files/s that a new job may do; 0: no limit */
	uint64_t events_len;  /* bytes, about, of the audit log; 0: no bound */
	bool strict;	      /* a purgeable root key is an error, not a warning */
};

/* engine_open() - lock and open the store, load policies and assignments, start the key checker. */
int engine_open(const struct engine_config *config, struct engine **ret_engine,
		struct err *err) MUST_CHECK;
/* engine_close() - stops threads, wipes keys, closes the store, as a clean stop when @clean. NULL
 * allowed. */
void engine_close(struct engine *e, bool clean);

struct store *engine_store(struct engine *e);
struct audit *engine_audit(struct engine *e);
struct kms *engine_kms(struct engine *e);
struct metrics *engine_metrics(struct engine *e);
struct scope_table *engine_scopes(struct engine *e);
unsigned engine_key_check_s(const struct engine *e);
int64_t engine_started(const struct engine *e); /* s since the epoch */

/**
 * engine_target() - what new data of @scope is wrapped under: mailbox policy, else the tenant's if
 * the workload is covered, else the service key. From memory, never blocks.
 */
void engine_target(struct engine *e, const struct scope *scope, struct wrap_ref *ret_ref);

/*
 * engine_epoch() - changes whenever any engine_target() may have: an assignment, a new generation.
 * A file whose target was resolved in this epoch need not ask again. One atomic load.
 */
uint64_t engine_epoch(const struct engine *e);

/*
 * engine_target_enter() - from before engine_target() until what it gave is on disk, or forgotten
 * A job that re-wraps waits for those who may still make files under the target of before. Gives
 * what engine_target_leave() wants back.
 */
unsigned engine_target_enter(struct engine *e);
void engine_target_leave(struct engine *e, unsigned room);
/* engine_targets_settle() - returns when whoever had entered has left. For one thread at a time. */
void engine_targets_settle(struct engine *e);

/* Where a target comes from, for mailboxes/ID/policy. */
enum target_source {
	TARGET_MAILBOX,
	TARGET_TENANT,
	TARGET_SERVICE
};
enum target_source engine_target_source(struct engine *e, const struct scope *scope,
					struct wrap_ref *ret_ref);

/* engine_damage() - a file failed to authenticate: an event with path and block; at most one per
 * file and block in a minute. @what: "header", "block", "size", ... @path relative to the top. */
void engine_damage(struct engine *e, const char *path, uint64_t block_no, const char *what);

/*
 * Called when a policy turns revoked, after keyring_denied() says so and its keys left the keyring,
 * from a thread that serves no files; several policies at once. @files: zeros, to be counted in.
 */
typedef void revoked_fn(void *arg, const uint8_t policy_id[UUID_LEN], struct revoked_files *files);

/* engine_on_revoked() - one call-back an engine; NULL takes it away. engine_close() waits for those
 * that run. */
void engine_on_revoked(struct engine *e, revoked_fn *fn, void *arg);

#endif
