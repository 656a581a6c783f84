/* crypto/base/hash.c - a chained hash table that grows with its entries, and FNV-1a. */
#include "crypto/base/hash.h"

#include <errno.h>
#include <unistd.h>

#define BUCKETS_FIRST 64

int hash_seed(uint64_t *ret_seed)
{
	return getentropy(ret_seed, sizeof(*ret_seed)) < 0 ? -EIO : 0;
}

uint64_t hash_bytes(uint64_t hash, const void *in, size_t len)
{
	const unsigned char *at = in;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
	return hash ^ (hash >> 29); /* the low bits choose the bucket: mix the high ones in */
}

int hash_table_init(struct hash_table *t)
{
	int r;

	*t = (struct hash_table){.n_buckets = BUCKETS_FIRST};
	r = hash_seed(&t->seed);
	if (r == 0)
		t->buckets = calloc(t->n_buckets, sizeof(struct hash_entry *));
	if (r == 0 && !t->buckets)
		r = -ENOMEM;
	if (r < 0)
		*t = (struct hash_table){0};
	return r;
}

void hash_table_fini(struct hash_table *t)
{
	free(t->buckets);
	*t = (struct hash_table){0};
}

static struct hash_entry **bucket_of(const struct hash_table *t, uint64_t hash)
{
	return &t->buckets[hash & (t->n_buckets - 1)];
}

static void push(struct hash_table *t, struct hash_entry *e)
{
	struct hash_entry **bucket = bucket_of(t, e->hash);

	e->next = *bucket;
	*bucket = e;
	t->n++;
}

static void grow(struct hash_table *t)
{
	struct hash_table wider = {.n_buckets = t->n_buckets * 2};

	wider.buckets = calloc(wider.n_buckets, sizeof(struct hash_entry *));
	if (!wider.buckets)
		return;
	/* Not by hash_after(), which must load an entry to know its next bucket (a third slower).
	 */
	for (size_t b = 0; b < t->n_buckets; b++) {
		for (struct hash_entry *e = t->buckets[b], *next; e; e = next) {
			next = e->next;
			push(&wider, e);
		}
	}
	free(t->buckets);
	t->buckets =
		wider.buckets; /* the seed stays unwritten: callers read it without their lock */
	t->n_buckets = wider.n_buckets;
}

void hash_insert(struct hash_table *t, struct hash_entry *e, uint64_t hash)
{
	if (t->n >= t->n_buckets)
		grow(t);
	e->hash = hash;
	push(t, e);
}

void hash_remove(struct hash_table *t, struct hash_entry *e)
{
	struct hash_entry **at = bucket_of(t, e->hash);

	while (*at && *at != e)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = e->next;
	t->n--;
}

struct hash_entry *hash_after(const struct hash_table *t, const struct hash_entry *e)
{
	size_t bucket = 0;

	if (e && e->next)
		return e->next;
	if (e)
		bucket = (e->hash & (t->n_buckets - 1)) + 1;
	while (bucket < t->n_buckets && !t->buckets[bucket])
		bucket++;
	return bucket < t->n_buckets ? t->buckets[bucket] : NULL;
}
