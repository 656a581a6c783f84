/* fs/policy/scope.c - scopes by name, made when first looked up and kept as long as their table. */
#include "fs/policy/scope.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/hash.h"
#include "fs/store/service_key.h"

struct node {
	struct hash_entry entry; /* of scope_table.nodes */
	struct scope scope;	 /* ends in the name */
};

struct scope_table {
	const struct service_key *sk;
	pthread_rwlock_t lock;
	struct hash_table nodes;  /* guarded by lock, but for the seed */
	const struct scope *root; /* constant after scope_table_new() */
};

/* A scope's name in two pieces, so that looking one up copies nothing. */
struct scope_name {
	const char *prefix; /* "" or "mailbox/" */
	const char *name;   /* not terminated */
	size_t len;
};

static uint64_t name_hash(const struct scope_table *t, const struct scope_name *n)
{
	return hash_bytes(hash_bytes(t->nodes.seed, n->prefix, strlen(n->prefix)), n->name, n->len);
}

static bool name_is(const struct scope_name *n, const char *text)
{
	size_t prefix_len = strlen(n->prefix);

	return strncmp(text, n->prefix, prefix_len) == 0 &&
	       strncmp(text + prefix_len, n->name, n->len) == 0 &&
	       text[prefix_len + n->len] == '\0';
}

static struct node *find_locked(const struct scope_table *t, const struct scope_name *n,
				uint64_t hash)
{
	for (struct hash_entry *e = hash_first(&t->nodes, hash); e; e = hash_next(e)) {
		struct node *node = HASH_OWNER(e, struct node, entry);

		if (name_is(n, node->scope.name))
			return node;
	}
	return NULL;
}

static int node_new(const struct scope_table *t, const struct scope_name *n, enum workload w,
		    struct node **ret_node)
{
	size_t prefix_len = strlen(n->prefix);
	CLEANUP(free_mem_p) struct node *node = calloc(1, sizeof(*node) + prefix_len + n->len + 1);
	int r;

	if (!node)
		return -ENOMEM;
	memcpy(node->scope.name, n->prefix, prefix_len);
	memcpy(node->scope.name + prefix_len, n->name, n->len);
	node->scope.workload = w;
	node->scope.mailbox = prefix_len ? node->scope.name + prefix_len : NULL;
	r = service_scope_id(t->sk, node->scope.name, node->scope.id);
	if (r < 0)
		return r;
	*ret_node = STEAL(node);
	return 0;
}

/* Two threads may make the same scope at once: the first one inserted is kept. */
static const struct scope *publish(struct scope_table *t, const struct scope_name *n,
				   struct node *made)
{
	uint64_t hash = name_hash(t, n);
	struct node *node;

	pthread_rwlock_wrlock(&t->lock);
	node = find_locked(t, n, hash);
	if (!node) {
		made->scope.index = (uint32_t)t->nodes.n;
		hash_insert(&t->nodes, &made->entry, hash);
	}
	pthread_rwlock_unlock(&t->lock);
	if (!node)
		return &made->scope;
	free(made);
	return &node->scope;
}

static int get(struct scope_table *t, const struct scope_name *n, enum workload w,
	       const struct scope **ret_scope)
{
	struct node *node;
	int r;

	pthread_rwlock_rdlock(&t->lock);
	node = find_locked(t, n, name_hash(t, n));
	pthread_rwlock_unlock(&t->lock);
	if (node) {
		*ret_scope = &node->scope;
		return 0;
	}
	r = node_new(t, n, w, &node);
	if (r < 0)
		return r;
	*ret_scope = publish(t, n, node);
	return 0;
}

static int enter(struct scope_table *t, const struct scope *parent, const char *name, size_t len,
		 const struct scope **ret_scope)
{
	struct scope_name n = {"", name, len};

	if (parent == t->root)
		return get(t, &n, workload_of_folder(name, len), ret_scope);
	if (parent->workload == WORKLOAD_MAILBOX && !parent->mailbox) {
		n.prefix = "mailbox/";
		return get(t, &n, WORKLOAD_MAILBOX, ret_scope);
	}
	*ret_scope = parent;
	return 0;
}

int scope_enter(struct scope_table *t, const struct scope *parent, const char *name,
		const struct scope **ret_scope)
{
	return enter(t, parent, name, strlen(name), ret_scope);
}

int scope_of_path(struct scope_table *t, const char *path, const struct scope **ret_scope)
{
	const struct scope *scope = t->root;

	for (;;) {
		size_t len;
		int r;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (path[len] == '\0') { /* the last part: a file */
			*ret_scope = scope;
			return 0;
		}
		r = enter(t, scope, path, len, &scope);
		if (r < 0)
			return r;
		path += len;
	}
}

const struct scope *scope_root(struct scope_table *t)
{
	return t->root;
}

int scope_table_new(const struct service_key *sk, struct scope_table **ret_table)
{
	CLEANUP(scope_table_free_p) struct scope_table *t = calloc(1, sizeof(*t));
	struct scope_name top = {"", "", 0};
	int r;

	if (!t)
		return -ENOMEM;
	t->sk = sk;
	(void)pthread_rwlock_init(&t->lock, NULL); /* cannot fail on Linux */
	r = hash_table_init(&t->nodes);
	if (r < 0)
		return r;
	r = get(t, &top, WORKLOAD_OTHER, &t->root);
	if (r < 0)
		return r;
	*ret_table = STEAL(t);
	return 0;
}

void scope_table_free(struct scope_table *t)
{
	if (!t)
		return;
	for (struct hash_entry *e = hash_after(&t->nodes, NULL), *next; e; e = next) {
		next = hash_after(&t->nodes, e);
		free(HASH_OWNER(e, struct node, entry));
	}
	hash_table_fini(&t->nodes);
	pthread_rwlock_destroy(&t->lock);
	free(t);
}
