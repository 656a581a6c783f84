#include "fs/inode/inoset.h"

#include <errno.h>
#include <stdlib.h>

#define ROOM_FIRST 256u

/* An entry stays where it is when its last bit goes: the same numbers are given out again. */
struct inoset_word {
	uint64_t mask; /* 0 and unused: free */
	uint64_t base; /* inode number / 64 */
	uint64_t dev;  /* plus 1: 0 is a free entry */
};

void inoset_fini(struct inoset *set)
{
	free(set->words);
	*set = (struct inoset){0};
}

/* Numbers are no secret and nobody chooses them at will: a mixer is enough. */
static size_t start_of(uint64_t dev, uint64_t base, size_t room)
{
	uint64_t h = (base ^ dev << 40) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(h >> 32) & (room - 1);
}

/* The entry, or the free one where it belongs. There is always a free one. */
static struct inoset_word *word_of(struct inoset_word *words, size_t room, uint64_t dev,
				   uint64_t base)
{
	size_t at = start_of(dev, base, room);

	while (words[at].dev && (words[at].dev != dev || words[at].base != base))
		at = (at + 1) & (room - 1);
	return &words[at];
}

static int grow(struct inoset *set)
{
	size_t room = set->room ? 2 * set->room : ROOM_FIRST;
	struct inoset_word *words = calloc(room, sizeof(*words));

	if (!words)
		return -ENOMEM;
	for (size_t i = 0; i < set->room; i++)
		if (set->words[i].dev)
			*word_of(words, room, set->words[i].dev, set->words[i].base) =
				set->words[i];
	free(set->words);
	set->words = words;
	set->room = room;
	return 0;
}

int inoset_add(struct inoset *set, dev_t dev, ino_t ino)
{
	uint64_t bit = UINT64_C(1) << (ino % 64);
	struct inoset_word *w;

	if (set->n_used >= set->room / 2 && grow(set) < 0)
		return -ENOMEM;
	w = word_of(set->words, set->room, (uint64_t)dev + 1, ino / 64);
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
	return set->room ? word_of(set->words, set->room, (uint64_t)dev + 1, ino / 64) : NULL;
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
