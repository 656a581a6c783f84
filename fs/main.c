/* depfs STORE MOUNT - opens a store and serves it; joins data, control and policy. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "crypto/base/cleanup.h"
#include "fs/control/control.h"
#include "fs/fuse/serve.h"
#include "fs/fuse/session.h"
#include "fs/options.h"
#include "fs/policy/policy.h"
#include "fs/privileges.h"
#include "fs/syscall_filter.h"

/* ---- talking to the operator ---- */

static bool to_syslog;

static void say(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(int priority, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (to_syslog) {
		vsyslog(priority, fmt, args);
	} else {
		(void)fputs("depfs: ", stderr); /* nowhere else to go */
		(void)vfprintf(stderr, fmt, args);
		(void)fputc('\n', stderr);
	}
	va_end(args);
}

/* sd_notify(3)'s protocol: one datagram to $NOTIFY_SOCKET. */
static void notify_service_manager(const char *state)
{
	CLEANUP(close_fd_p) int fd = -1;
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len = path ? strlen(path) : 0;

	if (!len || len >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0'; /* abstract */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), 0, (struct sockaddr *)&to,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		say(LOG_WARNING, "the service manager could not be told: %s", strerror(errno));
}

/* ---- what is mounted where ---- */

struct place {
	char store[PATH_MAX], mount[PATH_MAX];
};

static int folder_is_empty(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	if (!dir)
		return -errno;
	while (n <= 2 && readdir(dir))
		n++;
	(void)closedir(dir); /* only read from */
	return n <= 2;
}

static bool lies_in(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && (path[len] == '/' || !path[len]);
}

static int refuse_mount_point(const char *path, int error, struct err *err)
{
	if (error == ENOTCONN)
		return err_set(err, -ENOTCONN,
			       "mount point %s: the daemon of a mount there has ended; unmount "
			       "it, then mount again",
			       path);
	return err_set(err, -error, "mount point %s: %s", path, strerror(error));
}

/* Why nothing can be mounted on a folder that holds something. */
static int refuse_full(const char *path, dev_t dev, struct err *err)
{
	CLEANUP(close_fd_p) int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat parent;

	if (fd >= 0 && fstatat(fd, "..", &parent, 0) == 0 && parent.st_dev != dev)
		return err_set(err, -EBUSY, "mount point %s: a filesystem is mounted there already",
			       path);
	return err_set(err, -ENOTEMPTY, "mount point %s is not empty", path);
}

static int find_place(const struct options *o, struct place *ret_place, struct err *err)
{
	struct stat st;
	int r;

	if (!*o->store || !*o->mount)
		return err_set(err, -EINVAL, "the path of the %s is empty",
			       *o->store ? "mount point" : "store");
	if (!realpath(o->store, ret_place->store))
		return err_set(err, -errno, "store %s: %s", o->store, strerror(errno));
	if (!realpath(o->mount, ret_place->mount))
		return refuse_mount_point(o->mount, errno, err);
	if (lies_in(ret_place->mount, ret_place->store))
		return err_set(err, -EINVAL,
			       "mount point %s lies in the store: what is written there would hide "
			       "its own ciphertext",
			       ret_place->mount);
	if (lies_in(ret_place->store, ret_place->mount))
		return err_set(
			err, -EINVAL,
			"the store %s lies below the mount point %s and would be hidden by it",
			ret_place->store, ret_place->mount);
	if (stat(ret_place->mount, &st) < 0)
		return refuse_mount_point(ret_place->mount, errno, err);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, -ENOTDIR, "mount point %s is not a folder", ret_place->mount);
	r = folder_is_empty(ret_place->mount);
	if (r < 0)
		return refuse_mount_point(ret_place->mount, -r, err);
	if (geteuid() != 0 && access(ret_place->mount, W_OK) < 0) /* fusermount3's rule */
		return refuse_mount_point(ret_place->mount, errno, err);
	return r ? 0 : refuse_full(ret_place->mount, st.st_dev, err);
}

/* What would only show when the store has been opened already. A vault folder may come later. */
static int check_surroundings(const struct options *o, struct err *err)
{
	CLEANUP(close_fd_p) int fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	struct stat st;

	if (fuse_fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
		return err_set(err, -errno, "/dev/fuse: %s: FUSE is missing here (modprobe fuse)",
			       strerror(errno));
	if (o->vaults_dir && stat(o->vaults_dir, &st) == 0 && !S_ISDIR(st.st_mode))
		return err_set(err, -ENOTDIR, "-o vaults=%s: not a folder", o->vaults_dir);
	return 0;
}

/* Commas and backslashes of a path, for libfuse's option parser. */
static void escape(const char *in, char *out, size_t out_len)
{
	size_t n = 0;

	for (; *in && n + 2 < out_len; in++) {
		if (*in == ',' || *in == '\\')
			out[n++] = '\\';
		out[n++] = *in;
	}
	out[n] = '\0';
}

static int kernel_options(const struct options *o, const struct place *place, char *out,
			  size_t out_len, struct err *err)
{
	char source[2 * PATH_MAX];
	int n;

	escape(place->store, source, sizeof(source));
	n = snprintf(out, out_len, "fsname=%s,subtype=depfs,default_permissions%s%s%s", source,
		     geteuid() == 0 || o->allow_other ? ",allow_other" : "", o->kernel ? "," : "",
		     o->kernel ? o->kernel : "");
	return n < 0 || (size_t)n >= out_len
		       ? err_set(err, -EINVAL, "the mount options are too long")
		       : 0;
}

/* ---- going to the background ---- */

/*
 * The parent stays until the mount is there, so that whoever started it knows; the child tells by
 * the pipe, and until then says what is wrong on the parent's standard error.
 */
static int background(int *ret_tell_fd)
{
	int fds[2];
	pid_t pid;
	char ok;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0) {
		(void)close(fds[1]); /* the child's end */
		_exit(read(fds[0], &ok, 1) == 1 ? 0 : 1);
	}
	(void)close(fds[0]); /* the parent's end */
	(void)setsid();	     /* a fresh child is never a group leader */
	*ret_tell_fd = fds[1];
	return 0;
}

static int leave_terminal(int tell_fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null_fd < 0)
		return -errno;
	openlog("depfs", LOG_PID, LOG_DAEMON);
	to_syslog = true;
	if (write(tell_fd, "k", 1) != 1)
		return -EIO;
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(null_fd, fd) < 0)
			return -errno;
	(void)close(tell_fd); /* said */
	return chdir("/") < 0 ? -errno : 0;
}

static bool any_root_is(struct engine *e, const char *scheme)
{
	CLEANUP(free_mem_p) struct policy_info *list = NULL;
	size_t n = 0, len = strlen(scheme);
	bool any = false;

	if (policy_list(e->policies, &list, &n) < 0)
		return false; /* for lack of memory: a warning less */
	for (size_t i = 0; i < n; i++)
		any |= strncmp(list[i].roots[0].key_id, scheme, len) == 0 ||
		       strncmp(list[i].roots[1].key_id, scheme, len) == 0;
	return any;
}

/*
 * Without its vaults a store still opens, by the availability keys, and forgetting to name their
 * folder, or a credential, would show nowhere else.
 */
static void warn_of_missing_vaults(struct engine *e, const char *vaults_dir)
{
	const char *dir = vaults_dir ? vaults_dir : KMS_LOCAL_VAULTS_DIR;
	const struct audit_field folder[] = {AUDIT_FIELD_STR("folder", dir)};
	struct err err = {0};
	struct stat st;
	int r;

	if (stat(dir, &st) < 0 && any_root_is(e, "local://")) {
		say(LOG_WARNING,
		    "policies have root keys in local vaults, and their folder %s is missing: "
		    "is it the one of -o vaults=?",
		    dir);
		audit_event(e->audit, "vaults-missing", NULL, "ENOENT", folder, 1);
	}
	r = any_root_is(e, "https://") ? kms_credential_check(e->kms, &err) : 0;
	if (r != 0) {
		const struct audit_field reason[] = {AUDIT_FIELD_STR("reason", err.text)};

		say(LOG_WARNING, "policies have root keys in Azure; credential %s", err.text);
		audit_event(e->audit, "vaults-missing", NULL, r < 0 ? errno_name(r) : "ok",
			    reason, 1);
	}
}

/* ---- the straight line: open, recover, serve, close ---- */

struct run {
	const struct options *options;
	struct session session;
	struct control *control;
	int tell_fd; /* -1: foreground */
};

static void data_gauges(void *arg, struct control_gauges *ret_gauges)
{
	struct session *s = arg;

	ret_gauges->requests_waiting = atomic_load(&s->v.requests_waiting);
	ret_gauges->inodes_cached = serve_inodes(s);
}

/* Only root's: an ordinary user's daemon runs fusermount3, which is set-uid, when it ends. */
static void filter_syscalls(struct engine *e)
{
	enum syscall_network network =
		kms_needs_network(e->kms) ? SYSCALL_NETWORK_CLIENT : SYSCALL_NETWORK_NONE;
	int r = geteuid() == 0 ? syscall_filter_install(network) : 0;

	if (r < 0)
		say(LOG_WARNING, "this kernel does not filter system calls: %s", strerror(-r));
}

/* Durable before anybody is told that the mount is there. */
static void mount_tell(struct engine *e)
{
	struct err err = {0};
	int64_t since = store_unclean_since(e->store);
	const struct audit_field fields[] = {
		AUDIT_FIELD_STR("last_stop", since ? "unclean" : "clean"),
		AUDIT_FIELD_U64("in_use_since", (uint64_t)since),
	};

	audit_event(e->audit, "mount", NULL, "ok", fields, since ? 2 : 1);
	if (audit_sync(e->audit, &err) < 0)
		say(LOG_WARNING, "%s", err.text);
}

static int on_ready(void *arg)
{
	struct run *run = arg;
	int r = 0;

	mount_tell(run->session.v.engine);
	warn_of_missing_vaults(run->session.v.engine, run->options->vaults_dir);
	notify_service_manager("READY=1");
	if (run->tell_fd >= 0)
		r = leave_terminal(run->tell_fd);
	filter_syscalls(run->session.v.engine);
	return r;
}

static int open_control(struct run *run, struct err *err)
{
	const struct control_config config = {
		.engine = run->session.v.engine,
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

static int open_engine(struct run *run, const struct place *place, struct err *err)
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

	run->session = (struct session){
		.v = {.store = place->store, .mount = place->mount, .read_only = o->read_only},
		.system_gid = o->system_gid,
		.has_system_gid = o->has_system_gid,
		.writeback = o->writeback && !o->read_only,
	};
	run->session.v.top_fd = open(place->store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (run->session.v.top_fd < 0)
		return err_set(err, -errno, "store %s: %s", place->store, strerror(errno));
	return engine_open(&config, &run->session.v.engine, err);
}

static int run_store(struct run *run, const struct place *place, struct err *err)
{
	char options[4 * PATH_MAX];
	bool clean = true; /* nothing was served yet */
	int r = kernel_options(run->options, place, options, sizeof(options), err);

	if (r == 0)
		r = open_engine(run, place, err);
	if (r == 0)
		r = serve_init(&run->session, err);
	if (r == 0)
		r = serve_recover(&run->session, err);
	if (r == 0)
		r = open_control(run, err);
	if (r == 0)
		r = serve(&run->session, options, on_ready, run, err);
	if (r == 0) {
		r = serve_sync(&run->session, err);
		clean = r == 0;
	}
	if (run->session.v.engine && run->control)
		audit_event(run->session.v.engine->audit, "unmount", NULL, errno_name(r), NULL,
			    0);
	serve_fini(&run->session);
	control_free(run->control);
	/* A store that never got so far as to be served keeps the mark of the unclean stop before.
	 */
	engine_close(run->session.v.engine, clean && run->session.v.unclean_since == 0);
	if (run->session.v.top_fd >= 0)
		(void)close(run->session.v.top_fd); /* a folder, only looked at */
	return r;
}

/* More descriptors than the shell's default, as far as allowed. */
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
	struct run run = {.options = o, .tell_fd = -1, .session.v.top_fd = -1};
	struct place place;
	int r;

	raise_file_limit();
	r = find_place(o, &place, err);
	if (r == 0)
		r = check_surroundings(o, err);
	if (r < 0)
		return r;
	if (!o->foreground) {
		r = background(&run.tell_fd);
		if (r < 0)
			return err_set(err, r, "no second process: %s", strerror(-r));
	}
	r = secret_init(err); /* after the fork: locked memory is not inherited */
	if (r < 0)
		return r;
	if (r > 0)
		say(LOG_WARNING, "keys cannot be locked in memory (RLIMIT_MEMLOCK): they might "
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
		say(LOG_ERR, "%s (see depfs --help)", err_text(&err, r));
		return 2;
	}
	if (outcome == OPTIONS_RUN) {
		r = start(&options, &err);
		if (r < 0)
			say(LOG_ERR, "%s", err_text(&err, r));
	} else {
		(void)fputs(outcome == OPTIONS_HELP ? options_usage() : "depfs " DEPFS_VERSION "\n",
			    stdout);
	}
	options_fini(&options);
	return r < 0 ? 1 : 0;
}
