/* fs/inode/inoset.h - a set of backing inodes: 64 neighbouring numbers share one entry. */
#ifndef DEPFS_INODE_INOSET_H
#define DEPFS_INODE_INOSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"

/*
 * Filesystems hand out neighbouring inode numbers, so a million files take about a megabyte; if
 * each were alone in its group of 64, they would take 48 MiB. Not thread-safe.
 */
struct inoset {
	struct inoset_word *words; /* open addressing */
	size_t n_used, capacity;   /* capacity: a power of two, or 0 */
};

void inoset_fini(struct inoset *set);
/* inoset_add() - 1: added; 0: it was in the set already; -ENOMEM. */
int inoset_add(struct inoset *set, dev_t dev, ino_t ino) MUST_CHECK;
bool inoset_has(const struct inoset *set, dev_t dev, ino_t ino);
/* inoset_remove() - whether it was in the set. */
bool inoset_remove(struct inoset *set, dev_t dev, ino_t ino);

#endif
