#include "fs/content/holes.h"

#include <errno.h>
#include <string.h>

void holes_fini(struct holes *h)
{
	free(h->ranges);
	*h = (struct holes){0};
}

/* 64 bits: a range may end at 2^32. */
static uint64_t range_end(const struct hole *r)
{
	return (uint64_t)r->start + r->count;
}

/* Index of the first range that ends above @block_no. */
static uint32_t find_from(const struct holes *h, uint64_t block_no)
{
	uint32_t low = 0, high = h->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (range_end(&h->ranges[mid]) > block_no)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* Replaces ranges [first, first + old_count) by the @new_count ones given. */
static int splice(struct holes *h, uint32_t first, uint32_t old_count, const struct hole *new,
		  uint32_t new_count)
{
	uint32_t count = h->count - old_count + new_count;

	if (count > HOLES_TRACKED_MAX)
		return -ENOSPC;
	if (count > h->capacity) {
		uint32_t capacity = count < 8 ? 8 : count * 2;
		struct hole *bigger = realloc(h->ranges, capacity * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		h->ranges = bigger;
		h->capacity = capacity;
	}
	if (h->count > first + old_count)
		memmove(h->ranges + first + new_count, h->ranges + first + old_count,
			(h->count - first - old_count) * sizeof(*h->ranges));
	if (new_count)
		memcpy(h->ranges + first, new, new_count * sizeof(*new));
	h->count = count;
	return 0;
}

int holes_add(struct holes *h, uint32_t start, uint32_t count)
{
	uint64_t low = start, high = (uint64_t)start + count;
	uint32_t first, last;
	struct hole joined;

	if (!count)
		return 0;
	first = find_from(h, low ? low - 1 : 0); /* a range that merely touches is joined too */
	for (last = first; last < h->count && h->ranges[last].start <= high; last++) {
		if (h->ranges[last].start < low)
			low = h->ranges[last].start;
		if (range_end(&h->ranges[last]) > high)
			high = range_end(&h->ranges[last]);
	}
	joined = (struct hole){.start = (uint32_t)low, .count = (uint32_t)(high - low)};
	return splice(h, first, last - first, &joined, 1);
}

int holes_remove(struct holes *h, uint32_t start, uint32_t count)
{
	uint64_t end = (uint64_t)start + count;
	uint32_t first = find_from(h, start), last, kept = 0;
	struct hole rest[2];

	if (!count)
		return 0;
	for (last = first; last < h->count && h->ranges[last].start < end; last++) {
		const struct hole *r = &h->ranges[last];

		if (r->start < start)
			rest[kept++] = (struct hole){r->start, start - r->start};
		if (range_end(r) > end)
			rest[kept++] = (struct hole){(uint32_t)end, (uint32_t)(range_end(r) - end)};
	}
	if (first == last)
		return 0;
	return splice(h, first, last - first, rest, kept);
}

void holes_cut(struct holes *h, uint32_t end_block)
{
	uint32_t first = find_from(h, end_block);

	if (first < h->count && h->ranges[first].start < end_block) {
		h->ranges[first].count = end_block - h->ranges[first].start;
		first++;
	}
	h->count = first < h->count ? first : h->count;
}

bool holes_next(const struct holes *h, uint32_t block_no, struct hole *ret_range)
{
	uint32_t i = find_from(h, block_no);

	if (i == h->count)
		return false;
	*ret_range = h->ranges[i];
	return true;
}

bool holes_contain(const struct holes *h, uint32_t block_no)
{
	struct hole r;

	return h->count && holes_next(h, block_no, &r) && r.start <= block_no;
}

int holes_from_header(struct holes *h, const struct hole in[static HEADER_HOLES_MAX])
{
	for (int i = 0; i < HEADER_HOLES_MAX; i++) {
		int r = holes_add(h, in[i].start, in[i].count);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The pair of neighbours with the least data between them; @count is at least 2. */
static uint32_t nearest_pair(const struct hole *ranges, uint32_t count)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i + 1 < count; i++)
		if (ranges[i + 1].start - range_end(&ranges[i]) <
		    ranges[best + 1].start - range_end(&ranges[best]))
			best = i;
	return best;
}

bool holes_cover(const struct holes *h, struct hole out[static HEADER_HOLES_MAX])
{
	struct hole work[HOLES_TRACKED_MAX];
	uint32_t count = h->count;

	memset(out, 0, HEADER_HOLES_MAX * sizeof(*out));
	if (count)
		memcpy(work, h->ranges, count * sizeof(*work));
	while (count > HEADER_HOLES_MAX) {
		uint32_t i = nearest_pair(work, count);

		work[i].count = (uint32_t)(range_end(&work[i + 1]) - work[i].start);
		memmove(work + i + 1, work + i + 2, (count - i - 2) * sizeof(*work));
		count--;
	}
	memcpy(out, work, count * sizeof(*work));
	return h->count <= HEADER_HOLES_MAX;
}
