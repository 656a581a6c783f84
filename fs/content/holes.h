/* fs/content/holes.h - which blocks of an open file are holes: a small ordered set of ranges. */
#ifndef DEPFS_CONTENT_HOLES_H
#define DEPFS_CONTENT_HOLES_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"
#include "crypto/header.h"

#define HOLES_TRACKED_MAX 256 /* ranges kept exactly; a file with more gets loose holes */

/*
 * Ranges ascend and neither overlap nor touch. What a header declares is a superset of this set
 * while the file is open, and equals it after a flush, unless the file has loose holes
 * (HEADER_FLAG_LOOSE_HOLES): then this set is unused.
 */
struct holes {
	struct hole *ranges; /* malloc'ed */
	uint32_t count, capacity;
};

void holes_fini(struct holes *h);
int holes_from_header(struct holes *h,
		      const struct hole in[static HEADER_HOLES_MAX]) MUST_CHECK; /* -ENOMEM */

/* holes_add() - [start, start + count) is now a hole; -ENOMEM; -ENOSPC: HOLES_TRACKED_MAX ranges
 * are there. */
int holes_add(struct holes *h, uint32_t start, uint32_t count) MUST_CHECK;
/* holes_remove() - these blocks now hold data; a range that is split may fail as holes_add(). */
int holes_remove(struct holes *h, uint32_t start, uint32_t count) MUST_CHECK;
/* holes_cut() - nothing at or above @end_block is left. */
void holes_cut(struct holes *h, uint32_t end_block);
bool holes_contain(const struct holes *h, uint32_t block_no);

/* holes_next() - the first range that ends above @block_no; false: none. */
bool holes_next(const struct holes *h, uint32_t block_no, struct hole *ret_range);

/* holes_cover() - at most HEADER_HOLES_MAX ranges that cover the set: exact when they suffice, else
 * the nearest ranges are joined. Returns whether it is exact. */
bool holes_cover(const struct holes *h, struct hole out[static HEADER_HOLES_MAX]);

#endif
