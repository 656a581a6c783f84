/* crypto/base/hash.h - hash tables in memory, whose entries the caller embeds and frees. */
#ifndef DEPFS_CRYPTO_BASE_HASH_H
#define DEPFS_CRYPTO_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"

/*
 * Chained, and grown to one bucket for each entry. Why not uthash: its insertion fails where the
 * table cannot grow (HASH_NONFATAL_OOM takes the entry out again), but insertions here follow
 * changes that are already durable; and its handle has 56 bytes where struct hash_entry has 16, in
 * each of 100,000 inodes.
 * Nothing here locks. Finding and walking change nothing, so readers may share a lock.
 */
struct hash_entry {
	struct hash_entry *next; /* of its bucket */
	uint64_t hash;
};

struct hash_table {
	struct hash_entry **buckets;
	size_t n_buckets; /* a power of two */
	size_t n;	  /* entries */
	uint64_t seed;	  /* what hash_bytes() begins with */
};

int hash_table_init(struct hash_table *t) MUST_CHECK; /* -ENOMEM; -EIO: no seed; @t is then zero */
/* hash_table_fini() - free the buckets; the entries are the caller's. @t may be all zero, and is so
 * after it; hash_after() finds no entry in such a table. */
void hash_table_fini(struct hash_table *t);

/* hash_insert() - @e must be in no table. Cannot fail: without memory the chains grow longer. */
void hash_insert(struct hash_table *t, struct hash_entry *e, uint64_t hash);
void hash_remove(struct hash_table *t, struct hash_entry *e); /* nothing when it is not in @t */

/* hash_first(), hash_next() - the entries with one hash, NULL behind the last; the caller compares
 * their keys. Inline, since each request of the kernel finds its inode by them. */
static inline struct hash_entry *hash_match(struct hash_entry *e, uint64_t hash)
{
	while (e && e->hash != hash)
		e = e->next;
	return e;
}

static inline struct hash_entry *hash_first(const struct hash_table *t, uint64_t hash)
{
	return hash_match(t->buckets[hash & (t->n_buckets - 1)], hash);
}

static inline struct hash_entry *hash_next(const struct hash_entry *e)
{
	return hash_match(e->next, e->hash);
}

/* hash_after() - every entry, in no order: NULL gives the first, the last one gives NULL. To remove
 * or free @e, take the one after it first. */
struct hash_entry *hash_after(const struct hash_table *t, const struct hash_entry *e);

/* HASH_OWNER() - the struct of which the entry is member @member; NULL for NULL. */
#define HASH_OWNER(entry, type, member)                                            \
	({                                                                         \
		struct hash_entry *entry_ = (entry);                               \
		entry_ ? (type *)((char *)entry_ - offsetof(type, member)) : NULL; \
	})

/* hash_seed() - a random seed, so that names cannot be chosen to collide; -EIO. */
int hash_seed(uint64_t *ret_seed) MUST_CHECK;
/* hash_bytes() - FNV-1a that goes on from @hash: a seed, or the hash of what precedes. For tables
 * in memory; never stored. */
uint64_t hash_bytes(uint64_t hash, const void *in, size_t len);

#endif
