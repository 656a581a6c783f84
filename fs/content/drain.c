#include "fs/content/drain.h"

#include <errno.h>

#include "crypto/base/clock.h"
#include "fs/content/access.h"
#include "fs/content/header.h"

/* How long dirty pages are written: a program could make more of them without end. */
#define DRAIN_MS 3000u

void drain_begin_locked(struct file *f)
{
	atomic_store(&f->flushed, 0);
	atomic_store(&f->lost, 0);
	atomic_store(&f->drain_until_ms, clock_now_ms() + DRAIN_MS);
	atomic_store(&f->state, CONTENT_DRAINING);
}

bool drain_accepts(struct file *f, size_t len)
{
	if (clock_now_ms() < atomic_load(&f->drain_until_ms))
		return true;
	atomic_fetch_add(&f->lost, len);
	return false;
}

void drain_account(struct file *f, size_t len, int r)
{
	atomic_fetch_add(r == 0 ? &f->flushed : &f->lost, len);
}

void drain_stop(struct file *f)
{
	atomic_store(&f->drain_until_ms, 0);
}

unsigned drain_finish(struct file *f)
{
	unsigned wiped = 0;

	/* If this write fails, the header on disk stays valid for all blocks there. */
	(void)!file_flush_header(f);
	file_lock_write(&f->lock);
	if (atomic_load(&f->state) == CONTENT_DRAINING) { /* else access came back */
		atomic_store(&f->state, CONTENT_REVOKED);
		wiped = file_forget_key_locked(f);
	}
	file_unlock_write(&f->lock);
	return wiped;
}

void drain_content(struct volume *v, struct file *f)
{
	if (v->drain)
		v->drain(v->drain_arg, f);
	else
		(void)drain_finish(f);
}

/* ---- requests that would delay a drain ---- */

/* Of an inode's content; open when there is none. Takes the stripe. */
static enum content_state drain_state(struct inode_table *t, struct inode *i)
{
	pthread_mutex_t *stripe = inode_stripe(t, i);
	int state;

	pthread_mutex_lock(stripe);
	state = i->file ? atomic_load(&i->file->state) : CONTENT_OPEN;
	pthread_mutex_unlock(stripe);
	return state;
}

static bool drains_or_interrupted(void *arg)
{
	const struct drain_wait *wait = arg;
	const struct key_wait *caller = wait->caller;

	return drain_state(wait->inodes, wait->inode) == CONTENT_DRAINING ||
	       (caller->interrupted && caller->interrupted(caller->arg));
}

struct request drain_interrupts(struct inode_table *t, struct inode *i, const struct request *rq,
				struct drain_wait *wait)
{
	struct request until = *rq;

	*wait = (struct drain_wait){.caller = &rq->wait, .inodes = t, .inode = i};
	until.wait.interrupted = drains_or_interrupted;
	until.wait.arg = wait;
	return until;
}

int drain_errno(struct inode_table *t, struct inode *i, int r)
{
	return r == -EINTR && drain_state(t, i) != CONTENT_OPEN ? -EKEYREVOKED : r;
}
