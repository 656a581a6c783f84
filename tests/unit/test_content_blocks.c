/* tests/unit/test_content_blocks.c - bytes in and out of a file's blocks, over a file in memory. */
#include "tests/unit/content_fixture.h"

#include "fs/inode/disk.h"

#define TEXT_MAX 40000u /* ten blocks */

static void assert_reads(struct content *c, const uint8_t *want, size_t size)
{
	size_t off = 0;

	assert_int_equal(atomic_load(&c->f.size), size);
	while (off < size) {
		ssize_t n = blocks_read(&c->v, &c->f, c->w, off, size - off);

		assert_true(n > 0);
		assert_memory_equal(c->w->plain, want + off, (size_t)n);
		off += (size_t)n;
	}
	assert_int_equal(blocks_read(&c->v, &c->f, c->w, size, 1), 0);
	assert_int_equal(lseek(c->f.fd, 0, SEEK_END), file_disk_len(size));
}

/* One random change of the file and of an array of the same bytes. */
static void change_both(struct content *c, uint8_t *text, size_t *size)
{
	static uint8_t in[TEXT_MAX];
	size_t off = (size_t)random() % TEXT_MAX, len = 1 + (size_t)random() % (TEXT_MAX - off);

	switch (random() % 4) {
	case 0:
		len = len > 9000 ? 9000 : len;
		for (size_t i = 0; i < len; i++)
			in[i] = (uint8_t)random();
		content_write(c, off, in, len);
		if (off > *size)
			memset(text + *size, 0, off - *size);
		memcpy(text + off, in, len);
		*size = off + len > *size ? off + len : *size;
		break;
	case 1:
		assert_int_equal(blocks_truncate(&c->v, &c->f, c->w, off), 0);
		if (off > *size)
			memset(text + *size, 0, off - *size);
		*size = off;
		break;
	case 2:
		assert_int_equal(blocks_punch(&c->v, &c->f, c->w, off, len), 0);
		if (off < *size)
			memset(text + off, 0, off + len > *size ? *size - off : len);
		break;
	default:
		assert_int_equal(blocks_allocate(&c->v, &c->f, c->w, off, len, false), 0);
		if (off + len > *size) {
			memset(text + *size, 0, off + len - *size);
			*size = off + len;
		}
	}
}

/* The plainest model there is: whatever a program does, it reads what it wrote, and zeros
 * elsewhere. */
static void blocks_agree_with_an_array(void **state)
{
	static uint8_t text[2 * TEXT_MAX];

	(void)state;
	for (unsigned seed = 1; seed <= 12; seed++) {
		void *made = NULL;
		size_t size = 0;

		srandom(seed);
		assert_int_equal(content_setup(&made), 0);
		for (int step = 0; step < 60; step++) {
			change_both(made, text, &size);
			assert_reads(made, text, size);
		}
		assert_int_equal(fake.damages, 0);
		assert_int_equal(content_teardown(&made), 0);
	}
}

/* Each block is authenticated, its place and the file's end with it: no changed byte is ever read.
 */
static void blocks_read_refuses_a_flipped_byte_in_any_block(void **state)
{
	static uint8_t text[TEXT_MAX], disk[TEXT_MAX + 16 * BLOCK_OVERHEAD + BLOCK_LEN];
	struct content *c = *state;
	size_t len;

	content_fill(c, text, TEXT_MAX);
	len = block_count(TEXT_MAX) * BLOCK_LEN;
	assert_int_equal(disk_read(c->f.fd, disk, len, 0), 0);
	for (size_t at = HEADER_LEN; at < len; at += 97) {
		uint8_t flipped = disk[at] ^ 1;

		fake.damages = 0;
		assert_int_equal(disk_write(c->f.fd, &flipped, 1, (off_t)at), 0);
		assert_int_equal(blocks_read(&c->v, &c->f, c->w, 0, TEXT_MAX), -EIO);
		assert_int_equal(fake.damages, 1);
		assert_int_equal(fake.block_no, at / BLOCK_LEN);
		for (size_t i = 0; i < TEXT_MAX; i++)
			assert_int_equal(c->w->plain[i], 0);
		assert_int_equal(disk_write(c->f.fd, &disk[at], 1, (off_t)at), 0);
	}
	assert_reads(c, text, TEXT_MAX);
}

/* The block number is bound into each block: a writer to the store cannot rearrange a file. */
static void blocks_read_refuses_two_swapped_blocks(void **state)
{
	static uint8_t text[TEXT_MAX];
	uint8_t one[BLOCK_LEN], two[BLOCK_LEN];
	struct content *c = *state;

	content_fill(c, text, TEXT_MAX);
	assert_int_equal(disk_read(c->f.fd, one, BLOCK_LEN, 1 * BLOCK_LEN), 0);
	assert_int_equal(disk_read(c->f.fd, two, BLOCK_LEN, 2 * BLOCK_LEN), 0);
	assert_int_equal(disk_write(c->f.fd, two, BLOCK_LEN, 1 * BLOCK_LEN), 0);
	assert_int_equal(disk_write(c->f.fd, one, BLOCK_LEN, 2 * BLOCK_LEN), 0);
	assert_int_equal(blocks_read(&c->v, &c->f, c->w, BLOCK0_CAP, 1), -EIO);
	assert_int_equal(blocks_read(&c->v, &c->f, c->w, BLOCK0_CAP + BLOCK_CAP, 1), -EIO);
	assert_int_equal(blocks_read(&c->v, &c->f, c->w, 0, 100), 100);
}

/* A block of zeros reads as a hole where the header declares one, and is damage where it does not.
 */
static void blocks_read_takes_zeros_for_a_hole_only_where_one_is_declared(void **state)
{
	static uint8_t text[TEXT_MAX], zeros[BLOCK_LEN];
	struct content *c = *state;

	content_fill(c, text, TEXT_MAX);
	assert_int_equal(disk_write(c->f.fd, zeros, BLOCK_LEN, 3 * BLOCK_LEN), 0);
	assert_int_equal(blocks_read(&c->v, &c->f, c->w, block_start(3), 10), -EIO);
	assert_int_equal(fake.block_no, 3);
	assert_int_equal(blocks_punch(&c->v, &c->f, c->w, block_start(4), BLOCK_CAP), 0);
	assert_int_equal(blocks_read(&c->v, &c->f, c->w, block_start(4), BLOCK_CAP), BLOCK_CAP);
	assert_memory_equal(c->w->plain, zeros, BLOCK_CAP);
}

/* The last block says that it is: a file cut at a block's end, by a writer to the store, is damage.
 */
static void blocks_read_refuses_a_file_that_was_cut(void **state)
{
	static uint8_t text[TEXT_MAX];
	struct content *c = *state;

	content_fill(c, text, TEXT_MAX);
	atomic_store(&c->f.size, block_start(5)); /* as the length on disk would say */
	assert_int_equal(ftruncate(c->f.fd, 5 * BLOCK_LEN), 0);
	assert_int_equal(blocks_read(&c->v, &c->f, c->w, block_start(4), 10), -EIO);
	assert_int_equal(fake.block_no, 4);
}

/* Each refusal leaves the bytes and the size as they were. */
static void blocks_refuse_without_a_trace(void **state)
{
	static uint8_t text[TEXT_MAX], more[9000];
	struct content *c = *state;
	struct dek *dek;

	content_fill(c, text, TEXT_MAX);
	assert_int_equal(blocks_write(&c->v, &c->f, c->w, FILE_SIZE_MAX - 1, more, 2), -EFBIG);
	assert_int_equal(blocks_truncate(&c->v, &c->f, c->w, FILE_SIZE_MAX + 1), -EFBIG);
	assert_int_equal(blocks_allocate(&c->v, &c->f, c->w, UINT64_MAX, 2, true), -EFBIG);
	c->f.writable = false;
	assert_int_equal(blocks_write(&c->v, &c->f, c->w, 0, more, 1), -EROFS);
	assert_int_equal(blocks_truncate(&c->v, &c->f, c->w, 0), -EROFS);
	assert_int_equal(blocks_punch(&c->v, &c->f, c->w, 0, 1), -EROFS);
	c->f.writable = true;
	dek = STEAL(c->f.dek); /* as a denial does */
	assert_int_equal(blocks_write(&c->v, &c->f, c->w, 100, more, sizeof(more)), -EKEYREVOKED);
	assert_int_equal(blocks_write(&c->v, &c->f, c->w, 90000, more, 1), -EKEYREVOKED);
	assert_int_equal(blocks_punch(&c->v, &c->f, c->w, 0, TEXT_MAX), -EKEYREVOKED);
	assert_int_equal(blocks_read(&c->v, &c->f, c->w, 0, 1), -EKEYREVOKED);
	c->f.dek = dek;
	assert_reads(c, text, TEXT_MAX);
	assert_int_equal(c->f.holes.count, 0);
}

/* SP 800-38D, section 8.3: a key with random nonces is good for 2^32 blocks, and no more. */
static void blocks_write_stops_at_the_write_budget(void **state)
{
	static uint8_t text[TEXT_MAX], more[9000];
	struct content *c = *state;

	content_fill(c, text, TEXT_MAX);
	c->f.budget_report = REPORTED_LOW; /* that event is not what this is about */
	c->f.budget_used = BUDGET_MAX - 2; /* the write needs three */
	assert_int_equal(blocks_write(&c->v, &c->f, c->w, 5000, more, sizeof(more)), -ENOSPC);
	assert_int_equal(c->f.budget_report, REPORTED_USED_UP);
	assert_reads(c, text, TEXT_MAX);
	content_write(c, 0, more, 1);
	assert_int_equal(c->f.budget_used, BUDGET_MAX - 1);
}

/* What SEEK_HOLE calls a hole a copy leaves out, so nothing but zeros may be there. */
static void blocks_seek_finds_holes_and_data(void **state)
{
	static uint8_t text[TEXT_MAX];
	struct content *c = *state;

	content_fill(c, text, TEXT_MAX);
	assert_int_equal(blocks_seek(&c->f, 0, SEEK_HOLE), TEXT_MAX);
	assert_int_equal(blocks_punch(&c->v, &c->f, c->w, block_start(2), 3 * BLOCK_CAP), 0);
	assert_int_equal(blocks_seek(&c->f, 0, SEEK_HOLE), block_start(2));
	assert_int_equal(blocks_seek(&c->f, block_start(2) + 5, SEEK_DATA), block_start(5));
	assert_int_equal(blocks_seek(&c->f, block_start(5), SEEK_HOLE), TEXT_MAX);
	assert_int_equal(blocks_seek(&c->f, TEXT_MAX, SEEK_DATA), -ENXIO);
	assert_int_equal(blocks_next_data(&c->f, 2), 5);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, content_setup, content_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_agree_with_an_array),
		TEST(blocks_read_refuses_a_flipped_byte_in_any_block),
		TEST(blocks_read_refuses_two_swapped_blocks),
		TEST(blocks_read_takes_zeros_for_a_hole_only_where_one_is_declared),
		TEST(blocks_read_refuses_a_file_that_was_cut),
		TEST(blocks_refuse_without_a_trace),
		TEST(blocks_write_stops_at_the_write_budget),
		TEST(blocks_seek_finds_holes_and_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
