/* fs/walk/queue.c - folders and files that moved while a job walks, and the number of its pass. */
#include <stdlib.h>
#include <sys/stat.h>

#include "crypto/base/cleanup.h"
#include "fs/walk/walk_internal.h"

#define QUEUE_MAX 65536u /* nodes; a folder that does not fit costs another pass */

void walk_next_pass(struct walk *w)
{
	pthread_mutex_lock(&w->queue_lock);
	w->pass++;
	pthread_mutex_unlock(&w->queue_lock);
}

static bool queue_fits_locked(struct walk *w)
{
	unsigned capacity = w->capacity ? w->capacity * 2 : 64;
	struct inode **more;

	if (w->n_queued < w->capacity)
		return true;
	more = capacity <= QUEUE_MAX ? reallocarray(w->queue, capacity, sizeof(*more)) : NULL;
	if (!more)
		return false;
	w->queue = more;
	w->capacity = capacity;
	return true;
}

void walk_enqueue_folder(struct walk *w, struct inode *i)
{
	struct inode *unused = i;

	pthread_mutex_lock(&w->queue_lock);
	if (i && (i->walk_pass == w->pass || i->walk_queued)) {
		; /* walked in this pass, or queued already */
	} else if (i && queue_fits_locked(w)) {
		i->walk_queued = true;
		w->queue[w->n_queued++] = STEAL(unused);
	} else {
		w->lost = true;
	}
	pthread_mutex_unlock(&w->queue_lock);
	if (unused)
		inode_unhold(w->v->inodes, unused);
}

bool walk_enqueue(struct walk *w, struct inode *i, bool due)
{
	bool known, fits = true;

	pthread_mutex_lock(&w->queue_lock);
	known = i->walk_queued || i->walk_pass == w->pass;
	i->walk_due |= due;
	if (!known) {
		fits = queue_fits_locked(w);
		i->walk_queued = fits;
		if (fits)
			w->queue[w->n_queued++] = i;
	}
	pthread_mutex_unlock(&w->queue_lock);
	if (known || !fits)
		inode_unhold(w->v->inodes, i);
	return fits;
}

struct inode *walk_dequeue(struct walk *w, bool *ret_lost, bool *ret_due)
{
	struct inode *i = NULL;

	pthread_mutex_lock(&w->queue_lock);
	if (w->n_queued) {
		i = w->queue[--w->n_queued];
		i->walk_queued = false; /* before it is walked: another move queues it again */
		*ret_due = i->walk_due;
		i->walk_due = false;
	}
	*ret_lost = w->lost && !i;
	if (*ret_lost)
		w->lost = false;
	pthread_mutex_unlock(&w->queue_lock);
	return i;
}

void walk_folder_made(struct walk *w, struct inode *folder)
{
	pthread_mutex_lock(&w->queue_lock);
	folder->walk_pass = w->pass;
	pthread_mutex_unlock(&w->queue_lock);
}

/* The folder's node, held; NULL: the kernel does not know the folder. */
static struct inode *folder_of(struct walk *w, int dir_fd)
{
	struct stat st;

	return fstat(dir_fd, &st) < 0 ? NULL : inode_find(w->v->inodes, st.st_dev, st.st_ino);
}

bool walk_has_passed(struct walk *w, int dir_fd)
{
	struct inode *i = folder_of(w, dir_fd);
	bool passed;

	if (!i)
		return false;
	pthread_mutex_lock(&w->queue_lock);
	passed = i->walk_pass == w->pass;
	pthread_mutex_unlock(&w->queue_lock);
	inode_unhold(w->v->inodes, i);
	return passed;
}

void walk_mark_passed(struct walk *w, int dir_fd)
{
	struct inode *i = folder_of(w, dir_fd);

	if (!i)
		return;
	walk_folder_made(w, i);
	inode_unhold(w->v->inodes, i);
}
