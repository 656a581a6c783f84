/* tools/depctl/output/or_die_internal.h - out of memory while printing. */
#ifndef DEPFS_DEPCTL_OUTPUT_OR_DIE_INTERNAL_H
#define DEPFS_DEPCTL_OUTPUT_OR_DIE_INTERNAL_H

#include <stdio.h>
#include <stdlib.h>

/* or_die() - @p; ends depctl with a sentence when it is NULL: what is being printed has no state
 * that would have to be saved. */
static inline void *or_die(void *p)
{
	if (!p) {
		fputs("depctl: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

#endif
