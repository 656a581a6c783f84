#include "fs/fuse/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>

#include "crypto/base/cleanup.h"
#include "fs/audit/audit.h"
#include "fs/content/usage.h"
#include "fs/fuse/cred.h"
#include "fs/fuse/ops.h"
#include "fs/fuse/protocol.h"
#include "fs/fuse/revoke.h"
#include "fs/inode/fds.h"
#include "fs/mountinfo/mountinfo.h"
#include "fs/policy/scope.h"
#include "fs/pool/pool.h"
#include "fs/store/intent.h"
#include "fs/store/store.h"
#include "fs/walk/recovery.h"
#include "fs/walk/walk.h"

static unsigned serving_threads(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	/* The kernel hands requests to idle threads in turn, each on its own processor with its own
	 * cold cache: more threads make every request slower. At least two, for op_sync_begin(). */
	return cpus > 2 ? (unsigned)cpus : 2;
}

int serve_init(struct session *s, struct jobs *jobs, struct err *err)
{
	struct rlimit files = {.rlim_cur = 1024};
	unsigned fds;
	int r;

	(void)getrlimit(RLIMIT_NOFILE, &files); /* cannot fail; the default is the usual limit */
	fds = fds_keep_back(files.rlim_cur < INT_MAX ? (unsigned)files.rlim_cur : INT_MAX) / 2;
	fds = fds < SERVE_FDS_CACHED ? fds : SERVE_FDS_CACHED;
	r = inode_table_new(s->v.top_fd, scope_root(s->v.scopes), fds, &s->v.inodes, err);
	if (r < 0)
		return r;
	r = pool_new(BLOCKING_THREADS_MAX, &s->pool);
	if (r == 0)
		r = pool_new(BACKGROUND_MAX, &s->page_pool);
	if (r == 0)
		r = pool_new(BLOCKING_THREADS_MAX, &s->control_pool);
	if (r == 0)
		r = walk_new(&s->v, jobs, &s->walk);
	if (r == 0)
		r = usage_new(&s->v.usage);
	if (r < 0)
		return err_set(err, r, "out of memory");
	s->threads = serving_threads();
	s->v.unclean_since = store_unclean_since(s->v.store);
	/* Default attributes cannot fail on Linux. */
	(void)pthread_mutex_init(&s->opened.lock, NULL);
	cred_init(s);
	return 0;
}

unsigned serve_inodes(struct session *s)
{
	return inode_table_count(s->v.inodes);
}

void serve_fini(struct session *s)
{
	pool_free(s->pool);
	pool_free(s->page_pool);
	pool_free(s->control_pool);
	(void)pthread_mutex_destroy(&s->opened.lock);
	walk_free(STEAL(s->walk));
	usage_free(STEAL(s->v.usage));
	inode_table_free(s->v.inodes);
	s->pool = s->page_pool = s->control_pool = NULL;
	s->v.inodes = NULL;
}

int serve_recover(struct session *s, struct err *err)
{
	uint64_t checked = 0, left = 0;
	struct audit_field fields[2];
	int r;

	if (!s->v.unclean_since)
		return 0;
	r = recover_store(&s->v, &checked, &left, err);
	fields[0] = AUDIT_FIELD_U64("checked", checked);
	fields[1] = AUDIT_FIELD_U64("left", left);
	audit_event(s->v.audit, "recovery", NULL, errno_name(r), fields, 2);
	if (r < 0 || left)
		return r; /* what is left is completed when it is opened */
	s->v.unclean_since = 0;
	r = serve_sync(s, err);
	return r < 0 ? r : store_recovered(s->v.store, err);
}

int serve_sync(struct session *s, struct err *err)
{
	if (s->v.unclean_since)
		return 0; /* some files are still to be looked at */
	if (syncfs(s->v.top_fd) < 0)
		return err_set(err, -errno, "%s: sync: %s", s->v.path, strerror(errno));
	return intent_clear(s->v.store, err);
}

/* The device number of the mount, from mountinfo: stat(2) would be a request to this daemon. */
static int mount_dev(const char *mount, dev_t *ret_dev)
{
	CLEANUP(mount_list_fini) struct mount_list list = {0};
	const struct mount_entry *top;
	int r = mount_list_read(MOUNTINFO_PATH, &list, NULL);

	if (r < 0)
		return r;
	top = mount_list_top(&list, mount);
	if (!top)
		return -ENOENT;
	*ret_dev = top->dev;
	return 0;
}

/* The kernel reads ahead 128 KiB by default, whatever max_readahead allows; with 1 MiB a
 * passthrough filesystem reads 1.4 times as fast (measured). */
static void raise_readahead(const char *mount)
{
	CLEANUP(close_fd_p) int fd = -1;
	char path[64];
	dev_t dev;

	if (mount_dev(mount, &dev) < 0)
		return;
	(void)snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/read_ahead_kb", major(dev),
		       minor(dev));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, "1024", 4) < 0)
		return; /* only slower */
}

/* The last message of libfuse, which becomes part of this daemon's error sentence. */
static struct {
	char text[160];
	pid_t pid; /* a child that libfuse forks prints its messages: it cannot store them here */
} fuse_message;

static void capture_log(enum fuse_log_level level, const char *fmt, va_list args)
{
	char *text = fuse_message.text;

	(void)level;
	if (getpid() != fuse_message.pid) {
		(void)vfprintf(stderr, fmt, args); /* failure cannot be reported */
		return;
	}
	(void)vsnprintf(text, sizeof(fuse_message.text), fmt, args); /* cut, if need be */
	text[strcspn(text, "\n")] = '\0';
	if (strncmp(text, "fuse: ", 6) == 0)
		memmove(text, text + 6, strlen(text + 6) + 1);
}

static int mount_session(struct fuse_session *se, const char *mount, struct err *err)
{
	int r;

	fuse_message.pid = getpid();
	fuse_message.text[0] = '\0';
	fuse_set_log_func(capture_log);
	r = fuse_session_mount(se, mount);
	fuse_set_log_func(NULL);
	if (r == 0)
		return 0;
	return err_set(err, -EIO, "%s cannot be mounted: %s", mount,
		       fuse_message.text[0] ? fuse_message.text : "the line above tells why");
}

static struct fuse_session *session_new(struct session *s, const char *options, struct err *err)
{
	char *argv[] = {"depfs", "-o", (char *)(uintptr_t)options, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct fuse_session *se = fuse_session_new(&args, &session_ops, sizeof(session_ops), s);

	fuse_opt_free_args(&args);
	if (!se)
		(void)err_set(err, -EINVAL, "libfuse refused the options: %s", options);
	return se;
}

static void *until_cancelled(void *unused)
{
	for (;;)
		(void)pause(); /* comes back after a signal only */
	return unused;
}

/* libfuse ends its threads by pthread_cancel(3). At its first use glibc loads a library, and aborts
 * where it cannot, as at the end of a daemon that ran out of memory. So it is used once at the
 * start. */
static int load_cancel(void)
{
	pthread_t id;
	int r = -pthread_create(&id, NULL, until_cancelled, NULL);

	if (r == 0) {
		(void)pthread_cancel(id); /* it runs until it is joined */
		(void)pthread_join(id, NULL);
	}
	return r;
}

static int loop(const struct session *s, struct fuse_session *se)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	int r = load_cancel();

	if (!config || r < 0) {
		if (config)
			fuse_loop_cfg_destroy(config);
		return config ? r : -ENOMEM;
	}
	fuse_loop_cfg_set_clone_fd(config, 1);
	fuse_loop_cfg_set_max_threads(config, s->threads);
	fuse_loop_cfg_set_idle_threads(config, s->threads);
	r = fuse_session_loop_mt(se, config);
	fuse_loop_cfg_destroy(config);
	return r > 0 ? 0 : r; /* positive: the signal that ended it */
}

/* Stops all that still uses the FUSE session, which is about to be destroyed: jobs, revocations,
 * waiting requests, poll handles. */
static void stop_answering(struct session *s)
{
	atomic_store(&s->ending, true);
	walk_silence(s->walk);
	if (s->fuse)
		revoke_silence(s);
	pool_free(STEAL(s->pool));
	pool_free(STEAL(s->page_pool));
	pool_free(STEAL(s->control_pool));
	s->vops->quiet(s->vtree);
}

/* Closes what programs still have open after a signal, or after the mount was detached: the kernel
 * will send no RELEASE for it. */
static void close_opened(struct session *s)
{
	ops_close_files(s);
	ops_close_dirs(s);
}

static int serve_mounted(struct session *s, struct fuse_session *se,
			 const struct serve_calls *calls, struct err *err)
{
	int r;

	if (fuse_session_custom_io(se, &protocol_io, fuse_session_fd(se)) < 0)
		return err_set(err, -EINVAL, "libfuse refused the way requests are read");
	s->fuse = se;
	revoke_listen(s);
	raise_readahead(s->v.mount);
	r = calls->ready(calls->arg);
	if (r == 0)
		r = walk_listen(s->walk, err);
	if (r < 0)
		return r;
	r = loop(s, se);
	return r < 0 ? err_set(err, r, "serving %s: %s", s->v.mount, strerror(-r)) : 0;
}

/*
 * Where /etc/mtab is a regular file, libfuse starts umount(8), which the system call filter
 * refuses: the mount would stay, without a daemon. What is on top there now is unmounted here only
 * when it is this mount.
 */
static void unmount(struct session *s, struct fuse_session *se)
{
	dev_t ours, now;
	int r = mount_dev(s->v.mount, &ours);

	fuse_session_unmount(se);
	if (r == 0 && mount_dev(s->v.mount, &now) == 0 && now == ours)
		(void)umount2(s->v.mount,
			      MNT_DETACH | UMOUNT_NOFOLLOW); /* an ordinary user may not */
}

int serve(struct session *s, const char *options, const struct serve_calls *calls, struct err *err)
{
	struct fuse_session *se = session_new(s, options, err);
	int r;

	if (!se)
		return -EINVAL;
	if (fuse_set_signal_handlers(se) < 0) {
		fuse_session_destroy(se);
		return err_set(err, -EINVAL, "signal handlers could not be set");
	}
	r = mount_session(se, s->v.mount, err);
	if (r == 0) {
		r = serve_mounted(s, se, calls, err);
		calls->stopping(calls->arg);
		stop_answering(s);
		close_opened(s);
		unmount(s, se);
	}
	fuse_remove_signal_handlers(se);
	fuse_session_destroy(se);
	return r;
}
