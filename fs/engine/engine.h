/* fs/engine/engine.h - one open store put together: its pieces made in order, handed out, ended. */
#ifndef DEPFS_ENGINE_ENGINE_H
#define DEPFS_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/base/err.h"
#include "fs/audit/audit.h"
#include "fs/audit/damage.h"
#include "fs/jobs/job.h"
#include "fs/jobs/renewal.h"
#include "fs/keyring/keyring.h"
#include "fs/metrics/metrics.h"
#include "fs/policy/policies.h"
#include "fs/policy/policy.h"
#include "fs/policy/scope.h"
#include "fs/policy/target.h"
#include "fs/store/store.h"

/*
 * Constant from engine_open() to engine_close(), in the order in which they are made: each uses
 * those above it. Functions elsewhere take the pieces they use, not the engine.
 */
struct engine {
	struct metrics *metrics;
	struct kms *kms;
	struct store *store;
	struct audit *audit;
	struct damage_log *damage;
	struct scope_table *scopes;
	struct keyring *keyring;
	struct jobs *jobs;
	struct renewals *renewals;
	struct policies *policies;
	unsigned key_check_s;
	int64_t started; /* s since the epoch */
};

struct engine_config {
	const char *store_path;
	const char *service_spec; /* "file:PATH"; NULL: the default */
	const char *vaults_dir;	  /* NULL: /var/lib/depfs/vaults */
	/* of Azure, as in struct kms_config */
	const char *vault_domains, *ca_file, *credential;
	unsigned vault_timeout_s;
	unsigned key_check_s; /* time between two checks of the keys in the vaults; not 0 */
	uint32_t job_rate;    /* files/s that a new job may do; 0: no limit */
	uint64_t events_len;  /* bytes, about, that the audit log may have; 0: no bound */
	bool strict;	      /* a purgeable root key is an error, not a warning */
};

/* engine_open() - lock and open the store, load policies and jobs, start the key checker. */
int engine_open(const struct engine_config *config, struct engine **ret_engine,
		struct err *err) MUST_CHECK;
/* engine_close() - stops threads, wipes keys, closes the store, as a clean stop when @clean. NULL
 * allowed. */
void engine_close(struct engine *e, bool clean);

#endif
