/* tests/unit/test_block.c - one 4 KiB block: vectors, golden bytes, and every way it must not open.
 */
#include "crypto_test.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/block_internal.h"

#define BLOCK_HEAD_LEN BLOCK_OVERHEAD /* nonce, tag, meta */

struct fix {
	struct wrap_key *kek;
	struct dek *dek;
	struct block_ctx *ctx; /* loaded with dek */
	uint8_t file_id[FILE_ID_LEN];
	uint8_t text[BLOCK_CAP];
	uint8_t block[BLOCK_LEN], out[BLOCK_CAP];
};

/* golden.py's plaintext */
static void fill_text(uint8_t text[static BLOCK_CAP])
{
	for (size_t i = 0; i < BLOCK_CAP; i++)
		text[i] = (uint8_t)(7 * i + 3);
}

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	struct header hdr = fixed_header();

	if (!f)
		return -1;
	f->kek = key_of(0x40, KDF_DEP_DEK_WRAP);
	f->dek = fixed_dek(f->kek, &hdr);
	memcpy(f->file_id, hdr.file_id, FILE_ID_LEN);
	fill_text(f->text);
	assert_int_equal(block_ctx_new(&f->ctx), 0);
	*state = f;
	return block_ctx_load(f->ctx, f->dek, f->file_id);
}

static int teardown(void **state)
{
	struct fix *f = *state;

	block_ctx_free(f->ctx);
	dek_free(f->dek);
	wrap_key_put(f->kek);
	free(f);
	return 0;
}

static struct block_meta full(uint32_t block_no)
{
	return (struct block_meta){(uint16_t)block_cap(block_no), false};
}

static struct block_meta final(size_t used)
{
	return (struct block_meta){(uint16_t)used, true};
}

/* Where a block's own bytes start: behind the header in block 0. */
static uint8_t *head_of(uint8_t *block, uint32_t block_no)
{
	return block + (block_no == 0 ? HEADER_LEN : 0);
}

static void seal(struct fix *f, uint32_t block_no, struct block_meta meta)
{
	assert_int_equal(block_seal(f->ctx, block_no, meta, f->text, f->block), 0);
}

static void assert_opens(struct fix *f, uint32_t block_no, struct block_meta want)
{
	struct block_meta meta = {0};
	size_t cap = block_cap(block_no);

	memset(f->out, 0xee, sizeof(f->out));
	assert_int_equal(block_open(f->ctx, block_no, f->block, f->out, &meta), 0);
	assert_int_equal(meta.used, want.used);
	assert_int_equal(meta.final, want.final);
	assert_memory_equal(f->out, f->text, want.used);
	assert_true(bytes_are_zero(f->out + want.used, cap - want.used));
}

/* Refused, meta untouched, and no byte of unverified plaintext in the output. */
static void assert_refused(struct fix *f, uint32_t block_no)
{
	struct block_meta meta = {4242, true};

	memset(f->out, 0xee, sizeof(f->out));
	assert_int_equal(block_open(f->ctx, block_no, f->block, f->out, &meta), -EBADMSG);
	assert_int_equal(meta.used, 4242);
	assert_true(bytes_are_zero(f->out, block_cap(block_no)));
}

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

/* A block built by hand from its parts: the tool for golden bytes and for forgeries. */
static void build(struct fix *f, uint32_t block_no, const uint8_t meta[static 4])
{
	uint8_t *at = head_of(f->block, block_no), aad[24];
	struct wbuf b = wbuf_to(aad, sizeof(aad));

	wbuf_bytes(&b, f->file_id, FILE_ID_LEN);
	wbuf_u32(&b, block_no);
	wbuf_bytes(&b, meta, 4);
	assert_true(wbuf_done(&b));
	ascending(0xe0, at, 12);
	memcpy(at + 28, meta, 4);
	assert_int_equal(gcm_seal_with_nonce(f->ctx, at, (struct gcm_aad){aad, sizeof(aad)},
					     f->text, block_cap(block_no), at + 32, at + 12),
			 0);
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

static void block_refuses_every_flipped_bit(void **state)
{
	static const uint32_t block_nos[] = {0, 9};
	struct fix *f = *state;

	for (size_t n = 0; n < COUNT_OF(block_nos); n++) {
		size_t from = block_nos[n] == 0 ? HEADER_LEN : 0;

		seal(f, block_nos[n], final(1234));
		for (size_t i = 8 * from; i < 8 * BLOCK_LEN; i++) {
			/* Every bit of the head, one of each byte of the text. */
			if (i >= 8 * (from + BLOCK_HEAD_LEN) && i % 8 != i / 8 % 8)
				continue;
			f->block[i / 8] ^= (uint8_t)(1u << i % 8);
			assert_refused(f, block_nos[n]);
			f->block[i / 8] ^= (uint8_t)(1u << i % 8);
		}
		assert_opens(f, block_nos[n], final(1234));
	}
}

/* A torn write or a short copy leaves zeros, or an older block's end, behind the cut. */
static void block_refuses_every_cut(void **state)
{
	struct fix *f = *state;
	uint8_t whole[BLOCK_LEN], older[BLOCK_LEN];

	seal(f, 3, full(3));
	memcpy(older, f->block, BLOCK_LEN);
	seal(f, 3, full(3));
	memcpy(whole, f->block, BLOCK_LEN);
	/* Not up to the end: a few last bytes of two blocks may be equal by chance. */
	for (size_t len = 0; len < BLOCK_LEN - 8; len++) {
		memset(f->block + len, 0, BLOCK_LEN - len);
		if (len % 16 == 0 || len > BLOCK_LEN - 16)
			assert_refused(f, 3);
		memcpy(f->block + len, older + len, BLOCK_LEN - len);
		if (len > 0 && (len % 16 == 0 || len > BLOCK_LEN - 16))
			assert_refused(f, 3);
		memcpy(f->block + len, whole + len, BLOCK_LEN - len);
	}
}

/* Zeroed ciphertext is damage; whether a hole is declared is not this module's question. */
static void block_of_zeros_is_refused(void **state)
{
	struct fix *f = *state;

	memset(f->block, 0, sizeof(f->block));
	assert_refused(f, 0);
	assert_refused(f, 1);
}

static void block_moved_to_another_number_is_refused(void **state)
{
	static const uint32_t others[] = {1, 2, 4, 5 + 256, 5 + 65536, 5u + (1u << 24), 0x05000000};
	struct fix *f = *state;

	seal(f, 5, full(5));
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_refused(f, others[i]);
	assert_opens(f, 5, full(5));
}

/* Two files under one DEK do not exist, but the binding must not rest on that. */
static void block_of_another_file_id_is_refused(void **state)
{
	struct fix *f = *state;

	seal(f, 5, full(5));
	for (size_t i = 0; i < FILE_ID_LEN; i++) {
		uint8_t id[FILE_ID_LEN];

		memcpy(id, f->file_id, sizeof(id));
		id[i] ^= 1;
		assert_int_equal(block_ctx_load(f->ctx, f->dek, id), 0);
		assert_refused(f, 5);
	}
}

static void block_of_another_dek_is_refused(void **state)
{
	struct fix *f = *state;
	struct dek *other = NULL;

	seal(f, 5, full(5));
	assert_int_equal(dek_new(&other), 0);
	assert_int_equal(block_ctx_load(f->ctx, other, f->file_id), 0);
	assert_refused(f, 5);
	assert_int_equal(block_ctx_load(f->ctx, f->dek, f->file_id), 0);
	assert_opens(f, 5, full(5));
	dek_free(other);
}

static void block_seal_refuses_meta_against_the_rules(void **state)
{
	static const struct {
		uint32_t block_no;
		struct block_meta meta;
	} rows[] = {
		{0, {BLOCK0_CAP + 1, true}},  {0, {BLOCK0_CAP + 1, false}},
		{0, {BLOCK0_CAP - 1, false}}, {0, {0, false}},
		{0, {BLOCK_CAP, false}},      {1, {BLOCK_CAP + 1, true}},
		{1, {BLOCK_CAP - 1, false}},  {1, {BLOCK0_CAP, false}},
		{1, {UINT16_MAX, true}},      {1, {0, false}},
	};
	struct fix *f = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(
			block_seal(f->ctx, rows[i].block_no, rows[i].meta, f->text, f->block),
			-EINVAL);
}

/* Bytes that authenticate and still break a rule: written by a broken or later version. */
static void block_open_refuses_authentic_meta_against_the_rules(void **state)
{
	static const struct {
		uint32_t block_no;
		bool ok;
		uint8_t meta[4];
	} rows[] = {
		{1, true, {0xe0, 0x0f, 0, 0}},	{1, true, {0xe0, 0x0f, 1, 0}},
		{1, false, {0xe0, 0x0f, 2, 0}}, {1, false, {0xe0, 0x0f, 0x81, 0}},
		{1, false, {0xe0, 0x0f, 1, 1}}, {1, false, {0xe1, 0x0f, 1, 0}},
		{1, false, {0xe1, 0x0f, 0, 0}}, {1, false, {0xdf, 0x0f, 0, 0}},
		{1, false, {0xff, 0xff, 1, 0}}, {0, true, {0xe0, 0x0e, 0, 0}},
		{0, false, {0xe1, 0x0e, 1, 0}}, {0, false, {0xe0, 0x0f, 0, 0}},
	};
	struct fix *f = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint16_t used = (uint16_t)(rows[i].meta[0] | rows[i].meta[1] << 8);

		build(f, rows[i].block_no, rows[i].meta);
		if (rows[i].ok)
			assert_opens(f, rows[i].block_no,
				     (struct block_meta){used, rows[i].meta[2] & 1});
		else
			assert_refused(f, rows[i].block_no);
	}
}

/* Bytes behind the end would be a channel that no reader of the plaintext sees. */
static void block_open_refuses_authentic_nonzero_padding(void **state)
{
	static const uint8_t meta[4] = {100, 0, 1, 0};
	struct fix *f = *state;

	memset(f->text + 100, 0, sizeof(f->text) - 100);
	build(f, 1, meta);
	assert_opens(f, 1, final(100));
	for (size_t at = 100; at < BLOCK_CAP; at += 61) {
		f->text[at] = 1;
		build(f, 1, meta);
		assert_refused(f, 1);
		f->text[at] = 0;
	}
	f->text[BLOCK_CAP - 1] = 1;
	build(f, 1, meta);
	assert_refused(f, 1);
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

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		T(block_refuses_every_flipped_bit),
		T(block_refuses_every_cut),
		T(block_of_zeros_is_refused),
		T(block_moved_to_another_number_is_refused),
		T(block_of_another_file_id_is_refused),
		T(block_of_another_dek_is_refused),
		T(block_seal_refuses_meta_against_the_rules),
		T(block_open_refuses_authentic_meta_against_the_rules),
		T(block_open_refuses_authentic_nonzero_padding),
		T(block_ctx_without_a_key_refuses),
		T(block_seals_and_opens_in_turn),
		T(block_seal_never_repeats_a_nonce),
		T(block_seal_draws_other_nonces_in_a_forked_child),
		T(blocks_seal_in_threads_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
