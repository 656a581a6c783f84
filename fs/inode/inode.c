#include "fs/inode/inode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/base/cleanup.h"
#include "fs/inode/fds.h"
#include "fs/inode/reopen.h"

#define STRIPES	       256
#define FIRST_CAPACITY 4096

struct inode_table {
	pthread_mutex_t lock;
	struct inode **buckets;
	size_t capacity, count;	   /* capacity: a power of two */
	struct inode lru;	   /* ring: lru.lru_next is the one used last */
	unsigned fd_count, fd_max; /* of the ring */
	int mount_fd;		   /* for open_by_handle_at(2); -1: reopen by name */
	struct inode root;
	pthread_mutex_t stripes[STRIPES];
};

static size_t inode_hash(dev_t dev, ino_t ino)
{
	uint64_t h = (uint64_t)ino * UINT64_C(0x9e3779b97f4a7c15) + dev;

	return (size_t)(h ^ (h >> 29));
}

static void lru_unlink(struct inode_table *t, struct inode *i)
{
	if (!i->lru_next)
		return;
	i->lru_prev->lru_next = i->lru_next;
	i->lru_next->lru_prev = i->lru_prev;
	i->lru_next = i->lru_prev = NULL;
	t->fd_count--;
}

static void lru_use(struct inode_table *t, struct inode *i)
{
	lru_unlink(t, i);
	if (i->keep_fd)
		return; /* never closed early, so never in the ring */
	i->lru_prev = &t->lru;
	i->lru_next = t->lru.lru_next;
	i->lru_next->lru_prev = i;
	t->lru.lru_next = i;
	t->fd_count++;
}

static void drop_locked(struct inode_table *t, struct inode *i, struct inode **dead);

static void reopen_free_locked(struct inode_table *t, struct reopen *r, struct inode **dead)
{
	if (r && r->parent) {
		r->parent->holds--;
		drop_locked(t, r->parent, dead);
	}
	free(r);
}

/* Takes a node without references out of the table and puts it on the free list @dead, for
 * free_nodes() once the lock is released. */
static void drop_locked(struct inode_table *t, struct inode *i, struct inode **dead)
{
	struct inode **at;

	if (i->nlookup || i->holds || i->pins || i == &t->root)
		return;
	at = &t->buckets[inode_hash(i->dev, i->ino) & (t->capacity - 1)];
	while (*at != i)
		at = &(*at)->hash_next;
	*at = i->hash_next;
	t->count--;
	lru_unlink(t, i);
	reopen_free_locked(t, i->reopen, dead);
	i->hash_next = *dead;
	*dead = i;
}

/* Called without the lock: closing the last descriptor of an unlinked file frees its blocks, which
 * may take long. */
static void free_nodes(struct inode *dead)
{
	for (struct inode *next; dead; dead = next) {
		next = dead->hash_next;
		close_fd_p(&dead->fd);
		free(dead);
	}
}

/* Closes the descriptors used longest ago until no more than fd_max are left. */
static void evict_locked(struct inode_table *t)
{
	struct inode *i = t->lru.lru_prev;

	while (t->fd_count > t->fd_max && i != &t->lru) {
		struct inode *before = i->lru_prev;

		if (!i->pins && !i->reopen && t->mount_fd >= 0)
			i->reopen = reopen_by_handle(i->fd);
		if (!i->pins && i->reopen) {
			lru_unlink(t, i);
			close_fd_p(&i->fd);
			i->fd = -1;
		}
		i = before;
	}
}

static void grow_locked(struct inode_table *t)
{
	size_t capacity = t->capacity * 2;
	struct inode **bigger = calloc(capacity, sizeof(*bigger));

	if (!bigger)
		return; /* the chains get longer, which is harmless */
	for (size_t b = 0; b < t->capacity; b++) {
		for (struct inode *i = t->buckets[b], *next; i; i = next) {
			struct inode **at = &bigger[inode_hash(i->dev, i->ino) & (capacity - 1)];

			next = i->hash_next;
			i->hash_next = *at;
			*at = i;
		}
	}
	free(t->buckets);
	t->buckets = bigger;
	t->capacity = capacity;
}

static struct inode *find_locked(struct inode_table *t, dev_t dev, ino_t ino)
{
	struct inode *i = t->buckets[inode_hash(dev, ino) & (t->capacity - 1)];

	while (i && (i->stale || i->ino != ino || i->dev != dev))
		i = i->hash_next;
	return i;
}

/*
 * Whether @fd is the file that the node was made for. A file that was removed in the store itself,
 * while no descriptor here held its inode number, may have left that number to another file.
 */
static bool is_same_locked(const struct inode *i, int fd, const struct stat *st)
{
	CLEANUP(free_mem_p) struct reopen *now = NULL;
	const struct reopen *then = i->reopen;

	if (i->type != (st->st_mode & S_IFMT))
		return false;
	if (i->fd >= 0 || !then || then->parent)
		return true;
	now = reopen_by_handle(fd);
	return !now || reopen_same_handle(now, then);
}

static struct inode *find_here_locked(struct inode_table *t, int fd, const struct stat *st,
				      const struct scope *scope)
{
	bool scoped = S_ISREG(st->st_mode) || S_ISDIR(st->st_mode);
	struct inode *i = t->buckets[inode_hash(st->st_dev, st->st_ino) & (t->capacity - 1)];

	for (; i; i = i->hash_next) {
		if (i->stale || i->ino != st->st_ino || i->dev != st->st_dev)
			continue;
		if (!is_same_locked(i, fd, st))
			i->stale = true;
		else if (!scoped || i->scope == scope)
			return i;
	}
	return NULL;
}

static void insert_locked(struct inode_table *t, struct inode *i)
{
	struct inode **at;

	if (t->count > t->capacity)
		grow_locked(t);
	at = &t->buckets[inode_hash(i->dev, i->ino) & (t->capacity - 1)];
	i->hash_next = *at;
	*at = i;
	t->count++;
}

static struct inode *inode_make(struct inode_table *t, const struct stat *st, struct inode *parent,
				const char *name, const struct scope *scope)
{
	struct inode *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;
	i->dev = st->st_dev;
	i->ino = st->st_ino;
	i->type = st->st_mode & S_IFMT;
	i->fd = -1;
	i->scope = scope;
	/* On another device the file's handle could not be opened through t->mount_fd. */
	i->keep_fd = t->mount_fd >= 0 && st->st_dev != t->root.dev;
	/* NULL, without memory: then the descriptor is never closed early. */
	if (t->mount_fd < 0 && parent)
		i->reopen = reopen_by_name(parent, name);
	return i;
}

int inode_ref(struct inode_table *t, int fd, const struct stat *st, struct inode *parent,
	      const char *name, const struct scope *scope, struct inode **ret_inode)
{
	CLEANUP(close_fd_p) int unused_fd = fd;
	struct inode *i;

	pthread_mutex_lock(&t->lock);
	i = find_here_locked(t, fd, st, scope);
	if (!i) {
		i = inode_make(t, st, parent, name, scope);
		if (!i) {
			pthread_mutex_unlock(&t->lock);
			return -ENOMEM;
		}
		insert_locked(t, i);
	}
	i->nlookup++;
	if (i->fd < 0) {
		i->fd = STEAL_FD(unused_fd);
		lru_use(t, i);
		evict_locked(t);
	}
	pthread_mutex_unlock(&t->lock);
	*ret_inode = i;
	return 0;
}

void inode_forget(struct inode_table *t, struct inode *i, uint64_t n)
{
	struct inode *dead = NULL;

	pthread_mutex_lock(&t->lock);
	i->nlookup -= n < i->nlookup ? n : i->nlookup;
	drop_locked(t, i, &dead);
	pthread_mutex_unlock(&t->lock);
	free_nodes(dead);
}

void inode_hold(struct inode_table *t, struct inode *i)
{
	pthread_mutex_lock(&t->lock);
	i->holds++;
	pthread_mutex_unlock(&t->lock);
}

void inode_unhold(struct inode_table *t, struct inode *i)
{
	struct inode *dead = NULL;

	pthread_mutex_lock(&t->lock);
	i->holds--;
	drop_locked(t, i, &dead);
	pthread_mutex_unlock(&t->lock);
	free_nodes(dead);
}

struct inode *inode_find(struct inode_table *t, dev_t dev, ino_t ino)
{
	struct inode *i;

	pthread_mutex_lock(&t->lock);
	i = find_locked(t, dev, ino);
	if (i)
		i->holds++;
	pthread_mutex_unlock(&t->lock);
	return i;
}

/* Opens the file again by its name, from the parent's descriptor; refuses another file of that
 * name. */
static int open_by_name(struct inode_table *t, const struct inode *i, struct inode *parent,
			const char *name)
{
	CLEANUP(close_fd_p) int fd = -1;
	int parent_fd, r = inode_fd(t, parent, &parent_fd);
	struct stat st;

	if (r < 0)
		return r;
	fd = fd_for_file(openat(parent_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
	inode_fd_done(t, parent);
	if (fd < 0)
		return fd == -ENOENT ? -ESTALE : fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_ino != i->ino || st.st_dev != i->dev)
		return -ESTALE;
	return STEAL_FD(fd);
}

/* Called without the lock: this may read the disk. The caller's lookup count keeps the node
 * alive. */
static int reopen_fd(struct inode_table *t, struct inode *i)
{
	CLEANUP(free_mem_p) char *name = NULL;
	struct inode *parent;
	int fd;

	pthread_mutex_lock(&t->lock);
	if (!i->reopen) {
		pthread_mutex_unlock(&t->lock);
		return -ESTALE;
	}
	parent = i->reopen->parent;
	if (parent) {
		parent->holds++;
		name = strdup(i->reopen->name);
	}
	pthread_mutex_unlock(&t->lock);

	if (!parent) /* a handle never changes once it is set */
		return fd_for_file(open_by_handle_at(t->mount_fd, &i->reopen->handle,
						     O_PATH | O_NOFOLLOW | O_CLOEXEC));
	fd = name ? open_by_name(t, i, parent, name) : -ENOMEM;
	inode_unhold(t, parent);
	return fd;
}

int inode_fd(struct inode_table *t, struct inode *i, int *ret_fd)
{
	int fd;

	pthread_mutex_lock(&t->lock);
	if (i->fd < 0) {
		pthread_mutex_unlock(&t->lock);
		fd = reopen_fd(t, i);
		if (fd < 0)
			return fd;
		pthread_mutex_lock(&t->lock);
		if (i->fd < 0)
			i->fd = fd;
		else
			(void)close(fd); /* another thread was faster */
	}
	i->pins++;
	lru_use(t, i);
	evict_locked(t);
	*ret_fd = i->fd;
	pthread_mutex_unlock(&t->lock);
	return 0;
}

void inode_fd_done(struct inode_table *t, struct inode *i)
{
	struct inode *dead = NULL;

	pthread_mutex_lock(&t->lock);
	i->pins--;
	drop_locked(t, i, &dead);
	pthread_mutex_unlock(&t->lock);
	free_nodes(dead);
}

void inode_keep_fd(struct inode_table *t, struct inode *i)
{
	int fd;

	if (inode_fd(t, i, &fd) < 0)
		return; /* gone already: later calls give ESTALE */
	pthread_mutex_lock(&t->lock);
	lru_unlink(t, i);
	i->keep_fd = true;
	pthread_mutex_unlock(&t->lock);
	inode_fd_done(t, i);
}

void inode_unkeep_fd(struct inode_table *t, struct inode *i)
{
	pthread_mutex_lock(&t->lock);
	if (i->fd >= 0 && i != &t->root && (t->mount_fd < 0 || i->dev == t->root.dev)) {
		i->keep_fd = false;
		lru_use(t, i);
		evict_locked(t);
	}
	pthread_mutex_unlock(&t->lock);
}

void inode_moved(struct inode_table *t, struct inode *i, struct inode *parent, const char *name)
{
	struct inode *dead = NULL;
	struct reopen *by_name;

	if (t->mount_fd >= 0)
		return;
	pthread_mutex_lock(&t->lock);
	by_name = reopen_by_name(parent, name);
	if (by_name) {
		reopen_free_locked(t, i->reopen, &dead);
		i->reopen = by_name;
	}
	pthread_mutex_unlock(&t->lock);
	free_nodes(dead);
}

pthread_mutex_t *inode_stripe(struct inode_table *t, const struct inode *i)
{
	return &t->stripes[inode_hash(i->dev, i->ino) % STRIPES];
}

struct inode *inode_root(struct inode_table *t)
{
	return &t->root;
}

int inode_table_tagged(struct inode_table *t, uint32_t tag, struct inode ***ret_nodes,
		       size_t *ret_count)
{
	struct inode **nodes;
	size_t count = 0;

	pthread_mutex_lock(&t->lock);
	nodes = malloc((t->count + 1) * sizeof(*nodes));
	for (size_t b = 0; nodes && b < t->capacity; b++)
		for (struct inode *i = t->buckets[b]; i; i = i->hash_next)
			if (atomic_load(&i->policy_tag) == tag) {
				i->holds++;
				nodes[count++] = i;
			}
	pthread_mutex_unlock(&t->lock);
	if (!nodes)
		return -ENOMEM;
	*ret_nodes = nodes;
	*ret_count = count;
	return 0;
}

unsigned inode_table_count(struct inode_table *t)
{
	unsigned count;

	pthread_mutex_lock(&t->lock);
	count = (unsigned)t->count;
	pthread_mutex_unlock(&t->lock);
	return count;
}

int inode_table_new(int top_fd, const struct scope *root_scope, unsigned fd_max,
		    struct inode_table **ret_table, struct err *err)
{
	struct inode_table *t = calloc(1, sizeof(*t));
	struct stat st;

	if (t)
		t->buckets = calloc(FIRST_CAPACITY, sizeof(struct inode *));
	if (!t || !t->buckets || fstat(top_fd, &st) < 0) {
		free(t ? t->buckets : NULL);
		free(t);
		return err_set(err, -ENOMEM, "inode table: out of memory");
	}
	(void)pthread_mutex_init(&t->lock, NULL); /* default attributes cannot fail on Linux */
	for (int s = 0; s < STRIPES; s++)
		(void)pthread_mutex_init(&t->stripes[s], NULL);
	t->capacity = FIRST_CAPACITY;
	t->fd_max = fd_max;
	t->mount_fd = reopen_handles_work(top_fd) ? top_fd : -1;
	t->lru.lru_next = t->lru.lru_prev = &t->lru;
	t->root = (struct inode){.dev = st.st_dev,
				 .ino = st.st_ino,
				 .nlookup = 1,
				 .fd = top_fd,
				 .type = S_IFDIR,
				 .keep_fd = true,
				 .scope = root_scope};
	insert_locked(t, &t->root);
	*ret_table = t;
	return 0;
}

void inode_table_free(struct inode_table *t)
{
	if (!t)
		return;
	for (size_t b = 0; b < t->capacity; b++) {
		for (struct inode *i = t->buckets[b], *next; i; i = next) {
			next = i->hash_next;
			if (i == &t->root)
				continue; /* its descriptor is borrowed */
			close_fd_p(&i->fd);
			free(i->reopen);
			free(i);
		}
	}
	for (int s = 0; s < STRIPES; s++)
		(void)pthread_mutex_destroy(&t->stripes[s]);
	(void)pthread_mutex_destroy(&t->lock);
	free(t->buckets);
	free(t);
}
