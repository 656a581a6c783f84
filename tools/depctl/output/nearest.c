/* tools/depctl/output/nearest.c - edit distance with exchanged neighbours (optimal string
 * alignment). */
#include "tools/depctl/output/nearest.h"

#include <ctype.h>
#include <string.h>

#define WORD_MAX 64 /* bytes; a longer word has no neighbour */

static int lower(char c)
{
	return tolower((unsigned char)c);
}

static unsigned min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned distance(const char *a, const char *b)
{
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];
	size_t a_len = strlen(a), b_len = strlen(b);

	for (unsigned i = 0; i <= a_len; i++)
		d[i][0] = i;
	for (unsigned k = 0; k <= b_len; k++)
		d[0][k] = k;
	for (size_t i = 1; i <= a_len; i++)
		for (size_t k = 1; k <= b_len; k++) {
			d[i][k] = min(min(d[i - 1][k], d[i][k - 1]) + 1,
				      d[i - 1][k - 1] + (lower(a[i - 1]) != lower(b[k - 1])));
			if (i > 1 && k > 1 && lower(a[i - 1]) == lower(b[k - 2]) &&
			    lower(a[i - 2]) == lower(b[k - 1]))
				d[i][k] = min(d[i][k], d[i - 2][k - 2] + 1);
		}
	return d[a_len][b_len];
}

void nearest_offer(struct nearest *n, const char *typed, const char *candidate)
{
	size_t len = strlen(typed);
	unsigned most = len / 3 < 2 ? (unsigned)(len / 3) : 2, d;

	if (len > WORD_MAX || strlen(candidate) > WORD_MAX)
		return;
	d = distance(typed, candidate);
	if (d > most || (n->word && d >= n->distance))
		return;
	n->word = candidate;
	n->distance = d;
}
