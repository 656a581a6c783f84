/* fs/engine/engine.c - the pieces of one open store, made in order and ended in reverse. */
#include "fs/engine/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define PROBE_MAX_S 30 /* longest time between two probes of a vault that is down */

static int open_kms(struct engine *e, const struct engine_config *config, struct err *err)
{
	const struct kms_config kms_config = {
		.vaults_dir = config->vaults_dir,
		.vault_domains = config->vault_domains,
		.ca_file = config->ca_file,
		.credential = config->credential,
		.vault_timeout_s = config->vault_timeout_s,
		/* at most half the time between two checks, so that a check finds the circuit of a
		 * failed vault ready for a probe */
		.probe_max_s = PROBE_MAX_S < config->key_check_s / 2 ? PROBE_MAX_S
			       : config->key_check_s > 1	     ? config->key_check_s / 2
								     : 1,
		.observe = metrics_vault,
		.observe_arg = e->metrics,
	};

	return kms_new(&kms_config, &e->kms, err);
}

static int open_records(struct engine *e, const struct engine_config *config, struct err *err)
{
	const struct audit_config audit_config = {.max_len = config->events_len};
	int r;

	r = store_open(config->store_path, STORE_SERVE, config->service_spec, &e->store, err);
	if (r == 0)
		r = audit_new(e->store, &audit_config, &e->audit, err);
	if (r < 0)
		return r;
	r = damage_log_new(e->audit, e->metrics, &e->damage);
	if (r == 0)
		r = scope_table_new(store_service_key(e->store), &e->scopes);
	return r < 0 ? err_set(err, r, "no memory for the table of scopes") : 0;
}

static int open_keyring(struct engine *e, struct err *err)
{
	const struct keyring_config config = {
		.store = e->store,
		.kms = e->kms,
		.audit = e->audit,
		.metrics = e->metrics,
		.key_check_s = e->key_check_s,
	};

	return keyring_new(&config, &e->keyring, err);
}

static int open_jobs(struct engine *e, uint32_t rate, struct err *err)
{
	const struct jobs_config config = {
		.store = e->store,
		.audit = e->audit,
		.key_check_s = e->key_check_s,
		.rate = rate,
	};
	int r = jobs_new(&config, &e->jobs, err);

	return r < 0 ? r : renewals_new(e->store, &e->renewals, err);
}

static int open_policies(struct engine *e, bool strict, struct err *err)
{
	const struct policies_config config = {
		.store = e->store,
		.kms = e->kms,
		.audit = e->audit,
		.keyring = e->keyring,
		.jobs = e->jobs,
		.strict = strict,
	};

	return policies_new(&config, &e->policies, err);
}

static int open_parts(struct engine *e, const struct engine_config *config, struct err *err)
{
	int r = metrics_new(&e->metrics);

	if (r < 0)
		return err_set(err, r, "no memory for the metrics");
	r = open_kms(e, config, err);
	if (r == 0)
		r = open_records(e, config, err);
	if (r == 0)
		r = open_keyring(e, err);
	if (r == 0)
		r = open_jobs(e, config->job_rate, err);
	if (r == 0)
		r = open_policies(e, config->strict, err);
	return r < 0 ? r : keyring_start(e->keyring, policies_key_source, e->policies, err);
}

int engine_open(const struct engine_config *config, struct engine **ret_engine, struct err *err)
{
	struct engine *e;
	int r;

	if (config->key_check_s == 0)
		return err_set(err, -EINVAL, "key_check: 0 seconds is not a period");
	e = calloc(1, sizeof(*e));
	if (!e)
		return err_set(err, -ENOMEM, "no memory for the policy engine");
	e->key_check_s = config->key_check_s;
	e->started = time(NULL);
	r = open_parts(e, config, err);
	if (r < 0) {
		/* nothing was served, so the stop is clean unless an earlier one was not */
		engine_close(e, e->store && store_unclean_since(e->store) == 0);
		return r;
	}
	*ret_engine = e;
	return 0;
}

void engine_close(struct engine *e, bool clean)
{
	if (!e)
		return;
	keyring_closing(e->keyring); /* first, so that a running job does not wait for a vault */
	if (e->jobs)
		jobs_stop(e->jobs);
	keyring_stop(e->keyring);
	policies_free(e->policies);
	renewals_free(e->renewals);
	jobs_free(e->jobs);
	keyring_free(e->keyring);
	scope_table_free(e->scopes);
	damage_log_free(e->damage);
	if (e->audit && clean)
		audit_seal(e->audit);
	audit_free(e->audit);
	store_close(e->store, clean);
	kms_free(e->kms);
	metrics_free(e->metrics);
	free(e);
}
