/* tests/unit/test_block.c - one 4 KiB block: vectors, golden bytes, round trips, nonces, contexts.
 */
#include "tests/unit/block_fixture.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static void gcm_seals_as_nist_cavp_says(void **state)
{
	static struct vec v;
	struct fix *f = *state;

	vec_open(&v, "gcm_encrypt_256.txt");
	while (vec_next(&v, 50)) {
		uint8_t key[32], nonce[12], aad[128], pt[128], ct[128], tag[16], got[128],
			got_tag[16];
		struct gcm_aad a = {aad, vec_bytes(&v, "aad", aad, sizeof(aad))};
		size_t len = vec_bytes(&v, "pt", pt, sizeof(pt));

		assert_int_equal(vec_bytes(&v, "ct", ct, sizeof(ct)), len);
		(void)vec_bytes(&v, "key", key, sizeof(key));
		(void)vec_bytes(&v, "nonce", nonce, sizeof(nonce));
		(void)vec_bytes(&v, "tag", tag, sizeof(tag));
		assert_int_equal(block_ctx_load_key(f->ctx, key, f->file_id), 0);
		assert_int_equal(gcm_seal_with_nonce(f->ctx, nonce, a, pt, len, got, got_tag), 0);
		vec_equal(&v, got, ct, len);
		vec_equal(&v, got_tag, tag, 16);
	}
}

static void gcm_opens_and_refuses_as_nist_cavp_says(void **state)
{
	static struct vec v;
	struct fix *f = *state;

	vec_open(&v, "gcm_decrypt_256.txt");
	while (vec_next(&v, 50)) {
		uint8_t key[32], nonce[12], aad[128], pt[128], ct[128], tag[16], got[128];
		struct gcm_aad a = {aad, vec_bytes(&v, "aad", aad, sizeof(aad))};
		size_t len = vec_bytes(&v, "ct", ct, sizeof(ct));
		bool opens = strcmp(vec_text(&v, "result"), "pass") == 0;

		(void)vec_bytes(&v, "pt", pt, sizeof(pt));
		(void)vec_bytes(&v, "key", key, sizeof(key));
		(void)vec_bytes(&v, "nonce", nonce, sizeof(nonce));
		(void)vec_bytes(&v, "tag", tag, sizeof(tag));
		memset(got, 0xee, sizeof(got));
		assert_int_equal(block_ctx_load_key(f->ctx, key, f->file_id), 0);
		assert_int_equal(gcm_open_with_nonce(f->ctx, nonce, a, tag, ct, len, got),
				 opens ? 0 : -EBADMSG);
		if (opens)
			vec_equal(&v, got, pt, len);
		else
			assert_true(bytes_are_zero(got, len));
	}
}

/* Head and SHA-256 of two blocks, from vectors/golden.py: the bytes on disk may never drift. */
static void block_bytes_match_golden(void **state)
{
	static const struct {
		uint32_t block_no;
		uint16_t used;
		const char *meta, *head, *hash;
	} rows[] = {
		{0, 5, "\x05\0\x01\0",
		 "e0e1e2e3e4e5e6e7e8e9eaeb98dd64a16989cb96f5754bbaa54dda4305000100",
		 "25208b6e4953d7291a015a5b6cfab12ee9282d234cc527ac223e199e8c221593"},
		{0x01020304, BLOCK_CAP, "\xe0\x0f\0\0",
		 "e0e1e2e3e4e5e6e7e8e9eaeb5d852fd8767db67f4f4ad11964c89c1ee00f0000",
		 "7955628b339a7187bebb517c72376d296d07e6084f4687c8238e22201ffcfba8"},
	};
	struct fix *f = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint32_t no = rows[i].block_no;
		uint8_t want[32], got[32], *at = head_of(f->block, no);
		struct kdf_part part = {at, BLOCK_HEAD_LEN + block_cap(no)};

		fill_text(f->text);
		memset(f->text + rows[i].used, 0, sizeof(f->text) - rows[i].used);
		build(f, no, (const uint8_t *)rows[i].meta);
		assert_int_equal(hex_decode(rows[i].head, want, 32), 0);
		assert_memory_equal(at, want, 32);
		assert_int_equal(sha256(&part, 1, got), 0);
		assert_int_equal(hex_decode(rows[i].hash, want, 32), 0);
		assert_memory_equal(got, want, 32);
		assert_opens(f, no, (struct block_meta){rows[i].used, no == 0});
	}
}

static void block_opens_what_it_sealed_at_every_length(void **state)
{
	static const uint32_t block_nos[] = {0, 1, BLOCK_NO_MAX};
	struct fix *f = *state;

	for (size_t i = 0; i < COUNT_OF(block_nos); i++) {
		for (size_t used = 0; used <= block_cap(block_nos[i]); used++) {
			seal(f, block_nos[i], final(used));
			assert_opens(f, block_nos[i], final(used));
		}
		seal(f, block_nos[i], full(block_nos[i]));
		assert_opens(f, block_nos[i], full(block_nos[i]));
	}
}

/* An empty file's block has no plaintext to point at. */
static void block_seal_takes_no_input_for_nothing(void **state)
{
	struct fix *f = *state;

	assert_int_equal(block_seal(f->ctx, 0, final(0), NULL, f->block), 0);
	assert_opens(f, 0, final(0));
}

/* Re-wrapping rewrites the header and keeps the data in block 0; sealing does the reverse. */
static void block_seal_leaves_the_header_alone(void **state)
{
	struct fix *f = *state;
	uint8_t want[HEADER_LEN];

	memset(want, 0x77, sizeof(want));
	memset(f->block, 0x77, sizeof(f->block));
	seal(f, 0, final(100));
	assert_memory_equal(f->block, want, HEADER_LEN);
	memset(f->block, 0x11, HEADER_LEN);
	assert_opens(f, 0, final(100));
}

/* Short or not, what lies in the block must not tell: no run of padding or plaintext shows. */
static void block_seal_hides_text_and_padding(void **state)
{
	struct fix *f = *state;

	seal(f, 1, final(64));
	assert_null(memmem(f->block, BLOCK_LEN, f->text, 16));
	for (size_t i = BLOCK_HEAD_LEN; i + 16 <= BLOCK_LEN; i++)
		assert_false(bytes_are_zero(f->block + i, 16));
}

/* A request's key must not serve the next one: without a load there is none. */
static void block_ctx_without_a_key_refuses(void **state)
{
	struct fix *f = *state;
	struct block_meta meta;
	struct block_ctx *fresh = NULL;

	seal(f, 1, full(1));
	assert_opens(f, 1, full(1));
	block_ctx_forget(f->ctx);
	block_ctx_forget(f->ctx); /* harmless */
	assert_int_equal(block_seal(f->ctx, 1, full(1), f->text, f->block), -EINVAL);
	assert_true(block_open(f->ctx, 1, f->block, f->out, &meta) < 0);
	assert_true(bytes_are_zero(f->out, BLOCK_CAP));
	assert_int_equal(block_ctx_new(&fresh), 0);
	assert_int_equal(block_seal(fresh, 1, full(1), f->text, f->block), -EINVAL);
	block_ctx_free(fresh);
	block_ctx_free(NULL);
	assert_int_equal(block_ctx_load(f->ctx, f->dek, f->file_id), 0);
	assert_opens(f, 1, full(1));
}

/* Reads and writes of one request take turns on one context. */
static void block_seals_and_opens_in_turn(void **state)
{
	struct fix *f = *state;

	for (uint32_t i = 0; i < 100; i++) {
		if (i % 7 == 0)
			block_ctx_forget(f->ctx);
		if (i % 7 == 0 || i % 5 == 0)
			assert_int_equal(block_ctx_load(f->ctx, f->dek, f->file_id), 0);
		seal(f, i, final(i));
		assert_opens(f, i, final(i));
	}
}

#define N_NONCES 5000

static int nonce_order(const void *a, const void *b)
{
	return memcmp(a, b, 12);
}

/* One nonce used twice under a DEK gives both texts away (SP 800-38D section 8). */
static void block_seal_never_repeats_a_nonce(void **state)
{
	static uint8_t nonces[N_NONCES][12];
	struct fix *f = *state;
	struct block_ctx *other = NULL;

	assert_int_equal(block_ctx_new(&other), 0);
	assert_int_equal(block_ctx_load(other, f->dek, f->file_id), 0);
	for (size_t i = 0; i < N_NONCES; i++) {
		assert_int_equal(block_seal(i % 2 ? other : f->ctx, 1, final(1), f->text, f->block),
				 0);
		memcpy(nonces[i], f->block, 12);
		assert_false(bytes_are_zero(f->block, 12));
	}
	qsort(nonces, N_NONCES, 12, nonce_order);
	for (size_t i = 1; i < N_NONCES; i++)
		assert_memory_not_equal(nonces[i - 1], nonces[i], 12);
	block_ctx_free(other);
}

/* After a fork both processes hold the same drawn-ahead bytes; the child must drop them. */
static void block_seal_draws_other_nonces_in_a_forked_child(void **state)
{
	struct fix *f = *state;
	uint8_t child[12];
	int fds[2], status;
	pid_t pid;

	seal(f, 1, final(1)); /* fills the pool */
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		int r = block_seal(f->ctx, 1, final(1), f->text, f->block);

		_exit(r == 0 && write(fds[1], f->block, 12) == 12 ? 0 : 1);
	}
	assert_true(pid > 0);
	seal(f, 1, final(1));
	assert_int_equal(read(fds[0], child, 12), 12);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_memory_not_equal(child, f->block, 12);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void *seal_often(void *arg)
{
	struct fix *f = arg;
	struct block_ctx *ctx = NULL;
	uint8_t block[BLOCK_LEN], out[BLOCK_CAP];
	struct block_meta meta;
	void *bad = NULL;

	if (block_ctx_new(&ctx) < 0)
		return arg;
	for (uint32_t i = 0; i < 200 && !bad; i++) {
		if (block_ctx_load(ctx, f->dek, f->file_id) < 0 ||
		    block_seal(ctx, i, final(i), f->text, block) < 0 ||
		    block_open(ctx, i, block, out, &meta) < 0 || memcmp(out, f->text, i) != 0)
			bad = arg;
		block_ctx_forget(ctx);
	}
	block_ctx_free(ctx);
	return bad;
}

/* Threads that serve one file share its DEK and nothing else. */
static void blocks_seal_in_threads_at_once(void **state)
{
	pthread_t threads[4];
	void *bad;

	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, seal_often, *state), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		assert_int_equal(pthread_join(threads[i], &bad), 0);
		assert_null(bad);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(gcm_seals_as_nist_cavp_says),
		T(gcm_opens_and_refuses_as_nist_cavp_says),
		T(block_bytes_match_golden),
		T(block_opens_what_it_sealed_at_every_length),
		T(block_seal_takes_no_input_for_nothing),
		T(block_seal_leaves_the_header_alone),
		T(block_seal_hides_text_and_padding),
		T(block_ctx_without_a_key_refuses),
		T(block_seals_and_opens_in_turn),
		T(block_seal_never_repeats_a_nonce),
		T(block_seal_draws_other_nonces_in_a_forked_child),
		T(blocks_seal_in_threads_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
