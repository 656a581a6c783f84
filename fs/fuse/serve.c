#include "fs/fuse/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>

#include "crypto/base/cleanup.h"
#include "fs/content/recover.h"
#include "fs/content/revoke.h"
#include "fs/content/tally.h"
#include "fs/fuse/cred.h"
#include "fs/fuse/lane.h"
#include "fs/fuse/ops.h"
#include "fs/fuse/proto.h"
#include "fs/inode/disk.h"
#include "fs/mountinfo/mountinfo.h"
#include "fs/store/intent.h"
#include "fs/walk/visit.h"

static unsigned serving_threads(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	/* The kernel hands requests to idle threads in turn, each on its own processor with its own
	 * cold cache: more of them make every one slower. Two at least, for do_fsync(). */
	return cpus > 2 ? (unsigned)cpus : 2;
}

int serve_init(struct session *s, struct err *err)
{
	struct rlimit files = {.rlim_cur = 1024};
	unsigned fds;
	int r;

	(void)getrlimit(RLIMIT_NOFILE, &files); /* cannot fail; the default is the usual limit */
	fds = fds_keep_back(files.rlim_cur < INT_MAX ? (unsigned)files.rlim_cur : INT_MAX) / 2;
	fds = fds < SERVE_FDS_CACHED ? fds : SERVE_FDS_CACHED;
	r = inode_table_new(s->top_fd, scope_root(engine_scopes(s->engine)), fds, &s->inodes, err);
	if (r < 0)
		return r;
	r = lane_new(&s->lane);
	if (r == 0)
		r = lane_new(&s->control_lane);
	if (r == 0)
		r = visits_new(&s->visits);
	if (r == 0)
		r = tally_new(&s->tally);
	if (r < 0)
		return err_set(err, r, "out of memory");
	s->threads = serving_threads();
	s->unclean_since = store_unclean_since(engine_store(s->engine));
	(void)pthread_mutex_init(&s->opened.lock,
				 NULL); /* default attributes cannot fail on Linux */
	cred_init(s);
	return 0;
}

unsigned serve_inodes(struct session *s)
{
	return inode_table_count(s->inodes);
}

void serve_fini(struct session *s)
{
	lane_free(s->lane);
	lane_free(s->control_lane);
	(void)pthread_mutex_destroy(&s->opened.lock);
	visits_free(STEAL(s->visits));
	tally_free(STEAL(s->tally));
	inode_table_free(s->inodes);
	s->lane = s->control_lane = NULL;
	s->inodes = NULL;
}

int serve_recover(struct session *s, struct err *err)
{
	uint64_t checked = 0, left = 0;
	struct audit_field fields[2];
	int r;

	if (!s->unclean_since)
		return 0;
	r = recover_store(s, &checked, &left, err);
	fields[0] = AUDIT_FIELD_U64("checked", checked);
	fields[1] = AUDIT_FIELD_U64("left", left);
	audit_event(engine_audit(s->engine), "recovery", NULL, errno_name(r), fields, 2);
	if (r < 0 || left)
		return r; /* those are looked at when they are opened */
	s->unclean_since = 0;
	r = serve_settle(s, err);
	return r < 0 ? r : store_recovered(engine_store(s->engine), err);
}

int serve_settle(struct session *s, struct err *err)
{
	if (s->unclean_since)
		return 0; /* some files are still to be looked at */
	if (syncfs(s->top_fd) < 0)
		return err_set(err, -errno, "%s: sync: %s", s->store, strerror(errno));
	return intent_clear(engine_store(s->engine), err);
}

/* The device number of our mount. Not by stat(2), which would ask us. */
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

/* The kernel reads ahead 128 KiB by default, whatever max_readahead allows; passthrough gains 1.4
 * times by 1 MiB. */
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

/* libfuse's own words, which go into our sentence instead of a line before it. */
static struct {
	char text[160];
	pid_t pid; /* a child of libfuse's speaks for itself: its words would be lost */
} fuse_said;

static void hear_fuse(enum fuse_log_level level, const char *fmt, va_list args)
{
	char *text = fuse_said.text;

	(void)level;
	if (getpid() != fuse_said.pid) {
		(void)vfprintf(stderr, fmt, args); /* nowhere else to go */
		return;
	}
	(void)vsnprintf(text, sizeof(fuse_said.text), fmt, args); /* cut, if need be */
	text[strcspn(text, "\n")] = '\0';
	if (strncmp(text, "fuse: ", 6) == 0)
		memmove(text, text + 6, strlen(text + 6) + 1);
}

static int mount_session(struct fuse_session *se, const char *mount, struct err *err)
{
	int r;

	fuse_said.pid = getpid();
	fuse_said.text[0] = '\0';
	fuse_set_log_func(hear_fuse);
	r = fuse_session_mount(se, mount);
	fuse_set_log_func(NULL);
	if (r == 0)
		return 0;
	return err_set(err, -EIO, "%s cannot be mounted: %s", mount,
		       fuse_said.text[0] ? fuse_said.text : "the line above tells why");
}

static struct fuse_session *session_new(struct session *s, const char *options, struct err *err)
{
	char *argv[] = {"depfs", "-o", (char *)(uintptr_t)options, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct fuse_session *se = fuse_session_new(&args, &data_ops, sizeof(data_ops), s);

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

/*
 * libfuse ends its threads by pthread_cancel(3), for which glibc loads a library at the first use,
 * and aborts where it cannot: at the end of a daemon whose memory had run out, so now.
 */
static int load_cancel(void)
{
	pthread_t id;
	int r = -pthread_create(&id, NULL, until_cancelled, NULL);

	if (r == 0) {
		(void)pthread_cancel(id); /* a thread of ours: it is there */
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

/* Whatever still refers to the FUSE session, which is about to go: revocations, parked requests,
 * poll handles. */
static void stop_answering(struct session *s)
{
	atomic_store(&s->ending, true);
	visits_silence(s);
	if (s->fuse)
		revoke_silence(s);
	lane_free(STEAL(s->lane));
	lane_free(STEAL(s->control_lane));
	s->vops->quiet(s->vtree);
}

/* What programs still have open after a signal, or a mount that was taken away: nobody will say
 * that it is closed. */
static void close_opened(struct session *s)
{
	ops_close_files(s);
	ops_close_dirs(s);
}

static int serve_mounted(struct session *s, struct fuse_session *se, int (*ready)(void *arg),
			 void *arg, struct err *err)
{
	int r;

	if (fuse_session_custom_io(se, &proto_io, fuse_session_fd(se)) < 0)
		return err_set(err, -EINVAL, "libfuse refused the way requests are read");
	s->fuse = se;
	revoke_listen(s);
	raise_readahead(s->mount);
	r = ready(arg);
	if (r == 0)
		r = visits_listen(s, err);
	if (r < 0)
		return r;
	r = loop(s, se);
	return r < 0 ? err_set(err, r, "serving %s: %s", s->mount, strerror(-r)) : 0;
}

int serve(struct session *s, const char *options, int (*ready)(void *arg), void *arg,
	  struct err *err)
{
	struct fuse_session *se = session_new(s, options, err);
	int r;

	if (!se)
		return -EINVAL;
	if (fuse_set_signal_handlers(se) < 0) {
		fuse_session_destroy(se);
		return err_set(err, -EINVAL, "signal handlers could not be set");
	}
	r = mount_session(se, s->mount, err);
	if (r == 0) {
		r = serve_mounted(s, se, ready, arg, err);
		stop_answering(s);
		close_opened(s);
		fuse_session_unmount(se);
	}
	fuse_remove_signal_handlers(se);
	fuse_session_destroy(se);
	return r;
}
