/* tests/unit/test_block_size.c - the arithmetic of blocks: offsets, counts, st_size and back. */
#include "tests/unit/crypto_test.h"

#include "crypto/block.h"

/* Sizes about the n-th block's edges, the ones where an off-by-one would show. */
static size_t edge_sizes(uint64_t block_no, uint64_t out[static 5])
{
	uint64_t start = block_start(block_no);
	size_t n = 0;

	if (start > 0)
		out[n++] = start - 1;
	out[n++] = start;
	out[n++] = start + 1;
	out[n++] = start + block_cap((uint32_t)block_no) - 1;
	out[n++] = start + block_cap((uint32_t)block_no);
	return n;
}

static const uint64_t BLOCK_NOS[] = {
	0, 1, 2, 3, 1000, UINT64_C(1) << 20, BLOCK_NO_MAX - 1, BLOCK_NO_MAX};

/* Each byte lies in one block, and blocks follow each other without a gap. */
static void blocks_tile_the_plaintext(void **state)
{
	(void)state;
	for (uint64_t off = 0; off < 5 * BLOCK_CAP; off++) {
		uint64_t no = block_no_of(off);

		assert_true(block_start(no) <= off && off < block_start(no + 1));
		assert_true(block_start(no + 1) - block_start(no) == block_cap((uint32_t)no));
	}
	assert_true(block_no_of(FILE_SIZE_MAX - 1) == BLOCK_NO_MAX);
	assert_true(block_no_of(FILE_SIZE_MAX) == (uint64_t)BLOCK_NO_MAX + 1);
}

static void block_count_of_edge_sizes(void **state)
{
	(void)state;
	assert_true(block_count(0) == 1);
	assert_true(block_count(1) == 1);
	assert_true(block_count(BLOCK0_CAP) == 1);
	assert_true(block_count(BLOCK0_CAP + 1) == 2);
	assert_true(block_count(BLOCK0_CAP + BLOCK_CAP) == 2);
	assert_true(block_count(BLOCK0_CAP + BLOCK_CAP + 1) == 3);
	assert_true(block_count(FILE_SIZE_MAX) == (uint64_t)BLOCK_NO_MAX + 1);
}

/* crypto/README.md, Blocks: n whole blocks, then as many bytes of nothing as the last block holds.
 */
static void file_disk_len_of_edge_sizes(void **state)
{
	(void)state;
	assert_true(file_disk_len(0) == 4096);
	assert_true(file_disk_len(1) == 4097);
	assert_true(file_disk_len(3808) == 4096 + 3808);
	assert_true(file_disk_len(3809) == 2 * 4096 + 1);
	assert_true(file_disk_len(3808 + 4064) == 2 * 4096 + 4064);
	assert_true(file_disk_len(FILE_SIZE_MAX) == (UINT64_C(1) << 32) * 4096 + 4064);
}

/* stat(2) answers from this alone: it must be exact for every file that we write. */
static void file_plain_size_inverts_file_disk_len(void **state)
{
	uint64_t sizes[5], got;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(BLOCK_NOS); i++)
		for (size_t n = edge_sizes(BLOCK_NOS[i], sizes); n-- > 0;) {
			assert_true(file_plain_size(file_disk_len(sizes[n]), &got));
			assert_true(got == sizes[n]);
		}
	for (uint64_t size = 0; size < 4 * BLOCK_CAP; size++) {
		assert_true(file_plain_size(file_disk_len(size), &got));
		assert_true(got == size);
	}
}

/* Every other length is damage, and the guess is still a size that a file can have. */
static void file_plain_size_refuses_every_other_length(void **state)
{
	static bool canonical[5 * BLOCK_LEN];
	uint64_t got;

	(void)state;
	for (uint64_t size = 0; file_disk_len(size) < COUNT_OF(canonical); size++)
		canonical[file_disk_len(size)] = true;
	for (uint64_t len = 0; len < COUNT_OF(canonical); len++) {
		assert_int_equal(file_plain_size(len, &got), canonical[len]);
		if (!canonical[len])
			assert_true(got <= block_start(len / BLOCK_LEN));
	}
}

static void file_plain_size_guesses_full_blocks(void **state)
{
	uint64_t got;

	(void)state;
	assert_false(file_plain_size(0, &got));
	assert_true(got == 0);
	assert_false(file_plain_size(4095, &got));
	assert_true(got == 0);
	assert_false(file_plain_size(4096 + 3809, &got)); /* more than block 0 holds */
	assert_true(got == 3808);
	assert_false(file_plain_size(2 * 4096, &got)); /* cut at a block's edge */
	assert_true(got == 3808 + 4064);
	assert_false(file_plain_size(2 * 4096 + 4065, &got));
	assert_true(got == 3808 + 4064);
	assert_false(file_plain_size(file_disk_len(FILE_SIZE_MAX) + 1, &got));
	assert_true(got == FILE_SIZE_MAX);
	assert_false(file_plain_size(UINT64_MAX, &got));
	assert_true(got == FILE_SIZE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_tile_the_plaintext),
		cmocka_unit_test(block_count_of_edge_sizes),
		cmocka_unit_test(file_disk_len_of_edge_sizes),
		cmocka_unit_test(file_plain_size_inverts_file_disk_len),
		cmocka_unit_test(file_plain_size_refuses_every_other_length),
		cmocka_unit_test(file_plain_size_guesses_full_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
