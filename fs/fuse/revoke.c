#include "fs/fuse/revoke.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/cleanup.h"
#include "fs/content/access.h"
#include "fs/content/drain.h"
#include "fs/inode/inode.h"
#include "fs/keyring/keyring.h"
#include "fs/metrics/metrics.h"

#define SWEEPERS_MAX 4u /* threads of one revocation: a slow file holds up few others */
#define SERVE_MS     50 /* pause while waiting for revocations, or for memory */

/* ---- one file ---- */

static fuse_ino_t number_of(struct inode *i)
{
	return (fuse_ino_t)(uintptr_t)i;
}

/*
 * Drops attributes alone (offset -1). A write(2) into the page cache sends no request as long as
 * they are valid; from now on each asks for them by its handle, and is refused (op_getattr).
 */
static void drop_attributes(struct session *s, struct inode *i)
{
	(void)fuse_lowlevel_notify_inval_inode(s->fuse, number_of(i), -1, 0); /* ENOENT: unknown */
}

/* Waits for pages that are being read or written; so the threads that answer those requests must
 * not wait for this one. */
static void drop_pages(struct session *s, struct inode *i)
{
	(void)fuse_lowlevel_notify_inval_inode(s->fuse, number_of(i), 0, 0); /* ENOENT: unknown */
}

/*
 * Two passes: pages that a write(2) under way dirtied behind the first pass are refused in the
 * second. Returns how many data keys were wiped.
 */
static unsigned drain(struct session *s, struct file *f)
{
	drop_pages(s, f->inode);
	drain_stop(f);
	drop_pages(s, f->inode);
	return drain_finish(f);
}

/* False: the mount is being ended. */
static bool enter(struct session *s)
{
	bool go;

	pthread_mutex_lock(&s->revoke.lock);
	go = !s->revoke.silent;
	s->revoke.under_way += go;
	pthread_mutex_unlock(&s->revoke.lock);
	return go;
}

static void leave(struct session *s)
{
	pthread_mutex_lock(&s->revoke.lock);
	s->revoke.under_way--;
	pthread_mutex_unlock(&s->revoke.lock);
}

/* Set as volume.drain. */
static void drain_one(void *arg, struct file *f)
{
	struct session *s = arg;

	if (!enter(s))
		return;
	drop_attributes(s, f->inode);
	(void)drain(s, f);
	leave(s);
}

/* ---- attributes in the kernel ---- */

uint64_t revoke_epoch(struct session *s)
{
	return atomic_load(&s->revoke.under_way) ? UINT64_MAX : atomic_load(&s->revoke.sweeps);
}

void revoke_recheck(struct session *s, fuse_ino_t ino, uint64_t epoch)
{
	/* It fails when the kernel has dropped the inode, and with it the attributes. */
	if (revoke_epoch(s) != epoch || epoch == UINT64_MAX)
		(void)fuse_lowlevel_notify_inval_inode(s->fuse, ino, -1, 0);
}

void revoke_attributes(struct session *s, struct inode *i)
{
	atomic_fetch_add(&s->revoke.sweeps, 1);
	drop_attributes(s, i);
}

/* ---- all files of a policy ---- */

struct sweep {
	struct session *s;
	const uint8_t *policy_id;
	struct inode **nodes; /* held; NULL: needs nothing (mark()) */
	struct file **files;  /* with one more user; NULL: not open */
	size_t count;
	_Atomic size_t next; /* [0, count): open files, [count, 2 count): others */
	_Atomic uint64_t open_files, handles, cached_files, flushed, lost, data_keys;
};

/* Open content of the policy begins to drain; returned with one more user. *ret_skip: the node
 * needs nothing, because it is under another policy or was revoked before. */
static struct file *mark(struct session *s, struct inode *i, const uint8_t *policy_id,
			 bool *ret_skip)
{
	pthread_mutex_t *stripe = inode_stripe(s->v.inodes, i);
	struct file *f;
	bool marked = false;

	pthread_mutex_lock(stripe);
	f = i->file;
	if (f) {
		file_lock_write(&f->lock);
		marked = memcmp(f->hdr.ref.policy_id, policy_id, UUID_LEN) == 0 &&
			 atomic_load(&f->state) == CONTENT_OPEN;
		if (marked)
			drain_begin_locked(f);
		file_unlock_write(&f->lock);
		f->opens += marked;
	}
	pthread_mutex_unlock(stripe);
	*ret_skip = f && !marked;
	return marked ? f : NULL;
}

/* Marks all files before the first is drained: from here on no program can read any of them. */
static void mark_all(struct sweep *sw)
{
	for (size_t n = 0; n < sw->count; n++) {
		bool skip;

		sw->files[n] = mark(sw->s, sw->nodes[n], sw->policy_id, &skip);
		if (sw->files[n]) {
			atomic_fetch_add(&sw->handles, atomic_load(&sw->files[n]->handles));
			drop_attributes(sw->s, sw->nodes[n]);
		}
		if (skip)
			inode_unhold(sw->s->v.inodes, STEAL(sw->nodes[n]));
	}
}

static void sweep_open(struct sweep *sw, struct inode *i, struct file *f)
{
	if (!f)
		return;
	atomic_fetch_add(&sw->data_keys, drain(sw->s, f));
	atomic_fetch_add(&sw->open_files, 1);
	atomic_fetch_add(&sw->flushed, atomic_load(&f->flushed));
	atomic_fetch_add(&sw->lost, atomic_load(&f->lost));
	(void)file_put(&sw->s->v, f); /* its header is written, even if this is the last user */
	inode_unhold(sw->s->v.inodes, i);
}

static void sweep_closed(struct sweep *sw, struct inode *i, struct file *f)
{
	if (!i || f)
		return;
	drop_pages(sw->s, i);
	atomic_fetch_add(&sw->cached_files, 1);
	inode_unhold(sw->s->v.inodes, i);
}

static void *sweep_run(void *arg)
{
	struct sweep *sw = arg;

	for (size_t n; (n = atomic_fetch_add(&sw->next, 1)) < 2 * sw->count;) {
		if (n < sw->count)
			sweep_open(sw, sw->nodes[n], sw->files[n]);
		else
			sweep_closed(sw, sw->nodes[n - sw->count], sw->files[n - sw->count]);
	}
	return NULL;
}

static void sweep_all(struct sweep *sw)
{
	pthread_t more[SWEEPERS_MAX - 1];
	size_t started = 0;

	while (started < SWEEPERS_MAX - 1 && started + 1 < sw->count &&
	       pthread_create(&more[started], NULL, sweep_run, sw) == 0)
		started++; /* without threads, this one does all */
	(void)sweep_run(sw);
	while (started)
		(void)pthread_join(more[--started], NULL); /* each once */
}

static void sweep(struct session *s, const uint8_t *policy_id, struct revoked_files *ret_files)
{
	CLEANUP(free_mem_p) struct inode **nodes = NULL;
	CLEANUP(free_mem_p) struct file **files = NULL;
	struct sweep sw = {.s = s, .policy_id = policy_id};

	atomic_fetch_add(&s->revoke.sweeps, 1);
	/* Retries until allocation succeeds; new opens and requests are already refused. */
	while (inode_table_tagged(s->v.inodes, access_tag_of(policy_id), &nodes, &sw.count) < 0 ||
	       !(files = calloc(sw.count + 1, sizeof(*files)))) {
		for (size_t n = 0; nodes && n < sw.count; n++)
			inode_unhold(s->v.inodes, nodes[n]);
		free(STEAL(nodes));
		(void)poll(NULL, 0, SERVE_MS);
	}
	sw.nodes = nodes;
	sw.files = files;
	mark_all(&sw);
	sweep_all(&sw);
	*ret_files = (struct revoked_files){
		.open_files = atomic_load(&sw.open_files),
		.handles = atomic_load(&sw.handles),
		.cached_files = atomic_load(&sw.cached_files),
		.flushed = atomic_load(&sw.flushed),
		.lost = atomic_load(&sw.lost),
		.data_keys = atomic_load(&sw.data_keys),
	};
}

static void on_revoked(void *arg, const uint8_t policy_id[UUID_LEN], struct revoked_files *files)
{
	struct session *s = arg;
	struct metrics *m = s->v.metrics;

	if (!enter(s))
		return;
	sweep(s, policy_id, files);
	metrics_add(m, METRIC_REVOKED_FILES, files->open_files);
	metrics_add(m, METRIC_REVOKED_FLUSHED, files->flushed);
	metrics_add(m, METRIC_REVOKED_LOST, files->lost);
	metrics_add(m, METRIC_REVOKED_KEYS, files->data_keys);
	leave(s);
}

void revoke_listen(struct session *s)
{
	/* Default attributes cannot fail on Linux. */
	(void)pthread_mutex_init(&s->revoke.lock, NULL);
	s->v.drain_arg = s;
	s->v.drain = drain_one;
	keyring_on_revoked(s->v.keyring, on_revoked, s);
}

static bool set_silent(struct session *s)
{
	bool none;

	pthread_mutex_lock(&s->revoke.lock);
	s->revoke.silent = true;
	none = s->revoke.under_way == 0;
	pthread_mutex_unlock(&s->revoke.lock);
	return none;
}

/*
 * After a signal the kernel still has the mount, and a revocation under way waits for dirty pages
 * to be written, while no serving thread reads requests any more: so they are read and answered
 * here.
 */
void revoke_silence(struct session *s)
{
	struct pollfd fd = {.fd = fuse_session_fd(s->fuse), .events = POLLIN};
	struct fuse_buf buf = {.mem = NULL};

	keyring_on_revoked(s->v.keyring, NULL, NULL);
	while (!set_silent(s)) {
		if (poll(&fd, 1, SERVE_MS) <= 0)
			continue;
		fuse_session_reset(s->fuse); /* one that has ended receives nothing */
		if (fuse_session_receive_buf(s->fuse, &buf) > 0)
			fuse_session_process_buf(s->fuse, &buf);
	}
	free(buf.mem);
}
