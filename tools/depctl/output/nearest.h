/* tools/depctl/output/nearest.h - the known word that a misspelt one is nearest to, for "did you
 * mean". */
#ifndef DEPFS_DEPCTL_OUTPUT_NEAREST_H
#define DEPFS_DEPCTL_OUTPUT_NEAREST_H

/* The candidate so far; zeroed before the first nearest_offer(). */
struct nearest {
	const char *word; /* borrowed; NULL: none is near */
	unsigned distance;
};

/* nearest_offer() - takes @candidate where it differs from @typed, whatever the case, in fewer
 * letters than what was taken before: changed, added, left out or exchanged with their neighbour,
 * at most one in three and two in all. */
void nearest_offer(struct nearest *n, const char *typed, const char *candidate);

#endif
