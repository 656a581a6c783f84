#include "fs/inode/inoset.h"

#include <errno.h>
#include <stdlib.h>

#define CAPACITY_FIRST 256u

/* An entry stays when its last bit is cleared: filesystems reuse inode numbers. */
struct inoset_word {
	uint64_t mask; /* bit n: inode number 64 * base + n is in the set */
	uint64_t base; /* inode number / 64 */
	uint64_t dev;  /* device number + 1; 0: a free entry */
};

void inoset_fini(struct inoset *set)
{
	free(set->words);
	*set = (struct inoset){0};
}

/* Inode numbers are no secret, and users cannot choose them: a multiplicative hash is enough. */
static size_t start_of(uint64_t dev, uint64_t base, size_t capacity)
{
	uint64_t h = (base ^ dev << 40) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(h >> 32) & (capacity - 1);
}

/* The entry, or the free slot where it belongs; at most half of the slots are used. */
static struct inoset_word *word_of(struct inoset_word *words, size_t capacity, uint64_t dev,
				   uint64_t base)
{
	size_t at = start_of(dev, base, capacity);

	while (words[at].dev && (words[at].dev != dev || words[at].base != base))
		at = (at + 1) & (capacity - 1);
	return &words[at];
}

static int grow(struct inoset *set)
{
	size_t capacity = set->capacity ? 2 * set->capacity : CAPACITY_FIRST;
	struct inoset_word *words = calloc(capacity, sizeof(*words));

	if (!words)
		return -ENOMEM;
	for (size_t i = 0; i < set->capacity; i++)
		if (set->words[i].dev)
			*word_of(words, capacity, set->words[i].dev, set->words[i].base) =
				set->words[i];
	free(set->words);
	set->words = words;
	set->capacity = capacity;
	return 0;
}

int inoset_add(struct inoset *set, dev_t dev, ino_t ino)
{
	uint64_t bit = UINT64_C(1) << (ino % 64);
	struct inoset_word *w;

	if (set->n_used >= set->capacity / 2 && grow(set) < 0)
		return -ENOMEM;
	w = word_of(set->words, set->capacity, (uint64_t)dev + 1, ino / 64);
	if (!w->dev) {
		*w = (struct inoset_word){.dev = (uint64_t)dev + 1, .base = ino / 64};
		set->n_used++;
	}
	if (w->mask & bit)
		return 0;
	w->mask |= bit;
	return 1;
}

static struct inoset_word *word_find(const struct inoset *set, dev_t dev, ino_t ino)
{
	return set->capacity ? word_of(set->words, set->capacity, (uint64_t)dev + 1, ino / 64)
			     : NULL;
}

bool inoset_has(const struct inoset *set, dev_t dev, ino_t ino)
{
	const struct inoset_word *w = word_find(set, dev, ino);

	return w && w->mask & UINT64_C(1) << (ino % 64);
}

bool inoset_remove(struct inoset *set, dev_t dev, ino_t ino)
{
	uint64_t bit = UINT64_C(1) << (ino % 64);
	struct inoset_word *w = word_find(set, dev, ino);

	if (!w || !(w->mask & bit))
		return false;
	w->mask &= ~bit;
	return true;
}
