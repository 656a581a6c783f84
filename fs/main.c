/*
 * fs/main.c - depfs STORE MOUNT: opens a store and serves it.
 *
 * One mount from start to end, in main(), start() and run_store(): options, place, background,
 * privileges dropped, store opened, recovered, session served, system calls filtered once the mount
 * is there, and all closed in the reverse order (fs/README.md, A mount from start to end).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/version.h"
#include "fs/control/control.h"
#include "fs/engine/engine.h"
#include "fs/fuse/serve.h"
#include "fs/fuse/session.h"
#include "fs/options.h"
#include "fs/place.h"
#include "fs/policy/policy.h"
#include "fs/privileges.h"
#include "fs/report.h"
#include "fs/syscall_filter.h"

/* For a step whose length depends on how much is stored: the service manager waits for five minutes
 * from here. */
#define MORE_TIME "EXTEND_TIMEOUT_USEC=300000000"

struct run {
	const struct options *options;
	struct engine *engine;
	struct session session;
	struct control *control;
	int ready_fd; /* from background_begin(); -1: in the foreground */
};

/* ---- once the mount is there ---- */

static bool any_root_is(struct engine *e, const char *scheme)
{
	CLEANUP(free_mem_p) struct policy_info *list = NULL;
	size_t n = 0, len = strlen(scheme);
	bool any = false;

	if (policy_list(e->policies, &list, &n) < 0)
		return false; /* for lack of memory: no warning */
	for (size_t i = 0; i < n; i++)
		any |= strncmp(list[i].roots[0].key_id, scheme, len) == 0 ||
		       strncmp(list[i].roots[1].key_id, scheme, len) == 0;
	return any;
}

/*
 * Without its vaults a store still opens, by the availability keys, so a missing folder of local
 * vaults or a missing credential would be noticed nowhere else.
 */
static void warn_of_missing_vaults(struct engine *e, const char *vaults_dir)
{
	const char *dir = vaults_dir ? vaults_dir : KMS_LOCAL_VAULTS_DIR;
	const struct audit_field folder[] = {AUDIT_FIELD_STR("folder", dir)};
	struct err err = {0};
	struct stat st;
	int r;

	if (stat(dir, &st) < 0 && any_root_is(e, "local://")) {
		report(LOG_WARNING,
		       "policies have root keys in local vaults, and their folder %s is missing: "
		       "is it the one of -o vaults=?",
		       dir);
		audit_event(e->audit, "vaults-missing", NULL, "ENOENT", folder, 1);
	}
	r = any_root_is(e, "https://") ? kms_credential_check(e->kms, &err) : 0;
	if (r != 0) {
		const struct audit_field reason[] = {AUDIT_FIELD_STR("reason", err.text)};

		report(LOG_WARNING, "policies have root keys in Azure; credential %s", err.text);
		audit_event(e->audit, "vaults-missing", NULL, r < 0 ? errno_name(r) : "ok", reason,
			    1);
	}
}

/* The event is durable before the caller finds the mount there. */
static void record_mount(struct engine *e)
{
	struct err err = {0};
	int64_t since = store_unclean_since(e->store);
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("last_stop", since ? "unclean" : "clean"),
		AUDIT_FIELD_U64("in_use_since", (uint64_t)since),
	};

	audit_event(e->audit, "mount", NULL, "ok", fields, since ? 2 : 1);
	if (audit_sync(e->audit, &err) < 0)
		report(LOG_WARNING, "%s", err.text);
}

/* For root's daemon only: an ordinary user's daemon runs fusermount3, which is set-user-id, when it
 * ends. */
static void filter_syscalls(struct engine *e)
{
	enum syscall_network network =
		kms_needs_network(e->kms) ? SYSCALL_NETWORK_CLIENT : SYSCALL_NETWORK_NONE;
	int r = geteuid() == 0 ? syscall_filter_install(network) : 0;

	if (r < 0)
		report(LOG_WARNING, "this kernel does not filter system calls: %s", strerror(-r));
}

static int on_ready(void *arg)
{
	struct run *run = arg;
	struct err err = {0};
	int r = 0;

	if (run->options->no_symfollow)
		r = place_no_symfollow(run->session.v.mount, &err);
	if (r < 0) {
		report(LOG_ERR, "%s", err_text(&err, r));
		return r;
	}
	record_mount(run->engine);
	warn_of_missing_vaults(run->engine, run->options->vaults_dir);
	report_state("READY=1");
	if (run->ready_fd >= 0)
		r = background_end(run->ready_fd);
	filter_syscalls(run->engine);
	return r;
}

/* Files that are open are closed, what was written synced, the state closed: each may take longer
 * than the service manager waits by itself (TimeoutStopSec= of systemd: 90 s). */
static void on_stopping(void *arg)
{
	(void)arg;
	report_state("STOPPING=1\n" MORE_TIME);
}

/* ---- opened, recovered, served, closed ---- */

static int open_store(struct run *run, const struct place *place, struct err *err)
{
	const struct options *o = run->options;
	const struct engine_config config = {
		.store_path = place->store,
		.service_spec = o->service_key,
		.vaults_dir = o->vaults_dir,
		.vault_domains = o->vault_domains,
		.ca_file = o->ca_file,
		.credential = o->credential,
		.vault_timeout_s = o->vault_timeout_s,
		.key_check_s = o->key_check_s,
		.strict = o->strict,
		.job_rate = o->job_rate,
		.events_len = (uint64_t)o->events_mib << 20,
	};

	run->session.v.top_fd = open(place->store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (run->session.v.top_fd < 0)
		return err_set(err, -errno, "store %s: %s", place->store, strerror(errno));
	return engine_open(&config, &run->engine, err);
}

/* Gives the session the pieces that it uses; it does not see the engine. */
static int init_session(struct run *run, const struct place *place, struct err *err)
{
	const struct options *o = run->options;
	const struct engine *e = run->engine;
	struct session *s = &run->session;

	s->v.store = e->store;
	s->v.audit = e->audit;
	s->v.damage = e->damage;
	s->v.metrics = e->metrics;
	s->v.scopes = e->scopes;
	s->v.keyring = e->keyring;
	s->v.renewals = e->renewals;
	s->v.policies = e->policies;
	s->v.path = place->store;
	s->v.mount = place->mount;
	s->v.read_only = o->read_only;
	s->list_control = o->list_control;
	s->system_gid = o->system_gid;
	s->has_system_gid = o->has_system_gid;
	s->writeback = o->writeback && !o->read_only;
	return serve_init(s, e->jobs, err);
}

static void data_gauges(void *arg, struct control_gauges *ret_gauges)
{
	struct session *s = arg;

	ret_gauges->requests_waiting = atomic_load(&s->v.requests_waiting);
	ret_gauges->inodes_cached = serve_inodes(s);
}

static int open_control(struct run *run, struct err *err)
{
	const struct control_config config = {
		.engine = run->engine,
		.owner = geteuid(),
		.admin_gid = run->options->admin_gid,
		.mount = run->session.v.mount,
		.gauges = data_gauges,
		.gauges_arg = &run->session,
	};
	int r = control_new(&config, &run->control, err);

	run->session.vops = &control_vtree_ops;
	run->session.vtree = run->control;
	return r;
}

/* close_all() - closes what run_store() opened, however far it came; @r is its outcome, @clean: no
 * request is unfinished. */
static void close_all(struct run *run, int r, bool clean)
{
	if (run->engine && run->control)
		audit_event(run->session.v.audit, "unmount", NULL, errno_name(r), NULL, 0);
	serve_fini(&run->session);
	control_free(run->control);
	report_state(MORE_TIME);
	/* A store whose files were not recovered keeps the mark of the unclean stop before. */
	engine_close(run->engine, clean && run->session.v.unclean_since == 0);
	if (run->session.v.top_fd >= 0)
		(void)close(run->session.v.top_fd); /* a folder, only read */
}

static int recover(struct run *run, struct err *err)
{
	report_state(MORE_TIME);
	return serve_recover(&run->session, err);
}

static int run_store(struct run *run, const struct place *place, struct err *err)
{
	const struct serve_calls calls = {.ready = on_ready, .stopping = on_stopping, .arg = run};
	char options[4 * PATH_MAX];
	bool clean = true; /* no file was served yet */
	int r = place_fuse_options(place, run->options, options, sizeof(options), err);

	if (r == 0)
		r = open_store(run, place, err);
	if (r == 0)
		r = init_session(run, place, err);
	if (r == 0)
		r = recover(run, err);
	if (r == 0)
		r = open_control(run, err);
	if (r == 0)
		r = serve(&run->session, options, &calls, err);
	if (r == 0) {
		report_state(MORE_TIME);
		r = serve_sync(&run->session, err);
		clean = r == 0;
	}
	close_all(run, r, clean);
	return r;
}

/* ---- from the command line to the open store ---- */

/* Raises the limit of descriptors as far as allowed: the shell's default is low. */
static void raise_file_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files); /* the old limit works too */
	}
}

static int start(const struct options *o, struct err *err)
{
	struct run run = {.options = o, .ready_fd = -1, .session.v.top_fd = -1};
	struct place place;
	int r;

	raise_file_limit();
	r = place_find(o, &place, err);
	if (r == 0)
		r = place_check(o, err);
	if (r < 0)
		return r;
	if (!o->foreground) {
		r = background_begin(&run.ready_fd);
		if (r < 0)
			return err_set(err, r, "no second process: %s", strerror(-r));
	}
	r = secret_init(err); /* after the fork: locked memory is not inherited */
	if (r < 0)
		return r;
	if (r > 0)
		report(LOG_WARNING, "keys cannot be locked in memory (RLIMIT_MEMLOCK): they might "
				    "reach swap space");
	r = privileges_drop(err);
	if (r < 0)
		return r;
	return run_store(&run, &place, err);
}

int main(int argc, char **argv)
{
	enum options_outcome outcome;
	struct options options;
	struct err err = {0};
	int r;

	r = options_parse(argc, argv, &options, &outcome, &err);
	if (r < 0) {
		report(LOG_ERR, "%s (see depfs --help)", err_text(&err, r));
		return 2;
	}
	if (outcome == OPTIONS_RUN) {
		r = start(&options, &err);
		if (r < 0)
			report(LOG_ERR, "%s", err_text(&err, r));
	} else if (outcome == OPTIONS_HELP) {
		(void)fputs(options_usage(), stdout);
	} else {
		(void)printf("depfs %s\n", version_text);
	}
	options_fini(&options);
	return r < 0 ? 1 : 0;
}
