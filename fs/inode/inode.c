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

#define STRIPES 256

struct inode_table {
	pthread_mutex_t lock;
	struct hash_table nodes;   /* by device and inode number */
	struct inode lru;	   /* ring: lru.lru_next is the one used last */
	unsigned fd_count, fd_max; /* of the ring */
	int mount_fd;		   /* for open_by_handle_at(2); -1: reopen by name */
	struct inode root;
	pthread_mutex_t stripes[STRIPES];
};

/*
 * Fibonacci hashing, keyed: neighbouring inode numbers, as one folder's files have, are spread
 * evenly (1.02 nodes are compared for each one found, hash_bytes() would need 1.4). The product's
 * upper bits are the good ones, and the table takes the lower: hence the rotation.
 */
static uint64_t inode_hash(const struct inode_table *t, dev_t dev, ino_t ino)
{
	uint64_t h = (ino ^ t->nodes.seed) * UINT64_C(0x9e3779b97f4a7c15);

	h += dev << 40;
	return h >> 40 | h << 24;
}

/* The first node of @e and those after it in its chain for this file; NULL: none. A node is stale
 * when another file has its inode number now. */
static struct inode *skip_others(struct hash_entry *e, dev_t dev, ino_t ino)
{
	for (; e; e = hash_next(e)) {
		struct inode *i = HASH_OWNER(e, struct inode, entry);

		if (!i->stale && i->ino == ino && i->dev == dev)
			return i;
	}
	return NULL;
}

static struct inode *first_node(const struct inode_table *t, dev_t dev, ino_t ino)
{
	return skip_others(hash_first(&t->nodes, inode_hash(t, dev, ino)), dev, ino);
}

static struct inode *next_node(const struct inode *i)
{
	return skip_others(hash_next(&i->entry), i->dev, i->ino);
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
 * free_nodes() once the lock is released. The list goes through lru_next: a node that is on it has
 * no place in the ring. */
static void drop_locked(struct inode_table *t, struct inode *i, struct inode **dead)
{
	if (i->nlookup || i->holds || i->pins || i == &t->root)
		return;
	hash_remove(&t->nodes, &i->entry);
	lru_unlink(t, i);
	reopen_free_locked(t, i->reopen, dead);
	i->lru_next = *dead;
	*dead = i;
}

/* Called without the lock: closing the last descriptor of an unlinked file frees its blocks, which
 * may take long. */
static void free_nodes(struct inode *dead)
{
	for (struct inode *next; dead; dead = next) {
		next = dead->lru_next;
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

	for (struct inode *i = first_node(t, st->st_dev, st->st_ino); i; i = next_node(i)) {
		if (!is_same_locked(i, fd, st))
			i->stale = true;
		else if (!scoped || i->scope == scope)
			return i;
	}
	return NULL;
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
		hash_insert(&t->nodes, &i->entry, inode_hash(t, i->dev, i->ino));
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
	i = first_node(t, dev, ino);
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
	return &t->stripes[i->entry.hash % STRIPES];
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
	nodes = malloc((t->nodes.n + 1) * sizeof(*nodes));
	for (struct hash_entry *e = NULL; nodes && (e = hash_after(&t->nodes, e));) {
		struct inode *i = HASH_OWNER(e, struct inode, entry);

		if (atomic_load(&i->policy_tag) == tag) {
			i->holds++;
			nodes[count++] = i;
		}
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
	count = (unsigned)t->nodes.n;
	pthread_mutex_unlock(&t->lock);
	return count;
}

int inode_table_new(int top_fd, const struct scope *root_scope, unsigned fd_max,
		    struct inode_table **ret_table, struct err *err)
{
	struct inode_table *t = calloc(1, sizeof(*t));
	struct stat st;
	int r = t ? hash_table_init(&t->nodes) : -ENOMEM;

	if (r == 0 && fstat(top_fd, &st) < 0)
		r = -errno;
	if (r < 0) {
		if (t)
			hash_table_fini(&t->nodes);
		free(t);
		return err_set(err, r, "inode table: %s", strerrordesc_np(-r));
	}
	(void)pthread_mutex_init(&t->lock, NULL); /* default attributes cannot fail on Linux */
	for (int s = 0; s < STRIPES; s++)
		(void)pthread_mutex_init(&t->stripes[s], NULL);
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
	hash_insert(&t->nodes, &t->root.entry, inode_hash(t, st.st_dev, st.st_ino));
	*ret_table = t;
	return 0;
}

void inode_table_free(struct inode_table *t)
{
	if (!t)
		return;
	for (struct hash_entry *e = hash_after(&t->nodes, NULL), *next; e; e = next) {
		struct inode *i = HASH_OWNER(e, struct inode, entry);

		next = hash_after(&t->nodes, e);
		if (i == &t->root)
			continue; /* its descriptor is borrowed */
		close_fd_p(&i->fd);
		free(i->reopen);
		free(i);
	}
	for (int s = 0; s < STRIPES; s++)
		(void)pthread_mutex_destroy(&t->stripes[s]);
	(void)pthread_mutex_destroy(&t->lock);
	hash_table_fini(&t->nodes);
	free(t);
}
