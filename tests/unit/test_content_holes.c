#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/content/holes.h"

#define BLOCKS 200

static void assert_same(const struct holes *h, const bool *want)
{
	for (uint32_t b = 0; b < BLOCKS; b++)
		assert_int_equal(holes_contain(h, b), want[b]);
	for (uint32_t i = 0; i + 1 < h->count;
	     i++) /* ascending, neither overlapping nor touching */
		assert_true(h->ranges[i].start + h->ranges[i].count < h->ranges[i + 1].start);
}

/* A wrong range here would make a destroyed block read as zeros, or a hole as damage. */
static void holes_agree_with_a_bitmap(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 20; seed++) {
		struct holes h = {0};
		bool want[BLOCKS] = {false};

		srand(seed);
		for (int step = 0; step < 300; step++) {
			uint32_t start = (uint32_t)rand() % BLOCKS, count = (uint32_t)rand() % 12;
			bool add = rand() % 2;

			count = start + count > BLOCKS ? BLOCKS - start : count;
			assert_int_equal(add ? holes_add(&h, start, count)
					     : holes_remove(&h, start, count),
					 0);
			for (uint32_t b = start; b < start + count; b++)
				want[b] = add;
			if (step % 50 == 49) {
				uint32_t end = (uint32_t)rand() % BLOCKS;

				holes_cut(&h, end);
				memset(want + end, 0, BLOCKS - end);
			}
			assert_same(&h, want);
		}
		holes_fini(&h);
	}
}

/* The ranges that the header declares cover every hole, however many there are; up to four holes
 * are declared exactly. */
static void holes_cover_is_a_superset_and_exact_up_to_four(void **state)
{
	(void)state;
	for (uint32_t n = 0; n <= 9; n++) {
		struct hole out[HEADER_HOLES_MAX];
		struct holes h = {0};
		uint64_t covered = 0;

		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(holes_add(&h, 10 + i * i * 3, 2), 0);
		assert_int_equal(holes_cover(&h, out), h.count <= HEADER_HOLES_MAX);
		for (int i = 0; i < HEADER_HOLES_MAX; i++)
			covered += out[i].count;
		if (h.count <= HEADER_HOLES_MAX)
			assert_int_equal(covered, h.count ? 2 * n : 0);
		for (uint32_t b = 0; b < 400; b++) {
			bool in = false;

			for (int i = 0; i < HEADER_HOLES_MAX; i++)
				in |= b >= out[i].start && b < out[i].start + out[i].count;
			assert_true(in || !holes_contain(&h, b));
		}
		holes_fini(&h);
	}
}

/* The end of the block numbers is where additions overflow. */
static void holes_reach_the_last_block(void **state)
{
	struct holes h = {0};
	struct hole r;

	(void)state;
	assert_int_equal(holes_add(&h, UINT32_MAX - 4, 4), 0);
	assert_int_equal(holes_add(&h, 1, UINT32_MAX - 5), 0);
	assert_int_equal(h.count, 1);
	assert_true(holes_contain(&h, UINT32_MAX - 1));
	assert_int_equal(holes_remove(&h, 100, 1), 0);
	assert_true(holes_next(&h, 100, &r));
	assert_int_equal(r.start, 101);
	holes_fini(&h);
}

/* Beyond the bound the file goes loose; the set must say so and stay as it was. */
static void holes_refuse_one_range_too_many(void **state)
{
	struct holes h = {0};

	(void)state;
	for (uint32_t i = 0; i < HOLES_TRACKED_MAX; i++)
		assert_int_equal(holes_add(&h, 1 + 2 * i, 1), 0);
	assert_int_equal(holes_add(&h, 5000, 1), -ENOSPC);
	assert_int_equal(h.count, HOLES_TRACKED_MAX);
	assert_false(holes_contain(&h, 5000));
	holes_fini(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holes_agree_with_a_bitmap),
		cmocka_unit_test(holes_cover_is_a_superset_and_exact_up_to_four),
		cmocka_unit_test(holes_reach_the_last_block),
		cmocka_unit_test(holes_refuse_one_range_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
