/* fs/policy/engine.c - the policy engine: opened, closed, and what new data is wrapped under. */
#include "fs/policy/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/policy/engine_internal.h"

#define PROBE_MAX_S 30 /* between two probes of a vault that is down */
#include "fs/keyring/keyring_internal.h"

struct work {
	struct work *next; /* of those that have left */
	pthread_t thread;
	struct engine *e;
	void (*fn)(void *arg);
	void *arg;
};

static void *worker_main(void *arg)
{
	struct work *work = arg;
	struct workers *w = &work->e->workers;

	work->fn(work->arg);
	pthread_mutex_lock(&w->lock);
	work->next = w->left;
	w->left = work;
	w->running--;
	pthread_cond_broadcast(&w->gone);
	pthread_mutex_unlock(&w->lock); /* the last touch of the engine */
	return NULL;
}

/* Those that have left, but for what OpenSSL keeps for a thread until it is really gone. */
static void workers_join_left_locked(struct workers *w)
{
	while (w->left) {
		CLEANUP(free_mem_p) struct work *work = w->left;

		w->left = work->next;
		(void)pthread_join(work->thread, NULL); /* each is joined once */
	}
}

int engine_worker(struct engine *e, void (*fn)(void *arg), void *arg)
{
	CLEANUP(free_mem_p) struct work *work = malloc(sizeof(*work));
	struct workers *w = &e->workers;
	int r;

	if (!work)
		return -ENOMEM;
	*work = (struct work){.e = e, .fn = fn, .arg = arg};
	pthread_mutex_lock(&w->lock); /* also until its own thread is known */
	workers_join_left_locked(w);
	r = pthread_create(&work->thread, NULL, worker_main, work) == 0 ? 0 : -ENOMEM;
	w->running += r == 0;
	if (r == 0)
		(void)STEAL(work);
	pthread_mutex_unlock(&w->lock);
	return r;
}

static void workers_wait(struct workers *w)
{
	pthread_mutex_lock(&w->lock);
	while (w->running > 0)
		pthread_cond_wait(&w->gone, &w->lock);
	workers_join_left_locked(w);
	pthread_mutex_unlock(&w->lock);
}

static int engine_new(const struct engine_config *config, struct engine **ret_engine)
{
	struct engine *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->key_check_s = config->key_check_s;
	e->strict = config->strict;
	e->job_rate = config->job_rate;
	e->started = time(NULL);
	e->epoch = 1;
	e->gate.wait_ms = GATE_WAIT_MS;
	(void)pthread_mutex_init(&e->gate.lock, NULL);
	(void)pthread_mutex_init(&e->workers.lock, NULL);
	(void)pthread_mutex_init(&e->damage.lock, NULL);
	(void)pthread_cond_init(&e->gate.left, NULL);
	(void)pthread_cond_init(&e->workers.gone, NULL);
	jobs_init(e, &e->jobs);
	renewals_init(&e->renewals);
	*ret_engine = e;
	r = tables_init(&e->tables);
	if (r == 0)
		r = metrics_new(&e->metrics);
	return r < 0 ? r : hash_seed(&e->damage.seed);
}

static int open_parts(struct engine *e, const struct engine_config *config, struct err *err)
{
	const struct kms_config kms_config = {
		.vaults_dir = config->vaults_dir,
		.vault_domains = config->vault_domains,
		.ca_file = config->ca_file,
		.credential = config->credential,
		.vault_timeout_s = config->vault_timeout_s,
		/* so that a check finds the vault's circuit ready for a probe again */
		.probe_max_s = PROBE_MAX_S < config->key_check_s / 2 ? PROBE_MAX_S
			       : config->key_check_s > 1	     ? config->key_check_s / 2
								     : 1,
		.observe = metrics_vault,
		.observe_arg = e->metrics,
	};
	const struct audit_config audit_config = {.max_len = config->events_len};
	int r;

	r = kms_new(&kms_config, &e->kms, err);
	if (r < 0)
		return r;
	r = store_open(config->store_path, STORE_SERVE, config->service_spec, &e->store, err);
	if (r < 0)
		return r;
	r = engine_load(e, err);
	if (r < 0)
		return r;
	r = jobs_load(e, err);
	if (r < 0)
		return r;
	r = renewals_load(e, err);
	if (r < 0)
		return r;
	r = audit_new(e->store, &audit_config, &e->audit, err);
	if (r < 0)
		return r;
	r = scope_table_new(store_service_key(e->store), &e->scopes);
	if (r < 0)
		return err_set(err, r, "no memory for the table of scopes");
	return keyring_new(e, &e->keyring, err);
}

int engine_open(const struct engine_config *config, struct engine **ret_engine, struct err *err)
{
	struct engine *e = NULL;
	int r;

	if (config->key_check_s == 0)
		return err_set(err, -EINVAL, "key_check: 0 seconds is not a period");
	r = engine_new(config, &e);
	if (r < 0)
		(void)err_set(err, r, "no memory for the policy engine");
	else
		r = open_parts(e, config, err);
	if (r < 0) {
		/* nothing was served, but a crash before this stays to be recovered from */
		engine_close(e, e && e->store && store_unclean_since(e->store) == 0);
		return r;
	}
	*ret_engine = e;
	return 0;
}

void engine_close(struct engine *e, bool clean)
{
	if (!e)
		return;
	atomic_store(&e->closing, true);
	jobs_stop(e);
	keyring_stop(e->keyring);
	workers_wait(&e->workers); /* a vault call cannot be called back, but is bounded */
	keyring_free(e->keyring);
	if (e->audit && clean)
		audit_seal(e->audit);
	audit_free(e->audit);
	scope_table_free(e->scopes);
	tables_fini(&e->tables);
	jobs_fini(&e->jobs);
	renewals_fini(&e->renewals);
	store_close(e->store, clean);
	kms_free(e->kms);
	metrics_free(e->metrics);
	(void)pthread_mutex_destroy(&e->gate.lock);
	(void)pthread_mutex_destroy(&e->workers.lock);
	(void)pthread_mutex_destroy(&e->damage.lock);
	(void)pthread_cond_destroy(&e->gate.left);
	(void)pthread_cond_destroy(&e->workers.gone);
	free(e);
}

struct store *engine_store(struct engine *e)
{
	return e->store;
}

struct audit *engine_audit(struct engine *e)
{
	return e->audit;
}

struct kms *engine_kms(struct engine *e)
{
	return e->kms;
}

struct metrics *engine_metrics(struct engine *e)
{
	return e->metrics;
}

struct scope_table *engine_scopes(struct engine *e)
{
	return e->scopes;
}

unsigned engine_key_check_s(const struct engine *e)
{
	return e->key_check_s;
}

int64_t engine_started(const struct engine *e)
{
	return e->started;
}

unsigned engine_target_enter(struct engine *e)
{
	for (;;) {
		unsigned room = atomic_load(&e->settle.room);

		atomic_fetch_add(&e->settle.inside[room], 1);
		if (atomic_load(&e->settle.room) == room)
			return room;
		atomic_fetch_sub(&e->settle.inside[room], 1); /* it is being emptied */
	}
}

void engine_target_leave(struct engine *e, unsigned room)
{
	atomic_fetch_sub(&e->settle.inside[room], 1);
}

void engine_targets_settle(struct engine *e)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	unsigned room = atomic_load(&e->settle.room);

	atomic_store(&e->settle.room, !room);
	while (atomic_load(&e->settle.inside[room]) > 0)
		(void)nanosleep(&moment,
				NULL); /* somebody may wait for a vault: its time is bounded */
}

uint64_t engine_epoch(const struct engine *e)
{
	return atomic_load_explicit(&e->epoch, memory_order_acquire);
}

static void ref_of(const struct policy *p, struct wrap_ref *ret_ref)
{
	memcpy(ret_ref->policy_id, p->rec.id, UUID_LEN);
	ret_ref->generation = p->rec.generation;
}

enum target_source engine_target_source(struct engine *e, const struct scope *scope,
					struct wrap_ref *ret_ref)
{
	enum target_source source = TARGET_SERVICE;
	struct tables *t = &e->tables;
	const struct mailbox *m;

	*ret_ref = (struct wrap_ref){.generation = 1}; /* zeros: the service key */
	pthread_rwlock_rdlock(&t->lock);
	m = scope->mailbox ? tables_mailbox_locked(t, scope->mailbox) : NULL;
	if (m) {
		ref_of(m->policy, ret_ref);
		source = TARGET_MAILBOX;
	} else if (t->tenant && workload_covered(scope->workload)) {
		ref_of(t->tenant, ret_ref);
		source = TARGET_TENANT;
	}
	pthread_rwlock_unlock(&t->lock);
	return source;
}

void engine_target(struct engine *e, const struct scope *scope, struct wrap_ref *ret_ref)
{
	(void)engine_target_source(e, scope, ret_ref);
}
