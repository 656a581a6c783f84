/* tools/depctl/output/or_die_internal.h - depctl ends when memory runs out while it prints. */
#ifndef DEPFS_DEPCTL_OUTPUT_OR_DIE_INTERNAL_H
#define DEPFS_DEPCTL_OUTPUT_OR_DIE_INTERNAL_H

#include <stdio.h>
#include <stdlib.h>

/* or_die() - returns @p; if it is NULL, ends depctl with a sentence: while it prints, depctl has no
 * state that must be saved. */
static inline void *or_die(void *p)
{
	if (!p) {
		fputs("depctl: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

#endif
